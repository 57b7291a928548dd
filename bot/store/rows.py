"""Rows to central types and back. Times are stored as ISO 8601 in UTC, so that text order is time order."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from bot.domain import (
    ApiToken,
    AuditEntry,
    ClosedMonth,
    Conversation,
    Deed,
    DeliveryStatus,
    Event,
    EventName,
    Librarian,
    LoginSession,
    Message,
    Prediction,
    Role,
    Ticket,
    TicketStatus,
)
from bot.messages import Attachment, Reply, Who

Row = dict[str, Any]

CONVERSATION = TypeAdapter(Conversation)
REPLY = TypeAdapter(Reply)
PREDICTION = TypeAdapter(Prediction)
ATTACHMENTS = TypeAdapter(tuple[Attachment, ...])


def stamp(at: datetime | None) -> str | None:
    """A time as it is stored."""
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None


def moment(text: str | None) -> datetime | None:
    """A stored time."""
    return datetime.fromisoformat(text) if text else None


def known(text: str) -> datetime:
    """A stored time that is never missing."""
    return datetime.fromisoformat(text)


def conversation_of(row: Row) -> Conversation:
    """A conversation; its memory is one JSON text."""
    return CONVERSATION.validate_json(row["memory"])


def message_of(row: Row) -> Message:
    """A message, with its delivery if the query joined the outbox."""
    who = Who(row["who"])
    own = who is not Who.PATRON
    return Message(
        id=row["id"],
        conversation=row["conversation"],
        who=who,
        text=row["text"],
        at=known(row["at"]),
        author=row["author"],
        ticket=row["ticket"],
        reply=REPLY.validate_json(row["body"]) if own else None,
        prediction=PREDICTION.validate_json(row["body"]) if not own and row["body"] != "{}" else None,
        delivery=DeliveryStatus(row.get("delivery") or DeliveryStatus.INLINE),
        attachments=ATTACHMENTS.validate_json(row["attachments"]),
    )


def ticket_of(row: Row) -> Ticket:
    """A ticket."""
    return Ticket(
        id=row["id"],
        conversation=row["conversation"],
        question=row["question"],
        intent=row["intent"],
        reason=row["reason"],
        status=TicketStatus(row["status"]),
        opened_at=known(row["opened_at"]),
        code=row["code"],
        claimed_by=row["claimed_by"],
        claimed_at=moment(row["claimed_at"]),
        answered_at=moment(row["answered_at"]),
        closed_at=moment(row["closed_at"]),
        fields=tuple((name, value) for name, value in json.loads(row["fields"])),
        urgent=bool(row["urgent"]),
        team=row["team"],
        language=row["language"],
        college=row["college"],
        joined=row["joined"],
    )


def ticket_row(ticket: Ticket) -> Row:
    """The columns of a ticket, without its number."""
    return {
        "conversation": ticket.conversation,
        "question": ticket.question,
        "intent": ticket.intent,
        "reason": ticket.reason,
        "status": ticket.status.value,
        "opened_at": stamp(ticket.opened_at),
        "code": ticket.code,
        "claimed_by": ticket.claimed_by,
        "claimed_at": stamp(ticket.claimed_at),
        "answered_at": stamp(ticket.answered_at),
        "closed_at": stamp(ticket.closed_at),
        "fields": json.dumps(ticket.fields, ensure_ascii=False),
        "urgent": int(ticket.urgent),
        "team": ticket.team,
        "language": ticket.language,
        "college": ticket.college,
        "joined": ticket.joined,
    }


def event_of(row: Row) -> Event:
    """An event."""
    values = {name: row[name] for name in Event.__slots__ if name not in ("name", "at")}
    return Event(EventName(row["name"]), known(row["at"]), **values)


def token_of(row: Row) -> ApiToken:
    """A key of another program."""
    return ApiToken(row["name"], known(row["created_at"]), moment(row["used_at"]), moment(row["revoked_at"]))


def month_of(row: Row) -> ClosedMonth:
    """A closed month."""
    return ClosedMonth(row["month"], known(row["closed_at"]), row["closed_by"], row["last_event"], row["figures"], row["checksum"])


def event_row(event: Event) -> Row:
    """The columns of an event."""
    values = {name: getattr(event, name) for name in Event.__slots__}
    return {**values, "name": event.name.value, "at": stamp(event.at)}


def librarian_of(row: Row) -> Librarian:
    """An account."""
    return Librarian(
        row["login"], row["name"], Role(row["role"]), row["password"], row["failures"], moment(row["locked_until"]),
        row["totp"], row["totp_used"], row["email"], bool(row["disabled"]),
    )  # fmt: skip


def login_session_of(row: Row) -> LoginSession:
    """A browser that is signed in."""
    begun, seen = moment(row["begun_at"]), moment(row["seen_at"])
    assert begun
    assert seen
    return LoginSession(row["digest"], row["login"], begun, seen, row["address"], row["agent"])


def audit_of(row: Row) -> AuditEntry:
    """A line of the audit log."""
    at = moment(row["at"])
    assert at
    return AuditEntry(at, row["who"], Deed(row["deed"]), row["target"], row["address"], row["detail"])
