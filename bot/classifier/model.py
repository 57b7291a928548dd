"""The classifier as a whole: learned from Training, asked with a text, kept in one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.classifier import evidence, gate, storage
from bot.classifier.apart import Apart
from bot.classifier.evidence import Evidence, Judge
from bot.classifier.features import Featuriser, Floats, Ints
from bot.classifier.gate import Chances, Gate
from bot.classifier.lexicon import Lexicon
from bot.classifier.pieces import Kinds, Pieces, pieces
from bot.domain import OUT_OF_SCOPE, Candidate, Prediction
from bot.errors import Defect, DefectsFound, ModelUnusable
from bot.training import Example, Training, read

if TYPE_CHECKING:
    from scipy import sparse

Progress = Callable[[str, float], None]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
FOLDS = 5
# From so many examples on, two processes learn at once.
_MUCH, _AT_ONCE = 5_000, 2
# Of so many, a fifth that another judge has not seen is enough for the gate to learn from; of fewer it needs all.
_PLENTY = 20_000
_LEAST_EXAMPLES = 2
_LEAST_INTENTS = 3


def _silent(step: str, share: float) -> None:
    """No one watches."""


@dataclass(frozen=True)
class Classifier:
    """What a message means. `made_from` is the digest of the training files."""

    classes: tuple[str, ...]
    lexicon: tuple[tuple[str, tuple[str, ...]], ...]
    featuriser: Featuriser
    judge: Judge
    gate: Gate
    made_from: str

    def predict(self, text: str) -> Prediction:
        """The likeliest intent with the probability that answering it is right, and the next likely ones. Any text is fine."""
        row = self.featuriser.row(text)
        if not row.indices.size:
            return Prediction(OUT_OF_SCOPE, 1.0)
        return _prediction(self.classes, self.gate.judged(self.judge.one(row), row.about))

    @cached_property
    def _content(self) -> bytes:
        judge, own = self.judge, self.gate
        settings: dict[str, Any] = {
            "classes": self.classes, "lexicon": self.lexicon, "documents": self.featuriser.documents,
            "outside": own.outside,
        }  # fmt: skip
        arrays: storage.Arrays = {
            "codes": self.featuriser.codes, "kinds": self.featuriser.kinds, "idf": self.featuriser.idf,
            "weights": judge.weights, "steps": judge.steps, "intercepts": judge.intercepts, "starts": judge.starts,
            "owners": judge.owners, "places": judge.places, "strengths": judge.strengths, "sizes": judge.sizes, "factors": judge.factors,
            "gate_knots": own.knots, "gate_weights": own.weights, "gate_biases": own.biases,
        }  # fmt: skip
        return storage.pack(self.made_from, settings, arrays)

    @property
    def digest(self) -> str:
        """SHA-256 of the model's file: the same training files give the same digest."""
        return hashlib.sha256(self._content).hexdigest()

    def save(self, path: Path) -> None:
        """One file, replaced as a whole."""
        storage.write(path, self._content)


def load(path: Path, digest: str | None) -> Classifier:
    """A saved model; ModelUnusable unless it is whole, of this version and made from the training files with this digest
    (None: from any, to compare two models)."""
    settings, arrays = storage.read(path, digest)
    try:
        lexicon = tuple((name, tuple(phrases)) for name, phrases in settings["lexicon"])
        judge = Judge(**{part.name: arrays[part.name] for part in fields(Judge)})
        own = Gate(arrays["gate_knots"], arrays["gate_weights"], arrays["gate_biases"], settings["outside"])
        featuriser = Featuriser(Lexicon(lexicon), arrays["codes"], arrays["kinds"], arrays["idf"], settings["documents"])
        return Classifier(tuple(settings["classes"]), lexicon, featuriser, judge, own, digest or "")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnusable(path, "is damaged") from error


def fit(training: Training, progress: Progress = _silent) -> Classifier:
    """A classifier from all examples. Deterministic: fixed seeds, fixed order. DefectsFound where there are too few to learn from."""
    lesson = _prepared(training, progress)
    parts = range(FOLDS if len(lesson.labels) < _PLENTY else 1)
    judges = _judges(lesson, [lesson.folds >= 0, *(lesson.folds != fold for fold in parts)])
    judge = next(judges)
    unseen = _out_of_fold(lesson, judges, progress)
    progress("calibrating", 0.9)
    judged = lesson.folds < len(parts)
    own = gate.learn(unseen[judged], lesson.about[judged], lesson.labels[judged], lesson.outside)
    progress("done", 1.0)
    return Classifier(lesson.classes, training.lexicon, lesson.featuriser, judge, own, training.digest)


def fit_apart(folder: Path, path: Path, progress: Progress = _silent) -> Classifier:
    """A classifier from the files in `folder`, saved at `path`. Another process learns: that takes many times the memory of
    answering, and a process that once had it does not give it back. DefectsFound as for `fit`, EndedEarly."""
    made_from: str = Apart(_saved, folder, path).result(progress)
    return load(path, made_from)


def _saved(progress: Progress, folder: Path, path: Path) -> str:
    training = read(folder)
    fit(training, progress).save(path)
    return training.digest


