"""From evidence to probability: how sure may one be that answering this candidate is right?

A logistic regression over what distinguishes good candidates from bad ones, each figure bent at a few knots so that
the curve need not be straight. It is learned on evidence for examples that the judges had not seen, hence honest.
"""

from dataclasses import dataclass

import numpy as np

from bot.classifier.evidence import Evidence
from bot.classifier.features import Floats, Ints

CANDIDATES = 6
# How much the nearest example counts beside the linear score. Cross-validation alone would say 0.5 to 1, but training
# lines are rid of duplicates and thus stranger to each other than a stranger's message is to them.
_NEIGHBOUR_WEIGHT = 1.5
_SHARPNESS = 4.0
_KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Gate:
    """Knots and weights of the regression; `outside` is the column of out_of_scope, -1 when there is none."""

    knots: Floats
    weights: Floats
    intercept: float
    outside: int

    def judged(self, evidence: Evidence, about: Floats) -> tuple[Ints, Floats]:
        """The best candidates (class numbers) of each text and their probabilities, likeliest first."""
        candidates, figures = _figures(evidence, about, self.outside)
        bent = _bent(figures, self.knots)
        linear = bent @ self.weights[: bent.shape[2]] + self.weights[bent.shape[2] :][candidates] + self.intercept
        chances = 1 / (1 + np.exp(-linear))
        order = np.argsort(-chances, axis=1, kind="stable")
        texts = np.arange(len(order))[:, None]
        return candidates[texts, order], chances[texts, order]


def learn(evidence: Evidence, about: Floats, labels: Ints, outside: int) -> Gate:
    """From out-of-fold evidence and the true classes."""
    from sklearn.linear_model import LogisticRegression  # learning only, see evidence.learn

    candidates, figures = _figures(evidence, about, outside)
    flat = figures.reshape(-1, figures.shape[2])
    knots = np.quantile(flat, _KNOTS, axis=0).astype(np.float32)
    bent = _bent(figures, knots).reshape(len(flat), -1)
    classes = evidence.scores.shape[1]
    marks = np.eye(classes, dtype=np.float32)[candidates.ravel()]
    inputs = np.concatenate([bent, marks], axis=1)
    spread = np.maximum(inputs.std(axis=0), 1e-3)
    right = candidates.ravel() == np.repeat(labels, candidates.shape[1])
    regression = LogisticRegression(C=1.0, max_iter=400).fit(inputs / spread, right)
    return Gate(knots, (regression.coef_[0] / spread).astype(np.float32), float(regression.intercept_[0]), outside)


def _figures(evidence: Evidence, about: Floats, outside: int) -> tuple[Ints, Floats]:
    """Candidates of each text, and per candidate the figures that the regression sees."""
    blended = evidence.scores + _NEIGHBOUR_WEIGHT * evidence.similarities
    count = min(CANDIDATES, blended.shape[1])
    order = np.argsort(-blended, axis=1, kind="stable")
    candidates, texts = order[:, :count].astype(np.int32), np.arange(len(blended))[:, None]
    mine = blended[texts, candidates]
    rival = np.repeat(mine[:, :1], count, axis=1)
    rival[:, 0] = blended[texts[:, 0], order[:, 1]]
    lead = mine - rival
    outer = blended[:, outside : outside + 1] if outside >= 0 else 0.0
    mass = np.log(np.exp(_SHARPNESS * blended).sum(axis=1, keepdims=True))
    columns = (mine, lead, mine - outer, _SHARPNESS * mine - mass, lead * about[:, :1], lead * about[:, 3:4])
    # out_of_scope is another kind of claim than an intent: its figures get weights of their own, the second half.
    figures = np.zeros((*mine.shape, 2, len(columns) + about.shape[1]), np.float32)
    beyond = (candidates == outside).astype(np.intp)
    for at, column in enumerate(columns):
        figures[texts, np.arange(count), beyond, at] = column
    figures[texts, np.arange(count), beyond, len(columns) :] = about[:, None, :]
    return candidates, figures.reshape(*mine.shape, -1)


def _bent(figures: Floats, knots: Floats) -> Floats:
    """Each figure itself and what of it lies above each knot."""
    above = np.maximum(figures[:, :, None, :] - knots, 0)
    return np.concatenate([figures, above.reshape(*figures.shape[:2], -1)], axis=2)
