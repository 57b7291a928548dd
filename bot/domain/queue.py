"""What librarians see of tickets: the queue, what was found, remarks, alerts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.consultations import Ticket, TicketStatus, Window
from bot.messages import Who


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A ticket as the queue shows it: with the words of its question and the channel it came by.

    `last_who` and `last_at` are of the newest message in it, `followers` how many tickets are answered together with it."""

    ticket: Ticket
    text: str
    connector: str
    window: Window | None = None
    last_who: Who | None = None
    last_at: datetime | None = None
    followers: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tickets a queue shows. `holder` and `teams`: only what this librarian holds or what waits for these teams."""

    statuses: tuple[TicketStatus, ...]
    holder: str = ""
    teams: tuple[str, ...] = ()
    channel: str = ""
    topic: str = ""
    college: str = ""
    language: str = ""
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """How a channel's window closes, for sorting: seconds after the asker's last words, how many pushes, or by message."""

    connector: str
    lasts: float
    quota: int
    by_message: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """Open tickets at a glance. `mine` counts those of each holder, `teams` those that wait for each team; `stamp` differs
    whenever anything about a ticket has changed; `newest` is the ticket that came last, 0 before the first."""

    waiting: int
    open: int
    mine: tuple[tuple[str, int], ...]
    teams: tuple[tuple[str, int], ...]
    urgent: int
    newest: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation in which words were found: the message that has them, and its ticket, 0 when it has none."""

    conversation: int
    message: int
    ticket: int
    who: Who
    text: str
    at: datetime
    connector: str
    status: TicketStatus | None = None


class NoteKind(StrEnum):
    """Why something stands beside a ticket that its asker never sees."""

    NOTE = "note"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    RETURNED = "returned"
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class Remark:
    """A librarian's internal note, or what happened to the ticket among librarians. Never sent to an asker."""

    id: int
    ticket: int
    kind: NoteKind
    author: str
    text: str
    at: datetime


class AlertKind(StrEnum):
    """What a librarian is told about one of their tickets."""

    RETURNED = "returned"
    TRANSFERRED = "transferred"
    TEAM = "team"
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that one librarian must hear of: about which ticket, and who did it."""

    id: int
    librarian: str
    ticket: int
    kind: AlertKind
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A reply that can still be taken back: it is sent, and with `closing` the ticket closed, at `due_at`."""

    id: int
    ticket: int
    author: str
    text: str
    closing: bool
    due_at: datetime


@dataclass(frozen=True, slots=True)
class GroupRow:
    """What a group has asked within some time: how many questions and requests, the last one `last_at`."""

    connector: str
    room: str
    questions: int
    requests: int
    last_at: datetime
