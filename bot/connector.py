"""What a chat platform must do to take part, and the one place that loads one by name."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import connectors
from bot.errors import UnknownConnector
from bot.messages import Address, Exchange, Overheard, Question, Reply

WEB = "web"
VISITOR_COOKIE = "refdesk_visitor"


class Outcome(StrEnum):
    """Where a reply ended: shown to the asker, or kept for them."""

    DELIVERED = "delivered"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel takes: bytes of UTF-8 in one message, how long after a question it can still be answered, and
    whether the bot's replies go out `inline`, in the response to the question itself. A `public` channel is open to
    anybody without a platform or a token that vouches for the asker, so its askers are limited more tightly.

    `quota` is how many messages may be pushed within `window`, 0 for any number; words of the asker open it anew. A tap
    on a menu, a follow, a scan opens a window of its own, `tap_window` with `tap_quota`, and leaves the other as it is.

    With `by_message` a pushed reply hangs on one message of the asker, and the platform counts by message: each opens a
    window of its own, as its Question `opens` says; `window` and `quota` are then those of a usual one. With `unprompted`
    a reply may also go out on its own when no message takes one any more.

    `groups`: an address with a room is somebody in a group, where others read along; bot.desk.rooms has what follows from
    that. `private`: that somebody can be written to alone under the same user id, at the address without the room.
    `divides`: the platform has no other limit, but what is longer than `max_bytes` is to be pushed in parts."""

    max_bytes: int
    window: timedelta | None = None
    inline: bool = True
    public: bool = False
    quota: int = 0
    tap_window: timedelta | None = None
    tap_quota: int = 0
    by_message: bool = False
    unprompted: bool = False
    groups: bool = False
    private: bool = False
    divides: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply, or a part of a long one that fits the channel, on its way to one asker. `key` never changes between
    tries; use it against duplicates. With `more` the rest waits for the asker to write: say so.

    On channels that count by message, `hook` is the id of the message that the reply hangs on, '' when it goes out on its
    own, and `number` its number among the replies to that message, from 1: on disk before it is used, and never used for
    anything else. `again` says that it may have been used before, for this very part."""

    key: str
    address: Address
    reply: Reply
    question: str
    deadline: datetime | None
    tries: int
    more: bool = False
    hook: str = ""
    number: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """Something a platform brought that is not dealt with yet: its id there, and its body as it came."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What a connector may ask of the house.

    `ask` stores and answers one message; every failure but a full disk ends in replies, TooMuch names a limit.
    `collect` hands out replies that wait for an asker, oldest first, and marks them delivered; given the id of the
    question they are handed out with, it hands them out again when the platform repeats that question.
    `late` pushes the replies to a question which could not go out in the response to it. `leave` ends a conversation.
    `rate` notes whether an answer helped. `history` is the exchange with lines numbered above `after`.
    `listen` yields a wait: each call returns at the next change of an asker's exchange, or after so many seconds.

    For platforms that are pushed to: `remember` keeps a value under a name and `recall` has it again, '' if there is none;
    a name CONNECTOR.user.ID is an asker's, and is forgotten with their records.
    `undeliver` (connector, Delivery.key, why) takes back that a reply was delivered; False while it is still due.
    `end` closes an asker's ticket because the platform ended the conversation; given the beginning of an agent's name, only
    one that such an agent has. `judge` notes how it was rated. `overhear` stores what the platform's own agent said: that
    counts as a person's answer. `phrase` is a sentence of knowledge/phrases.yml. `leave` with a room and no user is for
    everybody in that room.

    For platforms that want to be acknowledged at once: `keep` (connector, id, body) stores what came until `done`
    (connector, id) says that it was dealt with, False when this id came before, ever; `kept` is all that was not, in order.
    `keep_page` (connector, what came, name, value) stores all of it, and a value to be remembered, in one transaction.
    `same` says that a member of a group, at an address without the room, is the person at another address.
    `pick_up` is the code under which one reply can be read on the mailbox page, '' for a reply that is not stored.
    """

    ask: Callable[[Question], Awaitable[tuple[Reply, ...]]]
    collect: Callable[..., Awaitable[tuple[Reply, ...]]]
    rate: Callable[[Address, int, bool], Awaitable[tuple[Reply, ...]]]
    history: Callable[[Address, int], Awaitable[Exchange]]
    listen: Callable[[Address], AbstractAsyncContextManager[Callable[[float], Awaitable[bool]]]]
    loopback: bool
    remember: Callable[[str, str], Awaitable[None]]
    recall: Callable[[str], Awaitable[str]]
    undeliver: Callable[[str, str, str], Awaitable[bool]]
    end: Callable[..., Awaitable[None]]
    judge: Callable[[Address, bool], Awaitable[None]]
    late: Callable[[Question], Awaitable[None]]
    leave: Callable[[Address], Awaitable[None]]
    phrase: Callable[..., str]
    keep: Callable[[str, str, str], Awaitable[bool]]
    kept: Callable[[str], Awaitable[tuple[Kept, ...]]]
    done: Callable[[str, str], Awaitable[None]]
    pick_up: Callable[[Reply], Awaitable[str]]
    same: Callable[[Address, Address], Awaitable[None]]
    keep_page: Callable[[str, tuple[Kept, ...], str, str], Awaitable[None]]
    overhear: Callable[[Overheard], Awaitable[None]]


class Connector(Protocol):
    """One chat platform. The two attributes are constants of the platform; the methods are all it must do."""

    name: str
    limits: Limits

    def mount(self, app: Any, desk: Desk) -> None:
        """Add this platform's routes to the Sanic application."""

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Push one reply. Raise DeliveryFailed to be tried again, DeliveryRefused to leave it in the mailbox, HookClosed
        or NumberTaken to be tried at once with another `hook` or `number`."""


def known() -> tuple[str, ...]:
    """The connectors that are installed: one module each in the package `connectors`, beside what they share."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(connectors.__path__) if module.name != "shared"))


def offers(name: str, what: str) -> Any:
    """Something more that the connector NAME says it brings along (in its `__all__`), such as commands; None where it does
    not, or is not installed. A file of the same name is not meant."""
    if name not in known():
        return None
    module = importlib.import_module(f"connectors.{name}")
    return getattr(module, what) if what in getattr(module, "__all__", ()) else None


def load(name: str, section: Mapping[str, Any]) -> Connector | None:
    """Build the connector NAME from its settings section; None when it is switched off or its keys are not set."""
    if name not in known():
        raise UnknownConnector(name)
    build: Callable[[Mapping[str, Any]], Connector | None] = importlib.import_module(f"connectors.{name}").build
    return build(section)
