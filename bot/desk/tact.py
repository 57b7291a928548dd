"""What the desk says in front of others, and what moves to the asker's private conversation.

A group conversation is the bot's only. A question for a person, and everything that asks for personal data, goes on at
the asker's address without the room; where the channel cannot write there, it waits in the mailbox until they write.
"""

from dataclasses import replace
from datetime import datetime

from bot import groups
from bot.desk.pairing import Pairing
from bot.domain import Conversation, ConversationState, Decision, Entry, Handover, Risk
from bot.errors import TooMuch
from bot.messages import Action, Address, Language, Link, Reply, ReplyKind
from bot.store import Session

_ECHO = 40


class Tact(Pairing):
    """How decisions are carried out where others read along."""

    def readable(self, entry_id: str, language: Language) -> Entry | None:
        """An entry as everybody may read it; None where the bot may not say it alone today."""
        entry, today = self.knowledge.entry(entry_id, language), self.clock.calendar().astimezone(self.hours.zone).date()
        policy = self.answering.policy
        if entry is None or policy.shadow or entry.intent in policy.off | policy.suggest or not entry.current(today):
            return None
        return None if entry.risk is Risk.HIGH and entry.review_by < today else entry

    # --- what may be said in front of others ---

    def _fitting(self, s: Session, decision: Decision, number: int, now: datetime) -> Decision:
        """Personal matters, and everything while the bot is to be quiet, go on in private; answers are short and not repeated."""
        address = decision.conversation.address
        if not self.in_group(address):
            return decision
        private = s.existing_conversation(self._in_private(s, address))
        personal = any(reply.kind is ReplyKind.FORM for reply in decision.replies)
        held = decision.handover is not None and decision.handover.reason != "form"
        urgent = decision.handover is not None and decision.handover.urgent  # help is not whispered
        aside = not urgent and (personal or not self._speaks(address))
        if private is not None and private.state is not ConversationState.BOT and (held or aside):
            return self._beside(s, decision, private, number)
        if aside:
            return self._aside(s, decision, number, now)
        return replace(decision, replies=tuple(self._said(s, decision.conversation, reply, now) for reply in decision.replies))

    def _beside(self, s: Session, decision: Decision, private: Conversation, number: int) -> Decision:
        """Who waits for a person already has said one thing more; what is dangerous is met in the group as well, at once."""
        s.attach(number, private.id, private.ticket)
        handover, told = decision.handover, self._neutral(s, decision.conversation, "group_handover")
        if handover is not None and handover.urgent:
            s.save_ticket(replace(s.ticket(private.ticket), urgent=True))
            told = (*decision.replies, *told)
        return replace(
            decision,
            action=Action.ESCALATE,
            replies=told,
            conversation=_ended(decision.conversation),
            handover=None,
            notes=tuple(note for note in decision.notes if note.question),
            new_question=False,
        )

    def _aside(self, s: Session, decision: Decision, number: int, now: datetime) -> Decision:
        """The conversation goes on where nobody reads along: replies and memory move there."""
        private = self._alone(s, decision.conversation)
        asked = number if decision.new_question else decision.conversation.question
        memory = replace(decision.conversation, id=private.id, address=private.address, question=asked, last_at=now)
        memory = replace(memory, state=private.state, ticket=private.ticket)
        s.save_conversation(memory)
        for reply in decision.replies:
            self._whisper(s, memory, reply, now)
        replies = () if decision.handover else self._neutral(s, decision.conversation, "group_private")
        return replace(decision, replies=replies, conversation=_ended(decision.conversation))

    def _said(self, s: Session, conversation: Conversation, reply: Reply, now: datetime) -> Reply:
        """A reply as a group gets it."""
        address, language = conversation.address, reply.language
        manners = self._groups.manners(address.room)
        if reply.choices:
            return replace(reply, text=f"{reply.text}{self._phrase('group_choose', language)}")
        if not reply.entry:
            return reply
        full = Link(self._phrase("group_full", language), f"{self._address}/answers/{reply.entry}")
        key, since = groups.topic(reply), now - manners.cooldown
        before = s.spoken(address.connector, address.room, key, since) if manners.cooldown else None
        if before:
            at = before.astimezone(self.hours.zone)
            entry = self.knowledge.entry(reply.entry, language)
            text = self._phrase("group_again", language, time=f"{at:%H:%M}", title=entry.title if entry else "")
            return replace(reply, text=text, links=(full,))
        s.speak(address.connector, address.room, key, now)
        entry = self.readable(reply.entry, language)
        if entry is None or entry.answer.rstrip() not in reply.text:  # what no page has is said whole
            return reply
        text, cut = groups.beginning(reply.text, manners.longest)
        return replace(reply, text=text, links=(full,)) if cut else reply

    def room_name(self, room: str) -> str:
        """How the settings call a group; its own id where they do not."""
        return self._groups.manners(room).name

    def _speaks(self, address: Address) -> bool:
        now = self.clock.calendar().astimezone(self.hours.zone)
        return self._groups.manners(address.room).speaks(now)

    def _neutral(self, s: Session, conversation: Conversation, phrase: str, **values: object) -> tuple[Reply, ...]:
        """One line for the group, without a number or a code; none while the bot is to be quiet."""
        address = conversation.address
        if not self._speaks(address):
            return ()
        name = phrase if self._reachable(s, self._in_private(s, address)) else f"{phrase}_write"
        text = self._phrase(name, conversation.language, **values)
        return (Reply(ReplyKind.HANDOVER, text, language=conversation.language or Language.ZH, action=Action.ESCALATE),)

    # --- in private ---

    def _whisper(self, s: Session, private: Conversation, reply: Reply, now: datetime, *, push: bool = True) -> None:
        """Tell the asker alone: pushed where the channel can, else kept until they write."""
        s.add_reply(private, reply, now, due=True, deadline=self._closes(s, private, now))
        if not (push and self._reachable(s, private.address)):
            s.shelve(private.id, now)

    def _open_ticket(
        self, s: Session, conversation: Conversation, handover: Handover, now: datetime
    ) -> tuple[Conversation, tuple[Reply, ...]]:
        """The ticket and its pick-up code are the asker's alone; the group sees a neutral line at most."""
        if not self.in_group(conversation.address):
            return super()._open_ticket(s, conversation, handover, now)
        private = self._alone(s, conversation)
        if handover.reason == "form":  # requests stand beside whatever else is going on
            ticket = self._ticket(s, private, handover, now)
            self._whisper(s, private, self._receipt(ticket, conversation.language or Language.ZH), now)
            wanted = handover.fields[0][1] if handover.fields else ""
            return _ended(conversation), self._neutral(s, conversation, "group_request", wanted=wanted[:_ECHO])
        if private.state is not ConversationState.BOT:
            s.attach(handover.question, private.id, private.ticket)
            return _ended(conversation), self._neutral(s, conversation, "group_handover")
        private, told = super()._open_ticket(s, private, handover, now)
        s.save_conversation(replace(private, last_at=now))
        flood = handover.reason == "flood"
        for reply in told:
            self._whisper(s, private, reply, now, push=not flood)
        if flood and not self._used((conversation.address.connector, conversation.address.room, "", "flood"), 1):
            return _ended(conversation), ()
        return _ended(conversation), self._neutral(s, conversation, "group_flood" if flood else "group_handover")

    def _used(self, key: tuple[str, ...], most: int) -> bool:
        with self._using:
            try:
                self._uses.use(key, most)
            except TooMuch:
                return False
        return True


def _ended(conversation: Conversation) -> Conversation:
    """Nothing is open in the group any more."""
    return replace(conversation, options=(), form=None)
