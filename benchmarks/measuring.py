"""What the benchmarks share: tables, shares of a sorted list, memory of a process, the development set, server processes."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
DEVELOPMENT = ROOT / "benchmarks/development"
_FIGURE = re.compile(r"$|-$|[-+]?[0-9]")
_LONG = 5_000
_MOST_LONG = 20
_STARTS_WITHIN = 120
_STOPS_WITHIN = 20


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up: figures to the right, words to the left."""
    columns = [[row[at] for row in (head, *rows)] for at in range(len(head))]
    widths = [max(3, *map(_width, column)) for column in columns]
    figures = [any(column[1:]) and all(map(_FIGURE.match, column[1:])) for column in columns]
    rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, figures, strict=True)]
    lines = [[_padded(*cell) for cell in zip(row, widths, figures, strict=True)] for row in (head, rule, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def circumstances() -> str:
    """When and under what load something was measured: figures of a busy machine are worse than those of an idle one."""
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average at the start {load}"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def resident_mb(process: int) -> float:
    """Resident memory of a process, MB of 1,000,000 bytes. Linux."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise click.ClickException(f"process {process} has no resident memory: is it still running?")
    return int(found[1]) * 1024 / 1e6


def processor_s(process: int) -> float:
    """Processor seconds that a process has used so far, all its threads together. Linux."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def development_texts() -> tuple[str, ...]:
    """The messages of the development set, in the order of its files."""
    lines = (line for path in sorted(DEVELOPMENT.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(str(json.loads(line)["text"]) for line in lines if line.strip())


def numbered(texts: Sequence[str], number: int) -> str:
    """One message after the other, again and again; numbered, so that nothing that is remembered of a text helps."""
    return f"{texts[number % len(texts)]} {number}"


def long_texts(texts: Sequence[str], length: int = _LONG, most: int = _MOST_LONG) -> tuple[str, ...]:
    """Long inputs: messages strung together and cut to `length` characters."""
    whole = " ".join(texts)
    whole *= -(-length // max(1, len(whole)))
    return tuple(whole[at * length : (at + 1) * length] for at in range(min(most, len(whole) // length)))


class Process:
    """A server process of this environment; `address` is what it printed after `ready`. To be used in a `with`."""

    def __init__(self, module: str, *arguments: str, ready: str, **environment: str) -> None:
        self._output: list[str] = []
        self._ready = threading.Event()
        self._sign = re.compile(re.escape(ready) + r" (http://\S+)")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._output.append(line)
            if self._sign.search(line):
                self._ready.set()
        self._ready.set()

    def __enter__(self) -> "Process":
        started = self._ready.wait(_STARTS_WITHIN)
        if not started or not self._sign.search("".join(self._output)):
            self._end(signal.SIGKILL)
            raise click.ClickException("the server did not start:\n" + "".join(self._output))
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        try:
            self._process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def address(self) -> str:
        """The base URL that the process has printed."""
        found = self._sign.search("".join(self._output))
        assert found is not None
        return found[1]

    @property
    def number(self) -> int:
        """The process id."""
        return self._process.pid


def refdesk(database: Path, extra: Mapping[str, str] | None = None) -> Process:
    """`refdesk serve` on a free port with the starter library and a database of its own.

    Where there is no model of today's intents/ it is trained by a command before: a server that has trained keeps the memory.
    """
    environment = {"REFDESK__SERVER__PORT": "0", "REFDESK__STORE__PATH": str(database), **(extra or {})}
    command = [sys.executable, "-m", "bot", "classify"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, check=True, capture_output=True)
    return Process("bot", "serve", ready="Refdesk is ready:", **environment)
