"""The language shared with connectors: who asks, what was asked, what is said back.

Values only: frozen, no behaviour beyond what can be read off their fields.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Language(StrEnum):
    """A language that answers are written in."""

    ZH = "zh"
    EN = "en"


class Script(StrEnum):
    """The characters that Chinese is written in."""

    SIMPLIFIED = "simplified"
    TRADITIONAL = "traditional"


class ReplyKind(StrEnum):
    """What a reply is, whatever its channel."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    HANDOVER = "handover"
    SOCIAL = "social"
    FORM = "form"
    NOTICE = "notice"
    LIBRARIAN = "librarian"


class Action(StrEnum):
    """What was decided about a message: the `decision` of `refdesk classify` and of REST metadata."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    ESCALATE = "escalate"
    FORM = "form"
    SOCIAL = "social"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a patron is: connector name, the platform's user id, and the room of a group or ''."""

    connector: str
    user: str
    room: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, voice message, file or place: its kind and the platform's reference to it."""

    kind: str
    reference: str
    name: str = ""


START = "start"
"""A question's `choice` when somebody has just come: they are greeted with the most asked questions."""
INTENT = "intent:"
"""A question's `choice` begins so when it names an intent, as a tapped menu does."""


@dataclass(frozen=True, slots=True)
class Opening:
    """For how long after it came, and how often, one message can be replied to, where a platform counts by message."""

    lasts: timedelta
    quota: int


@dataclass(frozen=True, slots=True)
class Question:
    """One inbound message. `id` is the platform's message id, unique within the connector; `also` are other ids under
    which the platform may bring the same message. `tap`: a touch on a menu, a follow or a scan rather than words, which
    lets some platforms be answered for a short while only. `addressed`: whether it was meant for the bot; False for what
    it only overhears in a group. `opens`: how far replies to it are taken, on channels whose Limits say `by_message`.
    `agent`: who of the platform's own desk has the asker just now, so that the bot keeps silent; '' for nobody."""

    id: str
    address: Address
    text: str
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    language: Language | None = None
    campus: str = ""
    choice: str = ""
    attachments: tuple[Attachment, ...] = ()
    tap: bool = False
    also: tuple[str, ...] = ()
    addressed: bool = True
    opens: Opening | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Overheard:
    """What a person of the library said to an asker through the platform's own desk. `id` is unique as a Question's is,
    `agent` begins with the connector's name and a colon, which no login of ours does."""

    id: str
    address: Address
    agent: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One numbered option: what the patron types (`key`), what is shown, and what it stands for."""

    key: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """A titled web address."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One outbound message. `form` names the request form, `entry` the curated entry, `ticket` the number told."""

    kind: ReplyKind
    text: str
    links: tuple[Link, ...] = ()
    choices: tuple[Choice, ...] = ()
    form: str = ""
    entry: str = ""
    language: Language = Language.ZH
    intent: str = ""
    ticket: str = ""
    action: Action | None = None
    id: int = 0

    def plain(self) -> str:
        """The reply as text alone: links and numbered choices on lines of their own."""
        lines = [self.text.rstrip()]
        lines += [f"{link.title}: {link.url}" for link in self.links]
        lines += [f"{choice.key}. {choice.title}" for choice in self.choices]
        return "\n".join(lines)


class Who(StrEnum):
    """Who a line of an exchange is from."""

    PATRON = "patron"
    BOT = "bot"
    LIBRARIAN = "librarian"


@dataclass(frozen=True, slots=True)
class Line:
    """One message of an exchange as its asker sees it; `reply` on all but the asker's own."""

    id: int
    who: Who
    text: str
    at: datetime
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an asker and the library have said, and who speaks now: bot, waiting (for a librarian) or human.

    `typing`: a librarian is writing to this asker just now. `conversation` is the number of the exchange, 0 before it began."""

    lines: tuple[Line, ...] = ()
    state: str = "bot"
    ticket: int = 0
    typing: bool = False
    conversation: int = 0
