"""The status monitor over a network that a test plays: up, down, slow, redirecting; what changed is history."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from bot import house
from bot.answering import Answering, Policy
from bot.incidents import Check
from bot.knowledge import Knowledge
from bot.messages import Address, Question
from bot.monitor import MOST_REDIRECTS, Monitor
from bot.settings import Settings
from bot.store import Store
from bot.tables import Row
from tests.conftest import FakeClock
from tests.serving import Served, until

Answer = Callable[[httpx.Request], httpx.Response]


def database(name: str, url: str = "") -> Row:
    return Row("database", (name,), (("name", name), ("url", url or f"https://{name}.example")), 2)


def watching(store: Store, clock: FakeClock, answer: Answer, *names: str, at_once: int = 4) -> Monitor:
    rows = [*(database(name) for name in names), Row("textbook", ("高数",), (("url", "https://book.example"),), 2)]
    transport = httpx.MockTransport(answer)
    return Monitor(store, rows, clock, timeout=timedelta(seconds=1), at_once=at_once, transport=transport)


def seen(store: Store) -> list[tuple[str, bool, str]]:
    return [(check.database, check.up, check.detail) for check in store.read(lambda s: s.check_history())]


@pytest.mark.parametrize("status", [200, 401, 403, 418])
def test_an_address_that_answers_is_up(store: Store, clock: FakeClock, status: int) -> None:
    monitor = watching(store, clock, lambda request: httpx.Response(status), "cnki")
    assert [check.up for check in asyncio.run(monitor.check_all())] == [True]
    assert seen(store) == []


@pytest.mark.parametrize(("status", "detail"), [(404, "HTTP 404"), (410, "HTTP 410"), (500, "HTTP 500"), (503, "HTTP 503")])
def test_an_address_that_is_gone_or_broken_is_down(store: Store, clock: FakeClock, status: int, detail: str) -> None:
    asyncio.run(watching(store, clock, lambda request: httpx.Response(status), "cnki").check_all())
    assert seen(store) == [("cnki", False, detail)]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (httpx.ConnectTimeout("slow"), "no answer in time"),
        (httpx.ConnectError("refused"), "ConnectError"),
        (TimeoutError(), "no answer in time"),
    ],
)
def test_an_address_that_cannot_be_reached_is_down(store: Store, clock: FakeClock, error: Exception, detail: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    asyncio.run(watching(store, clock, answer, "cnki").check_all())
    assert seen(store) == [("cnki", False, detail)]


def test_redirects_are_followed_up_to_a_limit(store: Store, clock: FakeClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        step = int(request.url.params.get("step", 0))
        last = 2 if "good" in request.url.host else MOST_REDIRECTS + 9
        return httpx.Response(302, headers={"Location": f"/?step={step + 1}"}) if step < last else httpx.Response(200)

    checks = asyncio.run(watching(store, clock, answer, "good", "round").check_all())
    assert [(check.database, check.up, check.detail) for check in checks] == [
        ("good", True, ""), ("round", False, f"more than {MOST_REDIRECTS} redirects"),
    ]  # fmt: skip


def test_a_single_failure_is_no_fault(store: Store, clock: FakeClock) -> None:
    answers = iter((503, 200))
    asyncio.run(watching(store, clock, lambda request: httpx.Response(next(answers)), "cnki").check_all())
    assert seen(store) == []


def test_only_changes_are_history_and_since_is_when_it_changed(store: Store, clock: FakeClock) -> None:
    status = 200
    monitor = watching(store, clock, lambda request: httpx.Response(status), "cnki")
    asyncio.run(monitor.check_all())
    status = 503
    clock.pass_(minutes=10)
    asyncio.run(monitor.check_all())
    fell = clock.at
    clock.pass_(minutes=10)
    asyncio.run(monitor.check_all())
    assert store.read(lambda s: s.checks()) == (Check("cnki", "https://cnki.example", False, fell, clock.at, "HTTP 503"),)
    assert [fault.down_since for fault in store.read(lambda s: s.faults(clock.at))] == [fell]
    status = 200
    asyncio.run(monitor.check_all())
    assert seen(store) == [("cnki", True, ""), ("cnki", False, "HTTP 503")]
    assert store.read(lambda s: s.faults(clock.at)) == ()


def test_at_most_a_few_are_asked_at_once(store: Store, clock: FakeClock) -> None:
    now = most = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0)
        now -= 1
        return httpx.Response(200)

    monitor = Monitor(
        store, [database(str(n)) for n in range(12)], clock, timeout=timedelta(seconds=1), at_once=3, transport=httpx.MockTransport(answer)
    )
    assert len(asyncio.run(monitor.check_all())) == 12
    assert most == 3


def test_a_database_that_left_the_table_is_not_down_any_more(store: Store, clock: FakeClock) -> None:
    asyncio.run(watching(store, clock, lambda request: httpx.Response(503), "cnki", "gone").check_all())
    asyncio.run(watching(store, clock, lambda request: httpx.Response(503), "cnki").check_all())
    assert [fault.database for fault in store.read(lambda s: s.faults(clock.at))] == ["cnki"]


def test_an_address_that_is_none_is_down_and_stops_nothing(store: Store, clock: FakeClock) -> None:
    rows = [database("bad", "http://a\x00b.example"), database("good")]
    monitor = Monitor(
        store, rows, clock, timeout=timedelta(seconds=1), at_once=4, transport=httpx.MockTransport(lambda request: httpx.Response(200))
    )
    assert [check.up for check in asyncio.run(monitor.check_all())] == [False, True]


class Answering503(BaseHTTPRequestHandler):
    """A database that is broken."""

    def do_GET(self) -> None:
        """Say so."""
        self.send_response(503)
        self.end_headers()

    def log_message(self, *given: object) -> None:
        """Quietly."""


@pytest.fixture
def broken() -> Iterator[str]:
    """The address of a real server on this machine that always answers with a fault."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering503) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def answering(curated: Knowledge, settings: Settings, broken: str) -> Answering:
    """The starter library with one database, which is broken."""
    fields = (("name", "中国知网"), ("name_en", "CNKI"), ("access", "free"), ("url", broken))
    row = Row("database", ("中国知网", "知网"), fields, 2)
    return Answering(replace(curated, rows=(row,)), house.kinds(settings), Policy())


def test_the_server_watches_when_it_is_set_to_and_the_next_asker_hears_of_it(serve: Callable[..., Served]) -> None:
    served = serve(monitor={"every_minutes": 1})
    until(lambda: served.desk.status().faults)
    (told,) = served.desk.ask(Question("m1", Address("rest", "reader"), "知网打不开")).result()
    assert "自动监测从" in told.text
    page = served.librarian("mei").get("/desk/status").text
    assert "HTTP 503" in page
    assert "自动监测 1 个地址" in page


def test_the_server_does_not_watch_unless_it_is_set_to(serve: Callable[..., Served]) -> None:
    served = serve()
    served.desk.ask(Question("m1", Address("rest", "reader"), "知网打不开")).result()
    assert served.desk.status().checks == ()
