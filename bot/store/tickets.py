"""Tickets: questions that people answer, and the queue of them."""

from dataclasses import replace
from datetime import datetime

from bot.domain import QueueRow, Ticket, TicketStatus
from bot.errors import NotFound
from bot.store import rows
from bot.store.base import Base

_QUEUE = (
    "select t.*, m.text as asked, c.connector from tickets t"
    " join messages m on m.id = t.question join conversations c on c.id = t.conversation"
)


class Tickets(Base):
    """What waits for people."""

    def open_ticket(self, ticket: Ticket) -> Ticket:
        """Store a new ticket and give it its number."""
        self.changed.add(ticket.conversation)
        number = self._insert("tickets", rows.ticket_row(ticket))
        for name, value in ticket.personal:
            self._insert("personal", {"ticket": number, "name": name, "value": value})
        return replace(ticket, id=number)

    def last_ticket(self, conversation: int) -> Ticket | None:
        """The newest ticket of a conversation."""
        row = self._one("select * from tickets where conversation = ? order by id desc limit 1", conversation)
        return rows.ticket_of(row) if row else None

    def save_ticket(self, ticket: Ticket) -> Ticket:
        """Store a ticket's new state."""
        values = rows.ticket_row(ticket)
        self._db.conn.execute(
            f"update tickets set {', '.join(f'{name} = ?' for name in values)} where id = ?", (*values.values(), ticket.id)
        )
        self.changed.add(ticket.conversation)
        return ticket

    def ticket(self, number: int) -> Ticket:
        """A ticket by its number."""
        row = self._one("select * from tickets where id = ?", number)
        if row is None:
            raise NotFound(f"ticket {number}")
        return rows.ticket_of(row)

    def ticket_by_code(self, code: str) -> Ticket:
        """A ticket by its pick-up code."""
        row = self._one("select * from tickets where code = ?", code)
        if row is None:
            raise NotFound("this pick-up code")
        return rows.ticket_of(row)

    def queue(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "", limit: int = 200) -> tuple[QueueRow, ...]:
        """Tickets with the words of their question: urgent ones first, then the oldest."""
        marks = ", ".join("?" * len(statuses))
        mine, who = (" and t.claimed_by = ?", [claimed_by]) if claimed_by else ("", [])
        found = self._rows(
            f"{_QUEUE} where t.status in ({marks}){mine} order by t.urgent desc, t.opened_at, t.id limit ?",
            *[s.value for s in statuses],
            *who,
            limit,
        )
        return tuple(QueueRow(rows.ticket_of(row), row["asked"], row["connector"]) for row in found)

    def count(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "") -> int:
        """How many tickets are in these states."""
        marks = ", ".join("?" * len(statuses))
        mine, who = (" and claimed_by = ?", [claimed_by]) if claimed_by else ("", [])
        return int(
            self._rows(f"select count(*) as n from tickets where status in ({marks}){mine}", *[s.value for s in statuses], *who)[0]["n"]
        )

    def silent_claims(self, before: datetime) -> tuple[Ticket, ...]:
        """Claimed tickets without a reply, taken before a time."""
        found = self._rows("select * from tickets where status = ? and claimed_at < ?", TicketStatus.CLAIMED.value, rows.stamp(before))
        return tuple(rows.ticket_of(row) for row in found)
