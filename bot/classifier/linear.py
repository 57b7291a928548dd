"""What each piece says for each class: a support vector machine and a softmax regression, added up into one table.

The machine tells every class from all others and finds the right one more often; the regression weighs the classes against each
other and knows better when a text belongs to none of them. They err at different places, and their sum costs a question no more
than one of them.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bot.classifier.features import Floats, Ints

if TYPE_CHECKING:
    from scipy import sparse

# How much each counts in the sum. Scores of the regression are logarithms, several times as large as the machine's.
_MACHINE, _REGRESSION = 0.7, 0.125

# More rounds change hardly an answer, only the time.
_STRICTNESS, _TOLERANCE, _ROUNDS = 1.5, 0.01, 6
# The machine tells a class from those texts that the regression thinks likeliest to be of it: this share of all, or so many times as
# many as the class has. The rest would not change its weights, and most of the time would go to them.
_RIVALS, _TIMES = 0.15, 4

_EPOCHS, _RATE, _LAST_RATE = 4, 0.3, 0.05
# This share of a text's pieces is seen each time: what is learned must not hang on a single one.
_SEEN = 0.6
_STEPS, _BATCH = 64, 1024  # a step needs at most so many texts; of few texts fewer, that there be enough steps


def learned(rows: sparse.csr_array, labels: Ints) -> tuple[npt.NDArray[Any], Floats]:
    """Weights (pieces x classes) and intercepts, from rows and their class numbers; every class from 0 on must occur."""
    from scipy import sparse  # learning only, as sklearn: a server that starts with a model has no second to spare for it

    # Frequent pieces beside each other: what is used most then stays near the processor.
    rank = np.argsort(np.argsort(-np.bincount(rows.indices, minlength=rows.shape[1]), kind="stable")).astype(np.int32)
    ranked = sparse.csr_array((rows.data, rank[rows.indices], rows.indptr), shape=rows.shape)
    regression = _regression(ranked, labels)
    machine = _machine(ranked, labels, np.asarray(ranked @ regression[0] + regression[1]))
    weights, intercepts = (_MACHINE * one + _REGRESSION * other for one, other in zip(machine, regression, strict=True))
    return weights[rank], intercepts.astype(np.float32)


def _machine(rows: sparse.csr_array, labels: Ints, likely: Floats) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """A linear support vector machine, each class against the rest; `likely` orders the texts (first axis) for each class."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    texts, classes = likely.shape
    weights, intercepts = np.zeros((rows.shape[1], classes)), np.zeros(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for number in range(classes):
            own = labels == number
            many = min(texts, max(int(_RIVALS * texts), _TIMES * int(own.sum())))
            near = np.sort(np.argpartition(np.where(own, -np.inf, -likely[:, number]), many - 1)[:many])
            machine = LinearSVC(C=_STRICTNESS, tol=_TOLERANCE, random_state=0, max_iter=_ROUNDS).fit(rows[near], own[near])
            weights[:, number], intercepts[number] = machine.coef_[0], machine.intercept_[0]
    return weights, intercepts


def _regression(rows: sparse.csr_array, labels: Ints) -> tuple[Floats, Floats]:
    """Softmax regression by stochastic gradient descent, with a rate for each piece that falls as it is met (Adagrad)."""
    from scipy import sparse

    chance = np.random.default_rng(0)
    texts, pieces = rows.shape
    classes = int(labels.max()) + 1
    batch = min(_BATCH, max(1, texts // _STEPS))
    weights, intercepts = np.zeros((pieces, classes), np.float32), np.zeros(classes, np.float32)
    met, met_any = np.full(pieces, 1e-12, np.float32), np.full(classes, 1e-6, np.float32)
    place = np.zeros(pieces, np.int32)
    for epoch in range(_EPOCHS):
        rate = np.float32(_RATE * max(_LAST_RATE, 1 - epoch / _EPOCHS))
        order = chance.permutation(texts)
        for at in range(0, texts, batch):
            which = order[at : at + batch]
            part = rows[which]
            # Only the pieces of these texts are worked on, as a small table.
            known = np.flatnonzero(np.bincount(part.indices, minlength=pieces))
            place[known] = np.arange(known.size, dtype=np.int32)
            seen = part.data * (chance.random(part.data.size, np.float32) < _SEEN) / np.float32(_SEEN)
            small = sparse.csr_array((seen, place[part.indices], part.indptr), shape=(which.size, known.size))
            own = weights[known]
            wrong = small @ own + intercepts
            np.exp(wrong - wrong.max(axis=1, keepdims=True), out=wrong)
            wrong /= wrong.sum(axis=1, keepdims=True)
            wrong[np.arange(which.size), labels[which]] -= 1
            wrong /= which.size
            slopes, slope = small.T @ wrong, wrong.sum(axis=0)
            met[known] += np.einsum("pc,pc->p", slopes, slopes) / classes
            met_any += slope * slope
            slopes *= (rate / np.sqrt(met[known]))[:, None]
            weights[known] = own - slopes
            intercepts -= rate * slope / np.sqrt(met_any)
    return weights, intercepts
