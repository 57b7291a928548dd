"""Requests that were filled in as forms, their personal fields, and all that is kept of one asker."""

import json
from datetime import datetime

from bot.domain import Ticket, TicketStatus
from bot.incidents import Held
from bot.messages import Reply, ReplyKind, Who
from bot.sheet import covered_of
from bot.store import rows
from bot.store.tickets import Tickets
from bot.text import spaced

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

    def stored_of(self, visitor: str) -> Held:
        """How much is stored of an asker."""
        row = self._rows(f"select count(*) as n, min(at) as since from messages where conversation in ({_OWN}) and {_WORDS}", visitor)[0]
        return Held(row["n"], rows.moment(row["since"]), len(self.open_requests(visitor)))

    def hide(self, conversation: int, values: tuple[str, ...]) -> None:
        """Cover personal values in what was said since a form was begun: they are kept in their own table, or not at all."""
        for value in values:
            covered = covered_of(value)
            found = self._rows("select id, text from messages where conversation = ? and instr(text, ?) > 0", conversation, value)
            for row in found:
                text = row["text"].replace(value, covered)
                self._db.conn.execute("update messages set text = ? where id = ?", (text, row["id"]))
                self._db.conn.execute("update search set words = ? where rowid = ?", (spaced(text), row["id"]))
            inside, hidden = (json.dumps(each, ensure_ascii=False)[1:-1] for each in (value, covered))
            sql = "update messages set body = replace(body, ?, ?) where conversation = ? and instr(body, ?) > 0"
            self._db.conn.execute(sql, (inside, hidden, conversation, inside))
        self._merge_search()

    def erase(self, visitor: str, *, but: int) -> None:
        """Remove an asker's words, form fields, understanding and attachments everywhere, except the message (`but`) that asked for
        it; rows and events stay, so that every figure holds. What was still to be delivered is gone too."""
        blank = rows.REPLY.dump_json(Reply(ReplyKind.NOTICE, "")).decode()
        own = f"select id from messages where conversation in ({_OWN})"
        self._db.conn.execute(f"delete from outbox where message in ({own})", (visitor,))
        self._db.conn.execute(
            "update messages set text = '', attachments = '[]', body = case who when ? then '{}' else ? end"
            f" where conversation in ({_OWN}) and id != ?",
            (Who.PATRON.value, blank, visitor, but),
        )
        self._db.conn.execute(f"delete from personal where ticket in (select id from tickets where conversation in ({_OWN}))", (visitor,))
        self._db.conn.execute(f"update tickets set fields = '[]' where conversation in ({_OWN})", (visitor,))
        self._db.conn.execute(f"delete from notes where ticket in (select id from tickets where conversation in ({_OWN}))", (visitor,))
        self._db.conn.execute(f"delete from held where ticket in (select id from tickets where conversation in ({_OWN}))", (visitor,))
        self._db.conn.execute(f"delete from examples where conversation in ({_OWN})", (visitor,))
        self._db.conn.execute(f"delete from incident_askers where conversation in ({_OWN})", (visitor,))
        self._db.conn.execute(
            "delete from facts where name in (select connector || '.user.' || user from conversations where visitor = ?)", (visitor,)
        )
        self._db.conn.execute(
            "delete from links where exists (select 1 from conversations c"
            " where c.visitor = ? and c.connector = links.connector and c.user in (links.member, links.user))",
            (visitor,),
        )
        self._merge_search()

    def _merge_search(self) -> None:
        """The index lets go of removed words themselves as its segments are merged."""
        self._db.conn.execute("insert into search (search, rank) values ('merge', -500)")

    def forget_personal(self, before: datetime) -> int:
        """Remove the personal fields of requests from before a time. Returns how many."""
        sql = "delete from personal where ticket in (select id from tickets where opened_at < ?)"
        return self._db.conn.execute(sql, (rows.stamp(before),)).rowcount
