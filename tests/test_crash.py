"""Promise 1, proved on a real server: SIGKILL at any moment under load loses no acknowledged message and answers none twice."""

import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx

from bot import house
from tests.server import Server

KILLS = 10
ASKERS = 8
QUESTIONS = ("校外怎么用VPN", "怎么进知网", "市图书馆周末几点关", "图书馆几点关门", "How do I renew a book?", "你好")


def test_server_keeps_every_acknowledged_message_and_answers_none_twice_when_killed(tmp_path: Path, mind: house.Mind) -> None:
    database, chance = tmp_path / "refdesk.db", random.Random(2020)
    acknowledged: dict[str, list[str]] = {}
    sent: dict[str, dict[str, str]] = {}
    cut_off = 0
    for life in range(KILLS):
        server = Server(database)
        try:
            _check_repeats(server.address, acknowledged, sent, chance)
            _load_and_kill(server, life, acknowledged, sent, chance)
            cut_off += len(sent) - len(acknowledged)
        finally:
            server.kill()
    server = Server(database)
    try:
        for number in sent:
            _check(server.address, number, acknowledged, sent)
    finally:
        assert server.stop() == 0
    _check_rows(database, sent)
    assert cut_off > 0, "no kill came while a message was under way"
    assert len(acknowledged) > KILLS * 3, "hardly anything was acknowledged before the kills"


def _load_and_kill(
    server: Server, life: int, acknowledged: dict[str, list[str]], sent: dict[str, dict[str, str]], chance: random.Random
) -> None:
    stop = threading.Event()

    def ask(asker: int) -> None:
        with httpx.Client(base_url=server.address, timeout=5) as client:
            count = 0
            while not stop.is_set() and count < 500:
                count += 1
                number = f"{life}-{asker}-{count}"
                body = {"sender": f"s{life}-{asker}-{count % 40}", "message": QUESTIONS[count % len(QUESTIONS)], "message_id": number}
                sent[number] = body
                try:
                    answer = client.post("/webhooks/rest/webhook", json=body)
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200, answer.text
                acknowledged[number] = [reply["text"] for reply in answer.json()]

    with ThreadPoolExecutor(ASKERS) as pool:
        runs = [pool.submit(ask, asker) for asker in range(ASKERS)]
        threading.Event().wait(chance.uniform(0.05, 0.6))
        server.process.kill()
        stop.set()
        for run in runs:
            run.result(20)


def _check_repeats(address: str, acknowledged: dict[str, list[str]], sent: dict[str, dict[str, str]], chance: random.Random) -> None:
    for number in chance.sample(sorted(acknowledged), min(20, len(acknowledged))):
        _check(address, number, acknowledged, sent)


def _check(address: str, number: str, acknowledged: dict[str, list[str]], sent: dict[str, dict[str, str]]) -> None:
    """A repeat of an acknowledged message gets the same answer; one that was cut off is answered now."""
    answer = httpx.post(f"{address}/webhooks/rest/webhook", json=sent[number], timeout=10)
    texts = [reply["text"] for reply in answer.json()]
    assert answer.status_code == 200
    assert texts == acknowledged.setdefault(number, texts)


def _check_rows(database: Path, sent: dict[str, dict[str, str]]) -> None:
    with closing(sqlite3.connect(database)) as connection:
        inbound = [row[0] for row in connection.execute("select external from messages where who = 'patron'")]
        doubled = connection.execute(
            "select answers, count(*) from messages where who = 'bot' and answers != 0 group by answers, text having count(*) > 1"
        ).fetchall()
        (integrity,) = connection.execute("pragma integrity_check").fetchone()
    assert integrity == "ok"
    assert doubled == []
    assert len(inbound) == len(set(inbound))
    assert {external.split("\0")[1] for external in inbound} == set(sent)
