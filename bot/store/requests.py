"""Requests that were filled in as forms, their personal fields, and all that is kept of one asker."""

import json
from datetime import datetime

from bot.domain import Ticket, TicketStatus
from bot.incidents import Held
from bot.messages import Reply, ReplyKind, Who
from bot.store import rows
from bot.store.tickets import Tickets

_OWN = "select id from conversations where visitor = ?"
_FORMS = "reason = 'form'"
_WORDS = "(text != '' or attachments != '[]')"


class Requests(Tickets):
    """What askers applied for, and what is known of them."""

    def personal(self, ticket: int) -> tuple[tuple[str, str], ...]:
        """The personal fields of a request, in the order of its form."""
        return tuple((row["name"], row["value"]) for row in self._rows("select * from personal where ticket = ? order by rowid", ticket))

    def open_tickets(self, visitor: str) -> tuple[Ticket, ...]:
        """An asker's questions and requests that are not closed yet, oldest first."""
        sql = f"select * from tickets where conversation in ({_OWN}) and status != ? order by id"
        return tuple(rows.ticket_of(row) for row in self._rows(sql, visitor, TicketStatus.CLOSED.value))

    def open_requests(self, visitor: str) -> tuple[Ticket, ...]:
        """Those of them that were filled in as forms."""
        return tuple(ticket for ticket in self.open_tickets(visitor) if ticket.reason == "form")

    def requests(self, start: datetime, end: datetime, form: str = "", *, limit: int = 100_000) -> tuple[Ticket, ...]:
        """Requests of all askers, opened from `start` to before `end`, newest first; without their personal fields."""
        found = self._rows(
            f"select * from tickets where {_FORMS} and opened_at >= ? and opened_at < ? and (? in ('', intent)) order by id desc limit ?",
            rows.stamp(start), rows.stamp(end), form, limit,
        )  # fmt: skip
        return tuple(rows.ticket_of(row) for row in found)

    def held(self, visitor: str) -> Held:
        """How much is stored of an asker."""
        row = self._rows(f"select count(*) as n, min(at) as since from messages where conversation in ({_OWN}) and {_WORDS}", visitor)[0]
        return Held(row["n"], rows.moment(row["since"]), len(self.open_requests(visitor)))

    def hide(self, conversation: int, values: tuple[str, ...]) -> None:
        """Cover personal values in what was said since a form was begun: they are kept in their own table, or not at all."""
        for value in values:
            covered = covered_of(value)
            for column, old, new in (
                ("text", value, covered),
                ("body", json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(covered, ensure_ascii=False)[1:-1]),
            ):
                self._db.conn.execute(
                    f"update messages set {column} = replace({column}, ?, ?) where conversation = ? and instr({column}, ?) > 0",
                    (old, new, conversation, old),
                )

    def erase(self, visitor: str) -> None:
        """Remove an asker's words, form fields, understanding and attachments everywhere; rows and events stay, so that every
        figure holds. What was still to be delivered is gone too."""
        blank = rows.REPLY.dump_json(Reply(ReplyKind.NOTICE, "")).decode()
        own = f"select id from messages where conversation in ({_OWN})"
        self._db.conn.execute(f"delete from outbox where message in ({own})", (visitor,))
        self._db.conn.execute(
            "update messages set text = '', attachments = '[]', body = case who when ? then '{}' else ? end"
            f" where conversation in ({_OWN})",
            (Who.PATRON.value, blank, visitor),
        )
        self._db.conn.execute(f"delete from personal where ticket in (select id from tickets where conversation in ({_OWN}))", (visitor,))
        self._db.conn.execute(f"update tickets set fields = '[]' where conversation in ({_OWN})", (visitor,))
        self._db.conn.execute(f"delete from incident_askers where conversation in ({_OWN})", (visitor,))

    def forget_personal(self, before: datetime) -> int:
        """Remove the personal fields of requests from before a time. Returns how many."""
        sql = "delete from personal where ticket in (select id from tickets where opened_at < ?)"
        return self._db.conn.execute(sql, (rows.stamp(before),)).rowcount


def covered_of(value: str) -> str:
    """A value with all but its last two characters covered; of an e-mail address, its first letter and its host are left."""
    name, at, host = value.partition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return "*" * max(len(value) - 2, 3) + (value[-2:] if len(value) > 4 else "")
