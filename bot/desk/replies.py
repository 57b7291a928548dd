"""Replies: sent at once, or held for some seconds in which they can be taken back."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot import tickets
from bot.desk.care import Care
from bot.domain import AlertKind, ConversationState, EventName, Held, NoteKind, Ticket
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.messages import Language, Reply, ReplyKind
from bot.store import Session, parts
from bot.text import clean

LONGEST_REPLY = 5_000


class Replies(Care):
    """Answering a patron in the patron's own chat."""

    def reply(self, number: int, librarian: str, text: str) -> Reply:
        """Answer now."""
        text = _fit(text)
        return self.store.write(lambda s: self._reply(s, number, librarian, text)).result()

    def hold(self, number: int, librarian: str, text: str, span: timedelta, *, closing: bool = False) -> Held:
        """Answer after `span` unless it is taken back; with `closing` the ticket is closed then. An earlier held reply goes out first."""
        text = _fit(text)

        def work(s: Session) -> Held:
            now = self.clock.now()
            self._flush(s, number)
            tickets.answer(self._own(s, number, librarian), librarian, now)  # refused now rather than when it is due
            s.changed.add(s.ticket(number).conversation)
            return s.hold(number, librarian, text, closing, now + span)

        return self.store.write(work).result()

    def undo(self, number: int, librarian: str) -> Held:
        """Take back the held reply of a ticket; NotFound when it went out already or never was."""

        def work(s: Session) -> Held:
            held = s.held(number)
            if held is None or held.author != librarian:
                raise NotFound("a reply that can still be taken back")
            s.let_go(held)
            s.changed.add(s.ticket(number).conversation)
            return held

        return self.store.write(work).result()

    def held(self, number: int) -> Held | None:
        """The reply of a ticket that can still be taken back."""
        return self.store.read(lambda s: s.held(number))

    def held_by(self, librarian: str) -> tuple[Held, ...]:
        """All replies that this librarian can still take back."""
        return self.store.read(lambda s: s.held_by(librarian))

    def send_held(self) -> int:
        """Send the held replies whose time has come; returns how many."""
        due = self.store.read(lambda s: s.held_due(self.clock.now()))
        return sum(self.store.write(partial(self._send_due, number=held.ticket)).result() for held in due)

    def _send_due(self, s: Session, number: int) -> bool:
        held = s.held(number)
        return held is not None and held.due_at <= self.clock.now() and self._flush(s, number)

    def _flush(self, s: Session, number: int) -> bool:
        """What is held for a ticket goes out now. Where that was ended meanwhile, the words are kept as a note and their author is told."""
        held = s.held(number)
        if held is None:
            return False
        s.let_go(held)
        try:
            self._reply(s, number, held.author, held.text)
            if held.closing:
                self._close(s, number, held.author)
        except MoveRefused:
            now = self.clock.now()
            s.add_remark(number, NoteKind.UNSENT, held.author, held.text, now)
            s.add_alert(held.author, number, AlertKind.UNSENT, "", now)
            s.changed.add(s.ticket(number).conversation)
        return True

    def _reply(self, s: Session, number: int, librarian: str, text: str) -> Reply:
        first = self._answer(s, tickets.answer(s.ticket(number), librarian, self.clock.now()), librarian, text)
        for follower in s.followers(number):
            self._answer(s, tickets.answer(follower, librarian, self.clock.now()), librarian, text)
        return first

    def _answer(self, s: Session, ticket: Ticket, librarian: str, text: str) -> Reply:
        now = self.clock.now()
        ticket = self._move(s, ticket, EventName.REPLIED, librarian)
        conversation = s.conversation_by_id(ticket.conversation)
        if ticket.reason == "form" and conversation.state is ConversationState.BOT and not conversation.form:
            # What the asker writes back about their request is for the librarian.
            conversation = s.save_conversation(replace(conversation, state=ConversationState.HUMAN, ticket=ticket.id, options=()))
        reply = Reply(ReplyKind.LIBRARIAN, text, language=conversation.language or Language.ZH, ticket=str(ticket.id))
        deadline = self._closes(s, conversation, now)
        return s.add_reply(conversation, reply, now, answers=ticket.question, author=librarian, due=True, deadline=deadline)

    def preview(self, connector: str, text: str) -> tuple[str, ...]:
        """The parts in which a channel would get these words."""
        limits = self._limits.get(connector)
        return parts(Reply(ReplyKind.LIBRARIAN, clean(text)), limits.max_bytes) if limits else (clean(text),)

    def most_bytes(self, connector: str) -> int:
        """How many bytes of UTF-8 one message on a channel takes; 0 when the channel is switched off."""
        limits = self._limits.get(connector)
        return limits.max_bytes if limits else 0


def _fit(text: str) -> str:
    text = clean(text)
    if not text:
        raise Refused("the reply is empty")
    if len(text) > LONGEST_REPLY:
        raise TooMuch("characters in a reply", LONGEST_REPLY)
    return text
