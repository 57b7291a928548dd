"""The two learners whose sum says what each piece speaks for."""

import numpy as np
import pytest
from scipy import sparse

from bot.classifier import linear
from bot.classifier.features import Ints


def lesson(each: int = 40) -> tuple[sparse.csr_array, Ints]:
    """Three classes with a piece of their own each, one piece that all have, and one that says either of the first two."""
    chance = np.random.default_rng(1)
    labels = np.repeat(np.arange(3, dtype=np.int32), each)
    pieces = np.zeros((labels.size, 5), np.float32)
    pieces[np.arange(labels.size), labels] = chance.random(labels.size) < 0.8
    pieces[:, 3] = 1
    pieces[:, 4] = labels < 2
    return sparse.csr_array(pieces), labels


@pytest.mark.parametrize("only", ["machine", "regression", "both"])
def test_each_learner_and_their_sum_find_the_class(monkeypatch: pytest.MonkeyPatch, only: str) -> None:
    if only == "machine":
        monkeypatch.setattr(linear, "_REGRESSION", 0.0)
    if only == "regression":
        monkeypatch.setattr(linear, "_MACHINE", 0.0)
    weights, intercepts = linear.learned(*lesson())
    found = np.asarray([[1, 0, 0, 1, 1], [0, 1, 0, 1, 1], [0, 0, 1, 1, 0]] @ weights + intercepts)
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    unsure = np.asarray([0, 0, 0, 1, 1] @ weights + intercepts)
    assert unsure[2] < min(unsure[0], unsure[1])


def test_the_same_rows_give_the_same_weights() -> None:
    first, second = linear.learned(*lesson()), linear.learned(*lesson())
    assert all((one == other).all() for one, other in zip(first, second, strict=True))


def test_the_machine_tells_a_class_from_its_nearest_rivals_only() -> None:
    """Texts that nobody takes for the class do not count against its pieces, however many they are."""
    own, rivals, far = 20, 60, 320
    labels = np.repeat([0, 1, 2], [own, rivals, far]).astype(np.int32)
    pieces = np.zeros((labels.size, 2), np.float32)
    pieces[labels == 0, 0] = pieces[labels == 2, 0] = 1
    pieces[labels == 1, 1] = 1
    rows = sparse.csr_array(pieces)
    likely = np.zeros((labels.size, 3), np.float32)
    likely[labels == 1, 0] = 1.0
    weights, intercepts = linear._machine(rows, labels, likely)
    assert intercepts[0] + weights[0, 0] > 0
    likely[labels == 2, 0] = 2.0
    weights, intercepts = linear._machine(rows, labels, likely)
    assert intercepts[0] + weights[0, 0] < 0
