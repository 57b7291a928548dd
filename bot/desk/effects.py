"""What a decision needs to know beside the conversation, and what it does beside answering."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot import forms, tickets
from bot.answering import Background
from bot.answering.own import CUES
from bot.desk.base import Base
from bot.domain import Conversation, Decision, EventName, Note, Part, TicketStatus
from bot.messages import INTENT, Language, Question
from bot.slots import Almanac
from bot.store import Session

_FAULT = "database_fault"
LATELY = timedelta(hours=24)
"""How long a report of a fault counts."""


class Effects(Base):
    """Requests, records, reports and incidents, as far as askers have to do with them."""

    def _background(self, s: Session, conversation: Conversation, question: Question, parts: tuple[Part, ...], now: datetime) -> Background:
        """Only what a message can be about is looked up: most are about neither faults nor the asker."""
        about_self = any(self.knowledge.cue(name, question.text) for name in CUES)
        topics = {candidate.intent for part in parts for candidate in part.prediction.candidates()}
        topics |= {conversation.intent, *(option.value.removeprefix(INTENT) for option in conversation.options)}
        return Background(
            s.incidents(),
            s.faults(now - LATELY, but=conversation.visitor) if _FAULT in topics else (),
            Almanac(self.clock.calendar().astimezone(self.hours.zone), self.hours),
            s.open_requests(conversation.visitor) if about_self else (),
            s.stored_of(conversation.visitor) if about_self else None,
        )

    def _take_effect(self, s: Session, before: Conversation, decision: Decision, now: datetime, *, number: int) -> Decision:
        """Do what a decision does beside answering; the decision, with other words where it could not be done."""
        decision = self._carrying(before, decision)
        effects, after = decision.effects, decision.conversation
        if before.form and after.form is None:
            self._cover(s, before)
        for incident in effects.incidents:
            s.asked_about(incident, before.id)
        for database in effects.faults:
            s.report_fault(database, before.id, before.visitor, now)
        if effects.withdraw and not self._withdraw(s, before, effects.withdraw, now):
            text = self._phrase("request_not_withdrawn", after.language, number=effects.withdraw)
            decision = replace(decision, replies=(replace(decision.replies[0], text=text),))
        if effects.rated:
            self._rate(s, before, effects.rated, effects.satisfied)
        if effects.erase:
            self._erase(s, before, now, but=number)
            decision = replace(decision, conversation=self._with_bot(after, now))
        return decision

    def _rate(self, s: Session, conversation: Conversation, number: int, satisfied: bool) -> None:
        """Note what an asker thinks of what was done about their own ticket; the first word counts."""
        ticket = s.last_ticket(conversation.id, number)
        if ticket is None or s.judged(ticket.question, number):
            return
        note = Note(EventName.HELPFUL if satisfied else EventName.UNHELPFUL, ticket.intent, question=ticket.question)
        self._record(s, conversation, note, self.clock.now(), ticket=number, librarian=ticket.claimed_by)

    def _carrying(self, before: Conversation, decision: Decision) -> Decision:
        """Whatever breaks into a form and ends with a person, be it danger or a fault of the bot: what was filled in goes along."""
        handover, progress = decision.handover, before.form
        form = self.knowledge.form(progress.form, before.language or Language.ZH) if progress else None
        if handover is None or progress is None or form is None or handover.fields or decision.conversation.form not in (None, progress):
            return decision
        private = forms.personal(form, progress)
        public = tuple(answer for answer in progress.answers if answer not in private)
        conversation = replace(decision.conversation, form=None)
        return replace(decision, conversation=conversation, handover=replace(handover, fields=public, personal=private))

    def _cover(self, s: Session, conversation: Conversation) -> None:
        """A form is over: what it said about the asker is kept in a table of its own, or not at all."""
        assert conversation.form is not None
        form = self.knowledge.form(conversation.form.form, conversation.language or Language.ZH)
        if form:
            s.hide(conversation.id, tuple(value for _, value in forms.personal(form, conversation.form) if value))

    def _withdraw(self, s: Session, conversation: Conversation, number: int, now: datetime) -> bool:
        """Take back an own request that nobody works on yet."""
        ticket = next((each for each in s.open_requests(conversation.visitor) if each.id == number), None)
        if ticket is None or ticket.status is not TicketStatus.WAITING:
            return False
        s.save_ticket(tickets.close(ticket, now))
        self._record(s, conversation, Note(EventName.WITHDRAWN, ticket.intent, question=ticket.question), now, ticket=number)
        return True

    def _erase(self, s: Session, conversation: Conversation, now: datetime, *, but: int) -> None:
        """Forget this asker; what has lost its words cannot be worked on any more, so open tickets are withdrawn."""
        for ticket in s.open_tickets(conversation.visitor):
            s.save_ticket(tickets.close(ticket, now))
            self._record(s, conversation, Note(EventName.WITHDRAWN, ticket.intent, question=ticket.question), now, ticket=ticket.id)
        for other in s.conversations_of(conversation.visitor):
            s.save_conversation(self._with_bot(other, now))
        s.erase(conversation.visitor, but=but)
