"""WeCom's side for tests: the stand-in that ships, over an API that a test can break and that remembers what it was asked."""

from collections.abc import Callable
from typing import Any

from connectors.shared.envelope import Key
from connectors.wecom.standin import OK, Enterprise, Rules, words
from tests.connectors.loopback import Asked, Platform, Told

CORP, SECRET, TOKEN, ACCOUNT = "ww1234567890abcdef", "corp-secret", "kfToken2026", "wkAAAAAAAAAA"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
KEY = Key.from_setting(AES_KEY, CORP)
ENTERPRISE = Enterprise(CORP, SECRET, TOKEN, AES_KEY, ACCOUNT)
doorbell, sealed = ENTERPRISE.doorbell, ENTERPRISE.sealed

__all__ = ["ACCOUNT", "AES_KEY", "CORP", "ENTERPRISE", "KEY", "OK", "SECRET", "TOKEN", "Wecom", "doorbell", "sealed", "words"]


class Wecom(Rules):
    """The enterprise of the tests. `faults` are answered first, one a call of their path."""

    def __init__(self, page: int = 100) -> None:
        super().__init__(ENTERPRISE, page)
        self.platform = Platform(self.answer)
        self.faults: list[tuple[str, Told | dict[str, Any] | Callable[[Asked], Any]]] = []

    def fail(self, path: str, *answers: Told | dict[str, Any] | Callable[[Asked], Any]) -> None:
        """The next calls of a path are answered like this."""
        self.faults += [(path, answer) for answer in answers]

    def answer(self, asked: Asked) -> Told | dict[str, Any]:
        """One call."""
        name = asked.path.removeprefix("/cgi-bin/")
        with self.lock:
            fault = next((each for each in self.faults if each[0] == name), None)
            if fault:
                self.faults.remove(fault)
        told: Any = (fault[1](asked) if callable(fault[1]) else fault[1]) if fault else None
        return self.call(name, asked.query, asked.body) if told is None else told
