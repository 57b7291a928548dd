"""What librarians tell each other about tickets: notes, alerts, and replies that can still be taken back."""

from datetime import datetime

from bot.domain import Alert, AlertKind, Held, NoteKind, Remark
from bot.store import rows
from bot.store.base import Base


class Remarks(Base):
    """What an asker never sees."""

    def add_remark(self, ticket: int, kind: NoteKind, author: str, text: str, at: datetime) -> int:
        """Store an internal note."""
        return self._insert("notes", {"ticket": ticket, "kind": kind.value, "author": author, "text": text, "at": rows.stamp(at)})

    def remarks(self, ticket: int) -> tuple[Remark, ...]:
        """The notes of a ticket, in order."""
        found = self._rows("select * from notes where ticket = ? order by id", ticket)
        return tuple(
            Remark(row["id"], row["ticket"], NoteKind(row["kind"]), row["author"], row["text"], rows.known(row["at"])) for row in found
        )

    def add_alert(self, librarian: str, ticket: int, kind: AlertKind, who: str, at: datetime) -> None:
        """Tell a librarian something about a ticket."""
        self._insert("alerts", {"librarian": librarian, "ticket": ticket, "kind": kind.value, "who": who, "at": rows.stamp(at)})

    def alerts(self, librarian: str) -> tuple[Alert, ...]:
        """What this librarian was told and has not seen, oldest first."""
        found = self._rows("select * from alerts where librarian = ? and seen_at is null order by id", librarian)
        return tuple(
            Alert(row["id"], row["librarian"], row["ticket"], AlertKind(row["kind"]), row["who"], rows.known(row["at"])) for row in found
        )

    def see_alerts(self, librarian: str, at: datetime, ticket: int = 0) -> int:
        """This librarian has seen what they were told, about one ticket or (0) about all. Returns how many that were."""
        sql = "update alerts set seen_at = ? where librarian = ? and seen_at is null and ? in (0, ticket)"
        return self._db.conn.execute(sql, (rows.stamp(at), librarian, ticket)).rowcount

    def hold(self, ticket: int, author: str, text: str, closing: bool, due_at: datetime) -> Held:
        """Keep a reply that is not sent yet."""
        values = {"ticket": ticket, "author": author, "text": text, "closing": int(closing), "due_at": rows.stamp(due_at)}
        return Held(self._insert("held", values), ticket, author, text, closing, due_at)

    def held(self, ticket: int) -> Held | None:
        """The reply of a ticket that can still be taken back."""
        row = self._one("select * from held where ticket = ?", ticket)
        return _held(row) if row else None

    def held_by(self, author: str) -> tuple[Held, ...]:
        """Everything that this librarian can still take back."""
        return tuple(_held(row) for row in self._rows("select * from held where author = ? order by id", author))

    def held_due(self, now: datetime) -> tuple[Held, ...]:
        """Replies whose time has come, oldest first."""
        return tuple(_held(row) for row in self._rows("select * from held where due_at <= ? order by id", rows.stamp(now)))

    def let_go(self, held: Held) -> None:
        """A kept reply is sent, or taken back."""
        self._db.conn.execute("delete from held where id = ?", (held.id,))


def _held(row: rows.Row) -> Held:
    return Held(row["id"], row["ticket"], row["author"], row["text"], bool(row["closing"]), rows.known(row["due_at"]))
