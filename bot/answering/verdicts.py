"""What askers think of the answers they got: the bot's, which did not help, and the librarians', once a ticket is closed."""

from dataclasses import dataclass, replace

from bot.answering.base import Situation
from bot.answering.choices import Choices
from bot.domain import Decision, Effects, EventName, Note
from bot.messages import Action, Choice, Reply, ReplyKind
from bot.turns import ordinal

RATE = "rate:"
_YES, _NO = 1, 2


@dataclass(frozen=True)
class Verdicts(Choices):
    """Rules about satisfaction."""

    def _regretted(self, s: Situation) -> Decision:
        """The answer did not help: first what to do when it does not work, if that was not shown yet, then a person."""
        talk = s.conversation
        note = Note(EventName.UNHELPFUL, talk.intent, talk.entry, talk.question)
        entry = self.knowledge.entry(talk.entry, s.language)
        fresh = "trouble" not in talk.facets_shown and not self._held_back(talk.intent)
        if entry and fresh and entry.facet("trouble"):
            shown = self._show_facet(s, entry, "trouble", (note,))
            return replace(shown, replies=(replace(shown.replies[0], text=f"{self._phrase(s, 'trouble_intro')}\n{shown.replies[0].text}"),))
        return self._hand_over(s, "unhelpful", intent=talk.intent, question=talk.question, notes=(note,))

    def _rated(self, s: Situation) -> Decision | None:
        """What an asker thinks of a librarian's answer, when they were asked and say so; anything else is just a message."""
        pressed = s.question.choice.startswith(RATE)
        ticket, satisfied = self._pressed_rating(s) if pressed else (s.conversation.rating, self._spoken_rating(s))
        if not ticket or satisfied is None:
            return self._rate_again(s) if not pressed else None
        talk = replace(s.conversation, rating=0, rating_until=None)
        effects = Effects(rated=ticket, satisfied=satisfied)
        if satisfied:
            return replace(self._say(s, ReplyKind.SOCIAL, self._phrase(s, "rated_yes"), conversation=talk), effects=effects)
        options = (Choice("0", self._phrase(s, "form_offer_human"), "human"),)
        reply = Reply(ReplyKind.SOCIAL, self._phrase(s, "rated_no"), choices=options, language=s.language, action=Action.SOCIAL)
        return Decision(Action.SOCIAL, (reply,), replace(talk, options=options), effects=effects)

    @staticmethod
    def _pressed_rating(s: Situation) -> tuple[int, bool | None]:
        answer, _, number = s.question.choice.removeprefix(RATE).partition(":")
        known = number.isdecimal() and len(number) < 19 and answer in ("yes", "no")
        return (int(number), answer == "yes") if known else (0, None)

    def _asked_to_rate(self, s: Situation) -> bool:
        until = s.conversation.rating_until
        return bool(s.conversation.rating) and until is not None and s.now <= until and not s.question.choice

    def _spoken_rating(self, s: Situation) -> bool | None:
        if not self._asked_to_rate(s):
            return None
        if self.knowledge.cue("satisfied", s.question.text):
            return True
        if self.knowledge.cue("dissatisfied", s.question.text):
            return False
        number = None if s.conversation.options else ordinal(s.question.text)
        return {_YES: True, _NO: False}.get(number) if number is not None else None

    def _rate_again(self, s: Situation) -> Decision | None:
        """Another number than those two: the choices once more. 0 is a person, as everywhere."""
        number = ordinal(s.question.text)
        if not self._asked_to_rate(s) or s.conversation.options or not number:
            return None
        choices = rating_choices(s.conversation.rating, (self._phrase(s, "rate_yes"), self._phrase(s, "rate_no")))
        reply = Reply(ReplyKind.NOTICE, self._phrase(s, "choose_again"), choices=choices, language=s.language, action=Action.CLARIFY)
        return Decision(Action.CLARIFY, (reply,), replace(s.conversation, pending=s.pending))


def rating_choices(ticket: int, titles: tuple[str, str]) -> tuple[Choice, ...]:
    """Satisfied or not, about one ticket; as buttons and as numbers."""
    return Choice(str(_YES), titles[0], f"{RATE}yes:{ticket}"), Choice(str(_NO), titles[1], f"{RATE}no:{ticket}")
