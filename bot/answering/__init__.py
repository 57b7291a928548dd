"""Pure: question + prediction + knowledge + conversation -> Decision. No database, no model library.

The order of the questions it asks is the order of the functions below; the first that answers decides.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.answering.base import MOST_CHOICES, POPULAR, Background, Policy, Situation, lead, sure_of, worth_offering
from bot.answering.fragments import Fragments
from bot.answering.several import Several
from bot.answering.steering import Steering
from bot.domain import Conversation, Decision, Part, Prediction
from bot.messages import INTENT, START, Language, Question
from bot.text import language_of, script_of

NOTHING_ELSE = Background()
Step = Callable[[Situation], Decision | None]


@dataclass(frozen=True)
class Answering(Steering, Several, Fragments):
    """The rules, with the knowledge and the policy they are applied to."""

    def decide(
        self,
        question: Question,
        parts: tuple[Part, ...],
        conversation: Conversation,
        now: datetime,
        today: date,
        *,
        background: Background = NOTHING_ELSE,
    ) -> Decision:
        """What to do about one message. `parts[0]` is the whole message; further parts are its single questions, and the
        message together with the fragments before it."""
        s = self._together(self._situation(question, parts, conversation, now, today, background=background))
        return self._announced(s, self._with_expiry(s, conversation, self._decided(s)))

    def unhelpful(self, conversation: Conversation, now: datetime, today: date) -> Decision:
        """What to do when an asker says, by a thumb, that the answer which the conversation is about did not help."""
        question = Question("", conversation.address, "")
        language = conversation.language or Language.ZH
        s = Situation(question, Part("", Prediction("", 0.0)), (), replace(conversation, last_at=now), now, today, language)
        return self._regretted(s)

    def _situation(
        self,
        question: Question,
        parts: tuple[Part, ...],
        conversation: Conversation,
        now: datetime,
        today: date,
        *,
        background: Background,
    ) -> Situation:
        context = self._remembered(conversation, now)
        # A form keeps its language: an e-mail address in it is no change of language.
        # Neither does a tap on a menu tell one: its words are the library's.
        tapped = question.choice == START or question.choice.startswith(INTENT)
        spoken = context.language if context.form or tapped else question.language or language_of(question.text)
        language = spoken or context.language or Language.ZH
        pending = context.pending if context.last_at and now - context.last_at <= self.policy.join_within else ()
        joined = next((part for part in parts[1:] if part.after and part.after == pending), None)
        script = context.script if context.script_asked else self.policy.script or script_of(question.text) or context.script
        remembered = replace(context, language=language, last_at=now, pending=(), script=script)
        singles = tuple(part for part in parts[1:] if not part.after)
        begun = context.question if any(pending) else 0
        return Situation(question, parts[0], singles, remembered, now, today, language, background, pending, joined, begun)

    def _decided(self, s: Situation) -> Decision:
        first: tuple[Step, ...] = (
            self._safe, self._named, self._form, self._own, self._offered, self._rated, self._tongue, self._acknowledged,
            self._wordless, self._opening, self._steering,
        )  # fmt: skip
        if (decision := _first(first, s)) is not None:
            return decision
        decision = _first((self._several, self._follow_up, self._fragment), s) or self._understood(s, s.whole.text, s.whole.prediction)
        return self._continued(s, decision)

    def _remembered(self, conversation: Conversation, now: datetime) -> Conversation:
        """Context ends after a silence."""
        silence = now - conversation.last_at if conversation.last_at else timedelta()
        form = conversation.form if silence <= self.policy.form_expires_after else None
        if silence > self.policy.forget_after:
            emptied = Conversation(conversation.id, conversation.address, conversation.visitor, conversation.state, conversation.language)
            kept = replace(emptied, script=conversation.script, script_asked=conversation.script_asked)
            kept = replace(kept, rating=conversation.rating, rating_until=conversation.rating_until)
            return replace(kept, form=form, question=form.question if form else 0)
        return replace(conversation, form=form)


def _first(steps: tuple[Step, ...], s: Situation) -> Decision | None:
    return next((found for step in steps if (found := step(s)) is not None), None)


__all__ = ["MOST_CHOICES", "POPULAR", "Answering", "Background", "Policy", "Situation", "lead", "sure_of", "worth_offering"]
