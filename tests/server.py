"""A real server process for tests: started on a free loopback port, waited for, killed or stopped by the test."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.conftest import ROOT


class Server:
    """`refdesk serve` with its own database. `output` collects what it prints; `address` is where it listens."""

    def __init__(self, database: Path, **environment: str) -> None:
        self.output: list[str] = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "REFDESK__SERVER__PORT": "0", "REFDESK__STORE__PATH": str(database), "PYTHONUNBUFFERED": "1", **environment},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(60):
            self.kill()
            raise RuntimeError("the server did not start:\n" + "".join(self.output))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if "Refdesk is ready" in line:
                self._ready.set()
        self._ready.set()

    @property
    def address(self) -> str:
        """The base URL, from what the server printed."""
        found = re.search(r"Refdesk is ready: (http://\S+)", "".join(self.output))
        assert found, "".join(self.output)
        return found[1]

    @property
    def setup_link(self) -> str:
        """The one-time link of the first administrator."""
        found = re.search(r"http://\S+/setup/\S+", "".join(self.output))
        assert found, "".join(self.output)
        return found[0]

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """SIGTERM: the orderly way; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(20)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code
