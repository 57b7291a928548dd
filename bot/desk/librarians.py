"""The librarians' side of the desk: the queue, and the steps of a ticket."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot import tickets
from bot.desk.base import Base, Consultation
from bot.domain import Conversation, ConversationState, EventName, QueueRow, Ticket, TicketStatus, Window
from bot.errors import MoveRefused, Refused, TooMuch
from bot.messages import Language, Reply, ReplyKind
from bot.store import Session
from bot.text import clean

LONGEST_REPLY = 5_000


class Librarians(Base):
    """What librarians can do, and what happens to tickets by itself."""

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

    def count(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "") -> int:
        """How many tickets are in these states."""
        return self.store.read(lambda s: s.count(statuses, claimed_by))

    def consultation(self, number: int) -> Consultation:
        """One ticket with its whole exchange."""

        def work(s: Session) -> Consultation:
            return self._consultation(s, replace(s.ticket(number), personal=s.personal(number)))

        return self.store.read(work)

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
        if ticket.reason == "form" and conversation.state is ConversationState.BOT and not conversation.form:
            # What the asker writes back about their request is for the librarian.
            conversation = s.save_conversation(replace(conversation, state=ConversationState.HUMAN, ticket=number, options=()))
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
            self._phrase("request_closed" if ticket.reason == "form" else "closed", conversation.language, number=number),
            language=conversation.language or Language.ZH,
            ticket=str(number),
        )
        s.add_reply(conversation, told, now, due=True, deadline=self._closes(s, conversation, now))
        self._over(s, ticket, conversation)
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

    def forget(self, after: timedelta, personal_after: timedelta | None = None) -> int:
        """Remove what was written longer ago than retention allows, and personal fields of requests after a time of their own;
        counts are kept. Returns how many messages were emptied."""

        def work(s: Session) -> int:
            s.forget_personal(self.clock.now() - min(after, personal_after or after))
            return s.forget(self.clock.now() - after)

        return self.store.write(work).result()

    def closed(self, s: Session, ticket: Ticket, conversation: Conversation) -> None:
        """A ticket ends without words of ours; the bot answers this patron again."""
        self._move(s, ticket, EventName.CLOSED, ticket.claimed_by)
        self._over(s, ticket, conversation)

    def _over(self, s: Session, ticket: Ticket, conversation: Conversation) -> None:
        """The bot speaks again, unless the conversation is not about this ticket: requests stand beside it."""
        if conversation.ticket == ticket.id:
            s.save_conversation(self._with_bot(conversation, self.clock.now()))

    def _own(self, s: Session, number: int, librarian: str) -> Ticket:
        ticket = s.ticket(number)
        if ticket.claimed_by != librarian:
            raise MoveRefused(f"ticket {number}", ticket.status, f"{ticket.claimed_by or 'nobody'} has it")
        return ticket


def _shuts(row: QueueRow, now: datetime) -> tuple[bool, datetime]:
    """Windows that are open come first, the next to close before the others; then all else, oldest first."""
    window = row.window
    open_ = window is not None and window.left != 0 and window.closes_at is not None and window.closes_at > now
    return not open_, window.closes_at if open_ and window and window.closes_at else row.ticket.opened_at
