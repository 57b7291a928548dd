"""Groups: which answers they have had lately, and messages that belong to a private conversation after all."""

from datetime import datetime

from bot.domain import EventName, GroupRow, Ticket
from bot.messages import Address
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

    def groups(self, since: datetime) -> tuple[GroupRow, ...]:
        """Every group that asked anything since then, most questions first."""
        found = self._rows(
            "select connector, room, count(distinct e.question) as questions, max(at) as last,"
            " count(distinct t.id) as requests from events e"
            " left join tickets t on t.question = e.question and t.reason = 'form'"
            " where e.room != '' and e.name = ? and e.at >= ? group by connector, room order by questions desc, room",
            EventName.ASKED.value, rows.stamp(since),
        )  # fmt: skip
        return tuple(
            GroupRow(row["connector"], row["room"], row["questions"], row["requests"], datetime.fromisoformat(row["last"])) for row in found
        )

    def asked_by_group(self, connector: str, room: str, since: datetime) -> tuple[tuple[str, int], ...]:
        """The intents of a group's questions, with their numbers, most first."""
        found = self._rows(
            "select intent, count(*) as n from events where connector = ? and room = ? and room != '' and name = ? and at >= ?"
            " group by intent order by n desc, intent",
            connector, room, EventName.ASKED.value, rows.stamp(since),
        )  # fmt: skip
        return tuple((row["intent"], row["n"]) for row in found)

    def wanted_by_group(self, connector: str, room: str, since: datetime, limit: int = 500) -> tuple[Ticket, ...]:
        """The requests that were made in a group, newest first."""
        found = self._rows(
            "select t.* from tickets t join events e on e.question = t.question"
            " where e.connector = ? and e.room = ? and e.room != '' and e.name = ? and e.at >= ? and t.reason = 'form'"
            " order by t.id desc limit ?",
            connector, room, EventName.ASKED.value, rows.stamp(since), limit,
        )  # fmt: skip
        return tuple(rows.ticket_of(row) for row in found)

    def pairing(self, word: str, address: Address, now: datetime, *, until: datetime) -> None:
        """A password for somebody; their older one ends, and all whose time is over are forgotten."""
        where = "(connector = ? and user = ?) or until < ?"
        self._db.conn.execute(f"delete from pairings where {where}", (address.connector, address.user, rows.stamp(now)))
        self._insert("pairings", {"word": word, "connector": address.connector, "user": address.user, "until": rows.stamp(until)})

    def use_pairing(self, word: str, connector: str, now: datetime) -> str:
        """Whom a password was given to, once; '' when it is unknown, used or too old."""
        row = self._one("select user from pairings where word = ? and connector = ? and until > ?", word, connector, rows.stamp(now))
        self._db.conn.execute("delete from pairings where word = ?", (word,))
        return row["user"] if row else ""

    def link(self, connector: str, member: str, user: str) -> None:
        """From now on a member of a group is known to be this person."""
        self._db.conn.execute(
            "insert into links (connector, member, user) values (?, ?, ?)"
            " on conflict (connector, member) do update set user = excluded.user",
            (connector, member, user),
        )

    def linked(self, connector: str, member: str) -> str:
        """Who a member of a group is in private; '' where that is not known."""
        row = self._one("select user from links where connector = ? and member = ?", connector, member)
        return row["user"] if row else ""

    def is_linked(self, connector: str, user: str) -> bool:
        """Whether this is who a member of some group is in private."""
        return self._one("select 1 from links where connector = ? and user = ?", connector, user) is not None

    def adopt(self, old: int, new: int) -> None:
        """Messages and tickets of one conversation belong to another."""
        self._db.conn.execute("update messages set conversation = ? where conversation = ?", (new, old))
        self._db.conn.execute("update tickets set conversation = ? where conversation = ?", (new, old))
        self.changed |= {old, new}
