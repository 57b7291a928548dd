"""What speaks for each intent: a linear score, and the similarity to its nearest training example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot.classifier.features import WEIGHTS, Floats, Ints, Row

if TYPE_CHECKING:
    from scipy import sparse

_STRICTNESS = 1.5
_TOLERANCE = 0.01
_BATCH = 500
_MOST_PIECES = 300
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
    """The learned weights and the training examples themselves.

    `postings` lists, piece by piece, the examples that have it; `starts[piece]` says where. Examples are ordered by
    class, `firsts[class]` being the first of each, so that the nearest of each class is one pass over the similarities.
    """

    weights: npt.NDArray[np.float16]
    intercepts: Floats
    starts: Ints
    postings: npt.NDArray[np.unsignedinteger]
    strengths: npt.NDArray[np.float16]
    firsts: Ints
    factors: Floats
    examples: int

    def one(self, row: Row) -> Evidence:
        """For a single text, fast."""
        scores = row.values @ self.weights[row.indices].astype(np.float32) + self.intercepts
        values = row.values * self.factors[row.indices]
        counts = self.starts[row.indices + 1] - self.starts[row.indices]
        used = (values > 0) & (counts > 0)
        if used.sum() > _MOST_PIECES:
            # A long story: its rarest pieces find its relatives as well as all of them, and have the shortest lists.
            used &= counts <= np.partition(counts[used], _MOST_PIECES)[_MOST_PIECES]
        similarities = np.zeros(self.examples, np.float32)
        if used.any():
            spans = [slice(self.starts[at], self.starts[at + 1]) for at in row.indices[used].tolist()]
            where = np.concatenate([self.postings[span] for span in spans])
            strength = np.concatenate([self.strengths[span] for span in spans]).astype(np.float32)
            strength *= np.repeat(values[used], counts[used])
            similarities = np.bincount(where, strength, self.examples).astype(np.float32)
        return Evidence(scores[None, :], np.maximum.reduceat(similarities, self.firsts)[None, :])

    def many(self, rows: sparse.csr_array) -> Evidence:
        """For many texts at once; the same figures as `one`."""
        from scipy import sparse

        scores = (rows @ self.weights.astype(np.float32) + self.intercepts).astype(np.float32)
        pieces = self.starts.size - 1
        stored = sparse.csr_array(
            (self.strengths.astype(np.float32), self.postings.astype(np.int32), self.starts), shape=(pieces, self.examples)
        )
        weighed = sparse.csr_array(rows * self.factors[None, :])
        nearest = [
            np.maximum.reduceat((weighed[at : at + _BATCH] @ stored).toarray(), self.firsts, axis=1)
            for at in range(0, rows.shape[0], _BATCH)
        ]
        return Evidence(scores, np.concatenate(nearest).astype(np.float32))


def learn(rows: sparse.csr_array, labels: Ints, vocabulary: Sequence[str]) -> Judge:
    """From training rows and their class numbers (every class from 0 on must occur)."""
    from scipy import sparse

    weights, intercepts = _linear(rows, labels, vocabulary)
    classes = len(intercepts)
    factors = np.array([_SIMILAR.get(piece[0], 0.0) for piece in vocabulary], np.float32)
    order = np.argsort(labels, kind="stable")
    weighed = sparse.csr_array(rows[order] * factors[None, :])
    weighed.eliminate_zeros()
    length = np.sqrt(weighed.multiply(weighed).sum(axis=1)) + 1e-6
    stored = sparse.csc_array(sparse.csr_array(sparse.diags_array(1 / length) @ weighed))
    stored.sort_indices()
    return Judge(
        weights=weights,
        intercepts=intercepts,
        starts=stored.indptr.astype(np.int32),
        postings=stored.indices.astype(np.min_scalar_type(len(labels))),
        strengths=stored.data.astype(np.float16),
        firsts=np.searchsorted(labels[order], np.arange(classes)).astype(np.int32),
        factors=factors,
        examples=len(labels),
    )


def _linear(rows: sparse.csr_array, labels: Ints, vocabulary: Sequence[str]) -> tuple[npt.NDArray[np.float16], Floats]:
    """Weights (pieces x classes) and intercepts of the mean machine."""
    from scipy import sparse
    from sklearn.svm import LinearSVC  # learning only: a server that starts with a model has no second to spare for it

    weights: list[Floats] = []
    intercepts: list[Floats] = []
    for view in _VIEWS:
        glasses = np.array([1.0 if piece[0] in view else _DIMMED / WEIGHTS[piece[0]] for piece in vocabulary], np.float32)
        seen = sparse.csr_array((rows.data * glasses[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
        machine = LinearSVC(C=_STRICTNESS, tol=_TOLERANCE, random_state=0, max_iter=300).fit(seen, labels)
        weights.append((machine.coef_ * glasses).T)
        intercepts.append(machine.intercept_)
    return np.mean(weights, axis=0).astype(np.float16), np.mean(intercepts, axis=0).astype(np.float32)
