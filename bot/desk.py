"""The conductor: ask, claim, reply, close. The only module that joins understanding, answering and store."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot import tickets
from bot.answering import Answering
from bot.connector import Limits
from bot.domain import (
    Conversation,
    ConversationState,
    Decision,
    Engine,
    Event,
    EventName,
    Handover,
    Message,
    Note,
    Part,
    Prediction,
    QueueRow,
    Ticket,
    TicketStatus,
    Window,
)
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.hours import DutyHours
from bot.messages import Action, Address, Exchange, Language, Line, Question, Reply, ReplyKind
from bot.store import Session, Store
from bot.text import clean, has_words, language_of
from bot.understanding import understand

LONGEST_QUESTION = 10_000
LONGEST_REPLY = 5_000
_CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_NOTHING = Prediction("", 0.0)


@dataclass(frozen=True, slots=True)
class Consultation:
    """A ticket as a librarian opens it: the whole exchange, and the question it is about."""

    ticket: Ticket
    conversation: Conversation
    messages: tuple[Message, ...]

    def question(self) -> Message:
        """The message that the ticket was opened for."""
        return next(message for message in self.messages if message.id == self.ticket.question)


@dataclass(frozen=True, slots=True)
class Clock:
    """Real time for what happened; `calendar` for decisions by date, which a setting may fix."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    fixed: datetime | None = None

    def calendar(self) -> datetime:
        """The time that calendar decisions go by."""
        return self.fixed or self.now()


