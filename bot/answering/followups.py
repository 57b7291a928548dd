"""Follow-ups: short messages that ask more about what was answered last."""

from dataclasses import dataclass, replace

from bot.answering.base import Situation
from bot.answering.understood import Understood
from bot.domain import Decision, Entry, EventName, Note, Risk
from bot.messages import Action, Reply, ReplyKind
from bot.text import flat
from bot.turns import FollowUp, Topic

_ORDER = ("who", "time", "where", "price", "how")
_LEADING = frozenset({"where", "how", "trouble"})  # facets that lead somewhere; the others are one line and the first link


@dataclass(frozen=True)
class FollowUps(Understood):
    """Rules about the answer given last, and its facets."""

    def _follow_up(self, s: Situation) -> Decision | None:
        """The part of the last answer that is asked for, or a person when our notes do not say."""
        entry, asked = self._last(s), self._asked(s.question.text)
        if entry is None:
            return None
        if (found := self._facet_of(s, s.question.text)) is not None:
            return found
        if asked is None:
            return self._mentioned(s, entry)
        if reason := self._held_back(entry.intent):
            # Held back since the answer was given: the server was started anew in between.
            return self._hand_over(s, reason, intent=entry.intent)
        return self._hand_over(s, "unsure", intent=entry.intent, intro=self._phrase(s, "facet_missing"))

    def _facet_of(self, s: Situation, text: str) -> Decision | None:
        """What our notes say to a follow-up; None when it is none, or they do not say."""
        entry, asked = self._last(s), self._asked(text)
        if entry is None or asked is None or self._held_back(entry.intent):
            return None
        if asked.topic and (season := self._of_season(s, entry, asked.topic)):
            return self._shown(s, season, "time") if season.facet("time") else self._answer(s, season.intent, s.whole.prediction, new=True)
        name = self._fitting_facet(entry, asked)
        return self._shown(s, entry, name) if name else None

    def _asked(self, text: str) -> FollowUp | None:
        found = self.knowledge.turns.follow_up(text)
        return found or next((FollowUp(name) for name in _ORDER if self.knowledge.cue(name, text)), None)

    def _last(self, s: Situation) -> Entry | None:
        return self.knowledge.entry(s.conversation.entry, s.language) if s.conversation.entry else None

    def _fitting_facet(self, entry: Entry, asked: FollowUp) -> str:
        """The facet that names the topic, else the one that was asked for."""
        if asked.topic is None:
            return asked.facet if entry.facet(asked.facet) else ""
        order = (asked.facet, *(name for name in _ORDER if name != asked.facet))
        for words in (asked.topic.words, asked.topic.also):
            for name in order:
                if _mentions(entry.facet(name), words):
                    return name
        return asked.facet if entry.facet(asked.facet) else ""

    def _of_season(self, s: Situation, entry: Entry, topic: Topic) -> Entry | None:
        """The variant of the same answer for another season, by its title, if it is still to come."""
        for other in self.knowledge.entries:
            coming = other.valid_from is not None and (other.valid_until is None or other.valid_until >= s.today)
            if other.risk is Risk.HIGH and other.review_by < s.today:
                continue
            if other.intent == entry.intent and other.language is s.language and coming and _mentions(other.title, topic.words):
                return other
        return None

    def _mentioned(self, s: Situation, entry: Entry) -> Decision | None:
        """ "X 呢", where our notes on the last answer have a line about X, and X is nothing of its own."""
        about = self.knowledge.turns.named(s.question.text)
        if not about or self._knows(s.whole.prediction):
            return None
        name = next((name for name in _ORDER if _mentions(entry.facet(name), (about,))), "")
        return self._shown(s, entry, name) if name and not self._held_back(entry.intent) else None

    def _shown(self, s: Situation, entry: Entry, name: str) -> Decision:
        note = Note(EventName.ANSWERED, entry.intent, entry.id, value=f"facet:{name}")
        return replace(self._show_facet(s, entry, name, (note,)), new_question=True)

    def _show_facet(self, s: Situation, entry: Entry, name: str, notes: tuple[Note, ...]) -> Decision:
        reply = Reply(
            ReplyKind.ANSWER,
            entry.facet(name),
            links=entry.links if name in _LEADING else entry.links[:1],
            entry=entry.id,
            language=s.language,
            intent=entry.intent,
            action=Action.ANSWER,
        )
        conversation = replace(s.conversation, facets_shown=(*s.conversation.facets_shown, name), options=(), asked="")
        return Decision(Action.ANSWER, (reply,), conversation, notes=notes)


def _mentions(text: str, words: tuple[str, ...]) -> bool:
    said = f" {flat(text)} "
    return any((f" {word} " if word.isascii() else word) in said for word in map(flat, words) if word)
