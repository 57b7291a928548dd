"""What speaks for each intent: a linear score, and the similarity to its nearest training example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from bot.classifier import linear
from bot.classifier.features import Floats, Ints, Row
from bot.classifier.pieces import KINDS, Kinds

if TYPE_CHECKING:
    from scipy import sparse

Byte = TypeVar("Byte", np.int8, np.uint8)

_BATCH = 500
# A piece that more than this share of the examples has, at least of so many, says little about which one is near, and most of the
# time would go to it.
_COMMON, _FEW = 0.003, 100
# To the examples of so many classes, those with the best scores, a text is compared; the others have no chance.
_LIKELY = 8
# Which kinds of piece make two messages similar, and how much: the others add cost, not insight.
_SIMILAR = {"u": 1.0, "b": 1.0, "c": 0.85}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Per class (last axis), for one text or for many (first axis)."""

    scores: Floats
    similarities: Floats

    def __getitem__(self, which: npt.NDArray[Any]) -> Evidence:
        """That for some of many texts."""
        return Evidence(self.scores[which], self.similarities[which])

    def each(self) -> Iterator[Evidence]:
        """That for each of many texts."""
        return map(Evidence, self.scores, self.similarities)


@dataclass(frozen=True)
class Judge:
    """The learned weights and the training examples themselves, both as whole numbers of one byte.

    The weights of a piece are `weights[piece]` times `steps[piece]`. From `starts[piece]` on stand the examples that have it: the class
    of each in `owners`, its place among the examples of that class in `places`, its strength in `strengths`, which is what
    `factors[piece]` contains of it. `sizes` says how many examples each class has.
    """

    weights: npt.NDArray[np.int8]
    steps: Floats
    intercepts: Floats
    starts: Ints
    owners: npt.NDArray[np.unsignedinteger]
    places: npt.NDArray[np.unsignedinteger]
    strengths: npt.NDArray[np.uint8]
    sizes: Ints
    factors: Floats

    def one(self, row: Row) -> Evidence:
        """For a single text, fast."""
        pieces = row.indices
        weights = self.weights.take(pieces, axis=0).astype(np.float32)
        scores = ((row.values * self.steps.take(pieces)) @ weights + self.intercepts).astype(np.float32, copy=False)
        similarities = np.zeros(scores.size, np.float32)
        factors = self.factors.take(pieces)
        (listed,) = factors.nonzero()
        if listed.size:
            pieces = pieces.take(listed)
            begins = self.starts.take(pieces)
            counts = self.starts.take(pieces + 1) - begins
            ends = counts.cumsum()
            likely = scores.argsort()[-_LIKELY:]
            sizes = self.sizes.take(likely)
            bounds = sizes.cumsum()
            firsts = np.full(scores.size, -1)
            firsts[likely] = begin = bounds - sizes
            # The lists of all pieces, one after the other: each begins where its piece says, not where the last one ended.
            at = np.arange(ends[-1]) + (begins - ends + counts).repeat(counts)
            first = firsts.take(self.owners.take(at))
            (kept,) = (first >= 0).nonzero()
            at = at.take(kept)
            strengths = self.strengths.take(at) * (row.values * factors).take(listed).repeat(counts).take(kept)
            sums = np.bincount(first.take(kept) + self.places.take(at), strengths, bounds[-1])
            similarities[likely] = np.maximum.reduceat(sums, begin)
        return Evidence(scores, similarities)

    def many(self, rows: sparse.csr_array) -> Evidence:
        """For many texts at once; the same figures as `one`."""
        from scipy import sparse

        scores = (rows @ (self.weights * self.steps[:, None]) + self.intercepts).astype(np.float32)
        firsts = self.sizes.cumsum() - self.sizes
        examples = firsts[self.owners] + self.places
        stored = sparse.csr_array((self.strengths.astype(np.float32), examples, self.starts), shape=(self.steps.size, self.sizes.sum()))
        weighed = sparse.csr_array(rows * self.factors[None, :])
        nearest = [
            np.maximum.reduceat((weighed[at : at + _BATCH] @ stored).toarray(), firsts, axis=1) for at in range(0, rows.shape[0], _BATCH)
        ]
        similarities = np.concatenate(nearest).astype(np.float32)
        unlikely = np.argpartition(scores, -min(_LIKELY, scores.shape[1]), axis=1)[:, :-_LIKELY]
        np.put_along_axis(similarities, unlikely, 0, axis=1)
        return Evidence(scores, similarities)


def learn(rows: sparse.csr_array, labels: Ints, kinds: Kinds) -> Judge:
    """From training rows, their class numbers (every class from 0 on must occur) and the kind of each piece."""
    from scipy import sparse

    exact, intercepts = linear.learned(rows, labels)
    classes = len(intercepts)
    weights, steps = _in_bytes(exact, np.abs(exact).max(axis=1), 127, np.int8)
    common = np.bincount(rows.indices, minlength=kinds.size) > max(_FEW, _COMMON * len(labels))
    likeness = np.array([_SIMILAR.get(kind, 0.0) for kind in KINDS], np.float32)
    factors = np.where(common, 0, likeness[kinds]).astype(np.float32)
    order = np.argsort(labels, kind="stable")
    weighed = sparse.csr_array(rows[order] * factors[None, :])
    weighed.eliminate_zeros()
    length = np.sqrt(weighed.multiply(weighed).sum(axis=1)) + 1e-6
    stored = sparse.csc_array(sparse.csr_array(sparse.diags_array(1 / length) @ weighed))
    stored.sort_indices()
    strongest = np.maximum.reduceat(np.append(stored.data, 0), stored.indptr[:-1])
    lengths = np.diff(stored.indptr)
    strengths, _ = _in_bytes(stored.data[:, None], np.repeat(strongest, lengths), 255, np.uint8)
    sizes = np.bincount(labels, minlength=classes).astype(np.int32)
    owners = labels[order][stored.indices]
    places = stored.indices - (sizes.cumsum() - sizes)[owners]
    return Judge(
        weights=weights,
        steps=steps,
        intercepts=intercepts,
        starts=stored.indptr.astype(np.int32),
        owners=owners.astype(np.min_scalar_type(classes)),
        places=places.astype(np.min_scalar_type(int(sizes.max()))),
        strengths=strengths[:, 0],
        sizes=sizes,
        factors=factors * np.where(lengths > 0, strongest / 255, 0).astype(np.float32),
    )


def _in_bytes(exact: npt.NDArray[Any], largest: npt.NDArray[Any], most: int, kind: type[Byte]) -> tuple[npt.NDArray[Byte], Floats]:
    """Every row as whole numbers up to `most`, and what one of them is worth in each row, whose largest value is given."""
    steps = np.maximum(largest, 1e-9) / most
    return np.rint(exact / steps[:, None]).astype(kind), steps.astype(np.float32)
