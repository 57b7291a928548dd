"""Tickets: questions that people answer."""

from dataclasses import replace
from datetime import datetime

from bot.domain import Ticket, TicketStatus
from bot.errors import NotFound
from bot.store import rows
from bot.store.base import Base


class Tickets(Base):
    """What waits for people."""

    def open_ticket(self, ticket: Ticket) -> Ticket:
        """Store a new ticket and give it its number."""
        self.changed.add(ticket.conversation)
        number = self._insert("tickets", rows.ticket_row(ticket))
        for name, value in ticket.personal:
            self._insert("personal", {"ticket": number, "name": name, "value": value})
        return replace(ticket, id=number)

    def last_ticket(self, conversation: int, number: int = 0) -> Ticket | None:
        """The newest ticket of a conversation, or the one of this number if it belongs there."""
        sql = "select * from tickets where conversation = ? and (? = 0 or id = ?) order by id desc limit 1"
        row = self._one(sql, conversation, number, number)
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

    def followers(self, number: int) -> tuple[Ticket, ...]:
        """Open tickets that are answered together with this one."""
        found = self._rows(
            "select * from tickets where joined = ? and joined != 0 and status != ? order by id", number, TicketStatus.CLOSED.value
        )
        return tuple(rows.ticket_of(row) for row in found)

    def tickets_of(self, conversation: int) -> tuple[Ticket, ...]:
        """Every ticket of one asker in one place, newest first."""
        return tuple(
            rows.ticket_of(row) for row in self._rows("select * from tickets where conversation = ? order by id desc", conversation)
        )

    def stamp(self, ticket: Ticket) -> str:
        """Differs whenever a ticket, its exchange, its notes or what is held for it has changed."""
        said = self._rows(
            "select count(*) as n, max(m.id) as last, sum(o.status = 'due') as due, sum(o.status = 'mailbox') as shelved"
            " from messages m left join outbox o on o.message = m.id where m.conversation = ?",
            ticket.conversation,
        )[0]
        beside = self._rows(
            "select (select max(id) from notes where ticket = ?1) as note, (select max(id) from held where ticket = ?1) as held,"
            " (select group_concat(id) from tickets where joined = ?1 and joined != 0 and status != 'closed') as followers",
            ticket.id,
        )[0]
        own = (ticket.status, ticket.claimed_by, ticket.urgent, ticket.team, ticket.joined)
        return "/".join(str(value or "") for value in (*own, *said.values(), *beside.values()))

    def unanswered(self, before: datetime) -> tuple[tuple[Ticket, datetime], ...]:
        """Tickets that somebody holds while their asker waits, and since when: since the claim when nothing was replied yet,
        else since the first message after the last reply; only those from before a time."""
        found = self._rows(
            "select t.*, case t.status when 'claimed' then t.claimed_at else"
            " (select min(m.at) from messages m where m.conversation = t.conversation and m.ticket = t.id and m.who = 'patron'"
            "  and m.id > (select coalesce(max(l.id), 0) from messages l"
            "   where l.conversation = t.conversation and l.ticket = t.id and l.who = 'librarian')) end as since"
            " from tickets t where t.status in ('claimed', 'answered') and t.joined = 0 and t.reason != 'agent' and since < ?",
            rows.stamp(before),
        )
        return tuple((rows.ticket_of(row), rows.known(row["since"])) for row in found)

    def oldest_waiting(self) -> datetime | None:
        """When the ticket was opened that waits longest."""
        row = self._one("select min(opened_at) as at from tickets where status = ?", TicketStatus.WAITING.value)
        return rows.moment(row["at"]) if row else None
