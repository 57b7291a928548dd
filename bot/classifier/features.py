"""Which pieces are known, how much each tells, and texts as sparse rows of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

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
WEIGHTS = {"u": 1.0, "b": 1.3, "w": 0.7, "p": 0.5, "c": 0.6, "d": 0.3, "e": 0.5}
# In how many training texts a piece must occur; more for the kinds that come in great numbers, to keep the model small.
# Of so few texts every piece is needed.
_LEAST, _LEAST_OF_MANY, _MANY = 2, 15, "pdew"
_FEW_TEXTS = 5_000
_WORDS = "uwpcd"  # kinds that make a text speak: the others are made of these and of marks


# Rare pieces tell more than the logarithm says: in long messages the frequent ones are many.
_RARITY = 1.3

_WEIGHTS = np.array([WEIGHTS[kind] for kind in KINDS])
_UNIT, _PAIR = KINDS.index("u"), KINDS.index("b")  # the first two
_BATCH = 5_000  # texts at once
_FEW = 8  # of more known pieces at least one is of a kind that speaks


class Row(NamedTuple):
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
        self._unknown = (math.log((1 + documents) / 1.5) + 1) ** _RARITY

    @classmethod
    def learn(cls, lexicon: Lexicon, found: Sequence[Pieces]) -> Featuriser:
        """From the pieces of every training text; of many texts those in too few are left out."""
        codes, kinds = np.concatenate([of.codes for of in found]), np.concatenate([of.kinds for of in found])
        # Kind by kind: where each occurs first, which costs most of the time, need not be asked for.
        counted = [np.unique(codes[kinds == kind], return_counts=True) for kind in range(len(KINDS))]
        least = [1 if len(found) < _FEW_TEXTS else _LEAST_OF_MANY if kind in _MANY else _LEAST for kind in KINDS]
        kept = [frequency >= needed for (_, frequency), needed in zip(counted, least, strict=True)]
        known, often = (np.concatenate([of[part][those] for of, those in zip(counted, kept, strict=True)]) for part in (0, 1))
        order = known.argsort()
        of_kind = np.arange(len(KINDS), dtype=kinds.dtype).repeat([int(those.sum()) for those in kept])
        idf = (np.log((1 + len(found)) / (1 + often[order])) + 1) ** _RARITY
        return cls(lexicon, known[order], of_kind[order], idf.astype(np.float32), len(found))

    def row(self, text: str) -> Row:
        """One text."""
        found = pieces(text, self.lexicon)
        at = self.codes.searchsorted(found.codes)
        strange = self.codes.take(at, mode="clip") != found.codes
        values = self.idf.take(at, mode="clip")
        values[strange] = self._unknown
        if found.counts is not None:
            values *= 1 + np.log(found.counts)
        scale = _WEIGHTS / np.sqrt(np.bincount(found.kinds, values * values, len(KINDS)) + 1e-12)
        (kept,) = (~strange).nonzero()
        indices = at.take(kept)
        if len(indices) <= _FEW and not self._speaks.take(indices).any():
            kept = indices = indices[:0]  # a question mark after words that nobody taught is no evidence for anything
        values = (values * scale.take(found.kinds)).take(kept).astype(np.float32)
        units, pairs = found.sizes[_UNIT], found.sizes[_PAIR]
        about = (
            math.log1p(found.units),
            np.count_nonzero(strange[:units]) / max(1, units),
            np.count_nonzero(strange[units : units + pairs]) / max(1, pairs),
            found.latin / max(1, found.units),
            float(found.classes),
        )
        return Row(indices, values, about)

    def matrix(self, found: Sequence[Pieces]) -> tuple[sparse.csr_array, Floats]:
        """Many texts whose pieces are known already: their rows below each other, and what each is about as a whole; the same figures as
        of one."""
        from scipy import sparse  # learning only, as sklearn: a server that serves needs neither

        parts = [self._below(found[at : at + _BATCH]) for at in range(0, len(found), _BATCH)]
        data, indices, lengths, about = (np.concatenate(part) for part in zip(*parts, strict=True))
        ends = np.append(0, lengths.cumsum()).astype(np.int32)
        return sparse.csr_array((data, indices, ends), shape=(len(found), len(self.codes))), about

    def _below(self, found: Sequence[Pieces]) -> tuple[Floats, Ints, Ints, Floats]:
        """Values, indices, how many of them each text has, and what each is about."""
        lengths = [len(of.codes) for of in found]
        text = np.arange(len(found)).repeat(lengths)
        codes, kinds = np.concatenate([of.codes for of in found]), np.concatenate([of.kinds for of in found])
        times = np.concatenate([np.ones(length) if of.counts is None else of.counts for of, length in zip(found, lengths, strict=True)])
        at = self.codes.searchsorted(codes)
        known = self.codes.take(at, mode="clip") == codes
        values = np.where(known, self.idf.take(at, mode="clip"), self._unknown) * (1 + np.log(times))
        block = text * len(KINDS) + kinds
        squares = np.bincount(block, values * values, len(found) * len(KINDS)).reshape(-1, len(KINDS))
        values *= (_WEIGHTS / np.sqrt(squares + 1e-12)).ravel()[block]
        speaking = np.bincount(text[known], self._speaks[at[known]], len(found)) > 0
        kept = known & (speaking | (np.bincount(text[known], minlength=len(found)) > _FEW))[text]
        strange = np.bincount(block[~known], minlength=len(found) * len(KINDS)).reshape(-1, len(KINDS))
        sizes, units, latin, classes = (
            np.array([getattr(of, name) for of in found], np.float64) for name in ("sizes", "units", "latin", "classes")
        )
        unknown = strange[:, [_UNIT, _PAIR]] / np.maximum(1, sizes[:, [_UNIT, _PAIR]])
        about = np.column_stack([np.log1p(units), unknown, latin / np.maximum(1, units), classes])
        counted = np.bincount(text[kept], minlength=len(found))
        return values[kept].astype(np.float32), at[kept].astype(np.int32), counted.astype(np.int32), about.astype(np.float32)
