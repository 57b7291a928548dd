"""Several short messages that make one question: each is met at once and shortly, and understood with those before it."""

from dataclasses import dataclass, replace

from bot.answering.base import Base, Situation, worth_offering
from bot.domain import Decision, EventName, IntentKind, Note
from bot.messages import Action, Choice, Reply, ReplyKind

_MOST_PENDING = 3  # after so many fragments that say too little, a person is asked


@dataclass(frozen=True)
class Fragments(Base):
    """Rules about pieces of a question. Nothing is ever held back to wait for more: some channels take one reply only, and at once."""

    def _opening(self, s: Situation) -> Decision | None:
        """Words like 我想问下 say nothing yet: a short reply, and what follows belongs to them."""
        if not self.knowledge.turns.opens(s.question.text):
            return None
        talk = replace(s.conversation, pending=(*s.pending, ""), question=s.continues or s.conversation.question)
        note = Note(EventName.SOCIAL, "opening")
        return self._say(s, ReplyKind.SOCIAL, self._phrase(s, "go_ahead"), conversation=talk, notes=(note,))

    def _together(self, s: Situation) -> Situation:
        """The message as it is to be understood: with the fragments before it where that makes more of it."""
        if s.joined is None:
            return replace(s, continues=0) if self._knows(s.whole.prediction) else s
        if self._knows(s.whole.prediction) and not self._more_telling(s):
            # A whole question after a fragment stands for itself; the fragment was answered by asking back.
            return replace(s, continues=0)
        return replace(s, whole=s.joined, parts=())

    def _more_telling(self, s: Situation) -> bool:
        if s.joined is None or not self.knowledge.turns.fragment(s.question.text):
            return False
        alone, both = s.whole.prediction, s.joined.prediction
        same = both.intent == alone.intent and len(both.entities) > len(alone.entities)
        return self._knows(both) and (same or both.confidence > alone.confidence)

    def _fragment(self, s: Situation) -> Decision | None:
        """A piece that says too little by itself is not handed over while more may come: the bot asks for the rest."""
        turns, text, whole = self.knowledge.turns, s.question.text, s.whole.prediction
        likely = worth_offering(whole, self.kinds)
        human = self.kinds.get(whole.intent) is IntentKind.HUMAN and whole.confidence >= self.policy.clarify_at
        if human or self._knows(whole) or (likely and likely[0].confidence >= self.policy.clarify_at):
            return None
        if len(s.pending) >= _MOST_PENDING or not turns.fragment(text) or not (turns.dangles(text) or s.pending):
            return None
        options = (Choice("0", self._phrase(s, "form_offer_human"), "human"),)
        talk = replace(s.conversation, pending=(*s.pending, text), options=options, question=s.continues, asked="", entry="", intent="")
        talk = replace(talk, entities=())
        reply = Reply(ReplyKind.CLARIFY, self._phrase(s, "go_on"), choices=options, language=s.language, action=Action.CLARIFY)
        return Decision(Action.CLARIFY, (reply,), talk, prediction=whole)

    def _continued(self, s: Situation, decision: Decision) -> Decision:
        """What was begun by fragments is one question: it is counted once, under the number of the first that was counted."""
        asks_back = decision.action is Action.CLARIFY and not decision.conversation.pending
        if asks_back or (decision.action is Action.ANSWER and self.knowledge.turns.dangles(s.question.text)):
            decision = replace(decision, conversation=replace(decision.conversation, pending=(*s.pending, s.question.text)))
        if not s.continues or not decision.new_question:
            return decision
        handover = replace(decision.handover, question=s.continues) if decision.handover else None
        talk = replace(decision.conversation, question=s.continues)
        return replace(decision, new_question=False, handover=handover, conversation=talk)
