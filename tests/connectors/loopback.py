"""A platform's side of an API on loopback: answers what a test tells it to, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON of the request; None when there is none."""
        return json.loads(self.raw) if self.raw else None


@dataclass(frozen=True)
class Told:
    """One response as it goes out. A dict is sent as JSON, under text/plain as WeChat does; None hangs up without a word."""

    body: dict[str, Any] | list[Any] | str | bytes | None
    status: int = 200


Answering = Callable[[Asked], Told | dict[str, Any]]


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # a burst must not be turned away


class Platform:
    """The server. `asked` is everything that arrived, in order."""

    def __init__(self, answer: Answering) -> None:
        self.answer, self.asked = answer, list[Asked]()
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                platform._serve(self)

            def do_POST(self) -> None:
                platform._serve(self)

            def log_message(self, *arguments: object) -> None:
                """Nothing on the terminal."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(handler.command, address.path, dict(parse_qsl(address.query, keep_blank_values=True)), raw)
        self.asked.append(asked)
        told = self.answer(asked)
        told = told if isinstance(told, Told) else Told(told)
        if told.body is None:
            return
        body = told.body if isinstance(told.body, str | bytes) else json.dumps(told.body)
        payload = body.encode() if isinstance(body, str) else body
        try:
            handler.send_response(told.status)
            handler.send_header("Content-Type", "text/plain")
            handler.send_header("Content-Length", str(len(payload)))
            handler.end_headers()
            handler.wfile.write(payload)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the caller gave up meanwhile

    def calls(self, path: str) -> list[Asked]:
        """The requests for one path."""
        return [asked for asked in self.asked if asked.path == path]

    def start(self) -> "Platform":
        """Accept requests."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port: from now on nobody answers."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def platform(answer: Answering) -> Iterator[Platform]:
    """A platform for as long as the block runs."""
    started = Platform(answer).start()
    try:
        yield started
    finally:
        started.stop()
