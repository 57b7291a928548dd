"""The patrons' side of the desk: from a message to its replies, a ticket, and what waits for them."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from bot import tickets
from bot.care import Safeguard
from bot.desk.agents import Agents
from bot.desk.base import Consultation, pick_up_code
from bot.desk.effects import Effects
from bot.domain import (
    Block,
    Conversation,
    ConversationState,
    Decision,
    EventName,
    Handover,
    Message,
    Note,
    Part,
    Prediction,
    Ticket,
    TicketStatus,
)
from bot.errors import NotFound, Refused, TooMuch
from bot.messages import Action, Address, Exchange, Language, Line, Question, Reply, ReplyKind
from bot.store import Session
from bot.text import clean, has_words, language_of
from bot.understanding import joined, understand

LONGEST_QUESTION = 10_000
_LONGEST_PIECE = 200  # characters of a message that can be the rest of another
_NOTHING = Prediction("", 0.0)


class Patrons(Effects, Agents):
    """What askers can do."""

    def ask(self, question: Question) -> Future[tuple[Reply, ...]]:
        """Store one message and decide on it; the replies are on disk when the future is done. A repeat gets the stored ones."""
        text = clean(question.text)
        if not question.addressed:  # what is said in a group is nobody's question until it is meant for the bot
            done: Future[tuple[Reply, ...]] = Future()
            done.set_result(())
            return done
        if len(text) > LONGEST_QUESTION:
            raise TooMuch("characters in a message", LONGEST_QUESTION)
        question = replace(question, text=text)
        parts = self._understood(question) if has_words(text) else (Part(text, _NOTHING),)
        return self.store.write(lambda s: self._take(s, question, parts))

    def _understood(self, question: Question) -> tuple[Part, ...]:
        """What a message means, alone and with the fragments before it. Not in the writer: an engine may take its time."""
        parts = understand(question.text, self.engine, self.knowledge)
        talk = self.store.read(lambda s: s.existing_conversation(question.address)) if len(question.text) <= _LONGEST_PIECE else None
        if talk is None or not any(talk.pending) or talk.state is not ConversationState.BOT:
            return parts
        return (*parts, joined(question.text, talk.pending, self.engine, self.knowledge))

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
        if question.agent:
            self._attended(s, conversation, number, parts, question.agent)
            return ()
        if (block := s.block_of(conversation.visitor, now)) and not self.knowledge.danger(question.text):
            return self._shut_out(s, conversation, block, number, now)
        if self._resumed(s, conversation, question, now):
            return ()
        if conversation.state is not ConversationState.BOT:
            return self._to_ticket(s, conversation, question, number, now)
        if parts is None:
            decision = self._failed(replace(conversation, language=language), question, language)
        else:
            background = self._background(s, conversation, question, parts, now)
            decision = self.answering.decide(question, parts, conversation, now, self._today(), background=background)
        decision = self._take_effect(s, conversation, decision, now, number=number)
        return self._carry_out(s, self._fitting(s, decision, number, now), number, now)

    def _shut_out(self, s: Session, conversation: Conversation, block: Block, number: int, now: datetime) -> tuple[Reply, ...]:
        """What a blocked asker writes is kept and asks for nobody; they are told until when, a group is not."""
        s.save_conversation(replace(conversation, last_at=now))
        if self.in_group(conversation.address):
            return ()
        language, until = conversation.language or Language.ZH, block.until.astimezone(self.hours.zone)
        text = self._phrase("blocked", language, until=f"{until:%Y-%m-%d %H:%M}")
        return (self._send(s, conversation, Reply(ReplyKind.NOTICE, text, language=language, action=Action.SOCIAL), now, answers=number),)

    def _fitting(self, s: Session, decision: Decision, number: int, now: datetime) -> Decision:
        """What of a decision may be said where the question was asked."""
        return decision

    def _failed(self, conversation: Conversation, question: Question, language: Language) -> Decision:
        """A person, because the bot broke down; what is dangerous is met as ever."""
        guard, notes = self.knowledge.danger(question.text), (Note(EventName.FAILED),)
        if guard is None:
            return Decision(Action.ESCALATE, (), conversation, Handover("error"), notes, new_question=True)
        told = Reply(ReplyKind.NOTICE, self._phrase(f"safety.{guard.danger}", language), language=language)
        return Decision(Action.ESCALATE, (told,), conversation, Handover(guard.danger, urgent=guard.urgent), notes, new_question=True)

    def _resumed(self, s: Session, conversation: Conversation, question: Question, now: datetime) -> bool:
        """Whoever writes on a channel that is pushed to gets what waited for them; True when they asked for nothing else."""
        limits = self._limits.get(question.address.connector)
        if limits is None or limits.inline or question.tap:
            return False
        waited = s.resend(question.address, now, now + limits.window if limits.window else None)
        if waited and self.knowledge.cue("more", question.text):
            s.save_conversation(replace(conversation, last_at=now))
            return True
        return False

    def _to_ticket(self, s: Session, conversation: Conversation, question: Question, number: int, now: datetime) -> tuple[Reply, ...]:
        """The bot is silent while people have the conversation; only a waiting question can be withdrawn, or become urgent."""
        if guard := self.knowledge.danger(question.text):
            return self._raised(s, conversation, guard, question, number, now)
        waiting = conversation.state is ConversationState.WAITING
        if waiting and self.knowledge.cue("erase_records", question.text):
            s.save_conversation(replace(conversation, last_at=now))
            told = Reply(ReplyKind.NOTICE, self._phrase("erase_waiting", conversation.language), action=Action.SOCIAL)
            return (self._send(s, conversation, replace(told, language=conversation.language or Language.ZH), now, answers=number),)
        if not waiting or not self.knowledge.cue("cancel", question.text):
            s.save_conversation(replace(conversation, last_at=now))
            return ()
        ticket = s.save_ticket(tickets.close(s.ticket(conversation.ticket), now))
        self._record(s, conversation, Note(EventName.WITHDRAWN, ticket.intent, question=ticket.question), now, ticket=ticket.id)
        conversation = s.save_conversation(self._with_bot(conversation, now))
        text = self._phrase("withdrawn", conversation.language, number=ticket.id)
        reply = Reply(ReplyKind.NOTICE, text, language=conversation.language or Language.ZH, ticket=str(ticket.id), action=Action.SOCIAL)
        return (self._send(s, conversation, reply, now, answers=number),)

    def _raised(
        self, s: Session, conversation: Conversation, guard: Safeguard, question: Question, number: int, now: datetime
    ) -> tuple[Reply, ...]:
        """Danger while a ticket is open puts it before all others; while nobody has taken it, the asker is told where help is."""
        ticket = s.ticket(conversation.ticket)
        if guard.urgent and not ticket.urgent:
            ticket = s.save_ticket(replace(ticket, urgent=True))
        s.save_conversation(replace(conversation, last_at=now))
        if conversation.state is not ConversationState.WAITING:
            return ()
        language = language_of(question.text) or conversation.language or Language.ZH
        text = self._phrase(f"safety.{guard.danger}", language)
        return (self._send(s, conversation, Reply(ReplyKind.NOTICE, text, language=language, ticket=str(ticket.id)), now, answers=number),)

    def _carry_out(self, s: Session, decision: Decision, number: int, now: datetime) -> tuple[Reply, ...]:
        conversation = decision.conversation
        asked = number if decision.new_question else conversation.question
        conversation = replace(conversation, question=asked, last_at=now)
        if decision.new_question:
            intent = decision.prediction.intent if decision.prediction else ""
            engine = decision.prediction.engine if decision.prediction else ""
            college = _college(decision)
            self._record(s, conversation, Note(EventName.ASKED, intent, question=asked, college=college), now, engine=engine)
        for note in decision.notes:
            self._record(s, conversation, replace(note, question=note.question or asked), now)
        for example in decision.examples:
            s.add_example(example, conversation.id, now)
        replies = decision.replies
        if decision.handover:
            conversation, told = self._open_ticket(
                s, conversation, replace(decision.handover, question=decision.handover.question or asked or number), now
            )
            replies = _joined(replies, told)
        sent = tuple(self._send(s, conversation, reply, now, answers=number) for reply in replies)
        s.save_conversation(conversation)
        return sent

    def _open_ticket(
        self, s: Session, conversation: Conversation, handover: Handover, now: datetime
    ) -> tuple[Conversation, tuple[Reply, ...]]:
        """People have the conversation from now on. What the asker is to be told where they asked comes second."""
        ticket = self._ticket(s, conversation, handover, now)
        if handover.reason != "form":  # a request is worked on elsewhere: the bot goes on answering
            conversation = replace(conversation, state=ConversationState.WAITING, ticket=ticket.id, options=(), form=None)
        return conversation, (self._receipt(ticket, conversation.language or Language.ZH),)

    def _ticket(self, s: Session, conversation: Conversation, handover: Handover, now: datetime) -> Ticket:
        code = pick_up_code()
        draft = Ticket(
            0, conversation.id, handover.question, handover.intent, handover.reason, TicketStatus.WAITING, now, code,
            fields=handover.fields, personal=handover.personal, urgent=handover.urgent, language=conversation.language or "",
            college=next((each.value for each in conversation.entities if each.kind == "college"), ""),
        )  # fmt: skip
        ticket = s.open_ticket(draft)
        college = dict(handover.fields).get("college", "")
        note = Note(EventName.HANDED_OVER, handover.intent, question=handover.question, value=handover.reason, college=college)
        self._record(s, conversation, note, now, ticket=ticket.id)
        return ticket

    def _receipt(self, ticket: Ticket, language: Language) -> Reply:
        """The number, when a librarian will answer, and the pick-up code."""
        what = "request_" if ticket.reason == "form" else "handover_"
        # Whoever is in danger must not wait for office hours; where to phone was said already.
        name = "handover_urgent" if ticket.urgent else "failed" if ticket.reason == "error" else ""
        first = self._phrase(name, language, number=ticket.id) if name else self._promise(ticket.id, language, what)
        where = self._phrase("handover_where", language, place=f"{self._address}/mailbox/{ticket.code}")
        return Reply(
            ReplyKind.HANDOVER,
            f"{first}\n{where}",
            language=language,
            intent=ticket.intent,
            ticket=str(ticket.id),
            action=Action.ESCALATE,
        )

    def _promise(self, number: int, language: Language, what: str = "handover_") -> str:
        """When a librarian will answer, by the calendar."""
        now = self.clock.calendar()
        if self.hours.on_duty(now):
            return self._phrase(f"{what}now", language, number=number)
        begins = self.hours.next_duty(now)
        if begins is None:
            return self._phrase(f"{what}unknown", language, number=number)
        when = (
            f"{begins:%A %d %B %H:%M}"
            if language is Language.EN
            else f"{begins.month}月{begins.day}日（周{'一二三四五六日'[begins.weekday()]}）{begins:%H:%M} "
        )
        return self._phrase(f"{what}later", language, number=number, when=when)

    def feedback(self, address: Address, message: int, helpful: bool) -> tuple[Reply, ...]:
        """Thumbs up or down on one of the bot's answers, once; down does what words like 没用 do."""
        return self.store.write(lambda s: self._feedback(s, address, message, helpful)).result()

    def _feedback(self, s: Session, address: Address, number: int, helpful: bool) -> tuple[Reply, ...]:
        now = self.clock.now()
        conversation = s.existing_conversation(address)
        message = s.message(number)
        if conversation is None or message.conversation != conversation.id or message.reply is None or not message.reply.entry:
            raise NotFound("this answer")
        asked, said = s.question_of(number), message.reply
        note = Note(EventName.HELPFUL if helpful else EventName.UNHELPFUL, said.intent, said.entry, asked, value=f"message:{number}")
        if s.judged(asked, said=note.value):
            raise Refused("this answer was rated already")
        if helpful or conversation.state is not ConversationState.BOT:
            self._record(s, conversation, note, now)
            return ()
        decision = self.answering.unhelpful(self._about(conversation, said, asked), now, self._today())
        decision = replace(decision, notes=(note, *decision.notes[1:]))
        decision = self._take_effect(s, conversation, decision, now, number=0)
        return self._carry_out(s, self._fitting(s, decision, 0, now), 0, now)

    def _about(self, conversation: Conversation, said: Reply, question: int) -> Conversation:
        """The conversation as it is about an answer that may not be the last one."""
        if conversation.entry == said.entry and conversation.question == question:
            return conversation
        entry = self.knowledge.entry(said.entry, said.language)
        shown = ("trouble",) if entry and entry.facet("trouble") and said.text.endswith(entry.facet("trouble")) else ()
        return replace(conversation, entry=said.entry, intent=said.intent, question=question, facets_shown=shown, language=said.language)

    def collect(self, address: Address, asked: str = "") -> tuple[Reply, ...]:
        """Replies that waited for this asker; the same again for the same message `asked`."""
        if not self.store.read(lambda s: s.has_waiting(address, asked)):
            return ()  # as nearly always: a commit is saved
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
        """An asker cannot be reached any more, nor can anybody in a room when no user is named: open tickets are withdrawn,
        what is due waits in the mailbox."""
        self.store.write(lambda s: self._all_leave(s, address)).result()

    def _all_leave(self, s: Session, address: Address) -> None:
        one = s.existing_conversation(address)
        for conversation in s.in_room(address.connector, address.room) if address.room and not address.user else filter(None, (one,)):
            self._leave(s, conversation)

    def _leave(self, s: Session, conversation: Conversation) -> None:
        now = self.clock.now()
        if conversation.state is not ConversationState.BOT:
            ticket = s.save_ticket(tickets.close(s.ticket(conversation.ticket), now))
            self._record(s, conversation, Note(EventName.WITHDRAWN, ticket.intent, question=ticket.question), now, ticket=ticket.id)
        s.shelve(conversation.id, now)
        s.save_conversation(self._with_bot(conversation, now))

    def history(self, address: Address, after: int = 0) -> Exchange:
        """What this asker and the library have said, from the line above `after` on; empty when nothing was."""
        return self.store.read(lambda s: self._history(s, address, after))

    def _history(self, s: Session, address: Address, after: int) -> Exchange:
        conversation = s.existing_conversation(address)
        if conversation is None:
            return Exchange()
        said = (m for m in s.messages(conversation.id, after) if m.text or m.attachments)  # not what was erased
        lines = tuple(Line(m.id, m.who, m.text, m.at, m.reply) for m in said)
        return Exchange(lines, conversation.state.value, conversation.ticket, conversation=conversation.id)

    def pick_up(self, reply: Reply) -> str:
        """The code under which one stored reply can be read on the mailbox page, links and all; '' for one that is not stored."""
        return self.store.write(lambda s: s.pick_up(reply.id, pick_up_code())).result() if reply.id else ""

    def picked_up(self, code: str) -> Message:
        """The reply that such a code opens."""
        return self.store.read(lambda s: s.picked_up(code))

    def mailbox(self, code: str) -> Consultation:
        """What a pick-up code opens."""
        return self.store.read(lambda s: self._consultation(s, s.ticket_by_code(code)))


def _college(decision: Decision) -> str:
    """The college that the question names, or that was named before in the same conversation; '' when none was."""
    named = (*(decision.prediction.entities if decision.prediction else ()), *decision.conversation.entities)
    return next((entity.value for entity in named if entity.kind == "college"), "")


def _joined(replies: tuple[Reply, ...], told: tuple[Reply, ...]) -> tuple[Reply, ...]:
    """The handover notice follows the bot's words; what introduces it becomes one message with it."""
    if len(told) == 1 and replies and replies[-1].kind is ReplyKind.NOTICE and not replies[-1].choices:
        return (*replies[:-1], replace(told[0], text=f"{replies[-1].text}\n{told[0].text}"))
    return (*replies, *told)
