"""Messages: what patrons, the bot and librarians said."""

from dataclasses import replace
from datetime import datetime

from bot.domain import Conversation, DeliveryStatus, EventName, Message, Prediction
from bot.errors import NotFound
from bot.messages import Language, Overheard, Question, Reply, ReplyKind, Who
from bot.store import rows
from bot.store.base import Base
from bot.text import spaced

MESSAGES = "select m.*, o.status as delivery from messages m left join outbox o on o.message = m.id"


class Messages(Base):
    """What was said, and its removal by retention."""

    def add_question(self, conversation: Conversation, question: Question, prediction: Prediction | None, at: datetime) -> int:
        """Store what a patron sent, once: (connector, message id) is unique, and so are the ids it has besides."""
        self.changed.add(conversation.id)
        opens = question.opens
        number = self._insert(
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
                "open_until": rows.stamp(at + opens.lasts if opens else None),
                "open_quota": opens.quota if opens else 0,
            },
        )
        self._index(number, question.text)
        for other in question.also:
            self._insert("other_ids", {"connector": question.address.connector, "external": other, "message": number})
        return number

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
        self._index(number, reply.text)
        if due:
            self._insert(
                "outbox",
                {"message": number, "status": DeliveryStatus.DUE.value, "due_at": rows.stamp(at), "deadline": rows.stamp(deadline)},
            )
        self.changed.add(conversation.id)
        return replace(reply, id=number)

    def _index(self, number: int, text: str) -> None:
        if text:
            self._db.conn.execute("insert into search (rowid, words) values (?, ?)", (number, spaced(text)))

    def add_overheard(self, conversation: Conversation, said: Overheard, at: datetime, *, answers: int) -> None:
        """Store what somebody of the library said through the platform's own desk: it is with the asker already."""
        language = conversation.language or Language.ZH
        reply = Reply(ReplyKind.LIBRARIAN, said.text, language=language, ticket=str(conversation.ticket or ""))
        number = self._insert(
            "messages",
            {
                "conversation": conversation.id,
                "who": Who.LIBRARIAN.value,
                "connector": said.address.connector,
                "external": said.id,
                "text": said.text,
                "language": language.value,
                "at": rows.stamp(at),
                "author": said.agent,
                "answers": answers,
                "question": conversation.question,
                "ticket": conversation.ticket,
                "body": rows.REPLY.dump_json(reply).decode(),
                "attachments": rows.ATTACHMENTS.dump_json(said.attachments).decode(),
            },
        )
        self._index(number, said.text)
        self.changed.add(conversation.id)

    def knows(self, connector: str, external: str) -> bool:
        """Whether a message with this id of its platform is stored."""
        return self._one("select 1 from messages where connector = ? and external = ?", connector, external) is not None

    def replies_to(self, question: Question) -> tuple[Reply, ...] | None:
        """What was said back to this message before; None when it is new."""
        connector = question.address.connector
        known = self._one("select id from messages where connector = ? and external = ?", connector, question.id)
        for other in question.also if known is None else ():
            known = known or self._one("select message as id from other_ids where connector = ? and external = ?", connector, other)
        if known is None:
            return None
        found = self._rows("select id, body from messages where answers = ? order by id", known["id"])
        return tuple(replace(rows.REPLY.validate_json(row["body"]), id=row["id"]) for row in found)

    def messages(self, conversation: int, after: int = 0) -> tuple[Message, ...]:
        """The messages of a conversation with a number above `after`, in order."""
        found = self._rows(f"{MESSAGES} where m.conversation = ? and m.id > ? order by m.id", conversation, after)
        return tuple(rows.message_of(row) for row in found)

    def message(self, number: int) -> Message:
        """One message."""
        row = self._one(f"{MESSAGES} where m.id = ?", number)
        if row is None:
            raise NotFound(f"message {number}")
        return rows.message_of(row)

    def forget(self, before: datetime) -> int:
        """Remove the words of messages and forms from before a time; rows and events stay, so that every figure holds."""
        blank = rows.REPLY.dump_json(Reply(ReplyKind.NOTICE, "")).decode()
        emptied = self._db.conn.execute(
            "update messages set text = '', attachments = '[]', body = case who when ? then '{}' else ? end"
            " where at < ? and (text != '' or attachments != '[]' or body not in ('{}', ?))",
            (Who.PATRON.value, blank, rows.stamp(before), blank),
        )
        self._db.conn.execute("delete from examples where status = 'awaiting' and at < ?", (rows.stamp(before),))
        self._db.conn.execute("update tickets set fields = '[]' where opened_at < ?", (rows.stamp(before),))
        self._db.conn.execute("delete from notes where at < ?", (rows.stamp(before),))
        if emptied.rowcount:  # the index lets go of the words themselves as its segments are merged
            self._db.conn.execute("insert into search (search, rank) values ('merge', -500)")
        return emptied.rowcount

    def texts(self, numbers: list[int]) -> dict[int, str]:
        """The words of some messages, by their numbers."""
        marks = ", ".join("?" * len(numbers))
        return {row["id"]: row["text"] for row in self._rows(f"select id, text from messages where id in ({marks})", *numbers)}

    def question_of(self, number: int) -> int:
        """The question that an answer of the bot was given to."""
        row = self._one("select question from messages where id = ?", number)
        return int(row["question"]) if row else 0

    def judged(self, question: int, ticket: int = 0, said: str = "") -> bool:
        """Whether somebody has said already that the bot's answer to a question, or what came of its ticket, helped or did not.
        With `said` only what was said of that one message counts."""
        names = (EventName.HELPFUL.value, EventName.UNHELPFUL.value)
        sql = "select 1 from events where question = ? and ticket = ? and name in (?, ?) and (? = '' or value = ?)"
        return self._one(sql, question, ticket, *names, said, said) is not None
