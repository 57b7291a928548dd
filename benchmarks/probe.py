"""The built-in engine alone in a fresh process: `python -m benchmarks.probe MODEL PREDICTIONS SECONDS` prints one JSON object.

A process of its own, so that its memory is the engine's and nobody else's.
"""

import gc
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.measuring import development_texts, long_texts, numbered, quantile, resident_mb
from bot import classifier
from bot.domain import Engine
from bot.listening import Listener

_WARM = 200


@dataclass(frozen=True)
class Probe:
    """Seconds to load, milliseconds to predict (both of the processor, so that other work on the machine disturbs them little),
    MB resident; `per_second` by the clock on the wall, over some seconds; `predictions` is how many lie between `before_mb` and
    `after_mb`."""

    load_s: float
    per_second: float
    median_ms: float
    p99_ms: float
    long_median_ms: float
    long_slowest_ms: float
    all_p99_ms: float
    predictions: int
    before_mb: float
    after_mb: float


def times(engine: Engine, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each prediction."""
    took = []
    for text in texts:
        start = time.process_time()
        engine.predict(text)
        took.append((time.process_time() - start) * 1000)
    return took


def speed(engine: Engine, texts: Sequence[str], seconds: float) -> float:
    """Messages a second, asked for so long."""
    asked, begun, elapsed = 0, time.perf_counter(), 0.0
    while elapsed < seconds:
        engine.predict(numbered(texts, asked))
        asked += 1
        elapsed = time.perf_counter() - begun
    return asked / elapsed


def growth(engine: Engine, texts: Sequence[str], predictions: int) -> tuple[float, float]:
    """Resident MB before and after so many predictions; every text has been seen once before."""
    times(engine, texts)
    before = resident_mb(os.getpid())
    for at in range(predictions):
        engine.predict(texts[at % len(texts)])
    return before, resident_mb(os.getpid())


def probe(model: Path, texts: tuple[str, ...], predictions: int, seconds: float) -> Probe:
    """Load, predict every text once, then long ones, then for so many seconds, then so many more."""
    start = time.process_time()
    engine = Listener(classifier.load(model, None))
    loaded = time.process_time() - start
    gc.collect()
    gc.freeze()  # as `refdesk serve` does
    times(engine, texts[:_WARM])
    short = times(engine, texts[_WARM:])  # none of them has been seen before
    long = times(engine, long_texts(texts))
    per_second = speed(engine, texts, seconds)
    before, after = growth(engine, texts, predictions)
    return Probe(
        load_s=loaded,
        per_second=per_second,
        median_ms=quantile(short, 0.5),
        p99_ms=quantile(short, 0.99),
        long_median_ms=quantile(long, 0.5),
        long_slowest_ms=max(long),
        all_p99_ms=quantile(short + long, 0.99),
        predictions=predictions,
        before_mb=before,
        after_mb=after,
    )


@click.command()
@click.argument("model", type=Path)
@click.argument("predictions", type=int)
@click.argument("seconds", type=float)
def main(model: Path, predictions: int, seconds: float) -> None:
    """Measure the model in MODEL."""
    click.echo(json.dumps(asdict(probe(model, development_texts(), predictions, seconds))))


if __name__ == "__main__":
    main()
