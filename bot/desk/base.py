"""What both sides of the desk share: the store, the clock, one ticket with its exchange, and how things are recorded."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from bot import tickets
from bot.answering import Answering
from bot.connector import Limits
from bot.domain import Conversation, Engine, Event, EventName, Message, Note, Ticket, Window
from bot.hours import DutyHours
from bot.limits import RateLimit
from bot.messages import Address, Language, Reply, Script
from bot.settings import Groups
from bot.store import Session, Store
from bot.text import traditional

_CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


def pick_up_code() -> str:
    """An unguessable code of letters and digits that are not mistaken for each other."""
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(16))


_STALE = timedelta(minutes=10)
"""After this an answer in a group comes out of nowhere; it waits for its asker instead."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """A ticket as a librarian opens it: the whole exchange, and the question it is about, asked in a group or in `room` ''."""

    ticket: Ticket
    conversation: Conversation
    messages: tuple[Message, ...]
    room: str = ""

    def question(self) -> Message:
        """The message that the ticket was opened for."""
        return next(message for message in self.messages if message.id == self.ticket.question)


@dataclass(frozen=True, slots=True)
class Clock:
    """Real time for what happened; `calendar` for decisions by date, which a setting may fix."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    fixed: datetime | None = None

    def calendar(self) -> datetime:
        """The time that calendar decisions go by."""
        return self.fixed or self.now()


class Base:
    """The store, the rules and the clock. Every public method of the classes above is one transaction."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        answering: Answering,
        hours: DutyHours,
        *,
        limits: Mapping[str, Limits],
        address: str,
        clock: Clock,
        secret: str = "",
        groups: Groups | None = None,
    ) -> None:
        self.store, self.engine, self.answering, self.hours = store, engine, answering, hours
        self.knowledge = answering.knowledge
        self._limits, self._address, self.clock = limits, address.rstrip("/"), clock
        self._groups = groups or Groups()
        self._uses, self._using = RateLimit(1, lambda: self.clock.now().timestamp()), threading.Lock()
        self.secret = secret or store.write(lambda s: s.fact("secret", secrets.token_hex(32))).result()

    def adopt(self, engine: Engine, answering: Answering) -> None:
        """Go on with another engine and other knowledge; what is under way ends with what it began with. The policy stays."""
        self.engine, self.answering = engine, replace(answering, policy=self.answering.policy)
        self.knowledge = answering.knowledge

    def visitor(self, address: Address) -> str:
        """The pseudonym under which an asker appears in events."""
        return hmac.new(self.secret.encode(), f"{address.connector}\0{address.user}".encode(), hashlib.sha256).hexdigest()[:16]

    def in_group(self, address: Address) -> bool:
        """Whether others read along at this address."""
        limits = self._limits.get(address.connector)
        return bool(address.room) and limits is not None and limits.groups

    def _move(self, s: Session, ticket: Ticket, name: EventName, librarian: str, value: str = "") -> Ticket:
        conversation = s.conversation_by_id(ticket.conversation)
        note = Note(name, ticket.intent, question=ticket.question, value=value)
        self._record(s, conversation, note, self.clock.now(), ticket=ticket.id, librarian=librarian)
        if conversation.ticket == ticket.id:
            s.save_conversation(replace(conversation, state=tickets.SPEAKER[ticket.status]))
        return s.save_ticket(ticket)

    def _today(self) -> date:
        """The calendar's day at the library."""
        return self.clock.calendar().astimezone(self.hours.zone).date()

    def _with_bot(self, conversation: Conversation, now: datetime) -> Conversation:
        """The bot's turn again, with nothing carried over."""
        return Conversation(
            conversation.id, conversation.address, conversation.visitor, language=conversation.language, last_at=now,
            script=conversation.script, script_asked=conversation.script_asked,
        )  # fmt: skip

    def _send(self, s: Session, conversation: Conversation, reply: Reply, now: datetime, answers: int = 0) -> Reply:
        limits = self._limits.get(conversation.address.connector)
        due = limits is not None and not limits.inline
        window = limits.window if limits else None
        if self.in_group(conversation.address):
            window = min(window or _STALE, _STALE)
        deadline = now + window if window else None
        return s.add_reply(conversation, written(conversation, reply), now, answers=answers, due=due, deadline=deadline)

    def _record(
        self, s: Session, conversation: Conversation, note: Note, now: datetime, *, ticket: int = 0, librarian: str = "", engine: str = ""
    ) -> None:
        room = conversation.address.room if self.in_group(conversation.address) else ""
        s.record(
            Event(
                note.name, now, conversation.address.connector, conversation.visitor, note.question, note.intent, note.entry, ticket,
                librarian, conversation.language or "", engine, note.value, room, note.college,
            )
        )  # fmt: skip

    def _phrase(self, name: str, language: Language | None, **values: object) -> str:
        return self.knowledge.phrase(name, language or Language.ZH, **values)

    def _window(self, s: Session, conversation: int, connector: str, now: datetime) -> Window | None:
        limits = self._limits.get(connector)
        return s.window(conversation, limits, now) if limits else None

    def _closes(self, s: Session, conversation: Conversation, now: datetime) -> datetime | None:
        window = self._window(s, conversation.id, conversation.address.connector, now)
        return window.closes_at if window else None

    def _consultation(self, s: Session, ticket: Ticket) -> Consultation:
        """A question that was asked in a group comes with what was said there up to the ticket."""
        messages, conversation = s.messages(ticket.conversation), s.conversation_by_id(ticket.conversation)
        elsewhere = s.conversation_by_id(s.message(ticket.question).conversation)
        if elsewhere.id == conversation.id:
            return Consultation(ticket, conversation, messages)
        public = tuple(message for message in s.messages(elsewhere.id) if message.at <= ticket.opened_at)
        messages = tuple(sorted((*public, *messages), key=lambda message: message.id))
        return Consultation(ticket, conversation, messages, elsewhere.address.room)


def written(conversation: Conversation, reply: Reply) -> Reply:
    """What the house says, in the characters that the asker reads; nothing that is meant for machines is touched."""
    if conversation.script is not Script.TRADITIONAL or reply.language is not Language.ZH:
        return reply
    return replace(
        reply,
        text=traditional(reply.text),
        links=tuple(replace(link, title=traditional(link.title)) for link in reply.links),
        choices=tuple(replace(choice, title=traditional(choice.title)) for choice in reply.choices),
    )
