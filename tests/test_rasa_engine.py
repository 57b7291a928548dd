"""The Rasa engine against a stand-in server on loopback that answers well, slowly, badly or not at all."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.domain import Candidate, Prediction
from bot.errors import WrongSetting
from bot.rasa_engine import LARGEST_ANSWER, Breaker, RasaEngine

BUILTIN = Prediction("opening_hours", 0.5)


class Builtin:
    """The engine that is always there; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def predict(self, text: str) -> Prediction:
        self.asked.append(text)
        return BUILTIN


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def parsed(*ranking: tuple[Any, Any]) -> dict[str, Any]:
    """What /model/parse answers."""
    rows = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    return {"text": "x", "intent": rows[0] if rows else {"name": None, "confidence": 0.0}, "entities": [], "intent_ranking": rows}


GOOD = parsed(("renew_loan", 0.9), ("due_date_extension", 0.06), ("overdue_fine", 0.01))


@dataclass
class Rasa:
    """A stand-in for `rasa run --enable-api`: says `status` and `body` after `delay` seconds, `drip` seconds between bytes."""

    url: str = ""
    status: int = 200
    body: str | bytes = field(default_factory=lambda: json.dumps(GOOD))
    delay: float = 0.0
    drip: float = 0.0
    requests: list[tuple[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    gone: threading.Event = field(default_factory=threading.Event)

    def says(self, answer: Any) -> None:
        """Answer this as JSON from now on."""
        self.body = json.dumps(answer)


def _handler(rasa: Rasa) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            rasa.requests.append((self.path, json.loads(sent)))
            rasa.gone.wait(rasa.delay)
            body = rasa.body if isinstance(rasa.body, bytes) else rasa.body.encode()
            try:
                self.send_response(rasa.status)
                for name, value in {"Content-Length": str(len(body)), **rasa.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in [body[at : at + 1] for at in range(len(body))] if rasa.drip else [body]:
                    self.wfile.write(piece)
                    rasa.gone.wait(rasa.drip)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class Server(ThreadingHTTPServer):
    """Says nothing when the engine hangs up on it, which is what a time-out is."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def rasa() -> Iterator[Rasa]:
    stand_in = Rasa()
    server = Server(("127.0.0.1", 0), _handler(stand_in))
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stand_in
    stand_in.gone.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def builtin() -> Builtin:
    return Builtin()


Build = Callable[..., RasaEngine]


@pytest.fixture
def build(builtin: Builtin) -> Iterator[Build]:
    made: list[RasaEngine] = []

    def make(url: str, timeout: float = 2.0, **options: Any) -> RasaEngine:
        made.append(RasaEngine(url, timeout, builtin, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_rasa_is_asked_for_the_normalised_text_and_its_ranking_becomes_the_prediction(rasa: Rasa, build: Build, builtin: Builtin) -> None:
    engine = build(rasa.url)
    prediction = engine.predict("怎麼續借\u200b  ")
    assert rasa.requests == [("/model/parse", {"text": "怎么续借"})]
    assert prediction == Prediction(
        "renew_loan", 0.9, (Candidate("due_date_extension", 0.06), Candidate("overdue_fine", 0.01)), engine="rasa"
    )
    assert builtin.asked == []
    assert engine.state() == "ok"


def test_rasa_is_found_under_a_path_and_given_its_token(rasa: Rasa, build: Build) -> None:
    assert build(f"{rasa.url}/nlu/?token=abc").predict("续借").engine == "rasa"
    assert rasa.requests[0][0] == "/nlu/model/parse?token=abc"


def test_an_unsure_rasa_gives_the_best_real_intent_instead_of_nlu_fallback(rasa: Rasa, build: Build) -> None:
    rasa.says(parsed(("nlu_fallback", 0.7), ("renew_loan", 0.2), ("overdue_fine", 0.19)))
    prediction = build(rasa.url).predict("那个书")
    assert prediction.candidates() == (Candidate("renew_loan", 0.2), Candidate("overdue_fine", 0.19))


def test_a_ranking_out_of_order_is_put_in_order(rasa: Rasa, build: Build) -> None:
    rasa.says(parsed(("overdue_fine", 0.1), ("renew_loan", 0.8)))
    assert build(rasa.url).predict("续借").intent == "renew_loan"


def test_a_confidence_a_rounding_above_one_counts_as_one(rasa: Rasa, build: Build) -> None:
    rasa.says(parsed(("renew_loan", 1.0000001)))
    assert build(rasa.url).predict("续借") == Prediction("renew_loan", 1.0, engine="rasa")


def test_a_message_without_words_is_never_sent_to_rasa(rasa: Rasa, build: Build, builtin: Builtin) -> None:
    assert build(rasa.url).predict(" \u200b\x00") == BUILTIN
    assert rasa.requests == []
    assert builtin.asked == [" \u200b\x00"]


@pytest.mark.parametrize("text", ["/renew_loan", " / /renew_loan", "／renew_loan", "//renew_loan"])
def test_a_patron_cannot_command_rasa_to_an_intent_with_a_slash(rasa: Rasa, build: Build, text: str) -> None:
    build(rasa.url).predict(text)
    assert rasa.requests == [("/model/parse", {"text": "renew_loan"})]


def test_a_message_of_slashes_alone_is_never_sent_to_rasa(rasa: Rasa, build: Build) -> None:
    assert build(rasa.url).predict("/ //") == BUILTIN
    assert rasa.requests == []


def test_a_huge_message_reaches_rasa_cut(rasa: Rasa, build: Build) -> None:
    assert build(rasa.url).predict("借书" * 500_000).engine == "rasa"
    assert len(rasa.requests[0][1]["text"]) <= 600


def test_a_lone_surrogate_does_not_stop_the_question(rasa: Rasa, build: Build) -> None:
    assert build(rasa.url).predict("续借\ud83d吗").engine == "rasa"


@pytest.mark.parametrize("answer", [parsed(), parsed((None, 0.0)), parsed(("nlu_fallback", 1.0))])
def test_a_rasa_that_finds_no_intent_leaves_the_question_to_the_builtin_and_is_not_down(rasa: Rasa, build: Build, answer: Any) -> None:
    rasa.says(answer)
    engine = build(rasa.url)
    assert engine.predict("😀") == BUILTIN
    assert engine.state() == "ok"


NONSENSE = {
    "html": "<html><body>502 Bad Gateway</body></html>",
    "nothing": "",
    "half an answer": json.dumps(GOOD)[:60],
    "not utf-8": b'{"intent_ranking": [{"name": "\xff\xfe", "confidence": 0.5}]}',
    "a list": "[]",
    "a number": "12",
    "null": "null",
    "no ranking": json.dumps({"intent": {"name": "renew_loan", "confidence": 0.9}}),
    "a ranking that is null": '{"intent_ranking": null}',
    "a ranking that is text": '{"intent_ranking": "renew_loan"}',
    "rows that are text": '{"intent_ranking": ["renew_loan"]}',
    "no name": '{"intent_ranking": [{"confidence": 0.9}]}',
    "no confidence": '{"intent_ranking": [{"name": "renew_loan"}]}',
    "a name that is a number": '{"intent_ranking": [{"name": 7, "confidence": 0.9}]}',
    "an empty name": '{"intent_ranking": [{"name": "", "confidence": 0.9}]}',
    "a name that is a list": '{"intent_ranking": [{"name": ["renew_loan"], "confidence": 0.9}]}',
    "NaN": '{"intent_ranking": [{"name": "renew_loan", "confidence": NaN}]}',
    "infinity": '{"intent_ranking": [{"name": "renew_loan", "confidence": Infinity}]}',
    "more than one": '{"intent_ranking": [{"name": "renew_loan", "confidence": 17}]}',
    "less than nothing": '{"intent_ranking": [{"name": "renew_loan", "confidence": -0.1}]}',
    "an endless number": '{"intent_ranking": [{"name": "renew_loan", "confidence": 1' + "0" * 400 + "}]}",
    "a number too long to read": '{"intent_ranking": [{"name": "renew_loan", "confidence": 1' + "0" * 9000 + "}]}",
    "confidence as text": '{"intent_ranking": [{"name": "renew_loan", "confidence": "0.9"}]}',
    "confidence as a truth": '{"intent_ranking": [{"name": "renew_loan", "confidence": true}]}',
    "an intent twice": json.dumps(parsed(("renew_loan", 0.5), ("renew_loan", 0.4))),
    "brackets without end": "[" * 200_000,
    "more than anyone would say": json.dumps({**GOOD, "text": "x" * LARGEST_ANSWER}),
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_the_builtin_answers_when_rasa_talks_nonsense(rasa: Rasa, build: Build, builtin: Builtin, body: str | bytes) -> None:
    rasa.body = body
    engine = build(rasa.url)
    assert engine.predict("续借") == BUILTIN
    assert builtin.asked == ["续借"]
    assert engine.state().startswith("down: ")


@pytest.mark.parametrize("status", [204, 302, 401, 404, 409, 500, 503])
def test_the_builtin_answers_when_rasa_says_an_error_status(rasa: Rasa, build: Build, status: int) -> None:
    rasa.status, rasa.headers = status, {"Location": "/elsewhere"}
    rasa.body = b"" if status == 204 else json.dumps(GOOD)
    engine = build(rasa.url)
    assert engine.predict("续借") == BUILTIN
    assert engine.state() == f"down: HTTP {status}"


def test_the_token_stays_out_of_the_state(rasa: Rasa, build: Build) -> None:
    rasa.status = 401
    engine = build(f"{rasa.url}/?token=hush")
    engine.predict("续借")
    assert "hush" not in engine.state()


def test_the_builtin_answers_when_rasa_is_slow(rasa: Rasa, build: Build) -> None:
    rasa.delay = 5.0
    engine = build(rasa.url, timeout=0.1)
    assert engine.predict("续借") == BUILTIN
    assert engine.state() == "down: no answer within 0.1 s"


def test_the_builtin_answers_when_rasa_drips_its_answer(rasa: Rasa, build: Build) -> None:
    rasa.drip = 0.04
    engine = build(rasa.url, timeout=0.1)
    assert engine.predict("续借") == BUILTIN
    assert engine.state() == "down: no answer within 0.1 s"


def test_the_builtin_answers_when_nobody_listens(build: Build) -> None:
    engine = build(closed_port())
    assert engine.predict("续借") == BUILTIN
    assert engine.state().startswith("down: ConnectError")


def test_the_builtin_answers_when_rasa_is_compressed_nonsense(rasa: Rasa, build: Build) -> None:
    rasa.headers = {"Content-Encoding": "gzip"}
    assert build(rasa.url).predict("续借") == BUILTIN


def test_a_proxy_in_the_environment_is_passed_by(rasa: Rasa, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, closed_port())
    assert build(rasa.url).predict("续借").engine == "rasa"


def test_a_rasa_trained_on_other_intents_is_not_believed(rasa: Rasa, build: Build) -> None:
    engine = build(rasa.url, intents=("renew_loan", "overdue_fine"))
    assert engine.predict("续借") == BUILTIN
    assert engine.state() == "down: it was trained on other intents: due_date_extension"


@pytest.mark.parametrize("url", ["127.0.0.1:5005", "ftp://127.0.0.1", "http://", "http://[::1", ""])
def test_an_impossible_address_stops_the_start(build: Build, url: str) -> None:
    with pytest.raises(WrongSetting, match=r"understanding\.rasa_url"):
        build(url)


def test_the_breaker_leaves_rasa_alone_after_failures_in_a_row_and_tries_it_again_later(rasa: Rasa, build: Build) -> None:
    clock = Clock()
    engine = build(rasa.url, breaker=Breaker(failures=3, pause=30.0, clock=clock))
    rasa.status = 500
    assert {engine.predict("续借") for _ in range(10)} == {BUILTIN}
    assert len(rasa.requests) == 3
    clock.now += 29.9
    engine.predict("续借")
    assert len(rasa.requests) == 3
    clock.now += 0.2
    assert engine.predict("续借") == engine.predict("续借") == BUILTIN
    assert len(rasa.requests) == 4
    assert engine.state() == "down: HTTP 500"
    rasa.status = 200
    clock.now += 30.1
    assert [engine.predict("续借").engine for _ in range(3)] == ["rasa"] * 3
    assert engine.state() == "ok"


def test_the_breaker_stays_closed_while_failures_are_not_in_a_row(rasa: Rasa, build: Build) -> None:
    engine = build(rasa.url, breaker=Breaker(failures=2, clock=Clock()))
    for status in [500, 200] * 5:
        rasa.status = status
        engine.predict("续借")
    assert len(rasa.requests) == 10


def test_a_rasa_that_comes_up_late_is_used_without_a_restart(build: Build) -> None:
    clock, late = Clock(), Rasa()
    address = closed_port()
    engine = build(address, breaker=Breaker(failures=1, pause=5.0, clock=clock))
    assert engine.predict("续借") == BUILTIN
    server = Server(("127.0.0.1", int(address.rsplit(":", 1)[1])), _handler(late))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        assert engine.predict("续借") == BUILTIN
        clock.now += 5.1
        assert engine.predict("续借").engine == "rasa"
    finally:
        late.gone.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_trial_that_never_reports_does_not_close_the_door_for_ever() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, pause=10.0, clock=clock)
    breaker.failed("HTTP 500")
    clock.now += 10.0
    assert [breaker.lets_through(), breaker.lets_through()] == [True, False]
    clock.now += 10.0
    assert breaker.lets_through()


def test_many_threads_at_once_each_get_their_own_answer(rasa: Rasa, build: Build) -> None:
    engine = build(rasa.url)
    with ThreadPoolExecutor(16) as pool:
        predictions = list(pool.map(engine.predict, [f"第{number}本续借" for number in range(100)]))
    assert {prediction.engine for prediction in predictions} == {"rasa"}
    assert len({request["text"] for _, request in rasa.requests}) == 100


def test_many_threads_at_once_make_one_trial_of_a_broken_rasa(rasa: Rasa, build: Build) -> None:
    clock = Clock()
    engine = build(rasa.url, breaker=Breaker(failures=1, pause=30.0, clock=clock))
    rasa.status = 500
    engine.predict("续借")
    clock.now += 30.0
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(engine.predict, ["续借"] * 64)) == {BUILTIN}
    assert len(rasa.requests) == 2
