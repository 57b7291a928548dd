"""Shutting out an asker for a time: their ticket is closed as spam, and what they write meanwhile asks for nobody, emergencies apart."""

from datetime import timedelta

from bot import tickets
from bot.desk.base import Base
from bot.domain import Block, EventName, TicketStatus
from bot.errors import MoveRefused, NotFound, Refused
from bot.store import Session

BLOCK_HOURS = (1, 24, 168, 720)
"""For how long somebody can be shut out."""
_LONGEST_REASON = 200


class Blocks(Base):
    """Spam, and those who send it."""

    def block(self, number: int, librarian: str, hours: int, reason: str) -> Block:
        """Shut out whoever opened a ticket, and close it as spam. Refused: wrong_hours, no_reason; MoveRefused when a colleague has it."""
        reason = reason.strip()[:_LONGEST_REASON]
        if hours not in BLOCK_HOURS:
            raise Refused("wrong_hours")
        if not reason:
            raise Refused("no_reason")
        return self.store.write(lambda s: self._block(s, number, librarian, timedelta(hours=hours), reason)).result()

    def _block(self, s: Session, number: int, librarian: str, span: timedelta, reason: str) -> Block:
        now, ticket = self.clock.now(), s.ticket(number)
        if ticket.claimed_by not in ("", librarian):
            raise MoveRefused(f"ticket {number}", ticket.status, f"{ticket.claimed_by} has it")
        conversation = s.conversation_by_id(ticket.conversation)
        if ticket.status is not TicketStatus.CLOSED:
            self._move(s, tickets.close(ticket, now), EventName.CLOSED, librarian, "spam")
            s.save_conversation(self._with_bot(conversation, now))
        return s.add_block(Block(0, conversation.visitor, conversation.address.connector, now, now + span, reason, librarian, number))

    def blocks(self) -> tuple[Block, ...]:
        """Who is shut out now."""
        return self.store.read(lambda s: s.blocks(self.clock.now()))

    def lift(self, number: int, librarian: str) -> None:
        """Let somebody in again."""
        if not self.store.write(lambda s: s.lift_block(number, librarian, self.clock.now())).result():
            raise NotFound(f"block {number}")
