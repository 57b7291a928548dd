"""What the benchmarks share: tables, shares of a sorted list, memory of a process, the development set, server processes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
DEVELOPMENT = ROOT / "benchmarks/development"
_LONG = 5_000
_MOST_LONG = 20
_STARTS_WITHIN = 120


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up; the first column is text, the others are figures."""
    widths = [max(3, *(_width(row[at]) for row in (head, *rows))) for at in range(len(head))]
    rule = ["-" * width if at == 0 else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    return "\n".join("| " + " | ".join(_padded(cell, widths[at], at) for at, cell in enumerate(row)) + " |" for row in (head, rule, *rows))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, column: int) -> str:
    space = " " * (width - _width(text))
    return text + space if column == 0 else space + text


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-len(ordered) * share // 1).__int__() - 1))]


def resident_mb(process: int) -> float:
    """Resident memory of a process, MB of 1,000,000 bytes. Linux."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise click.ClickException(f"process {process} has no resident memory: is it still running?")
    return int(found[1]) * 1024 / 1e6


def development_texts() -> tuple[str, ...]:
    """The messages of the development set, in the order of its files."""
    lines = (line for path in sorted(DEVELOPMENT.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(str(json.loads(line)["text"]) for line in lines if line.strip())


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
        threading.Thread(target=self._read, daemon=True).start()

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
            self._process.kill()
            self._process.wait()
            raise click.ClickException("the server did not start:\n" + "".join(self._output))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

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
    """`refdesk serve` on a free port with the starter library and a database of its own."""
    environment = {"REFDESK__SERVER__PORT": "0", "REFDESK__STORE__PATH": str(database), **(extra or {})}
    return Process("bot", "serve", ready="Refdesk is ready:", **environment)
