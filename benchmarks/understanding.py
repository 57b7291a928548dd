"""The built-in recipe on public intent-classification sets, beside published and earlier measured figures.

`python -m benchmarks.understanding --data DIR` fits `bot.classifier` to each set's training data as it is, without any lexicon,
and predicts its test set one message at a time.

- accuracy: in-scope test messages whose best candidate is the right intent, out_of_scope being a possible (wrong) candidate.
- OOS@-3: share of out-of-scope test messages rejected at the threshold on the best intent's confidence that costs 3 points of
  in-scope accuracy against answering always.
- AUROC: in-scope against out-of-scope messages by that confidence.
- train s, ms: processor time of this process, so that other work on the machine disturbs it little.
"""

import csv
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.measuring import quantile, table
from bot import classifier
from bot.domain import OUT_OF_SCOPE, Engine, Prediction
from bot.training import Example, Training

DATA = Path("../shared/benchmarks")
COST = 0.03
_EXIT_NO_DATA = 2
_WHENCE = """The public sets are not part of this repository. Put them into one folder and name it with --data:
  clinc150/data_full.json, data_small.json     github.com/clinc/oos-eval, data/ (CC BY 3.0)
  banking77/train.csv, test.csv                github.com/PolyAI-LDN/task-specific-datasets, banking_data/ (CC BY 4.0)
  hwu64_fold1/train.csv, test.csv              github.com/xliuhw/NLU-Evaluation-Data, KFold_1, as text,intent (CC BY 4.0)
  massive_zh_cn/train.csv, test.csv            MASSIVE (Amazon), zh-CN, as text,label_text (CC BY 4.0)
  hint3/v1_BOT_train.csv, v1_BOT_test.csv      github.com/hellohaptik/HINT3, dataset/v1 (ODbL 1.0)"""

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PublicSet:
    """Training and test messages with their intents; `outside` are the test messages that no intent fits."""

    name: str
    train: Rows
    test: Rows
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What was measured on one set; shares 0..1, the last two of out-of-scope messages only where the set has them."""

    accuracy: float
    train_s: float
    predict_ms: float
    rejected: float | None = None
    auroc: float | None = None


@dataclass(frozen=True)
class Figure:
    """One line of the literature, or of what was measured before: percent as written there."""

    of: str
    system: str
    accuracy: str
    source: str
    rejected: str = "-"
    auroc: str = "-"


_LARSON = "Larson et al. 2019, Table 1, oos-train"
_CASANUEVA = "Casanueva et al. 2020, Table 3, full data"
_OURS = "measured for Refdesk, 2026-11, 2 cores"
FIGURES = (
    Figure("CLINC150 full", "FastText", "89.0", _LARSON),
    Figure("CLINC150 full", "SVM", "91.0", _LARSON),
    Figure("CLINC150 full", "MLP on sentence embeddings", "93.5", _LARSON),
    Figure("CLINC150 full, no OOS training", "kernel recipe", "92.4", _OURS, "83", "96.1"),
    Figure("CLINC150 small, no OOS training", "Rasa 3.6 DIET", "87.2", _OURS),
    Figure("CLINC150 small, no OOS training", "kernel recipe", "91.0", _OURS, "84", "95.6"),
    Figure("BANKING77", "BERT, fixed", "87.19", _CASANUEVA),
    Figure("BANKING77", "USE", "92.81", _CASANUEVA),
    Figure("BANKING77", "ConveRT", "93.01", _CASANUEVA),
    Figure("BANKING77", "USE + ConveRT", "93.36", _CASANUEVA),
    Figure("BANKING77", "BERT, tuned", "93.66", _CASANUEVA),
    Figure("BANKING77", "kernel recipe", "91.9", _OURS),
    Figure("HWU64 fold 1", "kernel recipe", "88.3", _OURS),
    Figure("MASSIVE zh-CN", "kernel recipe", "83.3", _OURS),
    Figure("HINT3 curekart", "Rasa 3.6 DIET", "79.9", _OURS, "32", "68.1"),
    Figure("HINT3 curekart", "Rasa LogisticRegression", "81.2", _OURS, "16", "76.8"),
    Figure("HINT3 curekart", "linear SVM, word and character TF-IDF", "84.1", _OURS, "33", "87.3"),
    Figure("HINT3 powerplay11", "Rasa 3.6 DIET", "58.9", _OURS),
    Figure("HINT3 powerplay11", "Rasa LogisticRegression", "62.5", _OURS),
    Figure("HINT3 powerplay11", "linear SVM, word and character TF-IDF", "62.5", _OURS),
    Figure("HINT3 sofmattress", "Rasa 3.6 DIET", "72.7", _OURS),
    Figure("HINT3 sofmattress", "Rasa LogisticRegression", "63.2", _OURS),
    Figure("HINT3 sofmattress", "linear SVM, word and character TF-IDF", "75.8", _OURS),
)


def public_sets(folder: Path) -> Iterator[PublicSet]:
    """Every set in `folder`, one after the other; FileNotFoundError for the first that is not there."""
    for size in ("full", "small"):
        both = read_clinc(folder / f"clinc150/data_{size}.json", f"CLINC150 {size}")
        yield both
        yield without_out_of_scope(both)
    for name, under, label in (
        ("BANKING77", "banking77", "category"),
        ("HWU64 fold 1", "hwu64_fold1", "intent"),
        ("MASSIVE zh-CN", "massive_zh_cn", "label_text"),
    ):
        yield PublicSet(name, read_csv(folder / under / "train.csv", "text", label), read_csv(folder / under / "test.csv", "text", label))
    for bot in ("curekart", "powerplay11", "sofmattress"):
        yield read_hint3(folder / "hint3", bot)


def read_clinc(path: Path, name: str) -> PublicSet:
    """CLINC150's JSON; its `oos_train` is learned as out_of_scope."""
    data = json.loads(path.read_text(encoding="utf-8"))
    inside = tuple((str(text), str(intent)) for text, intent in data["train"])
    outside = tuple((str(text), OUT_OF_SCOPE) for text, _ in data["oos_train"])
    test = tuple((str(text), str(intent)) for text, intent in data["test"])
    return PublicSet(name, inside + outside, test, tuple(str(text) for text, _ in data["oos_test"]))


