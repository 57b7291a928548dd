"""How many messages the whole server takes, understands, decides, stores (synchronous=FULL) and answers over HTTP.

`python -m benchmarks.intake` starts a real `refdesk serve` with an empty database and asks through the REST channel with
1, 8 and 64 askers at once; then it does the same to a bare handler of the same web server that only echoes the JSON.
"""

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks import bare
from benchmarks.load import Poured, pour, rest_body
from benchmarks.measuring import Process, circumstances, development_texts, processor_s, refdesk, resident_mb, table

ASKERS = (1, 8, 64)
ROUTE = "/webhooks/rest/webhook"
_COMMITS_AT = 8  # in the index of SQLite's write-ahead log: "counter incremented each transaction"
_WARM = 2.0


@dataclass(frozen=True)
class Level:
    """One number of askers: the server, the bare handler, and what was written while the server was asked."""

    askers: int
    server: Poured
    bare: Poured
    commits: int
    processor_ms: float
    server_mb: float


def commits(database: Path) -> int:
    """How many transactions were committed so far, by SQLite's own count (modulo 2**32)."""
    with Path(f"{database}-shm").open("rb") as index:
        index.seek(_COMMITS_AT)
        (count,) = struct.unpack("=I", index.read(4))
    return int(count)


def measure(texts: tuple[str, ...], askers: tuple[int, ...], seconds: float) -> tuple[Level, ...]:
    """One level after the other, the server and the bare handler in turn."""
    levels = []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "refdesk.db"
        with refdesk(database) as server, Process("benchmarks.bare", ready=bare.READY) as echo:
            pour(server.address + ROUTE, rest_body(texts, "warm"), 4, min(_WARM, seconds))
            pour(echo.address + ROUTE, rest_body(texts, "warm"), 4, min(_WARM, seconds))
            for count in askers:
                before, used = commits(database), processor_s(server.number)
                asked = pour(server.address + ROUTE, rest_body(texts, f"asker-{count}"), count, seconds)
                written = (commits(database) - before) % 2**32
                spent = (processor_s(server.number) - used) * 1000 / max(1, len(asked.took))
                echoed = pour(echo.address + ROUTE, rest_body(texts, "asker"), count, seconds)
                levels.append(Level(count, asked, echoed, written, spent, resident_mb(server.number)))
    return tuple(levels)


def as_table(levels: tuple[Level, ...]) -> str:
    """The figures, a line for each number of askers."""
    head = (
        "askers", "messages/s", "median ms", "p99 ms", "slowest ms", "under 1 s", "failed", "messages a commit", "processor ms a message",
        "resident MB",
        "bare handler/s", "bare / Refdesk",
    )  # fmt: skip
    return table(head, [_row(level) for level in levels])


def _row(level: Level) -> tuple[str, ...]:
    server = level.server
    return (
        f"{level.askers}",
        f"{server.per_second:.0f}",
        f"{server.milliseconds(0.5):.1f}",
        f"{server.milliseconds(0.99):.1f}",
        f"{server.milliseconds(1):.1f}",
        f"{server.within(1):.2%}",
        f"{server.failed}",
        f"{len(server.took) / max(1, level.commits):.2f}",
        f"{level.processor_ms:.2f}",
        f"{level.server_mb:.0f}",
        f"{level.bare.per_second:.0f}",
        f"{level.bare.per_second / server.per_second:.1f}",
    )


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="How long to ask at each level.")
def main(seconds: float) -> None:
    """Messages a second through a real server, beside a bare handler in the same run."""
    click.echo(circumstances())
    click.echo(as_table(measure(development_texts(), ASKERS, seconds)))


if __name__ == "__main__":
    main()
