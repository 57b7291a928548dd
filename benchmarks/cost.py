"""What understanding costs, and what it brings: the built-in engine, and Rasa beside it, in one run.

`python -m benchmarks.cost` trains on intents/, measures the engine in a process of its own, the server's POST /model/parse, and the
whole server over its REST channel. With `--rasa URL --rasa-pid PID` the same messages go to that Rasa server's POST /model/parse;
`--rasa-python` also measures its model in a process of Rasa's own. It must be a model of the same intents/. What is compared is measured
by turns, since a machine that others share is now fast and now slow; of each the middle round counts.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from benchmarks.intake import ROUTE
from benchmarks.load import Body, Poured, parse_body, pour, rest_body
from benchmarks.measuring import DEVELOPMENT, ROOT, circumstances, development_texts, processor_s, quantile, refdesk, resident_mb, table
from benchmarks.probe import Probe
from bot import classifier, evaluation, evaluator, house
from bot.answering import Policy
from bot.domain import OUT_OF_SCOPE, Engine, Prediction
from bot.evaluation import Figures, Labelled
from bot.pages.parse import PATH as PARSE
from bot.rasa_engine import RasaEngine
from bot.settings import Settings, read

CONNECTIONS = 8
PREDICTIONS = 20_000
Measured, Other = TypeVar("Measured"), TypeVar("Other")
_RASA_MODEL = Path("intents/models/refdesk.tar.gz")
_RASA_TIMEOUT = 30.0
_WARM = 2.0
_STEPS = 200
_ROUNDS = 5  # by turns, ours and theirs


@dataclass(frozen=True)
class Trained:
    """`refdesk train` as a command of its own: seconds from call to end, processor seconds, the most memory it had, its file."""

    seconds: float
    processor_s: float
    peak_mb: float
    model_mb: float


@dataclass(frozen=True)
class Served:
    """A server over HTTP: with one connection for the time of a message, with several for messages a second; and what the
    latter took of the processor for each."""

    alone: Poured
    together: Poured
    processor_ms: float
    resident_mb: float


@dataclass(frozen=True)
class Alone:
    """Rasa's understanding without a server, as benchmarks/rasa_probe.py found it: seconds of the processor to load, messages a
    second by the wall's clock, milliseconds of the processor to parse, MB resident."""

    load_s: float
    per_second: float
    median_ms: float
    p99_ms: float
    resident_mb: float


@dataclass(frozen=True)
class Rasa:
    """Where the Rasa server is, the file of the model that it serves, and the Python of its environment, if it is to be asked."""

    url: str
    process: int
    model: Path
    python: Path | None = None

    @property
    def parse(self) -> str:
        """Where it understands a message."""
        return self.url.rstrip("/") + "/model/parse"


def train(model: Path) -> Trained:
    """Train into `model`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    environment = {**os.environ, "REFDESK__UNDERSTANDING__MODEL": str(model)}
    subprocess.run([sys.executable, "-m", "bot", "train"], cwd=ROOT, env=environment, check=True, capture_output=True)
    took = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Trained(took, processor, used.ru_maxrss * 1024 / 1e6, model.stat().st_size / 1e6)


def probe(model: Path, predictions: int, seconds: float) -> Probe:
    """The engine alone, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.probe", str(model), str(predictions), str(seconds)]
    return Probe(**json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout))


def rasa_alone(python: Path, model: Path, texts: tuple[str, ...], seconds: float) -> Alone:
    """Rasa's model in a process of its own."""
    command = [str(python), str(ROOT / "benchmarks/rasa_probe.py"), str(model), str(seconds)]
    quiet = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, env=quiet, check=True, stdout=subprocess.PIPE, text=True, input=json.dumps(texts))
    told = json.loads(done.stdout.splitlines()[-1])
    took = told["took"]
    return Alone(told["load_s"], told["per_second"], quantile(took, 0.5), quantile(took, 0.99), told["after_mb"])


