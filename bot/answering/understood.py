"""A question that was understood, more or less: the entry, "did you mean", or a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import lookups
from bot.answering.base import Situation, sure_of, worth_offering
from bot.answering.looked_up import LookedUp
from bot.domain import (
    OUT_OF_SCOPE,
    Candidate,
    Decision,
    Entry,
    EventName,
    IntentKind,
    Note,
    Prediction,
    Risk,
)
from bot.messages import Action, Choice, Link, Reply, ReplyKind

_SHORT_FOLLOW_UP = 20
_GREETING = "greet"


@dataclass(frozen=True)
class Understood(LookedUp):
    """What to say to an intent."""

    def _understood(self, s: Situation, text: str, prediction: Prediction) -> Decision:
        intent, kind = prediction.intent, self.kinds.get(prediction.intent)
        if inherited := self._inherited(s, text, prediction):
            return self._answer(s, inherited, prediction, new=True)
        if kind is IntentKind.HUMAN and prediction.confidence >= self.policy.clarify_at:
            reason = "complaint" if intent == "complaint" else "asked_for_person"
            return self._hand_over(s, reason, intent=intent, prediction=prediction, intro=self._entry_text(s, intent))
        if sure_of(prediction, self.policy) and kind is IntentKind.SOCIAL:
            note, text = Note(EventName.SOCIAL, intent), self._entry_text(s, intent)
            # A greeting may be the first piece of a question in several messages.
            talk = replace(s.conversation, pending=(*s.pending, "")) if intent == _GREETING else s.conversation
            return self._say(s, ReplyKind.SOCIAL, text, conversation=talk, notes=(note,), intent=intent, prediction=prediction)
        if sure_of(prediction, self.policy) and kind is not None:
            return self._answer(s, intent, prediction, new=True)
        likely = worth_offering(prediction, self.kinds)
        if likely and likely[0].confidence >= self.policy.clarify_at:
            return self._clarify(s, likely, prediction)
        reason = "out_of_scope" if intent == OUT_OF_SCOPE or not likely else "unsure"
        return self._hand_over(s, reason, intent="" if intent == OUT_OF_SCOPE else intent, prediction=prediction)

    def _inherited(self, s: Situation, text: str, prediction: Prediction) -> str | None:
        """The previous lookup, when a short message only names another database, course or college ("那 EI 呢")."""
        previous = s.conversation.intent
        kinds = lookups.KINDS.get(previous, frozenset())
        named = [entity.text for entity in prediction.entities if entity.kind in kinds]
        if not named or len(text) > _SHORT_FOLLOW_UP:
            return None
        unsure = prediction.intent != OUT_OF_SCOPE and not self._knows(prediction)
        return previous if unsure or self.knowledge.turns.only(text, named) else None

    def _clarify(self, s: Situation, likely: Sequence[Candidate], prediction: Prediction) -> Decision:
        titles = [(self.knowledge.title(c.intent, s.language, s.today), c.intent) for c in likely]
        options = (
            *(Choice(str(number), title, f"intent:{intent}") for number, (title, intent) in enumerate(titles, 1)),
            Choice("0", self._phrase(s, "human_choice"), "human"),
        )
        reply = Reply(
            ReplyKind.CLARIFY, self._phrase(s, "clarify"), choices=options, language=s.language, intent=titles[0][1], action=Action.CLARIFY
        )
        note = Note(EventName.CLARIFIED, titles[0][1])
        # What the message names must not be asked for again when one of these is chosen.
        table = next((c.intent for c in likely if c.intent in lookups.KINDS), "")
        entities = (*prediction.entities, *lookups.named(table, s.whole.text, self.knowledge, prediction.entities))
        conversation = replace(s.conversation, options=options, entry="", intent="", entities=entities, asked=s.whole.text)
        return Decision(Action.CLARIFY, (reply,), conversation, notes=(note,), prediction=prediction, new_question=True)

    def _answer(self, s: Situation, intent: str, prediction: Prediction, question: int = 0, new: bool = False) -> Decision:
        """The curated answer to an intent, or a person where no answer may be given."""
        entry = self.knowledge.choose(intent, s.language, s.today, prediction.entities, s.question.campus)
        if entry is None:
            return self._hand_over(s, "no_entry", intent=intent, question=question, prediction=prediction)
        if entry.risk is Risk.HIGH and entry.review_by < s.today:
            return self._hand_over(s, "overdue_entry", intent=intent, question=question, prediction=prediction)
        if reason := self._held_back(intent):
            return self._hand_over(s, reason, intent=intent, question=question, prediction=prediction)
        if self.kinds.get(intent) is IntentKind.FORM:
            return self._offer_form(s, entry, prediction, question, new)
        found = self._look_up(s, intent, prediction)
        text = found.text if found else f"{entry.answer.rstrip()}\n{self._checked(s, entry)}"
        links = found.links if found and found.links else entry.links
        return self._offering_rows(self._reply(s, ReplyKind.ANSWER, text, links, entry, prediction, question, new), found)

    def _offer_form(self, s: Situation, entry: Entry, prediction: Prediction, question: int, new: bool) -> Decision:
        options = (
            Choice("1", self._phrase(s, "form_offer_fill"), f"form:{entry.intent}"),
            Choice("0", self._phrase(s, "form_offer_human"), "human:form"),
        )
        text = f"{entry.answer.rstrip()}\n{self._checked(s, entry)}"
        decision = self._reply(s, ReplyKind.FORM, text, entry.links, entry, prediction, question, new)
        reply = replace(decision.replies[0], choices=options, form=entry.intent, action=Action.FORM)
        return replace(decision, action=Action.FORM, replies=(reply,), conversation=replace(decision.conversation, options=options))

    def _reply(
        self,
        s: Situation,
        kind: ReplyKind,
        text: str,
        links: tuple[Link, ...],
        entry: Entry,
        prediction: Prediction,
        question: int,
        new: bool,
    ) -> Decision:
        reply = Reply(kind, text, links, entry=entry.id, language=s.language, intent=entry.intent, action=Action.ANSWER)
        conversation = replace(
            s.conversation, intent=entry.intent, entry=entry.id, entities=prediction.entities, facets_shown=(), options=(), asked=""
        )
        note = Note(EventName.ANSWERED, entry.intent, entry.id, question)
        return Decision(Action.ANSWER, (reply,), conversation, notes=(note,), prediction=prediction, new_question=new)
