"""Canned replies, and what was answered to questions like one."""

from datetime import datetime

from bot.domain import Answered, CannedReply
from bot.errors import NotFound
from bot.messages import Who
from bot.store import rows
from bot.store.base import Base


class Canned(Base):
    """What librarians have at hand."""

    def canned(self, login: str) -> tuple[CannedReply, ...]:
        """Shared replies and those of one librarian, by code; their own before a shared one of the same code."""
        found = self._rows("select * from canned where owner in ('', ?) order by code, owner desc", login)
        return tuple(_canned(row) for row in found)

    def canned_reply(self, number: int) -> CannedReply:
        """One canned reply."""
        row = self._one("select * from canned where id = ?", number)
        if row is None:
            raise NotFound(f"canned reply {number}")
        return _canned(row)

    def save_canned(self, reply: CannedReply, author: str, at: datetime) -> None:
        """Keep a reply; one of the same owner and code is replaced."""
        self._db.conn.execute(
            "insert into canned (owner, code, title, text, author, at) values (?, ?, ?, ?, ?, ?) on conflict (owner, code) do update"
            " set title = excluded.title, text = excluded.text, author = excluded.author, at = excluded.at",
            (reply.owner, reply.code, reply.title, reply.text, author, rows.stamp(at)),
        )

    def remove_canned(self, number: int) -> None:
        """Let go of a canned reply."""
        self._db.conn.execute("delete from canned where id = ?", (number,))

    def answered(self, limit: int) -> tuple[Answered, ...]:
        """Questions that librarians answered last, each with the first reply."""
        found = self._rows(
            "select t.id, q.text as question, m.text as reply, m.author, m.at from tickets t join messages q on q.id = t.question"
            " join messages m on m.id = (select min(r.id) from messages r where r.answers = t.question and r.who = ?)"
            " where q.text != '' and m.text != '' order by t.id desc limit ?",
            Who.LIBRARIAN.value, limit,
        )  # fmt: skip
        return tuple(Answered(row["id"], row["question"], row["reply"], row["author"], rows.known(row["at"])) for row in found)

    def handed_over(self, since: datetime, limit: int) -> tuple[tuple[int, str], ...]:
        """Numbers and words of the questions that the bot had no answer to, the newest first."""
        found = self._rows(
            "select t.id, m.text from tickets t join messages m on m.id = t.question where t.opened_at >= ? and m.text != ''"
            " and t.reason in ('unsure', 'out_of_scope', 'no_entry', 'none_of_these', 'unhelpful', 'second_question', 'overdue_entry')"
            " order by t.id desc limit ?",
            rows.stamp(since), limit,
        )  # fmt: skip
        return tuple((row["id"], row["text"]) for row in found)


def _canned(row: rows.Row) -> CannedReply:
    return CannedReply(row["code"], row["title"], row["text"], row["owner"], row["id"])
