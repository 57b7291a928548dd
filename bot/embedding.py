"""An optional second opinion: a sentence-embedding model (ONNX) from a folder on disk, beside the built-in classifier.

`Encoder` turns texts into unit vectors; `learn` keeps a vector for each training example and learns how far their
similarity should move the classifier's confidence; `EmbeddedEngine` puts both together. Nothing is ever downloaded.
The packages (extra `embedding`) are imported only when an Encoder is made: the rest runs without them.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bot import classifier
from bot.classifier import storage
from bot.domain import OUT_OF_SCOPE, Candidate, Engine, Prediction
from bot.errors import EmbeddingUnusable, ModelUnusable
from bot.messages import Language
from bot.text import language_of, normalise
from bot.training import Training

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Progress = Callable[[str, float], None]

NAME = "builtin+embedding"
VERSION = 1
FILE = "embedding.refdesk"
MODEL, TOKENIZER, POOLING = "model.onnx", "tokenizer.json", "1_Pooling/config.json"
_MOST_TOKENS = 256
_BATCH, _CHUNK = 32, 512
_THREADS = 2
_FED = ("input_ids", "attention_mask", "token_type_ids")
_NEAREST = 3
_SURE = 1e-4  # a confidence is bent to log odds no further than this from 0 and 1
_DAMAGED = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile)


class Sentences(Protocol):
    """What turns texts into vectors of length one. `digest` changes when its vectors do."""

    @property
    def digest(self) -> str:
        """SHA-256 of what it is made of."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row for each text."""


