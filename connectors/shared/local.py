"""A platform's API played on this machine: the server under the stand-ins of the simulators."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class QuietHandler(BaseHTTPRequestHandler):
    """A request handler that writes nothing on the terminal."""

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


class LocalServer:
    """Serves `handler` on loopback at `port` (0 is any free one) for as long as it is entered; `url` is where."""

    def __init__(self, handler: type[QuietHandler], port: int) -> None:
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a burst must not be turned away
    daemon_threads = True
