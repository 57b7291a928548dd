"""What each template is given: one frozen dataclass a template, so that a page cannot show what its handler did not fill in."""

from dataclasses import dataclass
from datetime import date

from bot.autonomy import Doubt, Mode, Standing
from bot.desk import Status
from bot.domain import (
    AuditEntry,
    Block,
    CannedReply,
    Deed,
    Entry,
    EntryDraft,
    Example,
    Generation,
    GroupRow,
    Librarian,
    LoginSession,
    Message,
    Role,
    Ticket,
)
from bot.messages import Exchange, Language
from bot.mining import Heap
from bot.roster import Duty, Roster, ShiftNote, Special
from bot.sheet import Line
from bot.teaching import Alike, Progress


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page shows: its language, who is signed in, and the token that its forms send back."""

    language: Language
    path: str
    user: Librarian | None = None
    csrf: str = ""
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class ChatPage:
    """chat.html: the patron's page."""

    frame: Frame
    exchange: Exchange
    popular: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class MailboxPage:
    """mailbox.html: one consultation behind its pick-up code."""

    frame: Frame
    ticket: Ticket
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class PickupPage:
    """pickup.html: where a pick-up code is entered."""

    frame: Frame
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class PickedPage:
    """picked.html: one reply behind its pick-up code."""

    frame: Frame
    message: Message


@dataclass(frozen=True, slots=True)
class LoginPage:
    """login.html."""

    frame: Frame
    login: str = ""
    next: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class CodePage:
    """code.html: the second factor; `half` stands for the password that was right."""

    frame: Frame
    half: str
    next: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """account.html: one's own account. `current` is this browser's session; `secret` and `picture` (a data: address of
    a QR code) are a second factor that is being set up."""

    frame: Frame
    account: Librarian
    sessions: tuple[LoginSession, ...]
    current: str
    secret: str = ""
    picture: str = ""
    done: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """people.html: all accounts. `link` is the one-time link that was just made, for `invited`."""

    frame: Frame
    accounts: tuple[Librarian, ...]
    roles: tuple[Role, ...]
    link: str = ""
    invited: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """audit.html: who did what, the newest first; `older` is the number to go on from, 0 at the end."""

    frame: Frame
    lines: tuple[AuditEntry, ...]
    deeds: tuple[Deed, ...]
    deed: str
    who: str
    older: int


@dataclass(frozen=True, slots=True)
class SetupPage:
    """setup.html: choosing a password by a one-time link."""

    frame: Frame
    login: str
    token: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class IntentLine:
    """One intent. `helpful` and `unhelpful` are the verdicts on its answers up to now."""

    standing: Standing
    title: str
    helpful: int
    unhelpful: int


@dataclass(frozen=True, slots=True)
class IntentsPage:
    """intents.html: how far the bot goes alone. Modes are those in force since the server's start; `counts` are intents by mode."""

    frame: Frame
    bar: float
    doubts: tuple[Doubt, ...]
    counts: tuple[tuple[Mode, int], ...]
    lines: tuple[IntentLine, ...]


@dataclass(frozen=True, slots=True)
class StatusPage:
    """status.html: what is out of order. `topics` and `databases` are what an incident can concern; `typed` is a form that was
    refused, by field."""

    frame: Frame
    status: Status
    topics: tuple[tuple[str, str], ...]
    databases: tuple[str, ...]
    may_edit: bool
    told: int = -1
    typed: tuple[tuple[str, str], ...] = ()
    error: str = ""

    def was(self, name: str) -> str:
        """What was typed into a field before it was refused."""
        return dict(self.typed).get(name, "")


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """requests.html: requests of a period as a table; `forms` are the ids and titles of all forms, `query` is this page's own."""

    frame: Frame
    start: str
    end: str
    form: str
    forms: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    query: str
    may_uncover: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class NoticePage:
    """notice.html: an error or a short message, as a page."""

    frame: Frame
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the HTTP interface."""

    method: str
    path: str
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class DocsPage:
    """docs.html: the HTTP interface as a page."""

    frame: Frame
    version: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """answer.html: one curated answer, for everybody."""

    frame: Frame
    entry: Entry


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group that asks the bot."""

    row: GroupRow
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request that was made in a group; `fields` are the form's, under their labels, without those that are personal."""

    ticket: Ticket
    title: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """groups.html: what groups ask; topics and requests are those of the chosen one. `address` is the page without a format."""

    frame: Frame
    days: int
    spans: tuple[int, ...]
    groups: tuple[GroupLine, ...]
    name: str
    topics: tuple[tuple[str, int], ...]
    requests: tuple[RequestLine, ...]
    address: str


@dataclass(frozen=True, slots=True)
class RosterDay:
    """One day of the roster: who is there, whether the calendar closes it, and what is special about it."""

    day: date
    people: tuple[Duty, ...]
    open: bool
    specials: tuple[Special, ...]


@dataclass(frozen=True, slots=True)
class RosterPage:
    """roster.html. `names` are people by login; `usual` the hours of the settings, which hold where the roster says nothing."""

    frame: Frame
    weeks: tuple[tuple[RosterDay, ...], ...]
    today: date
    roster: Roster
    names: tuple[tuple[str, str], ...]
    may_edit: bool
    usual: tuple[str, ...]
    note: ShiftNote | None
    error: str = ""

    def name(self, login: str) -> str:
        """How colleagues see somebody."""
        return dict(self.names).get(login, login)


@dataclass(frozen=True, slots=True)
class LogbookPage:
    """logbook.html: writing down a consultation. `topics` are intents with titles, `often` those that get a button; the rest is
    what was typed and, after it was stored, the channel it was `done` for."""

    frame: Frame
    channels: tuple[str, ...]
    topics: tuple[tuple[str, str], ...]
    often: tuple[str, ...]
    now: str
    channel: str = ""
    topic: str = ""
    text: str = ""
    at: str = ""
    done: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """An example that waits for review, and what is known already that looks like it."""

    example: Example
    alike: tuple[Alike, ...]


@dataclass(frozen=True, slots=True)
class TeachPage:
    """teach.html: what waits for a second person, how many things wait for the next training, and how trainings ended. `topics` are
    intents with their names; `may_review` whether this person is one who reviews."""

    frame: Frame
    examples: tuple[ExampleLine, ...]
    entries: tuple[EntryDraft, ...]
    approved: int
    generations: tuple[Generation, ...]
    progress: Progress | None
    topics: tuple[tuple[str, str], ...]
    may_review: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class DraftPage:
    """draft.html: an answer that the bot does not have yet. `typed` is what the fields hold, by name."""

    frame: Frame
    files: tuple[str, ...]
    ticket: int
    typed: tuple[tuple[str, str], ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class CannedPage:
    """canned.html: replies kept ready. `may_share` whether this person may change the shared ones; `typed` is what was refused."""

    frame: Frame
    replies: tuple[CannedReply, ...]
    may_share: bool
    typed: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class MiningPage:
    """mining.html: what the bot could not answer in the last `days`, in heaps."""

    frame: Frame
    days: int
    periods: tuple[int, ...]
    heaps: tuple[Heap, ...]
    topics: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BlocksPage:
    """blocks.html: who is shut out now, and until when."""

    frame: Frame
    blocks: tuple[Block, ...]
