"""Groups: which answers they have had lately, and messages that belong to a private conversation after all."""

from datetime import datetime

from bot.store import rows
from bot.store.base import Base


class Groups(Base):
    """What was said in front of others."""

    def spoken(self, connector: str, room: str, topic: str, since: datetime) -> datetime | None:
        """When a group last had this answer; None when that was before `since`, or never."""
        row = self._one(
            "select at from spoken where connector = ? and room = ? and topic = ? and at >= ?", connector, room, topic, rows.stamp(since)
        )
        return rows.moment(row["at"]) if row else None

    def speak(self, connector: str, room: str, topic: str, at: datetime) -> None:
        """A group has this answer now."""
        self._db.conn.execute(
            "insert into spoken (connector, room, topic, at) values (?, ?, ?, ?)"
            " on conflict (connector, room, topic) do update set at = excluded.at",
            (connector, room, topic, rows.stamp(at)),
        )

    def attach(self, message: int, conversation: int, ticket: int) -> None:
        """What was said in a group belongs to an open ticket of its asker as well; the group's message stays where it is."""
        copied = self._db.conn.execute(
            "insert into messages (conversation, who, connector, text, language, at, ticket, body, attachments)"
            " select ?, who, connector, text, language, at, ?, body, attachments from messages where id = ?",
            (conversation, ticket, message),
        )
        self._db.conn.execute("insert into search (rowid, words) select ?, words from search where rowid = ?", (copied.lastrowid, message))
        self.changed.add(conversation)
