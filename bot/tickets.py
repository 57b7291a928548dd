"""The transition table waiting -> claimed -> answered -> closed; each step returns a new Ticket or refuses. Pure."""

from dataclasses import replace
from datetime import datetime

from bot.domain import ConversationState, Ticket, TicketStatus
from bot.errors import MoveRefused

WAITING, CLAIMED, ANSWERED, CLOSED = TicketStatus

MOVES: dict[TicketStatus, frozenset[TicketStatus]] = {
    WAITING: frozenset({CLAIMED, CLOSED}),
    CLAIMED: frozenset({WAITING, CLAIMED, ANSWERED, CLOSED}),
    ANSWERED: frozenset({WAITING, CLAIMED, ANSWERED, CLOSED}),
    CLOSED: frozenset(),
}

SPEAKER: dict[TicketStatus, ConversationState] = {
    WAITING: ConversationState.WAITING,
    CLAIMED: ConversationState.HUMAN,
    ANSWERED: ConversationState.HUMAN,
    CLOSED: ConversationState.BOT,
}


def claim(ticket: Ticket, librarian: str, now: datetime) -> Ticket:
    """Take a waiting ticket; refused when somebody else has it. Claiming one's own ticket again changes nothing."""
    if ticket.claimed_by == librarian and ticket.status in (CLAIMED, ANSWERED):
        return ticket
    if ticket.status is not WAITING:
        raise MoveRefused(f"ticket {ticket.id}", ticket.status, f"{ticket.claimed_by or 'nobody'} has it")
    return _moved(ticket, CLAIMED, claimed_by=librarian, claimed_at=now, team="")


def hand_on(ticket: Ticket, librarian: str, now: datetime) -> Ticket:
    """Pass a ticket to a colleague, who has it from now on."""
    return _moved(ticket, CLAIMED, claimed_by=librarian, claimed_at=now, team="")


def release(ticket: Ticket) -> Ticket:
    """Give a ticket back to the queue."""
    return _moved(ticket, WAITING, claimed_by="", claimed_at=None, team="")


def hand_to_team(ticket: Ticket, team: str) -> Ticket:
    """Let a ticket wait for a topic team; a waiting one only changes its team."""
    return replace(ticket if ticket.status is WAITING else release(ticket), team=team)


def answer(ticket: Ticket, librarian: str, now: datetime) -> Ticket:
    """Note a reply by the librarian who holds the ticket; the first one sets answered_at."""
    if ticket.claimed_by != librarian:
        raise MoveRefused(f"ticket {ticket.id}", ticket.status, f"{ticket.claimed_by or 'nobody'} has it; claim it first")
    return _moved(ticket, ANSWERED, answered_at=ticket.answered_at or now)


def answered_outside(ticket: Ticket, agent: str, now: datetime) -> Ticket:
    """Note a reply that was given through the platform's own desk; a ticket that nobody holds is its agent's from now on."""
    taken = claim(ticket, agent, now) if ticket.status is WAITING else ticket
    return answer(taken, taken.claimed_by, now)


def close(ticket: Ticket, now: datetime) -> Ticket:
    """End a ticket, answered or not."""
    return _moved(ticket, CLOSED, closed_at=now)


def _moved(ticket: Ticket, status: TicketStatus, **changes: object) -> Ticket:
    if status not in MOVES[ticket.status]:
        raise MoveRefused(f"ticket {ticket.id}", ticket.status, f"it cannot become {status}")
    return replace(ticket, status=status, **changes)  # type: ignore[arg-type]
