"""A real server that is killed at the worst moments, against WeCom played on loopback: nothing is lost, nothing comes twice."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import house
from tests.connectors.loopback import Asked, Told
from tests.connectors.wecom_platform import ACCOUNT, AES_KEY, CORP, SECRET, TOKEN, Wecom
from tests.server import Server
from tests.serving import until

QUESTION = "校外怎么用VPN"


@pytest.fixture
def there() -> Iterator[Wecom]:
    """The platform; at the end it must not have had to refuse anything."""
    there = Wecom(page=10)
    there.platform.start()
    yield there
    there.platform.stop()
    assert there.broken == []


@pytest.fixture
def begin(tmp_path: Path, there: Wecom, mind: house.Mind) -> Iterator[Callable[[], Server]]:
    """Start the server on the same database, again and again."""
    running: list[Server] = []
    settings = {"CORP_ID": CORP, "SECRET": SECRET, "TOKEN": TOKEN, "ENCODING_AES_KEY": AES_KEY, "OPEN_KFID": ACCOUNT}
    settings["API_BASE"] = there.platform.url

    def begin() -> Server:
        environment = {f"REFDESK__CONNECTORS__WECOM__{name}": value for name, value in settings.items()}
        running.append(Server(tmp_path / "refdesk.db", **environment))
        return running[-1]

    yield begin
    for server in running:
        if server.process.poll() is None:
            server.kill()


def stored(tmp_path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(tmp_path / "refdesk.db")) as database:
        return [row[0] for row in database.execute(sql)]


def ring(there: Wecom, server: Server) -> None:
    with httpx.Client(base_url=server.address, trust_env=False) as client:
        assert there.ring(client).status_code == 200


@pytest.mark.parametrize("taken", [False, True])
def test_reply_arrives_once_when_the_server_is_killed_between_commit_and_send(
    begin: Callable[[], Server], there: Wecom, tmp_path: Path, taken: bool
) -> None:
    server, killed = begin(), threading.Event()

    def kill(asked: Asked) -> Told:
        if taken:
            there.send(asked.body)
        server.process.kill()
        killed.set()
        return Told(None)

    there.fail("kf/send_msg", kill)
    there.says("wm-reader", QUESTION)
    ring(there, server)
    assert killed.wait(20)
    server.kill()
    assert stored(tmp_path, "select text from messages where who = 'patron'") == [QUESTION]
    begin()
    until(lambda: stored(tmp_path, "select status from outbox") == ["delivered"])
    (shown,) = there.shown("wm-reader")
    assert "VPN" in shown


def test_every_message_is_stored_once_when_the_server_is_killed_in_the_middle_of_a_burst(
    begin: Callable[[], Server], there: Wecom, tmp_path: Path
) -> None:
    for life in range(4):
        for number in range(40):
            # Nothing the library knows: a person is asked once, the rest is silently added, and WeCom's quota is kept.
            there.says(f"wm-{number % 7}", f"我今天第{life}次路过食堂，看见{number}只猫")
        begun, dying = threading.Event(), list[Server]()

        def kill(asked: Asked, begun: threading.Event = begun, dying: list[Server] = dying) -> Told:
            assert begun.wait(20)
            threading.Timer(0.005, dying[0].process.kill).start()  # while this page is being stored, or just after
            return Told(there.sync(asked.body))

        there.fail("kf/sync_msg", *[lambda asked: None] * life, kill)
        dying.append(begin())
        begun.set()
        dying[0].process.wait(20)
        dying[0].kill()
    begin()
    ids = [entry["msgid"] for entry in there.log]
    until(lambda: len(stored(tmp_path, "select external from messages where who = 'patron'")) == len(ids))
    for user in {entry["external_userid"] for entry in there.log}:
        sql = (
            "select m.external from messages m join conversations c on c.id = m.conversation"
            f" where c.user = '{user}' and who = 'patron' order by m.id"
        )
        assert stored(tmp_path, sql) == [entry["msgid"] for entry in there.log if entry["external_userid"] == user]
    until(lambda: set(stored(tmp_path, "select status from outbox")) <= {"delivered", "mailbox"})
    assert len({body["msgid"] for _, body in there.sent}) == len(there.sent)


def test_cursor_survives_a_restart(begin: Callable[[], Server], there: Wecom, tmp_path: Path) -> None:
    there.says("wm-reader", QUESTION)
    server = begin()
    until(lambda: stored(tmp_path, "select value from facts where name like 'wecom.cursor.%'") == ["c1"])
    assert server.stop() == 0
    pulled = len(there.platform.calls("/cgi-bin/kf/sync_msg"))
    begin()
    until(lambda: len(there.platform.calls("/cgi-bin/kf/sync_msg")) > pulled)
    assert there.platform.calls("/cgi-bin/kf/sync_msg")[pulled].body["cursor"] == "c1"
