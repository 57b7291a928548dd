"""Looking after tickets: nothing stays with somebody who is not there, and whoever it concerns is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot import tickets
from bot.answering.verdicts import rating_choices
from bot.desk.base import Base, written
from bot.domain import Alert, AlertKind, Conversation, ConversationState, EventName, IntentKind, NoteKind, Remark, Ticket, TicketStatus
from bot.errors import MoveRefused, Refused
from bot.messages import Choice, Language, Reply, ReplyKind, Who
from bot.store import Session
from bot.text import clean

LONGEST_NOTE = 2_000
_RATED_WITHIN = timedelta(hours=48)


Away = Callable[[str, timedelta], bool]
"""Whether somebody has had no page of the desk open for so long."""


def _nobody(login: str, span: timedelta) -> bool:
    return False


class Care(Base):
    """What happens to tickets by itself, and what librarians tell each other."""

    def tidy(self, after: timedelta, away: Away = _nobody, sooner: timedelta = timedelta(minutes=5)) -> tuple[Ticket, ...]:
        """Give tickets whose askers wait for longer than `after` back to the queue, and tell both sides.

        It happens `sooner` where the librarian is `away` for that long, and at once where they closed the desk and the roster says
        that colleagues are on duty now and they are not: whoever comes back is served by who is there."""
        return self.store.write(lambda s: self._tidy(s, after, away, min(sooner, after))).result()

    def _tidy(self, s: Session, after: timedelta, away: Away, sooner: timedelta) -> tuple[Ticket, ...]:
        now, there = self.clock.now(), self.hours.people_at(self.clock.calendar())

        def gone(holder: str, since: datetime) -> bool:
            if since < now - after or s.librarian(holder) is None:  # agents of a platform's own desk are never seen at ours
                return since < now - after
            relieved = bool(there) and holder not in there
            return away(holder, timedelta(0)) if relieved else since < now - sooner and away(holder, sooner)

        silent = [
            ticket
            for ticket, since in s.unanswered(now)
            if gone(ticket.claimed_by, since) and not s.held(ticket.id) and self._waits(s, ticket)
        ]
        return tuple(self._return(s, ticket) for ticket in silent)

    def _waits(self, s: Session, ticket: Ticket) -> bool:
        """Whether anybody waits for words: not when all that was said since the last reply is a courtesy."""
        if ticket.status is TicketStatus.CLAIMED:
            return True
        said = [message for message in s.messages(ticket.conversation, ticket.question) if message.ticket == ticket.id]
        last = max((message.id for message in said if message.who is Who.LIBRARIAN), default=0)
        since = (message.prediction for message in said if message.id > last and message.who is Who.PATRON)
        return any(meant is None or self.answering.kinds.get(meant.intent) is not IntentKind.SOCIAL for meant in since)

    def _return(self, s: Session, ticket: Ticket) -> Ticket:
        now, holder = self.clock.now(), ticket.claimed_by
        returned = self._move(s, tickets.release(ticket), EventName.RELEASED, holder)
        for follower in s.followers(ticket.id):
            self._move(s, tickets.release(follower), EventName.RELEASED, holder)
        s.add_remark(ticket.id, NoteKind.RETURNED, holder, "", now)
        s.add_alert(holder, ticket.id, AlertKind.RETURNED, "", now)
        self._tell(s, s.conversation_by_id(ticket.conversation), "returned", number=ticket.id)
        return returned

    def _tell(self, s: Session, conversation: Conversation, phrase: str, **values: object) -> None:
        """A notice to an asker, in their own chat."""
        now, language = self.clock.now(), conversation.language or Language.ZH
        notice = Reply(ReplyKind.NOTICE, self._phrase(phrase, language, **values), language=language, ticket=str(conversation.ticket or ""))
        s.add_reply(conversation, written(conversation, notice), now, due=True, deadline=self._closes(s, conversation, now))

    def forget(self, after: timedelta, personal_after: timedelta | None = None) -> int:
        """Remove what was written longer ago than retention allows, and personal fields of requests after a time of their own;
        counts are kept. Returns how many messages were emptied."""

        def work(s: Session) -> int:
            s.forget_personal(self.clock.now() - min(after, personal_after or after))
            return s.forget(self.clock.now() - after)

        return self.store.write(work).result()

    def note(self, number: int, librarian: str, text: str) -> None:
        """Write an internal note beside a ticket, whoever has it and whatever its state."""
        text = clean(text)
        if not text or len(text) > LONGEST_NOTE:
            raise Refused("note")

        def work(s: Session) -> None:
            s.changed.add(s.ticket(number).conversation)
            s.add_remark(number, NoteKind.NOTE, librarian, text, self.clock.now())

        self.store.write(work).result()

    def remarks(self, number: int) -> tuple[Remark, ...]:
        """The notes of a ticket."""
        return self.store.read(lambda s: s.remarks(number))

    def alerts(self, librarian: str) -> tuple[Alert, ...]:
        """What this librarian was told and has not seen."""
        return self.store.read(lambda s: s.alerts(librarian))

    def see_alerts(self, librarian: str, ticket: int = 0) -> None:
        """This librarian has seen what they were told: about one ticket, or everything."""
        if self.alerts(librarian):
            self.store.write(lambda s: s.see_alerts(librarian, self.clock.now(), ticket)).result()

    def _own(self, s: Session, number: int, librarian: str) -> Ticket:
        ticket = s.ticket(number)
        if ticket.claimed_by != librarian:
            raise MoveRefused(f"ticket {number}", ticket.status, f"{ticket.claimed_by or 'nobody'} has it")
        return ticket

    def _close(self, s: Session, number: int, librarian: str) -> Ticket:
        ticket = self._end(s, self._own(s, number, librarian), librarian)
        for follower in s.followers(number):
            self._end(s, follower, librarian)
        return ticket

    def _end(self, s: Session, ticket: Ticket, librarian: str) -> Ticket:
        now = self.clock.now()
        ticket = self._move(s, tickets.close(ticket, now), EventName.CLOSED, librarian)
        conversation = s.conversation_by_id(ticket.conversation)
        told = self._phrase("request_closed" if ticket.reason == "form" else "closed", conversation.language, number=ticket.id)
        self._over(s, ticket, conversation)
        self._bid_farewell(s, ticket, told)
        return ticket

    def _bid_farewell(self, s: Session, ticket: Ticket, told: str) -> None:
        """The last word on a ticket. Where a person has answered, it asks once whether the asker is satisfied."""
        now, conversation = self.clock.now(), s.conversation_by_id(ticket.conversation)
        language, choices = conversation.language or Language.ZH, tuple[Choice, ...]()
        free = conversation.state is ConversationState.BOT and conversation.form is None and not conversation.options
        if ticket.answered_at and free and not s.judged(ticket.question, ticket.id):
            choices = rating_choices(ticket.id, (self._phrase("rate_yes", language), self._phrase("rate_no", language)))
            told = f"{told}\n{self._phrase('rate_ask', language)}"
            conversation = s.save_conversation(replace(conversation, rating=ticket.id, rating_until=now + _RATED_WITHIN))
        notice = Reply(ReplyKind.NOTICE, told, choices=choices, language=language, ticket=str(ticket.id))
        s.add_reply(conversation, written(conversation, notice), now, due=True, deadline=self._closes(s, conversation, now))

    def _over(self, s: Session, ticket: Ticket, conversation: Conversation) -> None:
        """The bot speaks again, unless the conversation is not about this ticket: requests stand beside it."""
        if conversation.ticket == ticket.id:
            s.save_conversation(self._with_bot(conversation, self.clock.now()))
