"""What the desk's templates are given: the list of tickets that stands beside everything, and one ticket."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain import Alert, Candidate, Entry, Held, Hit, Message, QueueRow, Remark, Ticket, TicketStatus, Window
from bot.pages.contexts import Frame
from bot.pages.desk.query import Query


@dataclass(frozen=True, slots=True)
class Person:
    """A colleague, as the pages name one."""

    login: str
    name: str
    online: bool = False
    typing: bool = False


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One ticket in the queue. `waited` is minutes since it was opened, `closes_in` seconds until its channel shuts, `news`
    that its asker wrote last, `lookers` who else has it open."""

    row: QueueRow
    title: str
    waited: int
    closes_in: int = 0
    news: bool = False
    lookers: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """One property that tickets can be filtered by, and its values with their names and how many tickets have them."""

    name: str
    value: str
    choices: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class HitLine:
    """A conversation in which words were found, with the words around them: before, found, after."""

    hit: Hit
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class Pane:
    """The list of tickets: what is looked at, its page, and what this librarian must know besides. `counts` is the number of
    tickets in waiting, mine and all; `names` are colleagues' names by login; `hits` stand in place of `lines` after a search;
    `stamp` is that of the tally that was shown."""

    query: Query
    counts: tuple[tuple[str, int], ...]
    filters: tuple[Filter, ...]
    names: tuple[tuple[str, str], ...]
    lines: tuple[QueueLine, ...] = ()
    total: int = 0
    pages: int = 1
    alerts: tuple[Alert, ...] = ()
    held: tuple[Held, ...] = ()
    hits: tuple[HitLine, ...] = ()
    suggestions: tuple[str, ...] = ()
    more: bool = False
    current: int = 0
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """queue.html: the list alone."""

    frame: Frame
    pane: Pane


@dataclass(frozen=True, slots=True)
class RecordPage:
    """record.html: a conversation that has no ticket, or all that one asker ever said."""

    frame: Frame
    pane: Pane
    conversation: int
    connector: str
    items: "tuple[Item, ...]"
    earlier: "tuple[EarlierLine, ...]"


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """One of the bot's candidates for a question."""

    candidate: Candidate
    title: str


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in an exchange: something said, or a remark among librarians. `pictures` are the attachments that can be shown."""

    at: datetime
    message: Message | None = None
    remark: Remark | None = None
    pictures: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """Another ticket of the same asker."""

    ticket: Ticket
    title: str


@dataclass(frozen=True, slots=True)
class FollowerLine:
    """A ticket that is answered together with this one, and what its asker said last."""

    ticket: Ticket
    connector: str
    text: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What the channel of a ticket still allows: bytes of one message (0: it is switched off), its window, seconds to its end.
    `group`: where the question was asked; it is answered in private."""

    connector: str
    most_bytes: int
    window: Window | None = None
    closes_in: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Colleagues:
    """Who could have this ticket: people and teams to pass it to, and who has it open now."""

    people: tuple[Person, ...]
    teams: tuple[str, ...]
    lookers: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class TicketPage:
    """ticket.html. `entry` is the curated answer that the bot would have given, if it has one, with `is_draft` when it was
    held back for a librarian to confirm; `fields` are those of a request form under their labels; `hidden` is how many
    earlier messages are left out, `held_for` seconds until the held reply goes out; `mine` the tickets that this one could be joined to;
    `lesson` is the question as it could teach, `topics` every intent with its name, `taught` that it was just proposed."""

    frame: Frame
    pane: Pane
    ticket: Ticket
    title: str
    question: Message
    items: tuple[Item, ...]
    candidates: tuple[CandidateLine, ...]
    entry: Entry | None
    is_draft: bool
    reach: Reach
    colleagues: Colleagues
    fields: tuple[tuple[str, str], ...] = ()
    hidden: int = 0
    held: Held | None = None
    held_for: int = 0
    earlier: tuple[EarlierLine, ...] = ()
    followers: tuple[FollowerLine, ...] = ()
    mine: tuple[EarlierLine, ...] = ()
    draft: str = ""
    error: str = ""
    stamp: str = ""
    lesson: str = ""
    topics: tuple[tuple[str, str], ...] = ()
    taught: bool = False

    @property
    def holds(self) -> bool:
        """Whether the one who looks has this ticket, open."""
        open_ = self.ticket.status in (TicketStatus.CLAIMED, TicketStatus.ANSWERED)
        return open_ and self.frame.user is not None and self.ticket.claimed_by == self.frame.user.login
