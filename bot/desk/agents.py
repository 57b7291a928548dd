"""What the agents of a platform's own desk do: beside ours, seen through the platform, and counted as people's answers."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot import tickets
from bot.answering import sure_of
from bot.desk.base import Base, pick_up_code
from bot.domain import Conversation, ConversationState, DeliveryStatus, EventName, IntentKind, Note, Part, Ticket, TicketStatus
from bot.messages import Overheard
from bot.store import Session

_SAME_EXCHANGE = timedelta(hours=48)
"""How long after an asker's last words an agent's are about them: a session of WeCom lasts as long."""


class Agents(Base):
    """Tickets that are never in our queue, because somebody else has the asker already."""

    def overhear(self, said: Overheard) -> None:
        """Store what an agent said, once; it answers the open ticket, or the question of a conversation that has none."""
        self.store.write(lambda s: self._overhear(s, said)).result()

    def _overhear(self, s: Session, said: Overheard) -> None:
        if s.knows(said.address.connector, said.id):
            return
        now = self.clock.now()
        conversation = s.conversation(said.address, self.visitor(said.address))
        ticket = self._theirs(s, conversation, said.agent, now)
        if ticket and ticket.status is TicketStatus.WAITING:
            ticket = self._move(s, tickets.claim(ticket, said.agent, now), EventName.CLAIMED, said.agent)
        if ticket:
            ticket = self._move(s, tickets.answered_outside(ticket, said.agent, now), EventName.REPLIED, said.agent)
            arrived = Note(EventName.DELIVERED, ticket.intent, question=ticket.question, value=DeliveryStatus.DELIVERED.value)
            self._record(s, conversation, arrived, now, ticket=ticket.id, librarian=said.agent)
        s.add_overheard(s.conversation_by_id(conversation.id), said, now, answers=ticket.question if ticket else 0)

    def _theirs(self, s: Session, conversation: Conversation, agent: str, now: datetime) -> Ticket | None:
        """The ticket that an agent speaks to; None when nothing was asked."""
        if conversation.state is not ConversationState.BOT:
            return s.ticket(conversation.ticket)
        recent = conversation.last_at is not None and now - conversation.last_at <= _SAME_EXCHANGE
        return self._given(s, conversation, agent, now, question=conversation.question) if recent and conversation.question else None

    def _attended(self, s: Session, conversation: Conversation, number: int, parts: tuple[Part, ...] | None, agent: str) -> None:
        """What an asker says to an agent; the first of it that is a question is a ticket of that agent."""
        now = self.clock.now()
        prediction = parts[0].prediction if parts else None
        policy, kinds = self.answering.policy, self.answering.kinds
        polite = prediction is not None and kinds.get(prediction.intent) is IntentKind.SOCIAL and sure_of(prediction, policy)
        if conversation.state is not ConversationState.BOT or polite:
            s.save_conversation(replace(conversation, last_at=now))
            return
        note = Note(EventName.ASKED, prediction.intent if prediction else "", question=number)
        self._record(s, conversation, note, now, engine=prediction.engine if prediction else "")
        self._given(s, conversation, agent, now, question=number)

    def _given(self, s: Session, conversation: Conversation, agent: str, now: datetime, *, question: int) -> Ticket:
        """A new ticket that an agent has from the beginning."""
        code = pick_up_code()
        ticket = s.open_ticket(Ticket(0, conversation.id, question, "", "agent", TicketStatus.WAITING, now, code))
        self._record(s, conversation, Note(EventName.HANDED_OVER, question=question, value="agent"), now, ticket=ticket.id)
        waiting = replace(conversation, ticket=ticket.id, question=question, options=(), form=None, last_at=now)
        s.save_conversation(waiting)
        return self._move(s, tickets.claim(ticket, agent, now), EventName.CLAIMED, agent)
