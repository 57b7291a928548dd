"""Conversations, messages, tickets, and what is on its way to askers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.understanding import Entity, Prediction
from bot.messages import Address, Attachment, Choice, Language, Reply, Script, Who


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
class Parcel:
    """An outbox row that is due: the stored message, where it must go, and how many parts of it arrived already."""

    id: int
    message: Message
    address: Address
    answers: str
    deadline: datetime | None
    tries: int
    sent: int = 0
