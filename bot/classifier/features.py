"""A text as weighted pieces, and pieces as sparse rows. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot.classifier.lexicon import Lexicon
from bot.pinyin import syllables
from bot.text import normalise

if TYPE_CHECKING:
    from scipy import sparse

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

_UNIT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z]+|[0-9]+|[?!]")
_MOST_CLASSES = 14
_LONGEST_WORD = 20
# Of a long story its beginning and, since the question comes last, more of its end.
_HEAD, _TAIL = 100, 220

# Kind of piece -> its weight beside the others. Each kind is normalised on its own, so that a long kind does not
# drown a short one. The weights are measured (development set and cross-validation), not derived.
WEIGHTS = {
    "u": 1.0,  # single characters and words
    "b": 0.7,  # pairs of them, beginning and end of the message included
    "t": 0.5,  # triples
    "i": 0.4,  # two and three letters inside a word
    "w": 0.7,  # four and five
    "p": 0.5,  # sounds: two and three syllables as one string, where zhiwang, 知网 and 知往 meet
    "c": 0.7,  # lexicon classes
    "d": 0.7,  # pairs of classes anywhere in the message
    "e": 0.5,  # pairs of neighbours with phrases replaced by their classes: "@database 打"
    "f": 0.4,  # triples of the same
}
# In how many training texts a piece must occur; more for the kinds that come in great numbers, to keep the model small.
_LEAST, _LEAST_OF_MANY, _MANY = 2, 3, "tdefw"


@dataclass(frozen=True, slots=True)
class Row:
    """One text: which known pieces it has, with what weight, and what the gate wants to know about it as a whole."""

    indices: Ints
    values: Floats
    about: Floats


ABOUT = ("length", "unknown units", "unknown pairs", "latin", "classes")


def pieces(text: str, lexicon: Lexicon) -> dict[str, list[str]]:
    """Every piece of a text, by kind, repeated as often as it occurs."""
    message = normalise(text)
    if len(message) > _HEAD + _TAIL:
        message = message[:_HEAD] + " " + message[-_TAIL:]
    units = [f"#{min(len(unit), 5)}" if unit[0].isdigit() else unit for unit in _UNIT.findall(message)]
    edged = ["^", *units, "$"]
    words = [f"<{unit[:_LONGEST_WORD]}>" for unit in units if "a" <= unit[0] <= "z"]
    sounds = syllables(message)
    classes, sequence = lexicon.replaced(message)
    told = sorted(classes[:_MOST_CLASSES])
    tokens = ["^", *sequence, "$"]
    return {
        "u": units,
        "b": list(_grams(edged, 2)),
        "t": list(_grams(edged, 3)),
        "i": [word[at : at + size] for word in words for size in (2, 3) for at in range(len(word) - size + 1)],
        "w": [word[at : at + size] for word in words for size in (4, 5) for at in range(len(word) - size + 1)],
        "p": [*_joined(sounds, 2), *_joined(sounds, 3), *(word[1:-1] for word in words if len(word) > 6)],
        "c": list(classes),
        "d": [f"{first} {second}" for at, first in enumerate(told) for second in told[at + 1 :]],
        "e": [gram for gram in _grams(tokens, 2) if "@" in gram],
        "f": [gram for gram in _grams(tokens, 3) if "@" in gram],
    }


def _grams(units: Sequence[str], size: int) -> Iterator[str]:
    return (" ".join(units[at : at + size]) for at in range(len(units) - size + 1))


def _joined(units: Sequence[str], size: int) -> Iterator[str]:
    return ("".join(units[at : at + size]) for at in range(len(units) - size + 1))


class Featuriser:
    """The vocabulary of a training set: which pieces are known, and how much each tells (inverse document frequency)."""

    def __init__(self, lexicon: Lexicon, vocabulary: Sequence[str], idf: Floats, documents: int) -> None:
        self.lexicon, self.vocabulary, self.idf, self.documents = lexicon, vocabulary, idf, documents
        self._index = {piece: at for at, piece in enumerate(vocabulary)}
        self._idf = idf.tolist()
        self._speaks = [any(letter.isalnum() for letter in piece[1:]) for piece in vocabulary]
        # An unknown piece weighs as much as the rarest known one: strange text gets little evidence for anything.
        self._unknown = (math.log((1 + documents) / 1.5) + 1) ** 2

    @classmethod
    def learn(cls, lexicon: Lexicon, found: Sequence[dict[str, list[str]]]) -> Featuriser:
        """From the pieces of every training text; those in too few texts are left out."""
        frequency: Counter[str] = Counter()
        for of_text in found:
            frequency.update({kind + piece for kind, listed in of_text.items() for piece in listed})
        vocabulary = sorted(piece for piece, count in frequency.items() if count >= (_LEAST_OF_MANY if piece[0] in _MANY else _LEAST))
        idf = np.array([math.log((1 + len(found)) / (1 + frequency[piece])) + 1 for piece in vocabulary], np.float32)
        return cls(lexicon, vocabulary, idf, len(found))

    def row(self, text: str) -> Row:
        """One text."""
        return self.weighed(pieces(text, self.lexicon))

    def weighed(self, found: dict[str, list[str]]) -> Row:
        """One text whose pieces are known already."""
        indices: list[int] = []
        values: list[float] = []
        unknown: dict[str, int] = {}
        speaks = False
        for kind, listed in found.items():
            counts = Counter(listed)
            known: list[float] = []
            missing = 0
            total = 0.0
            for piece, count in counts.items():
                at = self._index.get(kind + piece)
                frequency = 1.0 if count == 1 else 1.0 + math.log(count)
                if at is None:
                    missing += 1
                    total += frequency * frequency * self._unknown
                else:
                    value = frequency * self._idf[at]
                    total += value * value
                    indices.append(at)
                    speaks = speaks or self._speaks[at]
                    known.append(value)
            unknown[kind] = missing
            if known:
                scale = WEIGHTS[kind] / math.sqrt(total)
                values += [value * scale for value in known]
        if not speaks:  # a question mark after words that nobody taught is no evidence for anything
            indices, values = [], []
        units = found["u"]
        about = (
            math.log1p(len(units)),
            unknown["u"] / max(1, len(units)),
            unknown["b"] / max(1, len(found["b"])),
            sum("a" <= unit[0] <= "z" for unit in units) / max(1, len(units)),
            float(len(found["c"])),
        )
        return Row(np.array(indices, np.int32), np.array(values, np.float32), np.array(about, np.float32))

    def matrix(self, rows: Iterable[Row]) -> sparse.csr_array:
        """Rows below each other."""
        from scipy import sparse  # learning only, as sklearn: a server that serves needs neither

        listed = list(rows)
        ends = np.cumsum([0, *(len(row.indices) for row in listed)], dtype=np.int32)
        data = np.concatenate([row.values for row in listed])
        indices = np.concatenate([row.indices for row in listed])
        return sparse.csr_array((data, indices, ends), shape=(len(listed), len(self.vocabulary)))
