"""A real server with the official account on, killed at the worst moments.

Under load: what was answered stays, what was cut off is answered now. Between a librarian's reply and its push: it is
pushed by the next life of the server. Only where WeChat took a push whose answer never arrived it comes twice, as the
README says: the platform has no key by which it would know the second one.
"""

import contextlib
import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import house
from connectors.shared.envelope import Key
from connectors.wechat.player import Player
from tests.connectors.loopback import Asked, Platform, Told, platform
from tests.connectors.wechat import AES, APP_ID, SEND, TOKEN, AccountApi
from tests.server import Server
from tests.serving import PASSWORD, Colleague, until

LIVES, ASKERS = 3, 4
ENVIRONMENT = {
    "REFDESK__CONNECTORS__WECHAT__TOKEN": TOKEN,
    "REFDESK__CONNECTORS__WECHAT__ENCODING_AES_KEY": AES,
    "REFDESK__CONNECTORS__WECHAT__APP_ID": APP_ID,
}


def _player(client: httpx.Client) -> Player:
    return Player(client, TOKEN, Key.from_setting(AES, APP_ID))


def _ask(client: httpx.Client, number: str) -> str:
    """One try of one message."""
    player = _player(client)
    asker, count = number.split("-")[1], int(number.split("-")[2])
    text = ("校外怎么用VPN", "怎么进知网", "你好")[count % 3]
    fields = {"ToUserName": "gh", "FromUserName": f"oKilled_{number}_{asker}", "CreateTime": 1, "MsgType": "text", "Content": text}
    answer = player.post({**fields, "MsgId": number})
    assert answer.status_code == 200, answer.text
    return player.shown(answer).text


def test_follower_gets_the_same_answer_from_the_next_life_of_the_server_when_it_was_killed(tmp_path: Path, mind: house.Mind) -> None:
    database, chance = tmp_path / "refdesk.db", random.Random(2026)
    answered: dict[str, str] = {}
    sent: set[str] = set()
    for life in range(LIVES):
        server = Server(database, **ENVIRONMENT)
        stop = threading.Event()

        def work(asker: int, life: int = life, server: Server = server, stop: threading.Event = stop) -> None:
            with httpx.Client(base_url=server.address, timeout=5) as client:
                for count in range(200):
                    if stop.is_set():
                        return
                    number = f"{life}-{asker}-{count}"
                    sent.add(number)
                    try:
                        answered[number] = _ask(client, number)
                    except httpx.HTTPError:
                        return

        with ThreadPoolExecutor(ASKERS) as pool:
            runs = [pool.submit(work, asker) for asker in range(ASKERS)]
            until(lambda life=life: sum(number.startswith(f"{life}-") for number in list(answered)) > ASKERS)
            threading.Event().wait(chance.uniform(0, 0.3))  # at any moment of a busy server
            server.kill()
            stop.set()
            for run in runs:
                run.result(20)
    server = Server(database, **ENVIRONMENT)
    try:
        with httpx.Client(base_url=server.address, timeout=10) as client:
            for number in sorted(sent):
                told = _ask(client, number)
                assert told == answered.setdefault(number, told)
    finally:
        assert server.stop() == 0
    with closing(sqlite3.connect(database)) as connection:
        (stored,) = connection.execute("select count(*) from messages where who = 'patron'").fetchone()
    assert stored == len(sent)
    assert len(answered) > LIVES * ASKERS


READER = "oKilled_reader_0000000001"
STABLE_TOKEN = "/cgi-bin/stable_token"


def _verified(api: Platform) -> dict[str, str]:
    more = {"APP_SECRET": "s" * 32, "VERIFIED": "true", "API_BASE": api.url}
    return {**ENVIRONMENT, **{f"REFDESK__CONNECTORS__WECHAT__{name}": value for name, value in more.items()}}


def _reply(server: Server, text: str) -> None:
    """The first librarian of this house signs in, takes the one ticket and answers it."""
    with httpx.Client(base_url=server.address, timeout=10, headers={"Accept": "text/html"}) as client:
        assert client.post(server.setup_link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
        anna = Colleague("admin", client)
        for step, fields in (("claim", {}), ("reply", {"text": text})):
            assert anna.post(f"/desk/tickets/1/{step}", **fields).status_code == 303


def _statuses(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [status for (status,) in connection.execute("select status from outbox order by id")]


@pytest.mark.parametrize(
    ("killed_at", "taken", "pushed"),
    [(STABLE_TOKEN, False, 1), (SEND, False, 1), (SEND, True, 2)],
    ids=["before anything is sent", "while it is sent", "after WeChat has taken it, before it says so"],
)
def test_librarians_reply_is_pushed_by_the_next_life_when_the_server_was_killed_between_commit_and_push(
    tmp_path: Path, mind: house.Mind, killed_at: str, taken: bool, pushed: int
) -> None:
    account, running, database = AccountApi(), list[Server](), tmp_path / "refdesk.db"
    killed = threading.Event()

    def answer(asked: Asked) -> Told | dict[str, Any]:
        if asked.path != killed_at or killed.is_set():
            return account(asked)
        killed.set()
        if taken:
            account(asked)
        running[-1].process.kill()
        return Told(None)

    with platform(answer) as api:
        running.append(Server(database, **_verified(api)))
        with httpx.Client(base_url=running[0].address, timeout=10) as client:
            assert "编号 1" in _player(client).text(READER, "转人工").text
        try:
            with contextlib.suppress(httpx.TransportError):  # the reply is on disk, its acknowledgement may be cut off
                _reply(running[0], "在三楼。")
            assert killed.wait(20)
            running[0].kill()
            assert _statuses(database) == ["due"]
            running.append(Server(database, **_verified(api)))
            until(lambda: _statuses(database) == ["delivered"])
            with httpx.Client(base_url=running[1].address, timeout=10) as client:
                assert _player(client).text(READER, "有回复吗").raw == b"success"
        finally:
            running[-1].kill()
    assert account.texts(READER) == ["在三楼。"] * pushed
