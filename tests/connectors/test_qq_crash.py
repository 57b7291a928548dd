"""A real server that is killed at the worst moments, against QQ played on loopback: nothing is lost, nothing comes twice."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import house
from connectors.qq.player import FRIEND, Player
from connectors.qq.standin import Answer, Call, Rules, Standin
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.qq import APP_ID, SECRET
from tests.server import Server
from tests.serving import until


@pytest.fixture
def there() -> Iterator[Standin]:
    with Standin(Rules(APP_ID, SECRET)) as standin:
        yield standin


@pytest.fixture
def begin(tmp_path: Path, there: Standin, mind: house.Mind) -> Iterator[Callable[[], Server]]:
    """Start the server on the same database, again and again."""
    running: list[Server] = []
    settings = {"APP_ID": APP_ID, "SECRET": SECRET, "API_BASE": there.url, "TOKEN_BASE": there.url}

    def begin() -> Server:
        environment = {f"REFDESK__CONNECTORS__QQ__{name}": value for name, value in settings.items()}
        running.append(Server(tmp_path / "refdesk.db", **environment))
        return running[-1]

    yield begin
    for server in running:
        if server.process.poll() is None:
            server.kill()


def stored(tmp_path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(tmp_path / "refdesk.db")) as database:
        return [row[0] for row in database.execute(sql)]


@pytest.mark.parametrize("taken", [False, True], ids=["before the platform has it", "after the platform has it"])
def test_reply_is_shown_once_when_the_server_is_killed_while_it_sends(
    begin: Callable[[], Server], there: Standin, tmp_path: Path, taken: bool
) -> None:
    server, killed = begin(), threading.Event()

    def kill(call: Call) -> Answer:
        if taken:
            there.rules._take(call, "users", FRIEND)
        server.process.kill()
        killed.set()
        return 0, None

    there.rules.planned = [kill]
    with httpx.Client(base_url=server.address, trust_env=False) as client:
        assert Player(client, there.rules).says(QUESTION).json() == {"op": 12}
    assert killed.wait(20)
    server.kill()
    begin()
    until(lambda: stored(tmp_path, "select status from outbox") == ["delivered"])
    (shown,) = there.rules.sent
    assert (ANSWER in shown.text, shown.number) == (True, 1)
    assert [fault.split()[0] for fault in there.rules.broken] == (["40054005"] if taken else [])


def test_every_acknowledged_event_is_answered_once_however_often_the_server_is_killed(
    begin: Callable[[], Server], there: Standin, tmp_path: Path
) -> None:
    waiting = [f"m-{number}" for number in range(60)]
    for kill_after in (7, 11, None):
        server, acknowledged = begin(), 0
        with httpx.Client(base_url=server.address, trust_env=False) as client:
            player = Player(client, there.rules)
            while waiting and acknowledged != kill_after:
                assert player.says(QUESTION, user=f"U{waiting[0]}", number=waiting[0]).json() == {"op": 12}
                waiting.pop(0)
                acknowledged += 1
            if kill_after:
                server.process.kill()
                with pytest.raises(httpx.TransportError):  # never acknowledged, so it comes again
                    player.says(QUESTION, user=f"U{waiting[0]}", number=waiting[0])
                server.kill()
    until(lambda: stored(tmp_path, "select count(*) from outbox where status = 'delivered'") == [60])
    assert Counter(each.hook for each in there.rules.sent) == {f"m-{number}": 1 for number in range(60)}
    assert stored(tmp_path, "select count(*) from inbox where not done") == [0]
