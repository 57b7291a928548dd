"""What bot's own rooms hand each other: frozen values, aware UTC times."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from bot.messages import Action, Address, Attachment, Choice, Language, Link, Reply, Script, Who

OUT_OF_SCOPE = "out_of_scope"


class IntentKind(StrEnum):
    """How an intent is answered; see intents/catalogue.yml."""

    FAQ = "faq"
    LOOKUP = "lookup"
    FORM = "form"
    HUMAN = "human"
    SOCIAL = "social"


class Risk(StrEnum):
    """What a wrong answer costs: a high-risk entry past its review date is no longer said."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TicketStatus(StrEnum):
    """waiting -> claimed -> answered -> closed; bot/tickets.py has the table."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    CLOSED = "closed"


class ConversationState(StrEnum):
    """Who speaks: the bot, nobody yet, or a librarian. A closed conversation is back with the bot."""

    BOT = "bot"
    WAITING = "waiting"
    HUMAN = "human"


class EventName(StrEnum):
    """What happened; every figure is a query over these.

    DELIVERED: a librarian's reply reached its asker (`value` is delivered) or waits in the mailbox (mailbox).
    LOGGED: a librarian wrote down a consultation that came by phone, at a desk or by mail, right after its ASKED.
    HELPFUL and UNHELPFUL with a ticket are about what librarians did, without one about the bot's answer.
    """

    ASKED = "asked"
    ANSWERED = "answered"
    CLARIFIED = "clarified"
    CHOSEN = "chosen"
    HANDED_OVER = "handed_over"
    HELPFUL = "helpful"
    UNHELPFUL = "unhelpful"
    CLAIMED = "claimed"
    RELEASED = "released"
    REPLIED = "replied"
    DELIVERED = "delivered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    FORM_STARTED = "form_started"
    FORM_LEFT = "form_left"
    SOCIAL = "social"
    FAILED = "failed"
    LOGGED = "logged"
    TRANSFERRED = "transferred"
    MARKED = "marked"
    JOINED = "joined"
    PARTED = "parted"


@dataclass(frozen=True, slots=True)
class Entity:
    """Something named in a message: kind is database, textbook, course, college or campus; value is canonical."""

    kind: str
    value: str
    text: str = ""
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent with its confidence, 0..1."""

    intent: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a message means: the best intent, the next best ones, what is named in it, and who says so."""

    intent: str
    confidence: float
    runners_up: tuple[Candidate, ...] = ()
    entities: tuple[Entity, ...] = ()
    engine: str = "builtin"

    def candidates(self) -> tuple[Candidate, ...]:
        """Best first, the winner included."""
        return (Candidate(self.intent, self.confidence), *self.runners_up)


class Engine(Protocol):
    """What understands: the built-in classifier, or a Rasa server."""

    def predict(self, text: str) -> Prediction:
        """What a message means. Any text is fine; raises EngineUnavailable when no answer can be had."""


@dataclass(frozen=True, slots=True)
class Part:
    """A message, or one of the questions in it, with what it was understood as. `after` are the earlier fragments included."""

    text: str
    prediction: Prediction
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One curated answer in one language, facts already filled in."""

    id: str
    intent: str
    language: Language
    title: str
    answer: str
    owner: str
    source: str
    reviewed_on: date
    review_by: date
    risk: Risk = Risk.LOW
    links: tuple[Link, ...] = ()
    campus: str = ""
    entity: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    facets: tuple[tuple[str, str], ...] = ()

    def facet(self, name: str) -> str:
        """The part of the answer about price, time, who, where, how or trouble; '' where it has none."""
        return dict(self.facets).get(name, "")

    def current(self, today: date) -> bool:
        """Whether its dates reach today."""
        return (self.valid_from or today) <= today <= (self.valid_until or today)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A question that people answer. `id` is 0 until stored; `code` opens the asker's mailbox page; `urgent`: before all others.
    `fields` are those of a request form; its `personal` ones are stored apart, and are there only where they are asked for.

    `team` is the topic team that it was passed to. `joined` is the number of the ticket that it is answered together with, 0 for none.
    `language` and `college` are the asker's, as far as they are known."""

    id: int
    conversation: int
    question: int
    intent: str
    reason: str
    status: TicketStatus
    opened_at: datetime
    code: str
    claimed_by: str = ""
    claimed_at: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    fields: tuple[tuple[str, str], ...] = ()
    personal: tuple[tuple[str, str], ...] = ()
    urgent: bool = False
    team: str = ""
    language: str = ""
    college: str = ""
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `question` is the stored id of the consultation it belongs to, `room` the group it was in,
    `college` the one that was named."""

    name: EventName
    at: datetime
    connector: str
    visitor: str
    question: int = 0
    intent: str = ""
    entry: str = ""
    ticket: int = 0
    librarian: str = ""
    language: str = ""
    engine: str = ""
    value: str = ""
    room: str = ""
    college: str = ""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A key with which another program reads figures, under the name it was given."""

    name: str
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """The figures of a month (2026-11) as they were counted from the events up to `last_event`: JSON and its SHA-256."""

    month: str
    closed_at: datetime
    closed_by: str
    last_event: int
    figures: str
    checksum: str


