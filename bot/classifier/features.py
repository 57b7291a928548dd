"""Which pieces are known, how much each tells, and texts as sparse rows of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot.classifier.lexicon import Lexicon
from bot.classifier.pieces import KINDS, MARKS, Codes, Kinds, Pieces, pieces

if TYPE_CHECKING:
    from scipy import sparse

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# Kind of piece -> its weight beside the others. Each kind is normalised on its own, so that a long kind does not
# drown a short one. The weights are measured (development set and cross-validation), not derived.
WEIGHTS = {"u": 1.0, "b": 0.7, "w": 0.7, "p": 0.5, "c": 0.7, "d": 0.7, "e": 0.5, "f": 0.4}
# In how many training texts a piece must occur; more for the kinds that come in great numbers, to keep the model small.
# Of so few texts every piece is needed.
_LEAST, _LEAST_OF_MANY, _MANY = 2, 8, "pdefw"
_FEW_TEXTS = 5_000
_WORDS = "uwpcd"  # kinds that make a text speak: the others are made of these and of marks


_WEIGHTS = np.array([WEIGHTS[kind] for kind in KINDS])
_UNIT, _PAIR = KINDS.index("u"), KINDS.index("b")  # the first two
_FEW = 8  # of more known pieces at least one is of a kind that speaks


@dataclass(frozen=True, slots=True)
class Row:
    """One text: which known pieces it has, with what weight, and what the gate wants to know about it as a whole."""

    indices: npt.NDArray[np.intp]
    values: Floats
    about: tuple[float, float, float, float, float]


ABOUT = ("length", "unknown units", "unknown pairs", "latin", "classes")


class Featuriser:
    """The vocabulary of a training set: the pieces that are known, in rising order, and how much each tells (inverse document
    frequency)."""

    def __init__(self, lexicon: Lexicon, codes: Codes, kinds: Kinds, idf: Floats, documents: int) -> None:
        self.lexicon, self.codes, self.kinds, self.idf, self.documents = lexicon, codes, kinds, idf, documents
        marks = np.concatenate([pieces(mark, Lexicon(())).codes for mark in MARKS])
        self._speaks = np.isin(kinds, [KINDS.index(kind) for kind in _WORDS]) & ~np.isin(codes, marks)
        # An unknown piece weighs as much as the rarest known one: strange text gets little evidence for anything.
        self._unknown = math.log((1 + documents) / 1.5) + 1

    @classmethod
    def learn(cls, lexicon: Lexicon, found: Sequence[Pieces]) -> Featuriser:
        """From the pieces of every training text; of many texts those in too few are left out."""
        codes, firsts, frequency = np.unique(np.concatenate([of.codes for of in found]), return_index=True, return_counts=True)
        kinds = np.concatenate([of.kinds for of in found])[firsts]
        least = np.array([1 if len(found) < _FEW_TEXTS else _LEAST_OF_MANY if kind in _MANY else _LEAST for kind in KINDS])
        kept = frequency >= least[kinds]
        idf = np.log((1 + len(found)) / (1 + frequency[kept])) + 1
        return cls(lexicon, codes[kept], kinds[kept], idf.astype(np.float32), len(found))

    def row(self, text: str) -> Row:
        """One text."""
        return self.weighed(pieces(text, self.lexicon))

    def weighed(self, found: Pieces) -> Row:
        """One text whose pieces are known already."""
        at = self.codes.searchsorted(found.codes)
        known = self.codes.take(at, mode="clip") == found.codes
        values = np.where(known, self.idf.take(at, mode="clip"), self._unknown)
        if found.counts is not None:
            values *= 1 + np.log(found.counts)
        kinds = found.kinds
        scale = _WEIGHTS / np.sqrt(np.bincount(kinds, values * values, len(KINDS)) + 1e-12)
        (kept,) = known.nonzero()
        indices = at.take(kept)
        if len(indices) <= _FEW and not self._speaks.take(indices).any():
            kept = indices = indices[:0]  # a question mark after words that nobody taught is no evidence for anything
        values = (values * scale.take(kinds)).take(kept).astype(np.float32)
        units, pairs = found.sizes[_UNIT], found.sizes[_PAIR]
        about = (
            math.log1p(found.units),
            (units - int(known[:units].sum())) / max(1, units),
            (pairs - int(known[units : units + pairs].sum())) / max(1, pairs),
            found.latin / max(1, found.units),
            float(found.classes),
        )
        return Row(indices, values, about)

    def matrix(self, rows: Iterable[Row]) -> sparse.csr_array:
        """Rows below each other."""
        from scipy import sparse  # learning only, as sklearn: a server that serves needs neither

        listed = list(rows)
        ends = np.cumsum([0, *(len(row.indices) for row in listed)], dtype=np.int32)
        data = np.concatenate([row.values for row in listed])
        indices = np.concatenate([row.indices for row in listed]).astype(np.int32)
        return sparse.csr_array((data, indices, ends), shape=(len(listed), len(self.codes)))
