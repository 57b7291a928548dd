"""Answers to the bot's own question: numbers, titles, none of these; and messages without any words."""

from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from bot import forms
from bot.answering.base import Situation
from bot.answering.requests import Requests
from bot.domain import Decision, EventName, Example, Note
from bot.messages import INTENT, Action, Choice, Reply, ReplyKind
from bot.text import bare, has_words, normalise
from bot.turns import LAST, ordinal

_ALIKE = 75.0  # rapidfuzz ratio from which a mistyped title is the title
_SHORTEST = 2
_MOST_LISTED = 10


@dataclass(frozen=True)
class Choices(Requests):
    """Rules while numbered choices are on offer."""

    def _offered(self, s: Situation) -> Decision | None:
        if not s.conversation.options:
            return None
        numbered = not s.question.choice and ordinal(s.question.text) is not None
        chosen = self._pressed(s) or (self._numbered(s) if numbered else self._by_words(s))
        if chosen is not None:
            return self._chosen(s, chosen)
        if not numbered or s.question.attachments:
            return None
        reply = Reply(
            ReplyKind.CLARIFY,
            self._phrase(s, "choose_again"),
            choices=s.conversation.options,
            language=s.language,
            action=Action.CLARIFY,
        )
        return Decision(Action.CLARIFY, (reply,), replace(s.conversation, pending=s.pending))

    def _pressed(self, s: Situation) -> Choice | None:
        typed = s.question.choice or normalise(s.question.text).rstrip(".、)。 ")
        return next(
            (o for o in s.conversation.options if typed in (o.key, o.value) or (bare(typed) and bare(typed) == bare(o.title))), None
        )

    def _numbered(self, s: Situation) -> Choice | None:
        number = ordinal(s.question.text)
        titled = [option for option in s.conversation.options if option.key != "0"]
        if number == LAST:
            return titled[-1] if titled else None
        return next((option for option in s.conversation.options if option.key == str(number)), None)

    def _by_words(self, s: Situation) -> Choice | None:
        """The choice whose title was typed in part or with slips, or whose topic was put in other words; or "none of these"."""
        options, text, prediction = s.conversation.options, s.question.text, s.whole.prediction
        if self.knowledge.cue("human", text):
            return next((option for option in options if option.value == "human" or option.value.startswith("human:")), None)
        if self.knowledge.cue("confirm", text):
            only = [option for option in options if option.key != "0"]
            return only[0] if len(only) == 1 and len(options) > 1 else None
        if not s.conversation.asked:
            return None
        if self._knows(prediction):
            return next((option for option in options if option.value == f"{INTENT}{prediction.intent}"), None)
        typed = bare(text)
        if len(typed) < _SHORTEST:
            return None
        scored = sorted(((_alike(typed, bare(option.title)), option) for option in options if option.key != "0"), key=lambda pair: -pair[0])
        clear = bool(scored) and scored[0][0] >= _ALIKE and (len(scored) == 1 or scored[0][0] > scored[1][0])
        return scored[0][1] if clear else None

    def _chosen(self, s: Situation, chosen: Choice) -> Decision:
        asked = s.conversation.question
        verb, _, value = chosen.value.partition(":")
        if row := self._row_choice(s, verb, value):
            return row
        words = s.conversation.asked
        s = replace(s, conversation=replace(s.conversation, options=(), asked=""))
        if own := self._own_choice(s, verb, value):
            return own
        if verb == "human":
            return self._hand_over(s, "asked_for_person" if value == "form" else "none_of_these", question=asked)
        if verb == "form":
            value, _, given = value.partition(":")
            form = self.knowledge.form(value, s.language)
            if form is not None:
                decision = self._ask(s, forms.start(form, asked, given), form, self._phrase(s, "form_start", title=form.title) + "\n")
                return replace(decision, notes=(Note(EventName.FORM_STARTED, intent=value, question=asked),))
        meant = replace(s.whole.prediction, entities=s.conversation.entities or s.whole.prediction.entities)
        decision = self._answer(s, value, meant, question=asked, new=not asked)
        note = Note(EventName.CHOSEN, intent=value, question=asked)
        learnt = (Example(words, value, "choice", asked),) if words else ()
        return replace(decision, notes=(note, *decision.notes), examples=learnt)

    def _wordless(self, s: Situation) -> Decision | None:
        """A picture, a sticker, a lone mark, a choice where nothing is on offer: what was on offer stays on offer."""
        text, number = s.question.text, ordinal(s.question.text)
        choosing = number is not None and (number == LAST or abs(number) < _MOST_LISTED) and not s.conversation.options
        if self.knowledge.cue("human", text) or (has_words(text) and len(bare(text)) > 1 and not choosing):
            return None
        name = "attachment" if s.question.attachments else "no_words"
        options = s.conversation.options or (Choice("0", self._phrase(s, "form_offer_human"), "human"),)
        conversation = replace(s.conversation, options=options, pending=s.pending)
        reply = Reply(ReplyKind.NOTICE, self._phrase(s, name), choices=options, language=s.language, action=Action.CLARIFY)
        notes = (Note(EventName.CLARIFIED),) if s.question.attachments else ()
        return Decision(Action.CLARIFY, (reply,), conversation, notes=notes, new_question=bool(s.question.attachments))


def _alike(typed: str, title: str) -> float:
    """How much of a title was typed: its beginning or a part of it counts as all, a slip costs a little."""
    if len(typed) >= _SHORTEST and (typed in title or (title in typed and len(typed) <= len(title) + 6)):
        return 100.0
    return fuzz.ratio(typed, title)
