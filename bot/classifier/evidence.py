"""What speaks for each intent: a linear score, and the similarity to its nearest training example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from bot.classifier.features import WEIGHTS, Floats, Ints, Row, by_kind
from bot.classifier.pieces import Kinds

if TYPE_CHECKING:
    from scipy import sparse

Byte = TypeVar("Byte", np.int8, np.uint8)

_STRICTNESS = 1.5
_TOLERANCE = 0.01
_BATCH = 500
# A piece that more examples than this have says little about which one is near, and most of the time would go to it.
_MOST_EXAMPLES = 500
# The linear score is the mean of machines that look at the same rows through different glasses: one mostly at
# characters and words, one mostly at the lexicon. They err differently, and their mean is still one weight per piece.
_VIEWS = ("ubtpiw", "ucdefiw")
_DIMMED = 0.15
# Which kinds of piece make two messages similar, and how much: pairs across the lexicon and triples add cost, not insight.
_SIMILAR = {"u": 1.0, "b": 1.0, "w": 1.0, "c": 0.85, "p": 0.6}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Per text (row) and class (column)."""

    scores: Floats
    similarities: Floats


@dataclass(frozen=True)
class Judge:
    """The learned weights and the training examples themselves, both as whole numbers of one byte.

    The weights of a piece are `weights[piece]` times `steps[piece]`. `postings` lists, piece by piece, the examples that have
    it; `starts[piece]` says where, and the strength of each there is `strengths` times what `factors[piece]` contains of it.
    Examples are ordered by class, `firsts[class]` being the first of each, so that the nearest of each class is one pass
    over the similarities.
    """

    weights: npt.NDArray[np.int8]
    steps: Floats
    intercepts: Floats
    starts: Ints
    postings: npt.NDArray[np.unsignedinteger]
    strengths: npt.NDArray[np.uint8]
    firsts: Ints
    factors: Floats
    examples: int

    def one(self, row: Row) -> Evidence:
        """For a single text, fast."""
        scores = (row.values * self.steps[row.indices]) @ self.weights[row.indices].astype(np.float32) + self.intercepts
        values = row.values * self.factors[row.indices]
        begins = self.starts[row.indices]
        counts = self.starts[row.indices + 1] - begins
        used = (values > 0) & (counts > 0)
        begins, counts = begins[used], counts[used]
        ends = counts.cumsum()
        if not ends.size:
            return Evidence(scores[None, :], np.zeros_like(scores)[None, :])
        # The lists of all pieces, one after the other: each begins where its piece says, not where the last one ended.
        where = np.arange(ends[-1]) + np.repeat(begins - ends + counts, counts)
        strength = self.strengths[where] * np.repeat(values[used], counts)
        nearest = np.maximum.reduceat(np.bincount(self.postings[where], strength, self.examples), self.firsts)
        return Evidence(scores[None, :], nearest.astype(np.float32)[None, :])

    def many(self, rows: sparse.csr_array) -> Evidence:
        """For many texts at once; the same figures as `one`."""
        from scipy import sparse

        scores = (rows @ (self.weights * self.steps[:, None]) + self.intercepts).astype(np.float32)
        stored = sparse.csr_array(
            (self.strengths.astype(np.float32), self.postings.astype(np.int32), self.starts), shape=(self.steps.size, self.examples)
        )
        weighed = sparse.csr_array(rows * self.factors[None, :])
        nearest = [
            np.maximum.reduceat((weighed[at : at + _BATCH] @ stored).toarray(), self.firsts, axis=1)
            for at in range(0, rows.shape[0], _BATCH)
        ]
        return Evidence(scores, np.concatenate(nearest).astype(np.float32))


def learn(rows: sparse.csr_array, labels: Ints, kinds: Kinds) -> Judge:
    """From training rows, their class numbers (every class from 0 on must occur) and the kind of each piece."""
    from scipy import sparse

    exact, intercepts = _linear(rows, labels, kinds)
    classes = len(intercepts)
    weights, steps = _in_bytes(exact, np.abs(exact).max(axis=1), 127, np.int8)
    common = np.bincount(rows.indices, minlength=kinds.size) > _MOST_EXAMPLES
    factors = np.where(common, 0, by_kind(_SIMILAR, kinds)).astype(np.float32)
    order = np.argsort(labels, kind="stable")
    weighed = sparse.csr_array(rows[order] * factors[None, :])
    weighed.eliminate_zeros()
    length = np.sqrt(weighed.multiply(weighed).sum(axis=1)) + 1e-6
    stored = sparse.csc_array(sparse.csr_array(sparse.diags_array(1 / length) @ weighed))
    stored.sort_indices()
    strongest = np.maximum.reduceat(np.append(stored.data, 0), stored.indptr[:-1])
    lengths = np.diff(stored.indptr)
    strengths, grains = _in_bytes(stored.data[:, None], np.repeat(strongest, lengths), 255, np.uint8)
    return Judge(
        weights=weights,
        steps=steps,
        intercepts=intercepts,
        starts=stored.indptr.astype(np.int32),
        postings=stored.indices.astype(np.min_scalar_type(len(labels))),
        strengths=strengths[:, 0],
        firsts=np.searchsorted(labels[order], np.arange(classes)).astype(np.int32),
        factors=factors * np.where(lengths > 0, strongest / 255, 0).astype(np.float32),
        examples=len(labels),
    )


def _in_bytes(exact: npt.NDArray[Any], largest: npt.NDArray[Any], most: int, kind: type[Byte]) -> tuple[npt.NDArray[Byte], Floats]:
    """Every row as whole numbers up to `most`, and what one of them is worth in each row, whose largest value is given."""
    steps = np.maximum(largest, 1e-9) / most
    return np.rint(exact / steps[:, None]).astype(kind), steps.astype(np.float32)


def _linear(rows: sparse.csr_array, labels: Ints, kinds: Kinds) -> tuple[npt.NDArray[np.float64], Floats]:
    """Weights (pieces x classes) and intercepts of the mean machine."""
    from scipy import sparse
    from sklearn.svm import LinearSVC  # learning only: a server that starts with a model has no second to spare for it

    weights, intercepts = [], []
    for view in _VIEWS:
        glasses = by_kind({kind: 1.0 if kind in view else _DIMMED / weight for kind, weight in WEIGHTS.items()}, kinds)
        seen = sparse.csr_array((rows.data * glasses[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
        machine = LinearSVC(C=_STRICTNESS, tol=_TOLERANCE, random_state=0, max_iter=300).fit(seen, labels)
        weights.append((machine.coef_ * glasses).T)
        intercepts.append(machine.intercept_)
    return np.mean(weights, axis=0), np.mean(intercepts, axis=0).astype(np.float32)
