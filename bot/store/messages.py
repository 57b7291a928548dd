"""Messages: what patrons, the bot and librarians said."""

from dataclasses import replace
from datetime import datetime

from bot.domain import Conversation, DeliveryStatus, EventName, Message, Prediction
from bot.errors import NotFound
from bot.messages import Question, Reply, ReplyKind, Who
from bot.store import rows
from bot.store.base import Base

MESSAGES = "select m.*, o.status as delivery from messages m left join outbox o on o.message = m.id"


class Messages(Base):
    """What was said, and its removal by retention."""

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

    def judged(self, question: int, ticket: int = 0) -> bool:
        """Whether somebody has said already that the bot's answer to a question, or what came of its ticket, helped or did not."""
        names = (EventName.HELPFUL.value, EventName.UNHELPFUL.value)
        sql = "select 1 from events where question = ? and ticket = ? and name in (?, ?)"
        return self._one(sql, question, ticket, *names) is not None
