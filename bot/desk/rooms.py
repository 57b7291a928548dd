"""The desk in a group: what is heard there, and what becomes of it.

What people say to each other is neither answered nor kept. What comes in too large numbers waits with a person. How much
of an answer is said in front of others is in the file `tact` beside this one.
"""

import re
from concurrent.futures import Future
from dataclasses import replace

from bot import groups
from bot.desk.patrons import LONGEST_QUESTION
from bot.desk.tact import Tact
from bot.domain import Conversation, ConversationState, Decision, EventName, Handover, Note, Prediction
from bot.groups import Heard, Manners
from bot.messages import START, Action, Address, Language, Question, Reply, ReplyKind
from bot.store import Session
from bot.text import clean, has_words, language_of
from bot.understanding import understand

CALL = "call_"
"""A cue whose name begins so starts the request form named by the rest: words that are for the bot wherever they are said."""
_CONSIDERED = 10  # messages that spoke to nobody are looked at, for each that may be answered


class Rooms(Tact):
    """What askers can do in a group."""

    def ask(self, question: Question) -> Future[tuple[Reply, ...]]:
        """As everywhere; in a group only what speaks to the bot, or clears the group's bar, leaves a trace."""
        if not self.in_group(question.address):
            return self._give_word(question) if self._wants_word(question) else super().ask(question)
        manners, question = self._groups.manners(question.address.room), _clipped(question)
        heard, question = groups.heed(manners, question, calls=self._called(question.text) is not None)
        if heard is Heard.CHATTER:
            return _settled(())
        if heard is Heard.OPEN:
            return self._unasked(manners, question)
        if not self._in_bounds(manners, question.address) and self.knowledge.danger(question.text) is None:
            return self.store.write(lambda s: self._overflow(s, question))
        if word := self._word_in(question):
            return self._use_word(question, word)
        if (called := self._called(question.text)) is not None:
            return self.store.write(lambda s: self._request(s, question, *called))
        if not question.text and not question.attachments:
            question = replace(question, choice=START)
        return super().ask(question)

    def fail(self, question: Question) -> Future[tuple[Reply, ...]]:
        """What spoke to nobody is not worth a person's time when the bot cannot understand it."""
        if self.in_group(question.address):
            manners = self._groups.manners(question.address.room)
            heard, question = groups.heed(manners, question, calls=self._called(question.text) is not None)
            if heard is not Heard.ADDRESSED:
                return _settled(())
        return super().fail(question)

    # --- unasked ---

    def _unasked(self, manners: Manners, question: Question) -> Future[tuple[Reply, ...]]:
        """A question to everybody: answered if the answer is beyond doubt, else nothing of it is kept."""
        now = self.clock.now()
        room = question.address.connector, question.address.room
        if not has_words(question.text) or not self._used(room, _CONSIDERED * manners.per_minute):
            return _settled(())
        parts = understand(question.text, self.engine, self.knowledge)
        blank = Conversation(0, question.address, self.visitor(question.address))
        background = self.store.read(lambda s: self._background(s, blank, question, parts, now))
        today = self.clock.calendar().astimezone(self.hours.zone).date()
        decision = self.answering.decide(question, parts, blank, now, today, background=background)
        if not groups.clears(manners, decision) or not self._speaks(question.address) or not self._in_bounds(manners, question.address):
            return _settled(())
        return self.store.write(lambda s: self._volunteer(s, manners, question, decision))

    def _volunteer(self, s: Session, manners: Manners, question: Question, decision: Decision) -> tuple[Reply, ...]:
        now, address = self.clock.now(), question.address
        stored = s.replies_to(question)
        if stored is not None:
            return stored
        if s.spoken(address.connector, address.room, groups.topic(decision.replies[0]), now - manners.cooldown):
            return ()
        conversation = s.conversation(address, self.visitor(address))
        number = s.add_question(conversation, question, decision.prediction, now)
        decision = replace(decision, conversation=replace(decision.conversation, id=conversation.id))
        return self._carry_out(s, self._fitting(s, decision, number, now), number, now)

    # --- too many ---

    def _in_bounds(self, manners: Manners, address: Address) -> bool:
        room = address.connector, address.room
        return self._used((*room, address.user), manners.per_account) and self._used((*room, ""), manners.per_minute)

    def _overflow(self, s: Session, question: Question) -> tuple[Reply, ...]:
        """Beyond the limit a question waits with a person; the group hears of it once a minute."""
        stored = s.replies_to(question)
        if stored is not None:
            return stored
        now, language = self.clock.now(), language_of(question.text) or Language.ZH
        conversation = replace(s.conversation(question.address, self.visitor(question.address)), language=language)
        number = s.add_question(conversation, question, None, now)
        private = self._alone(s, conversation)
        if private.state is not ConversationState.BOT:
            s.attach(number, private.id, private.ticket)
            return ()
        decision = Decision(Action.ESCALATE, (), conversation, Handover("flood"), new_question=True)
        return self._carry_out(s, decision, number, now)

    # --- requests by their name ---

    def _called(self, text: str) -> tuple[str, str] | None:
        """The form whose calling words a message begins with, and what it says then."""
        for name, words in self.knowledge.cues.items():
            if name.startswith(CALL):
                for word in words:
                    pattern = r"\s*".join(map(re.escape, word)) + r"(?:\s*[:：,，]\s*|\s+|$)(.*)"
                    if found := re.fullmatch(pattern, clean(text), re.IGNORECASE | re.DOTALL):
                        return name.removeprefix(CALL), found[1].strip()
        return None

    def _request(self, s: Session, question: Question, form: str, wanted: str) -> tuple[Reply, ...]:
        """A request taken in short: the words are its first field, the rest can be told privately."""
        stored = s.replies_to(question)
        if stored is not None:
            return stored
        now, language = self.clock.now(), question.language or language_of(wanted) or Language.ZH
        conversation = replace(s.conversation(question.address, self.visitor(question.address)), language=language)
        prediction = Prediction(form, 1.0, engine="called")
        number = s.add_question(conversation, question, prediction, now)
        known = self.knowledge.form(form, language)
        if known is None or not wanted:
            word = question.text.strip().rstrip(":：,，")
            reply = Reply(ReplyKind.NOTICE, self._phrase("group_request_how", language, word=word), language=language, action=Action.FORM)
            decision = Decision(Action.FORM, (reply,), conversation)
        else:
            handover = Handover("form", form, number, ((known.fields[0].name, wanted),))
            note = Note(EventName.FORM_STARTED, form)
            decision = Decision(Action.FORM, (), conversation, handover, (note,), prediction, new_question=True)
        return self._carry_out(s, self._fitting(s, decision, number, now), number, now)


def _clipped(question: Question) -> Question:
    return replace(question, text=clean(question.text)[:LONGEST_QUESTION])


def _settled(replies: tuple[Reply, ...]) -> Future[tuple[Reply, ...]]:
    done: Future[tuple[Reply, ...]] = Future()
    done.set_result(replies)
    return done
