"""What is already known that looks like a new example: the same again, nearly the same, and the same under another intent."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process

from bot.text import bare, normalise
from bot.training import Example

NEARLY = 80.0
CONTRADICTING = 92.0
_MOST = 6


class Likeness(StrEnum):
    """SAME: known already. CONTRADICTION: (nearly) the same words teach another intent. NEAR: worth a look."""

    SAME = "same"
    CONTRADICTION = "contradiction"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Alike:
    """A known example that looks like a new one; `score` 0 to 100."""

    text: str
    intent: str
    score: float
    likeness: Likeness


class Known:
    """All training examples, to be compared with."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._texts = [_key(example.text) for example in examples]

    def like(self, text: str, intent: str) -> tuple[Alike, ...]:
        """The most alike, contradictions first."""
        found = process.extract(_key(text), self._texts, scorer=fuzz.ratio, score_cutoff=NEARLY, limit=_MOST)
        alike = (self._judged(at, score, intent) for _, score, at in found)
        order = list(Likeness)
        return tuple(sorted(alike, key=lambda each: (order.index(each.likeness) if each.likeness is Likeness.NEAR else 0, -each.score)))

    def _judged(self, at: int, score: float, intent: str) -> Alike:
        example = self._examples[at]
        if example.intent != intent:
            likeness = Likeness.CONTRADICTION if score >= CONTRADICTING else Likeness.NEAR
        else:
            likeness = Likeness.SAME if score == 100.0 else Likeness.NEAR
        return Alike(example.text, example.intent, score, likeness)


def _key(text: str) -> str:
    return bare(text) or normalise(text)
