"""Asking over HTTP: some connections that each put one question after the other. The client is bare asyncio, so that what
is measured is the server; it runs in this process, beside the server."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.measuring import numbered, quantile

_OK = 200


@dataclass(frozen=True)
class Message:
    """One question: the bytes of its body, and what stands behind the `?` of its address."""

    body: bytes
    query: str = ""


Body = Callable[[int], Message]
Heard = Callable[[int, bytes], None]


@dataclass(frozen=True)
class Poured:
    """What came of it: how long each answered question took (seconds), how many got no good answer, and the whole time."""

    took: tuple[float, ...]
    failed: int
    elapsed: float

    @property
    def per_second(self) -> float:
        """Answered questions a second."""
        return len(self.took) / self.elapsed

    def within(self, seconds: float) -> float:
        """The share of all questions that were answered in this time; failures count as not."""
        return sum(took <= seconds for took in self.took) / max(1, len(self.took) + self.failed)

    def milliseconds(self, share: float) -> float:
        """A quantile of the time an answer took."""
        return quantile(self.took, share) * 1000


def pour(url: str, body: Body, connections: int, seconds: float, *, heard: Heard = lambda number, answer: None) -> Poured:
    """Put question after question to `url` (POST) over so many connections for so long; `body` makes the n-th one,
    and `heard` gets what it was answered with."""
    return asyncio.run(_pour(url, body, heard, connections, seconds))


def rest_body(texts: tuple[str, ...], prefix: str) -> Body:
    """Bodies for the REST channel: every message from another sender, as on a day when everybody asks something."""
    return lambda n: Message(json.dumps({"sender": f"{prefix}-{n}", "message": texts[n % len(texts)]}).encode())


def parse_body(texts: tuple[str, ...]) -> Body:
    """Bodies for /model/parse, Rasa's and ours."""
    return lambda n: Message(json.dumps({"text": numbered(texts, n)}).encode())


async def _pour(url: str, body: Body, heard: Heard, connections: int, seconds: float) -> Poured:
    took: list[float] = []
    failed = 0
    numbers = iter(range(10**9))
    start = time.perf_counter()
    end = start + seconds

    async def ask() -> None:
        nonlocal failed
        connection = _Connection(url)
        try:
            while time.perf_counter() < end:
                number = next(numbers)
                question = body(number)
                asked = time.perf_counter()
                try:
                    status, answer = await connection.post(question)
                except (OSError, EOFError, ValueError):
                    status, answer = 0, b""
                    connection.close()
                if status == _OK:
                    took.append(time.perf_counter() - asked)
                    heard(number, answer)
                else:
                    failed += 1
                    await asyncio.sleep(0.01)
        finally:
            connection.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    return Poured(tuple(took), failed, time.perf_counter() - start)


class _Connection:
    """One kept-alive connection; opened at the first question and again after a failure."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._path = parts.path or "/"
        self._head = f"HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, message: Message) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        path = f"{self._path}?{message.query}" if message.query else self._path
        writer.write(f"POST {path} {self._head}{len(message.body)}\r\n\r\n".encode() + message.body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("content-length:"))
        answer = await reader.readexactly(length)
        if "connection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1]), answer

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
