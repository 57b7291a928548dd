"""A real server with the official account on, killed under load: what was answered stays, what was cut off is answered now."""

import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx

from bot import house
from connectors.shared.envelope import Key
from connectors.wechat.player import Player
from tests.connectors.wechat import AES, APP_ID, TOKEN
from tests.server import Server

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
            threading.Event().wait(chance.uniform(0.3, 0.8))
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