def without_out_of_scope(whole: PublicSet) -> PublicSet:
    """The same set without out-of-scope training data, as others measured it."""
    return PublicSet(
        f"{whole.name}, no OOS training", tuple(row for row in whole.train if row[1] != OUT_OF_SCOPE), whole.test, whole.outside
    )


def read_csv(path: Path, text: str, label: str) -> Rows:
    """Two columns of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple((row[text], row[label]) for row in csv.DictReader(file))


def read_hint3(folder: Path, bot: str) -> PublicSet:
    """One of HINT3's bots, v1: real questions, many of them out of scope."""
    test = read_csv(folder / f"v1_{bot}_test.csv", "sentence", "label")
    return PublicSet(
        f"HINT3 {bot}",
        read_csv(folder / f"v1_{bot}_train.csv", "sentence", "label"),
        tuple(row for row in test if row[1] != "NO_NODES_DETECTED"),
        tuple(text for text, intent in test if intent == "NO_NODES_DETECTED"),
    )


def as_training(name: str, rows: Rows) -> Training:
    """What the classifier learns from. An intent with a single example gets it twice: cross-fitting needs one on either side."""
    counts = Counter(intent for _, intent in rows)
    doubled = rows + tuple(row for row in rows if counts[row[1]] == 1)
    examples = tuple(Example(text, intent, Path(name), line) for line, (text, intent) in enumerate(doubled, 1))
    return Training(examples, (), (), name)


def measure(public: PublicSet) -> Result:
    """Fit and predict."""
    training = as_training(public.name, public.train)
    start = _spent()
    model = classifier.fit(training)
    train_s = _spent() - start
    took: list[float] = []
    said = [_timed(model, text, took) for text, _ in public.test]
    outside = [_timed(model, text, took) for text in public.outside]
    accuracy = sum(prediction.intent == intent for prediction, (_, intent) in zip(said, public.test, strict=True)) / len(said)
    if not outside:
        return Result(accuracy, train_s, quantile(took, 0.5))
    inside = [best_intent(prediction) for prediction in said]
    right = [intent == meant for (intent, _), (_, meant) in zip(inside, public.test, strict=True)]
    sure, unsure = [confidence for _, confidence in inside], [best_intent(prediction)[1] for prediction in outside]
    rejected = rejected_at_cost(sure, right, unsure, COST)
    return Result(accuracy, train_s, quantile(took, 0.5), rejected, auroc(sure, unsure))


def _spent() -> float:
    """Seconds of the processor so far, those of the processes that learned for this one included."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _timed(engine: Engine, text: str, took: list[float]) -> Prediction:
    start = time.process_time()
    prediction = engine.predict(text)
    took.append((time.process_time() - start) * 1000)
    return prediction


def best_intent(prediction: Prediction) -> tuple[str, float]:
    """The likeliest intent other than out_of_scope, with its confidence."""
    inside = ((row.intent, row.confidence) for row in prediction.candidates() if row.intent != OUT_OF_SCOPE)
    return next(inside, ("", 0.0))


def rejected_at_cost(sure: Sequence[float], right: Sequence[bool], unsure: Sequence[float], cost: float) -> float:
    """The share of `unsure` under the highest threshold that loses right answers to no more than `cost` of all in-scope messages."""
    answered = sorted(confidence for confidence, good in zip(sure, right, strict=True) if good)
    spare = int(cost * len(sure))
    threshold = answered[spare] if spare < len(answered) else float("inf")
    return sum(confidence < threshold for confidence in unsure) / len(unsure)


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """How often a confidence of `higher` exceeds one of `lower`; ties count half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([1] * len(higher) + [0] * len(lower), [*higher, *lower]))


def as_table(results: Sequence[tuple[str, Result]]) -> str:
    """What was measured now, and under each set what else is known about it."""
    rows = []
    for name, result in results:
        rows.append((
            name, "Refdesk, this run", _percent(result.accuracy), _percent(result.rejected), _percent(result.auroc),
            f"{result.train_s:.1f}", f"{result.predict_ms:.2f}", "",
        ))  # fmt: skip
        rows += [(name, row.system, row.accuracy, row.rejected, row.auroc, "", "", row.source) for row in FIGURES if row.of == name]
    return table(("set", "system", "accuracy", "OOS@-3", "AUROC", "train s", "ms", "source"), rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}"


@click.command()
@click.option("--data", type=Path, default=DATA, show_default=True, help="The folder of the public sets.")
@click.option("--only", multiple=True, help="Only sets whose name begins so; may be given several times.")
def main(data: Path, only: tuple[str, ...]) -> None:
    """The built-in recipe on CLINC150, BANKING77, HWU64, MASSIVE zh-CN and HINT3."""
    results = []
    try:
        for public in public_sets(data):
            if not only or public.name.startswith(only):
                click.echo(f"{public.name}: {len(public.train)} to learn, {len(public.test)} + {len(public.outside)} to predict", err=True)
                results.append((public.name, measure(public)))
                click.echo(f"  {results[-1][1]}", err=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        click.echo(f"{error.filename} is missing.\n{_WHENCE}", err=True)
        sys.exit(_EXIT_NO_DATA)
    click.echo(as_table(results))


if __name__ == "__main__":
    main()
