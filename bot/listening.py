"""Long messages, heard out: of a story with a question in it, the question is what an engine is asked.

An engine judges a message as a whole, and the hundreds of words of a story drown the ten that ask. Measured on stories before
and after questions of the development set: benchmarks/README.md. Pure but for the engine it asks.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.domain import OUT_OF_SCOPE, Engine, Prediction
from bot.text import bare

_UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|[0-9]+")
# Of a very long message its beginning and, since the question comes last, more of its end, in characters.
_HEAD, _TAIL = 400, 1600
# In characters and words: from where on a message is a story, a sentence is several, and how much of one is heard at once.
_STORY, _SENTENCE, _BREATH = 80, 60, 36
# Without any mark between its words a story is cut where the question may begin.
_CUTS = (12, 20, 32)
_LEAST = 4
# So many courtesies may end a story; so many of its first and last sentences that ask are heard.
_CLOSING, _FIRST, _LAST = 2, 2, 3
_PLEA = "human_agent"  # "please answer soon" ends a story as a courtesy does
# A sentence that asks nothing means something only when the engine is as sure as this: at the end of the story, and elsewhere.
LIKELY, SURE = 0.75, 0.95

_END = re.compile(r"(?<=[。！？!?;；\n…~～])|(?<=\. )|(?=\b(?:thanks|thank you|many thanks)\b)", re.IGNORECASE)
_CLAUSE = re.compile(r"(?<=[，,、:：])|(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fffA-Za-z])|(?<=[A-Za-z0-9]) (?=[\u4e00-\u9fff])")
_ASKS = re.compile(
    r"[?？]|[吗嘛呢么不没][，,。！~～…\s]*$|怎么[^样]|怎样|如何|咋|能不能|能否|可不可以|可以不|是不是|有没有|是否|多少|几[点号天本次个]|哪[里儿个些天]"
    r"|请问|想问|问一下|问下"
    r"|\b(?:how|where|when|what|which|who|why|can (?:i|you|we)|could (?:i|you|we)|is there|are there|do (?:i|you|we)|may i|should i"
    r"|would you)\b",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Whether a sentence has the form of a question or request."""
    return bool(_ASKS.search(text))


def is_story(text: str) -> bool:
    """Whether a message is so long that most of it will not be the question."""
    return len(text) > _STORY and _size(text) > _STORY


def asked(text: str) -> tuple[str, ...]:
    """The sentences of a story that ask."""
    return tuple(sentence for sentence in _sentences(text) if asks(sentence))


@dataclass(frozen=True)
class Listener:
    """An engine that hears stories out. Shorter messages it is asked as they are. `courtesies` are the intents that end a
    story without being its point."""

    engine: Engine
    courtesies: Collection[str] = ()

    def predict(self, text: str) -> Prediction:
        """What the question in a message means."""
        if not is_story(text):
            return self.engine.predict(text)
        sentences = _sentences(text)
        said = self._point(sentences) if sentences else self.engine.predict(text)
        return _told(said) if said.intent in self.courtesies else said

    def _point(self, sentences: Sequence[str]) -> Prediction:
        """The sentence that surely asks for something: the last one before the courtesies, or the surest of those that have the form of a
        question; else one that surely means something without asking; else the last that asks, for what it is worth."""
        closing, last = 0, self._heard(sentences[-1])
        while self._closes(last) and closing < min(_CLOSING, len(sentences) - 1):
            closing += 1
            last = self._heard(sentences[-1 - closing])
        ending, before = sentences[-1 - closing], sentences[: len(sentences) - 1 - closing]
        if self._means(last) and last.confidence >= LIKELY:
            return last
        if asks(ending) and last.intent == OUT_OF_SCOPE and last.confidence >= LIKELY:
            return last  # nothing else that was asked makes this unasked
        asking = [sentence for sentence in before if asks(sentence)]
        heard = [self._heard(sentence) for sentence in _ends(asking)]
        surest = max(filter(self._means, heard), key=lambda said: said.confidence, default=None)
        if surest and surest.confidence >= LIKELY:
            return surest
        if asks(ending) and last.intent not in self.courtesies:
            return last
        if heard:
            return heard[-1]
        others = [self._heard(sentence) for sentence in (*before[-1:], *before[:1])]
        sure = (said for said in others if self._means(said) and said.confidence >= SURE)
        return next(sure, _told(last))

    def _closes(self, said: Prediction) -> bool:
        return said.intent in self.courtesies or (said.intent == _PLEA and said.confidence < SURE)

    def _means(self, said: Prediction) -> bool:
        return said.intent != OUT_OF_SCOPE and said.intent not in self.courtesies

    def _heard(self, sentence: str) -> Prediction:
        """One sentence; of a run-on the one of its endings that says most."""
        if _size(sentence) <= _SENTENCE:
            return self.engine.predict(sentence)
        return max((self.engine.predict(ending) for ending in _endings(sentence)), key=lambda said: said.confidence)


def _told(said: Prediction) -> Prediction:
    """What is told without being asked may be offered, but is not answered."""
    offered = tuple(candidate for candidate in said.candidates() if candidate.intent != OUT_OF_SCOPE)
    return replace(said, intent=OUT_OF_SCOPE, runners_up=offered)


def _ends(sentences: Sequence[str]) -> Sequence[str]:
    return sentences if len(sentences) <= _FIRST + _LAST else (*sentences[:_FIRST], *sentences[-_LAST:])


def _size(text: str) -> int:
    return len(_UNIT.findall(text[: _HEAD + _TAIL]))


def _sentences(text: str) -> list[str]:
    reach = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    return [part for part in _END.split(reach) if _size(part) >= _LEAST]


def _endings(sentence: str) -> list[str]:
    """The last one, two and three clauses."""
    found, ending = list[str](), ""
    for clause in reversed([clause for clause in _CLAUSE.split(sentence) if bare(clause)]):
        ending = clause + ending
        if _size(ending) > _BREATH:
            break
        if _size(ending) >= _LEAST:
            found.append(ending)
    return found[: len(_CUTS)] or [sentence[-length:] for length in _CUTS]