@dataclass(frozen=True, slots=True)
class FormProgress:
    """A request form being filled in: its name and the answers so far, in order. `offered` are the choices that were shown
    for the field that is asked for now, `refusals` how often an answer to it was refused in a row. `changing` is the one field
    that is asked for again when all are filled in."""

    form: str
    answers: tuple[tuple[str, str], ...] = ()
    question: int = 0
    offered: tuple[str, ...] = ()
    refusals: int = 0
    changing: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is remembered of one asker in one place. `options` are the numbered choices the bot offered last, `asked` the words
    they were offered for. `pending` are fragments that wait for more, '' for an opening that says nothing yet. `rating` is the
    closed ticket whose asker was asked whether they are satisfied, and may say so until `rating_until`. `script` follows the
    asker's own characters unless it was `script_asked` for."""

    id: int
    address: Address
    visitor: str
    state: ConversationState = ConversationState.BOT
    language: Language | None = None
    intent: str = ""
    entry: str = ""
    entities: tuple[Entity, ...] = ()
    facets_shown: tuple[str, ...] = ()
    question: int = 0
    options: tuple[Choice, ...] = ()
    form: FormProgress | None = None
    ticket: int = 0
    last_at: datetime | None = None
    asked: str = ""
    pending: tuple[str, ...] = ()
    rating: int = 0
    rating_until: datetime | None = None
    script: Script = Script.SIMPLIFIED
    script_asked: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """A ticket to be opened: for which stored question, why, the form's fields if one was filled in, and whether it is an emergency."""

    reason: str
    intent: str = ""
    question: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    personal: tuple[tuple[str, str], ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """An event to be recorded, before the store knows its time, visitor and number."""

    name: EventName
    intent: str = ""
    entry: str = ""
    question: int = 0
    value: str = ""
    college: str = ""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a message does beside being answered: a request is withdrawn, all that was kept of the asker is erased,
    databases are reported as faulty, the asker has read the notices of these incidents and hears when they are over, or has said
    of a closed ticket, `rated`, whether they are `satisfied`."""

    withdraw: int = 0
    erase: bool = False
    faults: tuple[str, ...] = ()
    incidents: tuple[int, ...] = ()
    rated: int = 0
    satisfied: bool = False


class DraftStatus(StrEnum):
    """What became of something to be learned: AWAITING a second person, APPROVED for the next training, TAUGHT, or REFUSED."""

    AWAITING = "awaiting"
    APPROVED = "approved"
    TAUGHT = "taught"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Example:
    """Words that somebody has labelled with an intent, for a librarian to review. `source` says how: by a patron's choice among
    "did you mean" (choice), or by a librarian (librarian), the `author`. `id` is 0 until stored."""

    text: str
    intent: str
    source: str
    question: int = 0
    status: DraftStatus = DraftStatus.AWAITING
    id: int = 0
    at: datetime | None = None
    author: str = ""
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An answer that the bot does not have yet: a new intent with what it covers, its title and answer in both languages, examples of
    how it is asked, and the topic (file) it belongs to. `id` is 0 until stored."""

    intent: str
    topic: str
    covers: str
    titles: tuple[str, str]
    answers: tuple[str, str]
    examples: tuple[str, ...]
    author: str
    source: str = ""
    question: int = 0
    status: DraftStatus = DraftStatus.AWAITING
    id: int = 0
    at: datetime | None = None
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A reply kept ready: called up by `code`, of one `owner` or shared (''). `{{section.key}}` are facts of library.yml, `{ticket}`
    and `{me}` the ticket's number and the librarian's name."""

    code: str
    title: str
    text: str
    owner: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that a librarian has answered, with the first reply."""

    ticket: int
    question: str
    reply: str
    librarian: str
    at: datetime


class GenerationState(StrEnum):
    """How a training ended: LIVE, REFUSED for a reason, or UNDONE afterwards."""

    LIVE = "live"
    REFUSED = "refused"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Change:
    """A message of the golden set about which the new model acts otherwise; acts are an action and an intent."""

    text: str
    label: str
    before: str
    after: str
    better: bool


@dataclass(frozen=True, slots=True)
class Generation:
    """One training: what came in, how the golden set changed, which files were written. `reasons` say why it was refused."""

    id: int
    at: datetime
    librarian: str
    state: GenerationState
    examples: int = 0
    entries: int = 0
    golden: int = 0
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one message: what to say, what to remember, whom to ask, what to record."""

    action: Action
    replies: tuple[Reply, ...]
    conversation: Conversation
    handover: Handover | None = None
    notes: tuple[Note, ...] = ()
    prediction: Prediction | None = None
    new_question: bool = False
    examples: tuple[Example, ...] = ()
    effects: Effects = Effects()


class DeliveryStatus(StrEnum):
    """Where an outgoing reply stands. INLINE went out in the response to the question itself."""

    INLINE = "inline"
    DUE = "due"
    DELIVERED = "delivered"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class Message:
    """One stored message of a conversation. `reply` is set on outgoing, `prediction` on a patron's messages."""

    id: int
    conversation: int
    who: Who
    text: str
    at: datetime
    author: str = ""
    ticket: int = 0
    reply: Reply | None = None
    prediction: Prediction | None = None
    delivery: DeliveryStatus = DeliveryStatus.INLINE
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """How often (None: as often as wanted) and until when an asker can still be written to on their channel."""

    left: int | None
    closes_at: datetime | None


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


class Role(StrEnum):
    """What a signed-in person may do."""

    LIBRARIAN = "librarian"
    MANAGER = "manager"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Librarian:
    """Somebody who signs in. `password` is an argon2 hash or ''; `totp` the base32 secret of a second factor or '';
    `totp_used` the time step of the last code, so that none works twice. Who is `disabled` cannot sign in."""

    login: str
    name: str
    role: Role
    password: str = ""
    failures: int = 0
    locked_until: datetime | None = None
    totp: str = ""
    totp_used: int = 0
    email: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where: the login ('' before one is known), the network address and the browser."""

    login: str = ""
    address: str = ""
    agent: str = ""


NOBODY = Actor()
"""Whoever works at the command line."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One browser that is signed in. `id` names it without being able to open it."""

    id: str
    login: str
    begun_at: datetime
    seen_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Block:
    """An asker who is shut out `until` a time: the pseudonym they have in events, why, by whom, and for which ticket."""

    id: int
    visitor: str
    connector: str
    begun_at: datetime
    until: datetime
    reason: str
    librarian: str
    ticket: int


class Deed(StrEnum):
    """What the audit log keeps."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"
    INVITED = "invited"
    PASSWORD_SET = "password_set"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    EXPORTED = "exported"
    DELETED = "deleted"
    EDITED = "edited"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom or what, when, from where. Append-only."""

    at: datetime
    who: str
    deed: Deed
    target: str = ""
    address: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An outbox row that is due: the stored message, where it must go, and how many parts of it arrived already."""

    id: int
    message: Message
    address: Address
    answers: str
    deadline: datetime | None
    tries: int
    sent: int = 0
