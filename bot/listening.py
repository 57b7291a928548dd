"""Long messages, heard out: as a whole, and sentence by sentence where the whole leaves doubt.

An engine judges a message by all its words, and the hundreds of a story drown the ten that ask. What a single sentence asks is clear,
but not whether it is the point: details belong to other topics, and another library may have been named before. So both are
heard, and what they do not agree on is offered, not answered. Measured on stories by writers whom the engine had not learned from, and
on stories made around questions of the development set: benchmarks/README.md. Pure but for the engine it asks.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.domain import OUT_OF_SCOPE, Candidate, Engine, Prediction
from bot.text import bare

_UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|[0-9]+")
# Of a very long message its beginning and, since the question comes last, more of its end, in characters.
_HEAD, _TAIL = 400, 1600
# In characters and words: up to where a message is heard as a whole only; from where on it is a story, a sentence is several, and how
# much of one is heard at once.
_PLAIN, _STORY, _SENTENCE, _BREATH = 40, 80, 60, 36
# Without any mark between its words a story is cut where the question may begin.
_CUTS = (12, 20, 32)
_LEAST = 4
# So many courtesies may end a story; so many of its first and last parts that ask are heard.
_CLOSING, _FIRST, _LAST = 2, 2, 3
_MOST = 3  # intents are offered
_PLEA = "human_agent"  # "please answer soon" ends a story as a courtesy does
# A part that asks is taken seriously from LIKELY on, one that tells, or a message as a whole, when the engine is as good as certain.
LIKELY, SURE = 0.75, 0.95
# From here on a message as a whole needs no second hearing, and a part that agrees with it settles it.
SETTLED = 0.9
# From here on a whole message makes an intent possible, and so probable that another one in a part of it is in doubt.
_POSSIBLE, _PROBABLE = 0.3, 0.4

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
class _Part:
    """A sentence of a message, or some clauses of a long one; and whether the message ends with it, closing courtesies apart."""

    text: str
    sentence: bool
    ends: bool


@dataclass(frozen=True)
class _Heard:
    """A part, and what it means by itself."""

    part: _Part
    said: Prediction

    @property
    def asks(self) -> bool:
        """Whether it has the form of a question."""
        return asks(self.part.text)


@dataclass(frozen=True)
class _Once:
    """An engine that is asked once for what is heard again: a last sentence as a courtesy and as a part, a whole as its only sentence."""

    engine: Engine
    said: dict[str, Prediction]

    def predict(self, text: str) -> Prediction:
        """What the engine says, or said."""
        if text not in self.said:
            self.said[text] = self.engine.predict(text)
        return self.said[text]


@dataclass(frozen=True)
class Listener:
    """An engine that hears stories out. Short messages it is asked as they are. `courtesies` are the intents that end a
    story without being its point."""

    engine: Engine
    courtesies: Collection[str] = ()

    def predict(self, text: str) -> Prediction:
        """What the question in a message means."""
        text = _reach(text)
        whole = self.engine.predict(text)
        if _size(text) <= _PLAIN or (self._means(whole) and whole.confidence >= SETTLED):
            return whole
        heard = self._heard(text, _Once(self.engine, {text: whole}))
        if agreed := self._agreed(whole, heard):
            return agreed
        if not is_story(text) or (self._means(whole) and whole.confidence >= LIKELY):
            return whole
        return self._point(whole, heard) or self._offered(whole, heard)

    def _agreed(self, whole: Prediction, heard: Sequence[_Heard]) -> Prediction | None:
        """The intent that is possible for the message as a whole and clearly asked in a part of it, when no part asks for another."""
        possible = self._best(whole)
        if possible is None or possible.confidence < _POSSIBLE:
            return None
        asked = [each.said for each in heard if each.asks and self._means(each.said) and each.said.confidence >= LIKELY]
        surest = max((said.confidence for said in asked), default=0.0)
        if surest < max(SETTLED, self._asked_elsewhere(heard)) or any(said.intent != possible.intent for said in asked):
            return None
        others = tuple(one for one in whole.candidates() if one.intent != possible.intent and one.confidence <= surest)
        return Prediction(possible.intent, max(surest, possible.confidence), others, engine=whole.engine)

    def _point(self, whole: Prediction, heard: Sequence[_Heard]) -> Prediction | None:
        """The one thing that a story clearly asks in a part, or else ends with, if the whole makes nothing else probable and no other
        part tells of something else. What is told in passing is no point, however clear it is: as often as not the question is another."""
        clear = self._pointed(heard)
        if len({each.said.intent for each in clear}) != 1:
            return None
        best = max(clear, key=lambda each: each.said.confidence)
        if best.said.confidence < max(SETTLED, self._asked_elsewhere(heard)):
            return None
        # The whole is heard among all its words: what a sentence surely asks may be the point all the same.
        doubt = LIKELY if best.part.sentence and best.said.confidence >= SURE else _PROBABLE
        possible = self._best(whole)
        elsewhere = possible and possible.intent != best.said.intent and possible.confidence >= doubt
        told = (each.said for each in heard if self._means(each.said) and each.said.confidence >= SETTLED)
        return None if elsewhere or any(other.intent != best.said.intent for other in told) else best.said

    def _pointed(self, heard: Sequence[_Heard]) -> list[_Heard]:
        """The parts that ask; where none of them means anything, the end, if it surely does."""
        if self._ends_elsewhere(heard):
            return []
        meaning = [each for each in heard if self._means(each.said)]
        asking = [each for each in meaning if each.asks and each.said.confidence >= LIKELY]
        return asking or [each for each in meaning if each.part.ends and each.said.confidence >= SURE]

    def _asked_elsewhere(self, heard: Sequence[_Heard]) -> float:
        """How surely a question in it is none for the library; what is answered must be surer."""
        return max((each.said.confidence for each in heard if each.asks and each.said.intent == OUT_OF_SCOPE), default=0.0)

    def _ends_elsewhere(self, heard: Sequence[_Heard]) -> bool:
        """Whether the last question is none for the library: nothing else that was asked makes it unasked."""
        last = (each for each in heard if each.part.ends and each.asks)
        return any(each.said.intent == OUT_OF_SCOPE and each.said.confidence >= LIKELY for each in last)

    def _offered(self, whole: Prediction, heard: Sequence[_Heard]) -> Prediction:
        """What is in doubt may be offered, but is not answered: the best of the whole, and of the parts that ask, end it or are sure."""
        asking = [] if self._ends_elsewhere(heard) else [each.said for each in heard if each.asks]
        speaking = asking or [each.said for each in heard if each.part.ends or (self._means(each.said) and each.said.confidence >= SURE)]
        best: dict[str, Candidate] = {}
        for candidate in sorted((one for said in speaking for one in said.candidates()), key=_less_sure):
            if self._intends(candidate.intent):
                best.setdefault(candidate.intent, candidate)
        offered = list(best.values())[:_MOST]
        if (possible := self._best(whole)) and all(one.intent != possible.intent for one in offered):
            offered = sorted([*offered[: _MOST - 1], possible], key=_less_sure)
        return Prediction(OUT_OF_SCOPE, max((whole.confidence, *(one.confidence for one in offered))), tuple(offered), engine=whole.engine)

    def _best(self, said: Prediction) -> Candidate | None:
        return next((candidate for candidate in said.candidates() if self._intends(candidate.intent)), None)

    def _means(self, said: Prediction) -> bool:
        return self._intends(said.intent)

    def _intends(self, intent: str) -> bool:
        return intent != OUT_OF_SCOPE and intent not in self.courtesies

    def _closes(self, sentence: str, engine: Engine) -> bool:
        if _size(sentence) > _SENTENCE:
            return False
        said = engine.predict(sentence)
        return said.intent in self.courtesies or (said.intent == _PLEA and said.confidence < SURE)

    def _heard(self, text: str, engine: Engine) -> list[_Heard]:
        """The parts that may be the point: those that ask, the first, and the last before the courtesies; not more than a dozen."""
        sentences = _sentences(text)
        closing = 0
        while closing < min(_CLOSING, len(sentences) - 1) and self._closes(sentences[-1 - closing], engine):
            closing += 1
        parts = list(_parts(sentences[: len(sentences) - closing]))
        asking = [part for part in parts if asks(part.text)]
        chosen = dict.fromkeys((*parts[:1], *_ends(asking), *parts[-2:-1], *(part for part in parts if part.ends)))
        return [_Heard(part, engine.predict(part.text)) for part in chosen]


def _less_sure(candidate: Candidate) -> float:
    return -candidate.confidence


def _ends(parts: Sequence[_Part]) -> Sequence[_Part]:
    return parts if len(parts) <= _FIRST + _LAST else (*parts[:_FIRST], *parts[-_LAST:])


def _parts(sentences: Sequence[str]) -> Iterator[_Part]:
    """The sentences; of a long one runs of clauses instead, one from each clause on, and its endings."""
    for at, sentence in enumerate(sentences):
        ends = at == len(sentences) - 1
        if _size(sentence) <= _SENTENCE:
            yield _Part(sentence, True, ends)
            continue
        endings = _endings(sentence) if ends else []
        yield from (_Part(run, False, False) for run in _runs(sentence) if run not in endings)
        yield from (_Part(ending, False, True) for ending in endings)


def _size(text: str) -> int:
    return len(_UNIT.findall(text[: _HEAD + _TAIL]))


def _reach(text: str) -> str:
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def _sentences(text: str) -> list[str]:
    return [part for part in _END.split(_reach(text)) if _size(part) >= _LEAST]


def _runs(sentence: str) -> Iterator[str]:
    """From each clause on as many as are heard at once; none that the one before it ends with."""
    clauses, last = [clause for clause in _CLAUSE.split(sentence) if bare(clause)], ""
    sizes = [_size(clause) for clause in clauses]
    for at in range(len(clauses)):
        reach, size = at + 1, sizes[at]
        while reach < len(clauses) and size + sizes[reach] <= _BREATH:
            size += sizes[reach]
            reach += 1
        run = "".join(clauses[at:reach])
        if not last.endswith(run):
            yield run
        last = run


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
