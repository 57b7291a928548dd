"""Deliveries: the outbox, what channels still allow, and what waits in a mailbox."""

from dataclasses import replace
from datetime import datetime

from bot import windows
from bot.connector import Limits
from bot.domain import DeliveryStatus, Event, EventName, Message, Parcel, Window
from bot.errors import NotFound
from bot.messages import Address, Question, Reply, Who
from bot.store import rows
from bot.store.conversations import Conversations
from bot.store.events import Events
from bot.store.hooks import Hooks
from bot.store.messages import Messages
from bot.text import pieces

_REMARK = 200


def _rest(reply: Reply, sent: int, part: int) -> Reply:
    """A reply without the parts that arrived."""
    return replace(reply, text="\n".join(parts(reply, part)[sent:]), links=(), choices=()) if sent and part else reply


def parts(reply: Reply, max_bytes: int) -> tuple[str, ...]:
    """A reply as texts that fit a channel; several leave room for a remark about the rest."""
    return pieces(reply.plain(), max_bytes, min(_REMARK, max_bytes // 4))


class Deliveries(Conversations, Messages, Hooks, Events):
    """What is on its way to askers."""

    def backlog(self) -> int:
        """How many replies wait to be delivered."""
        return int(self._rows("select count(*) as n from outbox where status = ?", DeliveryStatus.DUE.value)[0]["n"])

    def outbox_state(self) -> tuple[tuple[str, int, int], ...]:
        """For each channel, how many replies wait to be delivered, and how many of these failed before."""
        found = self._rows(
            "select m.connector, count(*) as due, sum(o.tries > 0) as failing from outbox o join messages m on m.id = o.message"
            " where o.status = ? group by m.connector order by m.connector",
            DeliveryStatus.DUE.value,
        )
        return tuple((row["connector"], row["due"], row["failing"]) for row in found)

    def due(self, now: datetime, limit: int = 50) -> tuple[Parcel, ...]:
        """Outgoing replies whose time has come, oldest first, at most so many of each channel."""
        found = self._rows(
            "select * from (select m.*, o.id as parcel, o.due_at, o.deadline, o.tries, o.sent, q.external as asked,"
            " c.connector as to_connector, c.user as to_user, c.room as to_room,"
            " row_number() over (partition by c.connector order by o.due_at, o.id) as place"
            " from outbox o join messages m on m.id = o.message join conversations c on c.id = m.conversation"
            " left join messages q on q.id = m.answers"
            " where o.status = ? and o.due_at <= ?) where place <= ? order by due_at, parcel",
            DeliveryStatus.DUE.value, rows.stamp(now), limit,
        )  # fmt: skip
        return tuple(
            Parcel(
                row["parcel"],
                rows.message_of(row),
                Address(row["to_connector"], row["to_user"], row["to_room"]),
                row["asked"] or "",
                rows.moment(row["deadline"]),
                row["tries"],
                row["sent"],
            )
            for row in found
        )

    def settle(self, parcel: int, status: DeliveryStatus, at: datetime, *, due_at: datetime | None = None, error: str = "") -> None:
        """Note how a delivery went: done, in the mailbox, or to be tried again at `due_at`."""
        if status is not DeliveryStatus.DUE:
            self._arrived("o.id = ?", parcel, status, at)
        self._db.conn.execute(
            "update outbox set status = ?, tries = tries + 1, error = ?, due_at = coalesce(?, due_at) where id = ?",
            (status.value, error, rows.stamp(due_at), parcel),
        )

    def collect(self, address: Address, asked: str = "", *, part: int = 0) -> tuple[Reply, ...]:
        """Replies that wait in an asker's mailbox, oldest first; they count as delivered from now on.

        With the id of the message that is answered with them, the same are handed out when it is asked again. Of a
        reply that was pushed in parts of `part` bytes, only the rest is handed out.
        """
        found = self._waiting("o.id, o.sent, o.status, m.id as number, m.body", address, asked)
        self._db.conn.executemany(
            "update outbox set status = ?, tries = tries + 1, error = '', handed = ? where id = ?",
            [(DeliveryStatus.DELIVERED.value, asked, row["id"]) for row in found if row["status"] == DeliveryStatus.MAILBOX.value],
        )
        return tuple(replace(_rest(rows.REPLY.validate_json(row["body"]), row["sent"], part), id=row["number"]) for row in found)

    def has_waiting(self, address: Address, asked: str = "") -> bool:
        """Whether `collect` would find anything."""
        return bool(self._waiting("1", address, asked))

    def _waiting(self, columns: str, address: Address, asked: str) -> list[rows.Row]:
        return self._rows(
            f"select {columns} from outbox o join messages m on m.id = o.message join conversations c on c.id = m.conversation"
            " where c.connector = ? and c.user = ? and c.room = ? and (o.status = ? or (o.handed = ? and o.handed != '')) order by m.id",
            address.connector, address.user, address.room, DeliveryStatus.MAILBOX.value, asked,
        )  # fmt: skip

    def pushed(self, parcel: int, conversation: int, at: datetime) -> None:
        """Note that a part of a reply was pushed to its asker, which some platforms count."""
        self._db.conn.execute("update outbox set sent = sent + 1 where id = ?", (parcel,))
        self._insert("pushes", {"conversation": conversation, "at": rows.stamp(at)})

    def window(self, conversation: int, limits: Limits, now: datetime) -> Window | None:
        """How often and until when the asker can still be written to; None on a channel that sets no limit."""
        if limits.window is None and not limits.quota:
            return None
        if limits.by_message:
            places = self.places(conversation, now)
            alone = limits.unprompted and not self.conversation_by_id(conversation).address.room
            return None if alone and not places.left else places
        sql = "select at from messages where conversation = ? and who = ? and tap = ? order by id desc limit 1"
        words, tap = (self._one(sql, conversation, Who.PATRON.value, kind) for kind in (0, 1))
        since = min(row["at"] for row in (words, tap) if row) if words or tap else ""
        pushes = self._rows("select at from pushes where conversation = ? and at >= ?", conversation, since)
        spoken, tapped = (rows.moment(row["at"] if row else None) for row in (words, tap))
        return windows.window(limits, spoken, tapped, tuple(at for row in pushes if (at := rows.moment(row["at"]))), now)

    def pick_up(self, message: int, code: str) -> str:
        """The code under which one reply can be read: the one it has, else this one."""
        self._db.conn.execute("insert into pickups (code, message) values (?, ?) on conflict do nothing", (code, message))
        row = self._one("select code from pickups where message = ?", message)
        return str(row["code"]) if row else ""

    def picked_up(self, code: str) -> Message:
        """The reply behind a pick-up code."""
        row = self._one("select message from pickups where code = ?", code)
        if row is None:
            raise NotFound("this pick-up code")
        return self.message(row["message"])

    def late(self, question: Question, now: datetime, deadline: datetime | None) -> None:
        """Hand the replies to a question to the outbox: they could not go out in the response to it."""
        self._db.conn.execute(
            "insert into outbox (message, status, due_at, deadline) select r.id, ?, ?, ? from messages r"
            " join messages q on q.id = r.answers where q.connector = ? and q.external = ? and r.id not in (select message from outbox)",
            (DeliveryStatus.DUE.value, rows.stamp(now), rows.stamp(deadline), question.address.connector, question.id),
        )

    def _arrived(self, which: str, number: int, status: DeliveryStatus, at: datetime) -> None:
        """Record, once for each, that librarians' replies that were due have reached their asker, or the mailbox."""
        found = self._rows(
            "select m.*, o.id as parcel, c.visitor, c.room, c.connector as channel, t.id as number, t.question as question_of, t.intent"
            " from outbox o join messages m on m.id = o.message join conversations c on c.id = m.conversation"
            " join tickets t on t.id = cast(json_extract(m.body, '$.ticket') as integer)"
            f" where {which} and o.status = ? and m.who = ? and not o.arrived order by o.id",
            number, DeliveryStatus.DUE.value, Who.LIBRARIAN.value,
        )  # fmt: skip
        for row in found:
            self._db.conn.execute("update outbox set arrived = 1 where id = ?", (row["parcel"],))
            self.record(
                Event(
                    EventName.DELIVERED, at, row["channel"], row["visitor"], row["question_of"], row["intent"], "", row["number"],
                    row["author"], row["language"], value=status.value, room=row["room"],
                )
            )  # fmt: skip

    def shelve(self, conversation: int, at: datetime) -> None:
        """What is due to an asker who cannot be reached any more waits in the mailbox."""
        self._arrived("m.conversation = ?", conversation, DeliveryStatus.MAILBOX, at)
        self._db.conn.execute(
            "update outbox set status = ? where status = ? and message in (select id from messages where conversation = ?)",
            (DeliveryStatus.MAILBOX.value, DeliveryStatus.DUE.value, conversation),
        )

    def undeliver(self, connector: str, parcel: int, part: int, why: str) -> bool:
        """A reply that was delivered waits in the mailbox after all, from this part on; False while it is still due."""
        mine = "id = ? and message in (select id from messages where connector = ?)"
        self._db.conn.execute(f"update outbox set sent = min(sent, ?) where {mine}", (part, parcel, connector))
        self._db.conn.execute(
            f"update outbox set status = ?, error = ? where {mine} and status != ?",
            (DeliveryStatus.MAILBOX.value, why, parcel, connector, DeliveryStatus.DUE.value),
        )
        return self._one(f"select 1 from outbox where {mine} and status = ?", parcel, connector, DeliveryStatus.DUE.value) is None

    def resend(self, address: Address, now: datetime, deadline: datetime | None) -> int:
        """What waits in an asker's mailbox is due again, oldest first, with all its tries."""
        changed = self._db.conn.execute(
            "update outbox set status = ?, due_at = ?, deadline = ?, tries = 0 where status = ? and message in (select m.id from messages m"
            " join conversations c on c.id = m.conversation where c.connector = ? and c.user = ? and c.room = ?)",
            (
                DeliveryStatus.DUE.value, rows.stamp(now), rows.stamp(deadline), DeliveryStatus.MAILBOX.value,
                address.connector, address.user, address.room,
            ),
        )  # fmt: skip
        if changed.rowcount and (conversation := self.existing_conversation(address)):
            self.changed.add(conversation.id)
        return changed.rowcount