def by_turns(
    first: Callable[[], Measured], second: Callable[[], Other] | None, speed: Callable[[Any], float]
) -> tuple[Measured, Other | None]:
    """Both measured by turns; of each the round with the middle speed."""
    ones, others = list[Measured](), list[Other]()
    for _ in range(_ROUNDS):
        ones.append(first())
        if second is not None:
            others.append(second())
    return sorted(ones, key=speed)[_ROUNDS // 2], sorted(others, key=speed)[_ROUNDS // 2] if others else None


def serve_both(
    model: Path, folder: Path, *, texts: tuple[str, ...], seconds: float, rasa: Rasa | None
) -> tuple[Served, Served, Served | None]:
    """Refdesk over HTTP: understanding alone, by turns with Rasa; then the whole over its REST channel: understood, decided, stored,
    answered."""
    theirs = None if rasa is None else partial(serve, rasa.parse, lambda name: parse_body(texts), rasa.process, seconds)
    with refdesk(folder / "refdesk.db", {"REFDESK__UNDERSTANDING__MODEL": str(model)}) as server:
        ours = partial(serve, server.address + PARSE, lambda name: parse_body(texts), server.number, seconds)
        parsed, other = by_turns(ours, theirs, lambda served: served.together.per_second)
        return parsed, serve(server.address + ROUTE, lambda name: rest_body(texts, name), server.number, seconds), other


def serve(url: str, body: Callable[[str], Body], process: int, seconds: float) -> Served:
    """One route of a server: warmed up, asked over one connection, asked over several."""
    pour(url, body("warm"), CONNECTIONS, min(_WARM, seconds))
    alone = pour(url, body("alone"), 1, seconds)
    before = processor_s(process)
    together = pour(url, body("together"), CONNECTIONS, seconds)
    if not alone.took or not together.took:
        raise click.ClickException(f"no good answer from {url}")
    spent = processor_s(process) - before
    return Served(alone, together, spent * 1000 / len(together.took), resident_mb(process))


class _Nothing:
    """Where Rasa finds no intent in a message, none is taken."""

    def predict(self, text: str) -> Prediction:
        """Out of scope."""
        return Prediction(OUT_OF_SCOPE, 1.0)


def rasa_predictions(rasa: Rasa, rows: Sequence[Labelled]) -> tuple[Prediction, ...]:
    """What Rasa says about each message; an error as soon as it fails at one, so that nothing else is measured in its name."""
    engine = RasaEngine(rasa.url, _RASA_TIMEOUT, _Nothing())
    said = []
    try:
        for row in rows:
            said.append(engine.predict(row.text))
            if engine.state() != "ok":
                raise click.ClickException(f"Rasa at {rasa.url}: {engine.state()}")
    finally:
        engine.close()
    return tuple(said)


def predictions(engine: Engine, rows: Sequence[Labelled]) -> tuple[Prediction, ...]:
    """What an engine says about each message."""
    return tuple(engine.predict(row.text) for row in rows)


def fitted(
    rows: Sequence[Labelled], said: Sequence[Prediction], policy: Policy, kinds: house.Kinds, out_of_scope: float
) -> tuple[float, Figures]:
    """The most talkative `answer_at` at which no larger share of out-of-scope messages is answered than `out_of_scope`.

    Chosen on the very messages that are reported, hence to the engine's favour: thresholds that were made for another engine
    shall not be what it fails by.
    """
    found = evaluation.figures(evaluation.judge(rows, said, replace(policy, answer_at=1.0), kinds))
    best = 1.0, found
    for step in range(_STEPS, 0, -1):
        tried = replace(policy, answer_at=step / _STEPS, clarify_at=min(policy.clarify_at, step / _STEPS))
        found = evaluation.figures(evaluation.judge(rows, said, tried, kinds))
        if found.out_of_scope_answered.value > out_of_scope:
            break
        best = step / _STEPS, found
    return best


def near(found: Figures) -> evaluation.Share:
    """The out-of-scope messages that sound like the library's."""
    return dict(found.by_kind).get("near", evaluation.Share(0, 0))


def quality_table(columns: Sequence[tuple[str, Figures]]) -> str:
    """The quality figures, an engine a column."""
    rows = [
        ("sent answers that are right", *(f"{found.sent_right.value:.1%}" for _, found in columns)),
        ("in-scope questions answered rightly", *(f"{found.in_scope_answered.value:.1%}" for _, found in columns)),
        ("out-of-scope messages answered", *(f"{found.out_of_scope_answered.value:.1%}" for _, found in columns)),
        ("near-domain ones answered", *(f"{near(found).value:.1%}" for _, found in columns)),
        ("right one among the choices", *(f"{found.choice_right.value:.1%}" for _, found in columns)),
        ("right first guess, in scope", *(f"{found.top_right.value:.1%}" for _, found in columns)),
    ]
    return table(("development set", *(name for name, _ in columns)), rows)


def cost_table(
    trained: Trained, engine: Probe, ours: tuple[Served, Served], theirs: Served | None, alone: Alone | None, size: float
) -> str:
    """What it costs, with ratios where both were measured; above 1 in Refdesk's favour. `size` is Rasa's model in MB, 0 if unknown."""
    parsed, whole = ours
    return table(
        ("cost", "Refdesk, built-in", "Rasa", "ratio"),
        [
            _line("training, s (`refdesk train`)", trained.seconds, None, 1),
            _line("training, processor seconds", trained.processor_s, None, 1),
            _line("training, most memory of one process, MB", trained.peak_mb, None, 0),
            _line("model, MB", trained.model_mb, size or None, 1),
            _line("loading, processor s", engine.load_s, alone and alone.load_s, 3),
            _line("in process: messages/s", engine.per_second, alone and alone.per_second, 0),
            _line("in process: median ms of the processor", engine.median_ms, alone and alone.median_ms, 2),
            _line("in process: p99 ms of the processor", engine.p99_ms, alone and alone.p99_ms, 2),
            _line("in process: resident MB", engine.after_mb, alone and alone.resident_mb, 0),
            _line("in process, 5,000 characters: median ms", engine.long_median_ms, None, 2),
            _line("in process, 5,000 characters: slowest ms", engine.long_slowest_ms, None, 2),
            _line("in process, both kinds together: p99 ms", engine.all_p99_ms, None, 2),
            (f"growth over {engine.predictions:,} predictions, MB", f"{engine.after_mb - engine.before_mb:+.1f}", "-", ""),
            *_served_lines("/model/parse", parsed, theirs),
            *_served_lines("whole ask", whole, None),
            _line("server after all of it: resident MB", whole.resident_mb, theirs and theirs.resident_mb, 0),
            ("failed over HTTP", f"{_failed(parsed) + _failed(whole)}", f"{_failed(theirs)}" if theirs else "-", ""),
        ],
    )


def _served_lines(name: str, ours: Served, theirs: Served | None) -> list[tuple[str, str, str, str]]:
    one, other = ours.alone.milliseconds, theirs and theirs.alone.milliseconds
    return [
        _line(f"{name}, 1 connection: median ms", one(0.5), other and other(0.5), 1),
        _line(f"{name}, 1 connection: p99 ms", one(0.99), other and other(0.99), 1),
        _line(f"{name}, processor ms a message", ours.processor_ms, theirs and theirs.processor_ms, 2),
        _line(f"{name}, {CONNECTIONS} connections: messages/s", ours.together.per_second, theirs and theirs.together.per_second, 0),
    ]


def _line(name: str, mine: float, other: float | None, digits: int) -> tuple[str, str, str, str]:
    if other is None:
        return name, f"{mine:.{digits}f}", "-", ""
    return name, f"{mine:.{digits}f}", f"{other:.{digits}f}", _ratio(mine, other) if name.endswith("/s") else _ratio(other, mine)


def _failed(served: Served) -> int:
    return served.alone.failed + served.together.failed


def _ratio(more: float, less: float) -> str:
    return f"{more / less:.1f}" if less else ""


def measure(rasa: Rasa | None, seconds: float, count: int) -> str:
    """Everything, as text."""
    settings: Settings = read(ROOT / "refdesk.toml")
    texts = development_texts()
    kinds, policy = house.kinds(settings), house.policy(settings)
    rows = evaluator.labelled(sorted(DEVELOPMENT.glob("*.jsonl")), frozenset(kinds) | {OUT_OF_SCOPE})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model.refdesk"
        click.echo("training", err=True)
        trained = train(model)
        click.echo("predicting", err=True)
        theirs_alone = (
            partial(rasa_alone, rasa.python, rasa.model, texts, seconds) if rasa is not None and rasa.python is not None else None
        )
        engine, alone = by_turns(partial(probe, model, count, seconds), theirs_alone, lambda one: one.per_second)
        own = evaluation.figures(evaluation.judge(rows, predictions(classifier.load(model, None), rows), policy, kinds))
        click.echo("serving", err=True)
        parsed, whole, theirs = serve_both(model, folder, texts=texts, seconds=seconds, rasa=rasa)
    columns, size = [("Refdesk, built-in", own)], 0.0
    if rasa is not None:
        click.echo("asking Rasa", err=True)
        size = rasa.model.stat().st_size / 1e6 if rasa.model.exists() else 0.0
        said = rasa_predictions(rasa, rows)
        columns.append(("Rasa, same thresholds", evaluation.figures(evaluation.judge(rows, said, policy, kinds))))
        answer_at, best = fitted(rows, said, policy, kinds, own.out_of_scope_answered.value)
        columns.append((f"Rasa, answer_at {answer_at:g}", best))
    return f"{cost_table(trained, engine, (parsed, whole), theirs, alone, size)}\n\n{quality_table(columns)}"


@click.command()
@click.option("--rasa", "url", help="The root of a Rasa server that serves a model of the same intents/, e.g. http://127.0.0.1:5005")
@click.option("--rasa-pid", "process", type=int, help="Its process id, for its memory.")
@click.option("--rasa-model", "model", type=Path, default=_RASA_MODEL, show_default=True, help="The model it serves, for its size.")
@click.option("--rasa-python", "python", type=Path, help="The Python of its environment, to measure its model without the server.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="How long to ask at each step.")
@click.option("--predictions", "count", type=click.IntRange(min=1), default=PREDICTIONS, show_default=True, help="To watch memory grow.")
def main(url: str | None, process: int | None, model: Path, python: Path | None, seconds: float, count: int) -> None:
    """Cost and quality of the built-in engine, beside a Rasa server in the same run."""
    if (url is None) != (process is None):
        raise click.UsageError("--rasa and --rasa-pid belong together")
    rasa = Rasa(url, process, model, python) if url is not None and process is not None else None
    click.echo(circumstances())
    click.echo(measure(rasa, seconds, count))


if __name__ == "__main__":
    main()