def cross_validated(training: Training, progress: Progress = _silent) -> tuple[Prediction, ...]:
    """For every example what a classifier says that has not seen it; aligned with training.examples.

    Evidence and gate are both out of fold. Only the vocabulary and its frequencies are shared, which knows no labels.
    """
    lesson = _prepared(training, progress)
    unseen = _out_of_fold(lesson, _judges(lesson, [lesson.folds != fold for fold in range(FOLDS)]), progress)
    said: list[Prediction | None] = [None] * len(lesson.labels)
    for fold in range(FOLDS):
        progress("calibrating", 0.8 + 0.2 * fold / FOLDS)
        out = lesson.folds == fold
        own = gate.learn(unseen[~out], lesson.about[~out], lesson.labels[~out], lesson.outside)
        for row, one, about in zip(np.flatnonzero(out), unseen[out].each(), lesson.about[out].tolist(), strict=True):
            said[row] = _prediction(lesson.classes, own.judged(one, about))
    progress("done", 1.0)
    return tuple(prediction for prediction in said if prediction is not None)


@dataclass(frozen=True)
class _Lesson:
    """Training as numbers."""

    classes: tuple[str, ...]
    labels: Ints
    folds: Ints
    featuriser: Featuriser
    rows: sparse.csr_array
    about: Floats

    @property
    def outside(self) -> int:
        return self.classes.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in self.classes else -1


def _too_few(training: Training) -> Iterator[Defect]:
    """What cannot be learned: an intent that a fold would miss, or hardly any intents at all."""
    counted: dict[str, list[Example]] = {}
    for example in training.examples:
        counted.setdefault(example.intent, []).append(example)
    for intent, examples in counted.items():
        if len(examples) < _LEAST_EXAMPLES:
            yield Defect(
                examples[0].path, examples[0].line, f"intent {intent} has {len(examples)} example; at least {_LEAST_EXAMPLES} are needed"
            )
    if len(counted) < _LEAST_INTENTS:
        path = training.examples[0].path.parent if training.examples else Path("nlu")
        yield Defect(path, 0, f"{len(counted)} intents; at least {_LEAST_INTENTS} are needed to tell them apart")


def _prepared(training: Training, progress: Progress) -> _Lesson:
    if defects := tuple(_too_few(training)):
        raise DefectsFound(defects)
    classes = tuple(sorted({example.intent for example in training.examples}))
    number = {intent: at for at, intent in enumerate(classes)}
    labels = np.array([number[example.intent] for example in training.examples], np.int32)
    texts = [example.text for example in training.examples]
    half = len(texts) // _AT_ONCE if len(texts) >= _MUCH else 0
    elsewhere = Apart(_found, texts[:half], training.lexicon) if half else None
    found = _found(progress, texts[half:], training.lexicon)
    if elsewhere:
        found = elsewhere.result() + found
    featuriser = Featuriser.learn(Lexicon(training.lexicon), found)
    rows, about = featuriser.matrix(found)
    progress("reading", 0.25)
    return _Lesson(classes, labels, _folds(labels), featuriser, rows, about)


def _found(progress: Progress, texts: Sequence[str], classes: Iterable[tuple[str, tuple[str, ...]]]) -> list[Pieces]:
    """The pieces of every text."""
    lexicon, listed = Lexicon(classes), list[Pieces]()
    for at, text in enumerate(texts):
        if at % 1000 == 0:
            progress("reading", 0.15 * at / len(texts))
        listed.append(pieces(text, lexicon))
    return listed


def _folds(labels: Ints) -> Ints:
    """A fold for each example: every class is dealt out evenly, in an order that is random but always the same."""
    order = np.random.default_rng(0).permutation(len(labels))
    folds = np.zeros(len(labels), np.int32)
    for label in np.unique(labels):
        mine = order[labels[order] == label]
        folds[mine] = np.arange(len(mine)) % FOLDS
    return folds


def _judges(lesson: _Lesson, parts: Sequence[Mask]) -> Iterator[Judge]:
    """A judge from each of some parts of the examples, in their order.

    Much is learned in processes beside each other. Not in threads: liblinear draws from one random generator for a whole
    process, so that the model would depend on their timing.
    """
    lessons = ((lesson.rows[part], lesson.labels[part], lesson.featuriser.kinds) for part in parts)
    if len(lesson.labels) < _MUCH:
        yield from (evidence.learn(*each) for each in lessons)
        return
    learning: list[Apart[Judge]] = []
    for each in lessons:
        if len(learning) == _AT_ONCE:
            yield learning.pop(0).result()
        learning.append(Apart(_learned, *each))
    yield from (one.result() for one in learning)


def _learned(tell: Progress, rows: sparse.csr_array, labels: Ints, kinds: Kinds) -> Judge:
    return evidence.learn(rows, labels, kinds)


def _out_of_fold(lesson: _Lesson, judges: Iterator[Judge], progress: Progress) -> Evidence:
    """Evidence for every example from the judge that has not seen it."""
    shape = (len(lesson.labels), len(lesson.classes))
    whole = Evidence(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    for fold, judge in zip(range(FOLDS), judges, strict=False):
        out = lesson.folds == fold
        part = judge.many(lesson.rows[out])
        whole.scores[out], whole.similarities[out] = part.scores, part.similarities
        progress("judging", 0.25 + 0.5 * (fold + 1) / FOLDS)
    return whole


def _prediction(classes: Sequence[str], chances: Chances) -> Prediction:
    (best, surest), *others = chances
    return Prediction(classes[best], surest, tuple([Candidate(classes[at], chance) for at, chance in others]))
