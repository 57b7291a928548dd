"""The status monitor over a network that a test plays: up, down, slow, redirecting; what changed is history."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from bot.incidents import Check
from bot.monitor import MOST_REDIRECTS, Monitor
from bot.store import Store
from bot.tables import Row
from tests.conftest import FakeClock

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
