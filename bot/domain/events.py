"""What happened; every figure is a query over it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
class ClosedMonth:
    """The figures of a month (2026-11) as they were counted from the events up to `last_event`: JSON and its SHA-256."""

    month: str
    closed_at: datetime
    closed_by: str
    last_event: int
    figures: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Note:
    """An event to be recorded, before the store knows its time, visitor and number."""

    name: EventName
    intent: str = ""
    entry: str = ""
    question: int = 0
    value: str = ""
    college: str = ""
