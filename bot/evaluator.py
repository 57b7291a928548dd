"""Measuring: labelled messages through an engine, cross-validation, the learning curve; what `refdesk evaluate` does."""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot import autonomy, classifier, embedding, evaluation, house, training
from bot.answering import Policy
from bot.domain import OUT_OF_SCOPE, Engine, Prediction
from bot.embedding import EmbeddedEngine
from bot.errors import Defect, RefdeskError
from bot.evaluation import Evaluated, Labelled, Lesson
from bot.listening import Listener
from bot.messages import Language
from bot.rasa_engine import RasaEngine
from bot.settings import Settings
from bot.text import language_of
from bot.training import Training

DEVELOPMENT = Path("benchmarks/development")
# An intent speaks unattended once its answers are right this often, at the lower bound of what was measured.
PROVEN = 0.90
# The examples are harder than what patrons send, for many of their writers sought the borders between intents, and a fifth is missing
# where they are judged: 96 % right among them was 97.6 % of what new writers asked, who had seen no other line, and 98 % on the
# development set.
PRECISION = 0.96
_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured. `proposed`, `unready` and `evidence` come from cross-validation only."""

    runs: tuple[Evaluated, ...]
    lessons: tuple[Lesson, ...] = ()
    proposed: Policy | None = None
    unready: frozenset[str] = frozenset()
    evidence: autonomy.Evidence | None = None


def labelled(paths: Sequence[Path], known: frozenset[str]) -> tuple[Labelled, ...]:
    """Messages from JSON lines {"text", "intent", "language"?, "kind"?}; Defect names file, line and field."""
    rows: list[Labelled] = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                text, intent = str(row["text"]), str(row["intent"])
                language = Language(row["language"]) if "language" in row else language_of(text) or Language.ZH
            except (ValueError, KeyError, TypeError) as error:
                raise Defect(path, number, f'expected {{"text", "intent", "language"?, "kind"?}}: {error}') from error
            if intent not in known:
                raise Defect(path, number, f"intent {intent!r} is not in catalogue.yml")
            rows.append(Labelled(text, intent, language, str(row.get("kind", ""))))
    if not rows:
        raise RefdeskError("there are no labelled messages to evaluate")
    return tuple(rows)


def evaluate(
    settings: Settings,
    files: Sequence[Path],
    *,
    engine: str = "builtin",
    cross: bool = False,
    learning: bool = False,
    compare: Path | None = None,
    progress: Progress = lambda stage, share: None,
) -> Evaluation:
    """Measure on `files`, or on the development set beside intents/."""
    kinds, policy = house.kinds(settings), house.policy(settings)
    paths = files or sorted(settings.at(DEVELOPMENT).glob("*.jsonl"))
    rows = labelled(paths, frozenset(kinds) | {OUT_OF_SCOPE})
    builtin = house.engine(settings)
    tested: Engine = builtin
    if engine == "rasa":
        tested = RasaEngine(settings.understanding.rasa_url, settings.understanding.rasa_timeout, _Unavailable())
    elif settings.understanding.embedding:
        tested, engine = house.embedded(settings, settings.understanding.embedding, builtin, progress), embedding.NAME
    courtesies = house.courtesies_among(kinds)
    name = paths[0].stem if len(paths) == 1 else paths[0].parent.name
    runs = [_run(f"{name}, {engine}", Listener(tested, courtesies), rows, policy, kinds, progress)]
    if compare:
        other = Listener(classifier.load(compare, None), courtesies)
        runs.append(_run(f"{name}, {compare.name}", other, rows, policy, kinds, progress))
    lessons = _lessons(settings, rows, policy, kinds, progress) if learning else ()
    if not cross:
        return Evaluation(tuple(runs), lessons)
    trained = training.read(settings.at(settings.library.intents))
    predictions = classifier.cross_validated(trained, progress)
    if isinstance(tested, EmbeddedEngine):
        predictions = embedding.cross_validated(trained, tested.memory, predictions)
    own = tuple(Labelled(example.text, example.intent, example.language) for example in trained.examples)
    crossed = Evaluated("cross-validation on intents/", own, predictions, policy, kinds)
    proposed = evaluation.propose(own, predictions, kinds, PRECISION, policy=policy)
    cases = crossed.cases()
    evidence = autonomy.gathered(cases, trained.digest, embedding.NAME if isinstance(tested, EmbeddedEngine) else "builtin", policy)
    return Evaluation((*runs, crossed), lessons, proposed, evaluation.unready(cases, PROVEN), evidence)


class _Unavailable:
    """Measuring Rasa must not quietly measure something else."""

    def predict(self, text: str) -> Prediction:
        """Rasa did not answer."""
        raise RefdeskError("the Rasa server did not answer; start it with `make rasa`")


def _run(name: str, engine: Engine, rows: tuple[Labelled, ...], policy: Policy, kinds: house.Kinds, progress: Progress) -> Evaluated:
    predictions, took = [], []
    for at, row in enumerate(rows):
        if at % 50 == 0:
            progress(name, at / len(rows))
        start = time.perf_counter()
        predictions.append(engine.predict(row.text))
        took.append((time.perf_counter() - start) * 1000)
    return Evaluated(name, rows, tuple(predictions), policy, kinds, tuple(took))


def _lessons(settings: Settings, rows: tuple[Labelled, ...], policy: Policy, kinds: house.Kinds, progress: Progress) -> tuple[Lesson, ...]:
    """Train on growing shares of every intent's examples, always the same ones."""
    trained = training.read(settings.at(settings.library.intents))
    courtesies = house.courtesies_among(kinds)
    order = {example: random.Random(f"{example.intent} {example.text}").random() for example in trained.examples}
    lessons = []
    for number, share in enumerate(_SHARES):
        progress(f"learning from {share:.0%}", number / len(_SHARES))
        kept = _share_of(trained, share, order)
        heard = Listener(classifier.fit(kept), courtesies)
        cases = evaluation.judge(rows, [heard.predict(row.text) for row in rows], policy, kinds)
        lessons.append(Lesson(share, len(kept.examples), evaluation.figures(cases)))
    return tuple(lessons)


def _share_of(trained: Training, share: float, order: dict[training.Example, float]) -> Training:
    kept = []
    for intent in {example.intent for example in trained.examples}:
        own = sorted((example for example in trained.examples if example.intent == intent), key=lambda example: order[example])
        kept += own[: max(10, round(share * len(own)))]
    chosen = frozenset(kept)
    return replace(trained, examples=tuple(example for example in trained.examples if example in chosen))
