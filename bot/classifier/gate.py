"""From evidence to probability: how sure may one be that answering this candidate is right?

A logistic regression over what distinguishes good candidates from bad ones, each figure bent at a few knots so that
the curve need not be straight. It is learned on evidence for examples that the judge had not seen, hence honest.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bot.classifier.evidence import Evidence
from bot.classifier.features import ABOUT, Floats, Ints

CANDIDATES = 4
# How much the nearest example counts beside the linear score. Cross-validation alone would say less, but training
# lines are rid of duplicates and thus stranger to each other than a stranger's message is to them.
_NEIGHBOUR_WEIGHT = 1.5
_SHARPNESS = 4.0
_KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)

Chances = list[tuple[int, float]]
"""Class numbers and probabilities, likeliest first."""
_Line = tuple[list[float], list[float], list[float]]
"""A bent line: where it bends; its height at zero and its slope in each stretch."""


@dataclass(frozen=True)
class Gate:
    """Per kind of claim (0 an intent, 1 out_of_scope) and figure: `knots` (claim, knot, figure) and `weights` (claim, of the figure itself
    and of what lies above each knot, figure); `biases` of the classes; `outside` is the column of out_of_scope, -1 when there is none."""

    knots: Floats
    weights: Floats
    biases: Floats
    outside: int

    def judged(self, evidence: Evidence, about: Sequence[float]) -> Chances:
        """The best candidates of one text."""
        biases, lines = self._biases, self._lines
        shared = [_height(of_text, about) for _, of_text in lines]
        found = []
        for candidate, figures in _figures(evidence, about, self.outside):
            claim = candidate == self.outside
            found.append((biases[candidate] + shared[claim] + _height(lines[claim][0], figures), candidate))
        return [(candidate, 1 / (1 + math.exp(-max(-500.0, linear)))) for linear, candidate in sorted(found, reverse=True)]

    @cached_property
    def _biases(self) -> list[float]:
        return [float(bias) for bias in self.biases]

    @cached_property
    def _lines(self) -> tuple[tuple[list[_Line], list[_Line]], ...]:
        """Per kind of claim the lines of a candidate's own figures and of those about the text. Plain numbers: for the handful that one
        text has, they are faster than arrays."""
        found = []
        for knots, weights in zip(self.knots.astype(float), self.weights.astype(float), strict=True):
            slopes = weights.cumsum(axis=0)
            heights = np.concatenate((np.zeros_like(knots[:1]), -(weights[1:] * knots).cumsum(axis=0)))
            lines = [(knots[:, at].tolist(), heights[:, at].tolist(), slopes[:, at].tolist()) for at in range(knots.shape[1])]
            found.append((lines[: -len(ABOUT)], lines[-len(ABOUT) :]))
        return tuple(found)


def _height(lines: Sequence[_Line], figures: Sequence[float]) -> float:
    height = 0.0
    for (knots, heights, slopes), figure in zip(lines, figures, strict=True):
        stretch = bisect(knots, figure)
        height += heights[stretch] + slopes[stretch] * figure
    return height


def learn(evidence: Evidence, about: Floats, labels: Ints, outside: int) -> Gate:
    """From out-of-fold evidence and the true classes."""
    from sklearn.linear_model import LogisticRegression  # learning only, see evidence.learn

    every = [
        (candidate, candidate == label, (*figures, *of_text))
        for one, of_text, label in zip(evidence.each(), about.tolist(), labels.tolist(), strict=True)
        for candidate, figures in _figures(one, of_text, outside)
    ]
    candidates, right = np.array([candidate for candidate, _, _ in every]), np.array([whether for _, whether, _ in every])
    figures = np.array([found for _, _, found in every], np.float32)
    beyond = candidates == outside
    knots = np.zeros((2, len(_KNOTS), figures.shape[1]), np.float32)
    inputs = np.zeros((len(every), 2, len(_KNOTS) + 1, figures.shape[1]), np.float32)
    for claim, which in ((0, ~beyond), (1, beyond)):
        if which.any():
            knots[claim] = np.quantile(figures[which], _KNOTS, axis=0)
            inputs[which, claim, 0] = figures[which]
            inputs[which, claim, 1:] = np.maximum(figures[which][:, None, :] - knots[claim], 0)
    marks = np.eye(evidence.scores.shape[1], dtype=np.float32)[candidates]
    columns = np.concatenate([inputs.reshape(len(every), -1), marks], axis=1)
    spread = np.maximum(columns.std(axis=0), 1e-3)
    regression = LogisticRegression(C=1.0, solver="newton-cholesky").fit((columns / spread).astype(np.float64), right)
    learned = regression.coef_[0] / spread
    biases = learned[-marks.shape[1] :] + regression.intercept_[0]
    weights = learned[: -marks.shape[1]].reshape(inputs.shape[1:])
    return Gate(knots, weights.astype(np.float32), biases.astype(np.float32), outside)


def _figures(evidence: Evidence, about: Sequence[float], outside: int) -> Iterator[tuple[int, tuple[float, ...]]]:
    """The candidates of one text, and the figures that the regression sees of each beside those about the text."""
    both = evidence.scores + _NEIGHBOUR_WEIGHT * evidence.similarities
    order, scores = both.argsort()[: -1 - CANDIDATES : -1].tolist(), both.tolist()
    best, second = scores[order[0]], scores[order[1]]
    mass = _SHARPNESS * best + math.log(sum([math.exp(_SHARPNESS * (value - best)) for value in scores]))
    outer = scores[outside] if outside >= 0 else 0.0
    length, _, _, latin, _ = about
    for candidate in order:
        mine = scores[candidate]
        lead = mine - (second if candidate == order[0] else best)
        yield candidate, (mine, lead, mine - outer, _SHARPNESS * mine - mass, lead * length, lead * latin)