class Desk:
    """All that can be done with a question, from asking to closing. Every method is one transaction."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        answering: Answering,
        hours: DutyHours,
        *,
        limits: Mapping[str, Limits],
        address: str,
        clock: Clock,
        secret: str = "",
    ) -> None:
        self.store, self.engine, self.answering, self.hours = store, engine, answering, hours
        self.knowledge = answering.knowledge
        self._limits, self._address, self.clock = limits, address.rstrip("/"), clock
        self.secret = secret or store.write(lambda s: s.fact("secret", secrets.token_hex(32))).result()

    # --- patrons ---

    def ask(self, question: Question) -> Future[tuple[Reply, ...]]:
        """Store one message and decide on it; the replies are on disk when the future is done. A repeat gets the stored ones."""
        text = clean(question.text)
        if len(text) > LONGEST_QUESTION:
            raise TooMuch("characters in a message", LONGEST_QUESTION)
        question = replace(question, text=text)
        parts = understand(text, self.engine, self.knowledge) if has_words(text) else (Part(text, _NOTHING),)
        return self.store.write(lambda s: self._take(s, question, parts))

    def fail(self, question: Question) -> Future[tuple[Reply, ...]]:
        """The way out when `ask` has failed: the message goes to a person, and the asker is told."""
        question = replace(question, text=clean(question.text)[:LONGEST_QUESTION])
        language = language_of(question.text) or Language.ZH
        return self.store.write(lambda s: self._take(s, question, None, language))

    def _take(self, s: Session, question: Question, parts: tuple[Part, ...] | None, language: Language = Language.ZH) -> tuple[Reply, ...]:
        stored = s.replies_to(question)
        if stored is not None:
            return stored
        now = self.clock.now()
        conversation = s.conversation(question.address, self.visitor(question.address))
        number = s.add_question(conversation, question, parts[0].prediction if parts else None, now)
        if self._resumed(s, conversation, question, now):
            return ()
        if conversation.state is not ConversationState.BOT:
            return self._to_ticket(s, conversation, question, number, now)
        if parts is None:
            decision = Decision(Action.ESCALATE, (), replace(conversation, language=language), Handover("error"), new_question=True)
            decision = replace(decision, notes=(Note(EventName.FAILED),))
        else:
            today = self.clock.calendar().astimezone(self.hours.zone).date()
            decision = self.answering.decide(question, parts, conversation, now, today)
        return self._carry_out(s, decision, number, now)

    def _resumed(self, s: Session, conversation: Conversation, question: Question, now: datetime) -> bool:
        """Whoever writes on a channel that is pushed to gets what waited for them; True when they asked for nothing else."""
        limits = self._limits.get(question.address.connector)
        if limits is None or limits.inline or limits.window is None or question.tap:
            return False
        waited = s.resend(question.address, now, now + limits.window)
        if waited and self.knowledge.cue("more", question.text):
            s.save_conversation(replace(conversation, last_at=now))
            return True
        return False

    def _to_ticket(self, s: Session, conversation: Conversation, question: Question, number: int, now: datetime) -> tuple[Reply, ...]:
        """The bot is silent while people have the conversation; only a waiting question can be withdrawn."""
        if conversation.state is not ConversationState.WAITING or not self.knowledge.cue("cancel", question.text):
            s.save_conversation(replace(conversation, last_at=now))
            return ()
        ticket = s.save_ticket(tickets.close(s.ticket(conversation.ticket), now))
        self._record(s, conversation, Note(EventName.WITHDRAWN, ticket.intent, question=ticket.question), now, ticket=ticket.id)
        conversation = s.save_conversation(self._with_bot(conversation, now))
        text = self._phrase("withdrawn", conversation.language, number=ticket.id)
        reply = Reply(ReplyKind.NOTICE, text, language=conversation.language or Language.ZH, ticket=str(ticket.id), action=Action.SOCIAL)
        return (self._send(s, conversation, reply, now, answers=number),)

    def _carry_out(self, s: Session, decision: Decision, number: int, now: datetime) -> tuple[Reply, ...]:
        conversation = decision.conversation
        asked = number if decision.new_question else conversation.question
        conversation = replace(conversation, question=asked, last_at=now)
        if decision.new_question:
            intent = decision.prediction.intent if decision.prediction else ""
            engine = decision.prediction.engine if decision.prediction else ""
            self._record(s, conversation, Note(EventName.ASKED, intent, question=asked), now, engine=engine)
        for note in decision.notes:
            self._record(s, conversation, replace(note, question=note.question or asked), now)
        replies = decision.replies
        if decision.handover:
            conversation, told = self._open_ticket(
                s, conversation, replace(decision.handover, question=decision.handover.question or asked or number), now
            )
            replies = _joined(replies, told)
        sent = tuple(self._send(s, conversation, reply, now, answers=number) for reply in replies)
        s.save_conversation(conversation)
        return sent

    def _open_ticket(self, s: Session, conversation: Conversation, handover: Handover, now: datetime) -> tuple[Conversation, Reply]:
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(16))
        draft = Ticket(
            0, conversation.id, handover.question, handover.intent, handover.reason, TicketStatus.WAITING, now, code, fields=handover.fields
        )
        ticket = s.open_ticket(draft)
        note = Note(EventName.HANDED_OVER, handover.intent, question=handover.question, value=handover.reason)
        self._record(s, conversation, note, now, ticket=ticket.id)
        conversation = replace(conversation, state=ConversationState.WAITING, ticket=ticket.id, options=(), form=None)
        language = conversation.language or Language.ZH
        name = "failed" if handover.reason == "error" else None
        first = self._phrase(name, language, number=ticket.id) if name else self._promise(ticket.id, language)
        where = self._phrase("handover_where", language, place=f"{self._address}/mailbox/{code}")
        reply = Reply(
            ReplyKind.HANDOVER,
            f"{first}\n{where}",
            language=language,
            intent=handover.intent,
            ticket=str(ticket.id),
            action=Action.ESCALATE,
        )
        return conversation, reply

    def _promise(self, number: int, language: Language) -> str:
        """When a librarian will answer, by the calendar."""
        now = self.clock.calendar()
        if self.hours.on_duty(now):
            return self._phrase("handover_now", language, number=number)
        begins = self.hours.next_duty(now)
        if begins is None:
            return self._phrase("handover_unknown", language, number=number)
        when = (
            f"{begins:%A %d %B %H:%M}"
            if language is Language.EN
            else f"{begins.month}月{begins.day}日（周{'一二三四五六日'[begins.weekday()]}）{begins:%H:%M} "
        )
        return self._phrase("handover_later", language, number=number, when=when)

    def feedback(self, address: Address, message: int, helpful: bool) -> tuple[Reply, ...]:
        """Thumbs up or down on one of the bot's answers; down hands over, once."""
        return self.store.write(lambda s: self._feedback(s, address, message, helpful)).result()

    def _feedback(self, s: Session, address: Address, number: int, helpful: bool) -> tuple[Reply, ...]:
        now = self.clock.now()
        conversation = s.existing_conversation(address)
        message = s.message(number)
        if conversation is None or message.conversation != conversation.id or message.reply is None or not message.reply.entry:
            raise NotFound("this answer")
        asked = s.question_of(number)
        note = Note(EventName.HELPFUL if helpful else EventName.UNHELPFUL, message.reply.intent, message.reply.entry, asked)
        if s.judged(asked):
            raise Refused("this answer was rated already")
        self._record(s, conversation, note, now)
        if helpful or conversation.state is not ConversationState.BOT:
            return ()
        conversation, told = self._open_ticket(s, conversation, Handover("unhelpful", message.reply.intent, asked), now)
        sent = self._send(s, conversation, told, now)
        s.save_conversation(conversation)
        return (sent,)

    def collect(self, address: Address, asked: str = "") -> tuple[Reply, ...]:
        """Replies that waited for this asker; the same again for the same message `asked`."""
        limits = self._limits.get(address.connector)
        return self.store.write(lambda s: s.collect(address, asked, part=limits.max_bytes if limits else 0)).result()

    def late(self, question: Question) -> None:
        """Push the replies to a question: they could not go out in the response to it."""
        self.store.write(lambda s: self._late(s, question)).result()

    def _late(self, s: Session, question: Question) -> None:
        now, conversation = self.clock.now(), s.existing_conversation(question.address)
        if conversation:
            s.late(question, now, self._closes(s, conversation, now))

    def leave(self, address: Address) -> None:
        """An asker cannot be reached any more: an open ticket is withdrawn, what is due waits in the mailbox."""
        self.store.write(lambda s: self._leave(s, address)).result()

    def _leave(self, s: Session, address: Address) -> None:
        now, conversation = self.clock.now(), s.existing_conversation(address)
        if conversation is None:
            return
        if conversation.state is not ConversationState.BOT:
            ticket = s.save_ticket(tickets.close(s.ticket(conversation.ticket), now))
            self._record(s, conversation, Note(EventName.WITHDRAWN, ticket.intent, question=ticket.question), now, ticket=ticket.id)
        s.shelve(conversation.id)
        s.save_conversation(self._with_bot(conversation, now))

    def history(self, address: Address, after: int = 0) -> Exchange:
        """What this asker and the library have said, from the line above `after` on; empty when nothing was."""
        return self.store.read(lambda s: self._history(s, address, after))

    def _history(self, s: Session, address: Address, after: int) -> Exchange:
        conversation = s.existing_conversation(address)
        if conversation is None:
            return Exchange()
        lines = tuple(Line(m.id, m.who, m.text, m.at, m.reply) for m in s.messages(conversation.id, after))
        return Exchange(lines, conversation.state.value, conversation.ticket)

    def mailbox(self, code: str) -> Consultation:
        """What a pick-up code opens."""
        return self.store.read(lambda s: self._consultation(s, s.ticket_by_code(code)))

    # --- librarians ---

    def queue(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "", *, closing: bool = False) -> tuple[QueueRow, ...]:
        """Tickets in these states with what their channels still allow: oldest first, or by the `closing` of their windows."""
        now = self.clock.now()

        def work(s: Session) -> tuple[QueueRow, ...]:
            found = s.queue(statuses, claimed_by)
            return tuple(replace(row, window=self._window(s, row.ticket.conversation, row.connector, now)) for row in found)

        rows = self.store.read(work)
        return tuple(sorted(rows, key=lambda row: _shuts(row, now))) if closing else rows

    def reach(self, conversation: Conversation) -> Window | None:
        """How often and until when this asker can still be written to."""
        return self.store.read(lambda s: self._window(s, conversation.id, conversation.address.connector, self.clock.now()))

    def _window(self, s: Session, conversation: int, connector: str, now: datetime) -> Window | None:
        limits = self._limits.get(connector)
        return s.window(conversation, limits, now) if limits else None

    def _closes(self, s: Session, conversation: Conversation, now: datetime) -> datetime | None:
        window = self._window(s, conversation.id, conversation.address.connector, now)
        return window.closes_at if window else None

    def count(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "") -> int:
        """How many tickets are in these states."""
        return self.store.read(lambda s: s.count(statuses, claimed_by))

    def consultation(self, number: int) -> Consultation:
        """One ticket with its whole exchange."""
        return self.store.read(lambda s: self._consultation(s, s.ticket(number)))

    def _consultation(self, s: Session, ticket: Ticket) -> Consultation:
        return Consultation(ticket, s.conversation_by_id(ticket.conversation), s.messages(ticket.conversation))

    def claim(self, number: int, librarian: str) -> Ticket:
        """Take a ticket; MoveRefused when a colleague was faster."""
        return self.store.write(
            lambda s: self._move(s, tickets.claim(s.ticket(number), librarian, self.clock.now()), EventName.CLAIMED, librarian)
        ).result()

    def release(self, number: int, librarian: str) -> Ticket:
        """Give one's ticket back to the queue."""
        return self.store.write(
            lambda s: self._move(s, tickets.release(self._own(s, number, librarian)), EventName.RELEASED, librarian)
        ).result()

    def reply(self, number: int, librarian: str, text: str) -> Reply:
        """Answer the patron, in the patron's own chat."""
        text = clean(text)
        if not text:
            raise Refused("the reply is empty")
        if len(text) > LONGEST_REPLY:
            raise TooMuch("characters in a reply", LONGEST_REPLY)
        return self.store.write(lambda s: self._reply(s, number, librarian, text)).result()

    def _reply(self, s: Session, number: int, librarian: str, text: str) -> Reply:
        now = self.clock.now()
        ticket = self._move(s, tickets.answer(s.ticket(number), librarian, now), EventName.REPLIED, librarian)
        conversation = s.conversation_by_id(ticket.conversation)
        reply = Reply(ReplyKind.LIBRARIAN, text, language=conversation.language or Language.ZH, ticket=str(ticket.id))
        deadline = self._closes(s, conversation, now)
        return s.add_reply(conversation, reply, now, answers=ticket.question, author=librarian, due=True, deadline=deadline)

    def close(self, number: int, librarian: str) -> Ticket:
        """End one's ticket; the bot answers this patron again."""
        return self.store.write(lambda s: self._close(s, number, librarian)).result()

    def _close(self, s: Session, number: int, librarian: str) -> Ticket:
        now = self.clock.now()
        ticket = self._move(s, tickets.close(self._own(s, number, librarian), now), EventName.CLOSED, librarian)
        conversation = s.conversation_by_id(ticket.conversation)
        told = Reply(
            ReplyKind.NOTICE,
            self._phrase("closed", conversation.language),
            language=conversation.language or Language.ZH,
            ticket=str(number),
        )
        s.add_reply(conversation, told, now, due=True, deadline=self._closes(s, conversation, now))
        s.save_conversation(self._with_bot(conversation, now))
        return ticket

    def tidy(self, after: timedelta) -> tuple[Ticket, ...]:
        """Give claims without a reply back to the queue, and tell their askers."""
        return self.store.write(lambda s: self._tidy(s, self.clock.now(), after)).result()

    def _tidy(self, s: Session, now: datetime, after: timedelta) -> tuple[Ticket, ...]:
        returned = tuple(
            self._move(s, tickets.release(ticket), EventName.RELEASED, ticket.claimed_by) for ticket in s.silent_claims(now - after)
        )
        for ticket in returned:
            conversation = s.conversation_by_id(ticket.conversation)
            told = Reply(
                ReplyKind.NOTICE,
                self._phrase("returned", conversation.language, number=ticket.id),
                language=conversation.language or Language.ZH,
            )
            s.add_reply(conversation, told, now, due=True, deadline=self._closes(s, conversation, now))
        return returned

    def forget(self, after: timedelta) -> int:
        """Remove what was written longer ago than retention allows; counts are kept. Returns how many messages were emptied."""
        return self.store.write(lambda s: s.forget(self.clock.now() - after)).result()

    def closed(self, s: Session, ticket: Ticket, conversation: Conversation) -> None:
        """A ticket ends without words of ours; the bot answers this patron again."""
        self._move(s, ticket, EventName.CLOSED, ticket.claimed_by)
        s.save_conversation(self._with_bot(conversation, self.clock.now()))

    # --- small things ---

    def visitor(self, address: Address) -> str:
        """The pseudonym under which an asker appears in events."""
        return hmac.new(self.secret.encode(), f"{address.connector}\0{address.user}".encode(), hashlib.sha256).hexdigest()[:16]

    def _own(self, s: Session, number: int, librarian: str) -> Ticket:
        ticket = s.ticket(number)
        if ticket.claimed_by != librarian:
            raise MoveRefused(f"ticket {number}", ticket.status, f"{ticket.claimed_by or 'nobody'} has it")
        return ticket

    def _move(self, s: Session, ticket: Ticket, name: EventName, librarian: str) -> Ticket:
        conversation = s.conversation_by_id(ticket.conversation)
        note = Note(name, ticket.intent, question=ticket.question)
        self._record(s, conversation, note, self.clock.now(), ticket=ticket.id, librarian=librarian)
        if conversation.ticket == ticket.id:
            s.save_conversation(replace(conversation, state=tickets.SPEAKER[ticket.status]))
        return s.save_ticket(ticket)

    def _with_bot(self, conversation: Conversation, now: datetime) -> Conversation:
        """The bot's turn again, with nothing carried over."""
        return Conversation(conversation.id, conversation.address, conversation.visitor, language=conversation.language, last_at=now)

    def _send(self, s: Session, conversation: Conversation, reply: Reply, now: datetime, answers: int = 0) -> Reply:
        limits = self._limits.get(conversation.address.connector)
        due = limits is not None and not limits.inline
        deadline = now + limits.window if limits and limits.window else None
        return s.add_reply(conversation, reply, now, answers=answers, due=due, deadline=deadline)

    def _record(
        self, s: Session, conversation: Conversation, note: Note, now: datetime, *, ticket: int = 0, librarian: str = "", engine: str = ""
    ) -> None:
        s.record(
            Event(
                note.name, now, conversation.address.connector, conversation.visitor, note.question, note.intent, note.entry, ticket,
                librarian, conversation.language or "", engine, note.value,
            )
        )  # fmt: skip

    def _phrase(self, name: str, language: Language | None, **values: object) -> str:
        return self.knowledge.phrase(name, language or Language.ZH, **values)


def _shuts(row: QueueRow, now: datetime) -> tuple[bool, datetime]:
    """Windows that are open come first, the next to close before the others; then all else, oldest first."""
    window = row.window
    open_ = window is not None and window.left != 0 and window.closes_at is not None and window.closes_at > now
    return not open_, window.closes_at if open_ and window and window.closes_at else row.ticket.opened_at


def _joined(replies: tuple[Reply, ...], told: Reply) -> tuple[Reply, ...]:
    """The handover notice follows the bot's words; a lone introduction becomes one message with it."""
    if len(replies) == 1 and replies[0].kind is ReplyKind.NOTICE:
        return (replace(told, text=f"{replies[0].text}\n{told.text}"),)
    return (*replies, told)


__all__ = ["Clock", "Consultation", "Desk"]
