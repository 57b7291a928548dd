"""POST /model/parse: understanding for other programs, in Rasa's shape."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain import OUT_OF_SCOPE, Prediction
from bot.errors import EngineUnavailable
from bot.rasa_engine import RasaEngine
from tests.conftest import FakeEngine
from tests.serving import Served

Serve = Callable[..., Served]


def test_program_on_the_same_machine_learns_what_a_message_means(served: Served) -> None:
    answer = served.client().post("/model/parse", json={"text": "知网打不开"})
    assert answer.status_code == 200
    told = answer.json()
    assert told["text"] == "知网打不开"
    assert told["intent"] == {"name": "database_fault", "confidence": 0.95}
    assert told["intent_ranking"] == [told["intent"]]
    assert {"entity": "database", "value": "中国知网", "confidence": 1.0} in told["entities"]


def test_parsing_answers_and_stores_nothing(served: Served) -> None:
    client = served.client()
    for _ in range(40):  # more than anybody may ask in a minute
        assert client.post("/model/parse", json={"text": "VPN"}).status_code == 200
    assert served.desk.store.read(lambda s: s.event_counts()) == ()


def test_refdesk_can_ask_another_refdesk_as_it_asks_rasa(served: Served) -> None:
    engine = RasaEngine(served.url, 5.0, FakeEngine(failing=True))
    try:
        said = engine.predict("知网打不开")
    finally:
        engine.close()
    assert (said.intent, said.confidence, said.engine) == ("database_fault", 0.95, "rasa")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "body"), (b"not json", "body"), (b"[]", "body"), (b"{}", "text"), (b'{"text": 5}', "text"), (b'{"text": null}', "text"),
        (b'{"text": "\xff"}', "body"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_and_named(served: Served, body: bytes, named: str) -> None:
    answer = served.client().post("/model/parse", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(named)


@pytest.mark.parametrize("text", ["", "😀", "\x00\x07", "啊" * 5000, "<script>"])
def test_any_text_is_parsed(served: Served, text: str) -> None:
    answer = served.client().post("/model/parse", json={"text": text})
    assert answer.json()["intent"]["name"] == OUT_OF_SCOPE
    assert answer.json()["text"] == text


def test_megabyte_is_refused(served: Served) -> None:
    assert served.client().post("/model/parse", json={"text": "a" * 2**20}).status_code == 413


def test_program_on_another_machine_is_refused_without_a_token(served: Served) -> None:
    assert served.client().post("/model/parse", json={"text": "VPN"}, headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 401


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({}, 401), ({"headers": {"Authorization": "Bearer wrong"}}, 401), ({"params": {"token": "wrong"}}, 401),
        ({"headers": {"Authorization": "Bearer open sesame"}}, 200), ({"params": {"token": "open sesame"}}, 200),
    ],
)  # fmt: skip
def test_token_opens_it_wherever_the_program_runs(serve: Serve, extra: dict[str, Any], status: int) -> None:
    client = serve(understanding={"token": "open sesame"}, server={"host": "0.0.0.0"}).client()
    assert client.post("/model/parse", json={"text": "VPN"}, **extra).status_code == status


def test_server_that_others_reach_has_no_such_page_without_a_token(serve: Serve) -> None:
    assert serve(server={"host": "0.0.0.0"}).client().post("/model/parse", json={"text": "VPN"}).status_code == 404


def test_engine_that_cannot_answer_is_said(serve: Serve, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(text: str) -> Prediction:
        raise EngineUnavailable("rasa", "gone")

    monkeypatch.setattr(engine, "predict", down)
    answer = serve().client().post("/model/parse", json={"text": "VPN"})
    assert (answer.status_code, answer.json()) == (503, {"error": "rasa: gone"})
