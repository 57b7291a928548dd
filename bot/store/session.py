"""What one unit of work may do with the database."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from bot import windows
from bot.connector import Limits
from bot.domain import (
    Conversation,
    DeliveryStatus,
    Event,
    EventName,
    Librarian,
    Message,
    Parcel,
    Prediction,
    QueueRow,
    Ticket,
    TicketStatus,
    Window,
)
from bot.errors import NotFound
from bot.messages import Address, Question, Reply, ReplyKind, Who
from bot.store import rows
from bot.text import pieces

_REMARK = 200
_MESSAGES = "select m.*, o.status as delivery from messages m left join outbox o on o.message = m.id"
_QUEUE = (
    "select t.*, m.text as asked, c.connector from tickets t"
    " join messages m on m.id = t.question join conversations c on c.id = t.conversation"
)


def _rest(reply: Reply, sent: int, part: int) -> Reply:
    """A reply without the parts that arrived."""
    return replace(reply, text="\n".join(parts(reply, part)[sent:]), links=(), choices=()) if sent and part else reply


def parts(reply: Reply, max_bytes: int) -> tuple[str, ...]:
    """A reply as texts that fit a channel; several leave room for a remark about the rest."""
    return pieces(reply.plain(), max_bytes, min(_REMARK, max_bytes // 4))


class Session:
    """Reads and writes inside one transaction. `changed` collects the conversations that listeners must hear of."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self.changed: set[int] = set()

    def _rows(self, sql: str, *values: Any) -> list[rows.Row]:
        try:
            cursor = self._db.conn.execute(sql, values)
        except OverflowError:  # a number from outside, too large for SQLite, is the number of nothing
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _one(self, sql: str, *values: Any) -> rows.Row | None:
        found = self._rows(sql, *values)
        return found[0] if found else None

    def _insert(self, table: str, values: rows.Row) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        return int(self._db.conn.execute(f"insert into {table} ({names}) values ({marks})", tuple(values.values())).lastrowid or 0)

    # --- conversations ---

    def conversation(self, address: Address, visitor: str) -> Conversation:
        """The conversation at an address, begun if there is none yet."""
        found = self.existing_conversation(address)
        if found:
            return found
        new = Conversation(0, address, visitor)
        number = self._insert(
            "conversations",
            {"connector": address.connector, "user": address.user, "room": address.room, "visitor": visitor, "state": new.state.value},
        )
        return self.save_conversation(replace(new, id=number))

    def existing_conversation(self, address: Address) -> Conversation | None:
        """The conversation at an address, if one was begun."""
        row = self._one(
            "select * from conversations where connector = ? and user = ? and room = ?", address.connector, address.user, address.room
        )
        return rows.conversation_of(row) if row else None

    def conversation_by_id(self, number: int) -> Conversation:
        """A conversation by its number."""
        row = self._one("select * from conversations where id = ?", number)
        if row is None:
            raise NotFound(f"conversation {number}")
        return rows.conversation_of(row)

    def save_conversation(self, conversation: Conversation) -> Conversation:
        """Remember a conversation as it is now."""
        self._db.conn.execute(
            "update conversations set state = ?, ticket = ?, memory = ?, last_at = ? where id = ?",
            (
                conversation.state.value,
                conversation.ticket,
                rows.CONVERSATION.dump_json(conversation).decode(),
                rows.stamp(conversation.last_at),
                conversation.id,
            ),
        )
        self.changed.add(conversation.id)
        return conversation

    # --- messages ---

    def add_question(self, conversation: Conversation, question: Question, prediction: Prediction | None, at: datetime) -> int:
        """Store what a patron sent, once: (connector, message id) is unique."""
        self.changed.add(conversation.id)
        return self._insert(
            "messages",
            {
                "conversation": conversation.id,
                "who": Who.PATRON.value,
                "connector": question.address.connector,
                "external": question.id,
                "text": question.text,
                "language": conversation.language or "",
                "at": rows.stamp(at),
                "ticket": conversation.ticket,
                "body": rows.PREDICTION.dump_json(prediction).decode() if prediction else "{}",
                "attachments": rows.ATTACHMENTS.dump_json(question.attachments).decode(),
                "tap": int(question.tap),
            },
        )

    def add_reply(
        self,
        conversation: Conversation,
        reply: Reply,
        at: datetime,
        *,
        answers: int = 0,
        author: str = "",
        due: bool = False,
        deadline: datetime | None = None,
    ) -> Reply:
        """Store what is said back; with `due` it is also handed to the outbox. Returns the reply with its number."""
        number = self._insert(
            "messages",
            {
                "conversation": conversation.id,
                "who": (Who.LIBRARIAN if author else Who.BOT).value,
                "connector": conversation.address.connector,
                "text": reply.text,
                "language": reply.language.value,
                "at": rows.stamp(at),
                "author": author,
                "answers": answers,
                "question": conversation.question,
                "ticket": conversation.ticket,
                "body": rows.REPLY.dump_json(reply).decode(),
            },
        )
        if due:
            self._insert(
                "outbox",
                {"message": number, "status": DeliveryStatus.DUE.value, "due_at": rows.stamp(at), "deadline": rows.stamp(deadline)},
            )
        self.changed.add(conversation.id)
        return replace(reply, id=number)

    def replies_to(self, question: Question) -> tuple[Reply, ...] | None:
        """What was said back to this message before; None when it is new."""
        known = self._one("select id from messages where connector = ? and external = ?", question.address.connector, question.id)
        if known is None:
            return None
        found = self._rows("select id, body from messages where answers = ? order by id", known["id"])
        return tuple(replace(rows.REPLY.validate_json(row["body"]), id=row["id"]) for row in found)

    def messages(self, conversation: int, after: int = 0) -> tuple[Message, ...]:
        """The messages of a conversation with a number above `after`, in order."""
        found = self._rows(f"{_MESSAGES} where m.conversation = ? and m.id > ? order by m.id", conversation, after)
        return tuple(rows.message_of(row) for row in found)

    def message(self, number: int) -> Message:
        """One message."""
        row = self._one(f"{_MESSAGES} where m.id = ?", number)
        if row is None:
            raise NotFound(f"message {number}")
        return rows.message_of(row)

    def forget(self, before: datetime) -> int:
        """Remove the words of messages and forms from before a time; rows and events stay, so that every figure holds."""
        blank = rows.REPLY.dump_json(Reply(ReplyKind.NOTICE, "")).decode()
        emptied = self._db.conn.execute(
            "update messages set text = '', body = case who when ? then '{}' else ? end"
            " where at < ? and (text != '' or body not in ('{}', ?))",
            (Who.PATRON.value, blank, rows.stamp(before), blank),
        )
        self._db.conn.execute("update tickets set fields = '[]' where opened_at < ?", (rows.stamp(before),))
        return emptied.rowcount

    def question_of(self, number: int) -> int:
        """The question that an answer of the bot was given to."""
        row = self._one("select question from messages where id = ?", number)
        return int(row["question"]) if row else 0

    def judged(self, question: int) -> bool:
        """Whether somebody has said already that the answer to a question helped, or did not."""
        names = (EventName.HELPFUL.value, EventName.UNHELPFUL.value)
        return self._one("select 1 from events where question = ? and name in (?, ?)", question, *names) is not None

    # --- tickets ---

    def open_ticket(self, ticket: Ticket) -> Ticket:
        """Store a new ticket and give it its number."""
        self.changed.add(ticket.conversation)
        return replace(ticket, id=self._insert("tickets", rows.ticket_row(ticket)))

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
        """Tickets with the words of their question, oldest first."""
        marks = ", ".join("?" * len(statuses))
        mine, who = (" and t.claimed_by = ?", [claimed_by]) if claimed_by else ("", [])
        found = self._rows(
            f"{_QUEUE} where t.status in ({marks}){mine} order by t.opened_at, t.id limit ?", *[s.value for s in statuses], *who, limit
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

    # --- events ---

    def record(self, event: Event) -> None:
        """Append an event."""
        self._insert("events", rows.event_row(event))

    def histories(self, start: datetime, end: datetime) -> tuple[Event, ...]:
        """Every event, whenever it happened, of the questions that were asked from `start` to before `end`."""
        found = self._rows(
            "select * from events where question in (select question from events where name = ? and at >= ? and at < ?) order by id",
            EventName.ASKED.value, rows.stamp(start), rows.stamp(end),
        )  # fmt: skip
        return tuple(rows.event_of(row) for row in found)

    def verdicts(self) -> tuple[Event, ...]:
        """Everything that says whether an answer of the bot helped, in order."""
        found = self._rows(
            "select * from events where name in (?, ?) or (name = ? and value = 'unhelpful') order by id",
            EventName.HELPFUL.value, EventName.UNHELPFUL.value, EventName.HANDED_OVER.value,
        )  # fmt: skip
        return tuple(rows.event_of(row) for row in found)

    def event_counts(self) -> tuple[tuple[str, str, int], ...]:
        """How often each thing has happened on each channel."""
        found = self._rows("select name, connector, count(*) as n from events group by name, connector order by name, connector")
        return tuple((row["name"], row["connector"], row["n"]) for row in found)

    # --- outbox ---

    def backlog(self) -> int:
        """How many replies wait to be delivered."""
        return int(self._rows("select count(*) as n from outbox where status = ?", DeliveryStatus.DUE.value)[0]["n"])

    def due(self, now: datetime, limit: int = 50) -> tuple[Parcel, ...]:
        """Outgoing replies whose time has come, oldest first."""
        found = self._rows(
            "select m.*, o.id as parcel, o.deadline, o.tries, o.sent, q.external as asked,"
            " c.connector as to_connector, c.user as to_user, c.room as to_room"
            " from outbox o join messages m on m.id = o.message join conversations c on c.id = m.conversation"
            " left join messages q on q.id = m.answers"
            " where o.status = ? and o.due_at <= ? order by o.due_at, o.id limit ?",
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

    def settle(self, parcel: int, status: DeliveryStatus, *, due_at: datetime | None = None, error: str = "") -> None:
        """Note how a delivery went: done, in the mailbox, or to be tried again at `due_at`."""
        self._db.conn.execute(
            "update outbox set status = ?, tries = tries + 1, error = ?, due_at = coalesce(?, due_at) where id = ?",
            (status.value, error, rows.stamp(due_at), parcel),
        )

    def collect(self, address: Address, asked: str = "", *, part: int = 0) -> tuple[Reply, ...]:
        """Replies that wait in an asker's mailbox, oldest first; they count as delivered from now on.

        With the id of the message that is answered with them, the same are handed out when it is asked again. Of a
        reply that was pushed in parts of `part` bytes, only the rest is handed out.
        """
        found = self._rows(
            "select o.id, o.sent, o.status, m.id as number, m.body from outbox o"
            " join messages m on m.id = o.message join conversations c on c.id = m.conversation"
            " where c.connector = ? and c.user = ? and c.room = ? and (o.status = ? or (o.handed = ? and o.handed != '')) order by m.id",
            address.connector, address.user, address.room, DeliveryStatus.MAILBOX.value, asked,
        )  # fmt: skip
        for row in found:
            if row["status"] == DeliveryStatus.MAILBOX.value:
                self.settle(row["id"], DeliveryStatus.DELIVERED)
                self._db.conn.execute("update outbox set handed = ? where id = ?", (asked, row["id"]))
        return tuple(replace(_rest(rows.REPLY.validate_json(row["body"]), row["sent"], part), id=row["number"]) for row in found)

    def pushed(self, parcel: int, conversation: int, at: datetime) -> None:
        """Note that a part of a reply was pushed to its asker, which some platforms count."""
        self._db.conn.execute("update outbox set sent = sent + 1 where id = ?", (parcel,))
        self._insert("pushes", {"conversation": conversation, "at": rows.stamp(at)})

    def window(self, conversation: int, limits: Limits, now: datetime) -> Window | None:
        """How often and until when the asker can still be written to; None on a channel that sets no limit."""
        if limits.window is None and not limits.quota:
            return None
        sql = "select at from messages where conversation = ? and who = ? and tap = ? order by id desc limit 1"
        words, tap = (self._one(sql, conversation, Who.PATRON.value, kind) for kind in (0, 1))
        since = min(row["at"] for row in (words, tap) if row) if words or tap else ""
        pushes = self._rows("select at from pushes where conversation = ? and at >= ?", conversation, since)
        spoken, tapped = (rows.moment(row["at"] if row else None) for row in (words, tap))
        return windows.window(limits, spoken, tapped, tuple(at for row in pushes if (at := rows.moment(row["at"]))), now)

    def late(self, question: Question, now: datetime, deadline: datetime | None) -> None:
        """Hand the replies to a question to the outbox: they could not go out in the response to it."""
        self._db.conn.execute(
            "insert into outbox (message, status, due_at, deadline) select r.id, ?, ?, ? from messages r"
            " join messages q on q.id = r.answers where q.connector = ? and q.external = ? and r.id not in (select message from outbox)",
            (DeliveryStatus.DUE.value, rows.stamp(now), rows.stamp(deadline), question.address.connector, question.id),
        )

    def shelve(self, conversation: int) -> None:
        """What is due to an asker who cannot be reached any more waits in the mailbox."""
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

    # --- librarians ---

    def librarian(self, login: str) -> Librarian | None:
        """An account by its login."""
        row = self._one("select * from librarians where login = ?", login)
        return rows.librarian_of(row) if row else None

    def librarians(self) -> tuple[Librarian, ...]:
        """Every account, by login."""
        return tuple(rows.librarian_of(row) for row in self._rows("select * from librarians order by login"))

    def save_librarian(self, librarian: Librarian, now: datetime) -> None:
        """Make or change an account."""
        self._db.conn.execute(
            "insert into librarians (login, name, role, password, failures, locked_until, session, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (login) do update set name = excluded.name, role = excluded.role, password = excluded.password,"
            " failures = excluded.failures, locked_until = excluded.locked_until, session = excluded.session",
            (
                librarian.login, librarian.name, librarian.role.value, librarian.password, librarian.failures,
                rows.stamp(librarian.locked_until), librarian.session, rows.stamp(now),
            ),
        )  # fmt: skip

    def invite(self, digest: str, login: str, expires_at: datetime) -> None:
        """Remember the digest of a one-time link; an older link for the same login ends."""
        self._db.conn.execute("delete from invitations where login = ?", (login,))
        self._insert("invitations", {"digest": digest, "login": login, "expires_at": rows.stamp(expires_at)})

    def invited(self, digest: str, now: datetime) -> str | None:
        """The login that a one-time link is for; None when it is used, expired or never was."""
        row = self._one("select login from invitations where digest = ? and expires_at > ?", digest, rows.stamp(now))
        return row["login"] if row else None

    def use_invitation(self, digest: str) -> None:
        """A one-time link works once."""
        self._db.conn.execute("delete from invitations where digest = ?", (digest,))

    # --- single facts ---

    def fact(self, name: str, make: str = "") -> str:
        """A stored single value; `make` is stored and returned when there is none."""
        row = self._one("select value from facts where name = ?", name)
        if row is None and make:
            self._insert("facts", {"name": name, "value": make})
        return row["value"] if row else make

    def set_fact(self, name: str, value: str) -> None:
        """Store a single value in place of an older one."""
        self._db.conn.execute(
            "insert into facts (name, value) values (?, ?) on conflict (name) do update set value = excluded.value", (name, value)
        )
