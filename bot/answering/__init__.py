"""Pure: question + prediction + knowledge + conversation -> Decision. No database, no model library.

The order of the questions it asks is the order of the functions below; the first that answers decides.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.answering.base import MOST_CHOICES, POPULAR, Background, Policy, Situation, lead, sure_of, worth_offering
from bot.answering.steering import Steering
from bot.domain import Conversation, Decision, Part
from bot.messages import INTENT, START, Language, Question
from bot.text import language_of

NOTHING_ELSE = Background()


@dataclass(frozen=True)
class Answering(Steering):
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
        """What to do about one message. `parts[0]` is the whole message; further parts are its single questions."""
        context = self._remembered(conversation, now)
        # A form keeps its language: an e-mail address in it is no change of language.
        # Neither does a tap on a menu tell one: its words are the library's.
        tapped = question.choice == START or question.choice.startswith(INTENT)
        spoken = context.language if context.form or tapped else question.language or language_of(question.text)
        language = spoken or context.language or Language.ZH
        remembered = replace(context, language=language, last_at=now)
        s = Situation(question, parts[0], parts[1:], remembered, now, today, language, background)
        return self._announced(s, self._with_expiry(s, conversation, self._decided(s)))

    def _decided(self, s: Situation) -> Decision:
        steps: tuple[Callable[[Situation], Decision | None], ...] = (
            self._safe, self._named, self._form, self._own, self._offered,
            self._wordless, self._steering, self._facet, self._several,
        )  # fmt: skip
        for step in steps:
            if (decision := step(s)) is not None:
                return decision
        return self._understood(s, s.whole.text, s.whole.prediction)

    def _remembered(self, conversation: Conversation, now: datetime) -> Conversation:
        """Context ends after a silence."""
        silence = now - conversation.last_at if conversation.last_at else timedelta()
        form = conversation.form if silence <= self.policy.form_expires_after else None
        if silence > self.policy.forget_after:
            emptied = Conversation(conversation.id, conversation.address, conversation.visitor, conversation.state, conversation.language)
            return replace(emptied, form=form, question=form.question if form else 0)
        return replace(conversation, form=form)


__all__ = ["MOST_CHOICES", "POPULAR", "Answering", "Background", "Policy", "Situation", "lead", "sure_of", "worth_offering"]