class Encoder:
    """A model folder: model.onnx and tokenizer.json; pooled by mean unless 1_Pooling/config.json says cls."""

    def __init__(self, folder: Path) -> None:
        """Load it and try it once; EmbeddingUnusable names the folder and what is wrong with it."""
        if not folder.is_dir():
            raise EmbeddingUnusable(folder, "there is no such folder")
        if missing := [name for name in (MODEL, TOKENIZER) if not (folder / name).is_file()]:
            raise EmbeddingUnusable(folder, f"{' and '.join(missing)} missing; a model folder holds {MODEL} and {TOKENIZER}")
        self._first_token = _pools_by_cls(folder)
        self._session, self._tokenizer = _opened(folder)
        self._inputs = [given.name for given in self._session.get_inputs()]
        if strange := set(self._inputs) - set(_FED):
            raise EmbeddingUnusable(folder, f"{MODEL} wants the input {', '.join(sorted(strange))}; it is no plain text encoder")
        try:
            self._size = self._batch(["refdesk 问询台"]).shape[1]
        except Exception as error:  # onnxruntime's errors have no root of their own
            raise EmbeddingUnusable(folder, f"{MODEL} does not turn a sentence into a vector: {error}"[:300]) from error
        self.digest = _digest(folder)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, one row for each text. Texts of about the same length share a batch."""
        vectors = np.empty((len(texts), self._size), np.float32)
        asked = [normalise(text) for text in texts]
        order = sorted(range(len(asked)), key=lambda at: len(asked[at]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._batch([asked[row] for row in rows])
        return vectors

    def _batch(self, texts: list[str]) -> Floats:
        found = self._tokenizer.encode_batch(texts)
        mask = np.array([each.attention_mask for each in found], np.int64)
        fed = dict(zip(_FED, (np.array([each.ids for each in found], np.int64), mask, np.zeros_like(mask)), strict=True))
        hidden = np.asarray(self._session.run(None, {name: fed[name] for name in self._inputs})[0], np.float32)
        if hidden.ndim == 3:
            hidden = hidden[:, 0] if self._first_token else _mean(hidden, mask)
        if hidden.ndim != 2 or len(hidden) != len(texts) or not np.isfinite(hidden).all():
            raise ValueError(f"its first output has the shape {hidden.shape} or values that are no numbers")
        length = np.linalg.norm(hidden, axis=1, keepdims=True)
        return np.asarray(hidden / np.maximum(length, 1e-9), np.float32)


def _mean(hidden: Floats, mask: npt.NDArray[np.int64]) -> Floats:
    """The mean over the tokens that are there."""
    weights = mask[:, :, None].astype(np.float32)
    return np.asarray((hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1), np.float32)


def _pools_by_cls(folder: Path) -> bool:
    try:
        return json.loads((folder / POOLING).read_text(encoding="utf-8")).get("pooling_mode_cls_token") is True
    except FileNotFoundError:
        return False
    except (OSError, ValueError, AttributeError) as error:
        raise EmbeddingUnusable(folder, f"{POOLING} cannot be read: {error}") from error


def _opened(folder: Path) -> tuple[Any, Any]:
    """The session and the tokenizer."""
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise EmbeddingUnusable(folder, f"{error}; it needs the extra: pip install 'refdesk[embedding]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = _THREADS, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # between questions the processor is others'
    options.log_severity_level = 4  # its errors are raised, and told once
    name = TOKENIZER
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
        tokenizer.enable_truncation(_MOST_TOKENS)
        padding = tokenizer.padding or {}
        tokenizer.enable_padding(pad_id=padding.get("pad_id", 0), pad_token=padding.get("pad_token", "[PAD]"))
        name = MODEL
        return onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"]), tokenizer
    except Exception as error:  # neither package's errors have a root of their own
        raise EmbeddingUnusable(folder, f"{name} cannot be loaded: {error}"[:300]) from error


def _digest(folder: Path) -> str:
    """Over everything that the vectors depend on; large models keep their weights beside model.onnx."""
    whole = hashlib.sha256()
    for path in [*sorted(folder.glob(f"{MODEL}*")), folder / TOKENIZER, folder / POOLING]:
        if path.is_file():
            with path.open("rb") as file:
                whole.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


@dataclass(frozen=True)
class Memory:
    """The vectors of the training examples ordered by class, `firsts` saying where each begins, and the re-scorer."""

    classes: tuple[str, ...]
    firsts: Ints
    vectors: Floats
    weights: Floats
    made_from: str

    def near(self, vectors: Floats, own: Ints | None = None) -> tuple[Floats, Floats]:
        """Per text and class: similarity to the nearest example, and the mean of the nearest three.

        `own` are the places of the texts themselves among the examples, which then do not count.
        """
        similar = vectors @ self.vectors.T
        if own is not None:
            similar[np.arange(len(own)), own] = 0.0
        best = np.zeros((len(vectors), len(self.classes)), np.float32)
        some = np.zeros_like(best)
        for at, block in enumerate(np.split(similar, self.firsts[1:], axis=1)):
            count = min(_NEAREST, block.shape[1])
            top = np.partition(block, -count, axis=1)[:, -count:]
            best[:, at], some[:, at] = top.max(axis=1), top.mean(axis=1)
        return best, some

    def rescored(self, said: Prediction, text: str, best: Floats, some: Floats) -> Prediction:
        """The same candidates with new confidences, likeliest first."""
        if not said.runners_up and said.intent == OUT_OF_SCOPE:
            return replace(said, engine=NAME)  # the classifier knew no piece of it: nothing to weigh
        linear = _figures(said, text, self.classes, best, some) @ self.weights
        chances = 1 / (1 + np.exp(-linear))
        names = [candidate.intent for candidate in said.candidates()]
        first, *others = [Candidate(names[at], float(chances[at])) for at in np.argsort(-chances, kind="stable")]
        return Prediction(first.intent, first.confidence, tuple(others), said.entities, NAME)

    def save(self, path: Path) -> None:
        """One file, replaced as a whole: plain arrays, no pickle."""
        file = io.BytesIO()
        np.savez(
            file, version=np.array(VERSION), made_from=np.array(self.made_from), classes=np.array(self.classes),
            firsts=self.firsts, vectors=self.vectors.astype(np.float16), weights=self.weights,
        )  # fmt: skip
        storage.write(path, file.getvalue())


def load(path: Path, made_from: str) -> Memory:
    """What `learn` kept; ModelUnusable unless it is whole, of this version and made from the same."""
    if not path.exists():
        raise ModelUnusable(path, "the training examples have no vectors yet")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if int(kept["version"]) != VERSION or str(kept["made_from"]) != made_from:
                raise ModelUnusable(path, "was made from other examples or another embedding model")
            classes = tuple(str(name) for name in kept["classes"])
            return Memory(classes, kept["firsts"], kept["vectors"].astype(np.float32), kept["weights"], made_from)
    except _DAMAGED as error:
        raise ModelUnusable(path, "is damaged") from error


def source(training_digest: str, builtin_digest: str, encoder: Sentences) -> str:
    """What a Memory is made from: it fits these examples, this classifier and this embedding model only."""
    return hashlib.sha256(f"{training_digest} {builtin_digest} {encoder.digest}".encode()).hexdigest()


def learn(training: Training, encoder: Sentences, made_from: str, progress: Progress) -> Memory:
    """Vectors of all examples, and a re-scorer learned on what classifier and similarity say of examples unseen by them."""
    said = classifier.cross_validated(training, lambda stage, share: progress(stage, 0.5 * share))
    order = _order(training)
    labels = [training.examples[at].intent for at in order]
    classes, firsts = np.unique(labels, return_index=True)
    texts = [training.examples[at].text for at in order]
    parts = []
    for start in range(0, len(texts), _CHUNK):
        progress("embedding", 0.5 + 0.4 * start / len(texts))
        parts.append(encoder.encode(texts[start : start + _CHUNK]))
    # Rounded as they will be stored, so that learning sees what questions will be compared with.
    vectors = np.concatenate(parts).astype(np.float16).astype(np.float32)
    memory = Memory(tuple(classes.tolist()), firsts.astype(np.int32), vectors, np.zeros(0, np.float32), made_from)
    progress("weighing", 0.9)
    learned = replace(memory, weights=_weights(training, memory, said))
    progress("done", 1.0)
    return learned


def cross_validated(training: Training, memory: Memory, said: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """The classifier's out-of-fold predictions re-scored by similarities that leave the example itself out.

    The re-scorer's few weights have seen these examples; beside thousands of them that is no advantage.
    """
    best, some = _left_out(training, memory)
    texts = [example.text for example in training.examples]
    return tuple(memory.rescored(said[at], texts[at], best[at], some[at]) for at in range(len(texts)))


def _order(training: Training) -> list[int]:
    """Places in training.examples, by intent."""
    return sorted(range(len(training.examples)), key=lambda at: training.examples[at].intent)


def _left_out(training: Training, memory: Memory) -> tuple[Floats, Floats]:
    """Memory.near for every training example, itself not counted; in the order of training.examples."""
    order = np.array(_order(training))
    best = np.zeros((len(order), len(memory.classes)), np.float32)
    some = np.zeros_like(best)
    for start in range(0, len(order), _CHUNK):
        own = np.arange(start, min(start + _CHUNK, len(order)), dtype=np.int32)
        best[order[own]], some[order[own]] = memory.near(memory.vectors[own], own)
    return best, some


def _weights(training: Training, memory: Memory, said: Sequence[Prediction]) -> Floats:
    """A logistic regression: is answering this candidate right?"""
    from sklearn.linear_model import LogisticRegression  # learning only: it takes long to import

    best, some = _left_out(training, memory)
    rows, right = [], []
    for at, (example, prediction) in enumerate(zip(training.examples, said, strict=True)):
        rows.append(_figures(prediction, example.text, memory.classes, best[at], some[at]))
        right += [candidate.intent == example.intent for candidate in prediction.candidates()]
    inputs = np.concatenate(rows)
    spread = np.maximum(inputs.std(axis=0), 1e-3)
    regression = LogisticRegression(C=1.0, max_iter=1000, fit_intercept=False).fit(inputs / spread, right)
    return np.asarray(regression.coef_[0] / spread, np.float32)


def _figures(said: Prediction, text: str, classes: tuple[str, ...], best: Floats, some: Floats) -> Floats:
    """Per candidate what the re-scorer sees: the classifier's log odds, the similarities, and how far each leads its best rival.

    Every figure has a weight of its own for each language, since a model may know but one of the two, and for out_of_scope,
    which is another kind of claim than an intent.
    """
    listed = said.candidates()
    chances = np.clip(np.array([candidate.confidence for candidate in listed]), _SURE, 1 - _SURE)
    odds = np.log(chances / (1 - chances))
    own = np.array([candidate.intent == OUT_OF_SCOPE for candidate in listed])
    at = [classes.index(candidate.intent) if candidate.intent in classes else -1 for candidate in listed]
    columns = [
        np.ones(len(listed)),
        odds,
        odds - _rivals(odds, range(len(listed))),
        *(figure for near in (best, some) for figure in (near[at], near[at] - _rivals(near, at))),
    ]
    plain = np.stack(columns, axis=1).astype(np.float32)
    chinese = language_of(text) is not Language.EN
    parts = [plain * (own == outside)[:, None] * (chinese == zh) for zh in (True, False) for outside in (False, True)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _rivals(figures: npt.NDArray[Any], places: Sequence[int]) -> npt.NDArray[Any]:
    """For the figure at each place the highest one elsewhere."""
    if len(figures) < 2:
        return np.zeros(len(places))
    second, first = np.partition(figures, -2)[-2:]
    return np.asarray(np.where(figures[list(places)] >= first, second, first))


class EmbeddedEngine:
    """The built-in classifier's candidates, re-scored by what lies near in the embedding's space."""

    def __init__(self, builtin: Engine, encoder: Sentences, memory: Memory) -> None:
        self._builtin, self._encoder, self.memory = builtin, encoder, memory

    def predict(self, text: str) -> Prediction:
        """What a message means. Any text is fine."""
        said = self._builtin.predict(text)
        best, some = self.memory.near(self._encoder.encode([text]))
        return self.memory.rescored(said, text, best[0], some[0])
