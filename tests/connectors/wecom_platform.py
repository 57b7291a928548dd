"""WeCom's side for tests: the stand-in that ships, over an API that a test can break, its settings and its customers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from connectors.shared.envelope import Key
from connectors.wecom.intake import inbox
from connectors.wecom.standin import OK, Enterprise, Rules, words
from tests.connectors.loopback import Asked, Platform, Told
from tests.serving import Served, until

CORP, SECRET, TOKEN, ACCOUNT = "ww1234567890abcdef", "corp-secret", "kfToken2026", "wkAAAAAAAAAA"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
SECTION = {"corp_id": CORP, "secret": SECRET, "token": TOKEN, "encoding_aes_key": AES_KEY, "open_kfid": ACCOUNT}
REMARK = "（未完，回复“更多”接着看）"
KEY = Key.from_setting(AES_KEY, CORP)
ENTERPRISE = Enterprise(CORP, SECRET, TOKEN, AES_KEY, ACCOUNT)
doorbell, sealed = ENTERPRISE.doorbell, ENTERPRISE.sealed

__all__ = [
    "ACCOUNT", "AES_KEY", "CORP", "ENTERPRISE", "KEY", "OK", "REMARK", "SECRET", "SECTION", "TOKEN",
    "Wecom", "WecomChannel", "doorbell", "house", "outbox", "pulls", "sealed", "settle", "tell", "there", "words",
]  # fmt: skip


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


@pytest.fixture
def there() -> Iterator[Wecom]:
    """The platform; at the end it must not have had to refuse anything."""
    there = Wecom()
    there.platform.start()
    try:
        yield there
    finally:
        there.platform.stop()
    assert there.broken == [], there.broken


@pytest.fixture
def house(serve: Callable[..., Served], there: Wecom) -> Served:
    """A server with this channel alone, whose desk takes over."""
    return serve({"wecom": {**SECTION, "api_base": there.platform.url}})


def settle(served: Served, there: Wecom) -> None:
    """Wait until everything that happened so far is fetched, and what follows from it is delivered."""
    until(lambda: served.desk.store.read(lambda s: s.fact(f"wecom.cursor.{ACCOUNT}")) == there.cursor or not there.log)
    until(lambda: not served.desk.store.read(lambda s: s.kept(inbox(ACCOUNT))))
    served.delivered()


def tell(house: Served, there: Wecom, *texts: str, user: str = "wm-reader") -> None:
    """A customer writes; returns when everything that follows has happened."""
    for text in texts:
        there.says(user, text)
    there.ring(house.client())
    settle(house, there)


def pulls(there: Wecom) -> list[dict[str, Any]]:
    """The bodies of every sync_msg."""
    return [asked.body for asked in there.platform.calls("/cgi-bin/kf/sync_msg")]


def outbox(house: Served) -> list[tuple[str, str]]:
    """Status and last error of every reply, oldest first."""
    found = house.desk.store.read(lambda s: s._rows("select status, error from outbox order by id"))
    return [(row["status"], row["error"]) for row in found]


class WecomChannel:
    """Customers who write by the platform; what it took to be shown is what was heard."""

    name = "wecom"
    routes = frozenset({"/webhooks/wecom"})

    def __init__(self, there: Wecom) -> None:
        self.there = there
        self.section: Mapping[str, Any] = {**SECTION, "api_base": there.platform.url}

    def user(self, asker: str) -> str:
        return f"wm-{asker}"

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        self.there.says(self.user(asker), text, number)
        assert self.there.ring(served.client()).text == "success"
        settle(served, self.there)
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        while (shown := self.there.shown(self.user(asker))) and shown[-1].endswith(REMARK):
            self.send(served, asker, "更多", f"more-{len(shown)}")
        return tuple(text.removesuffix(REMARK) for text in shown)
