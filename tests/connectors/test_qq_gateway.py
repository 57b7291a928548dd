"""The connection to QQ's gateway, which drops at every point and loses nothing."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.errors import StoreUnusable
from connectors.qq.events import Event
from connectors.qq.gateway import BUTTONS, FACT, FRIENDS_AND_GROUPS, GUILDS, LONGEST_PAUSE, RATE_PAUSE, Gateway
from connectors.qq.standin import Rules, Standin
from connectors.shared.api import ApiFailed
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.qq import APP_ID, SECRET, section, settle
from tests.connectors.qq_gateway import Line, Part, Script, beside, played
from tests.serving import PATIENCE, Served, until

Serve = Callable[..., Served]


@dataclass
class FakeApi:
    """What the gateway asks of the API."""

    url: str = ""
    limit: dict[str, Any] | None = None
    failures: list[Exception] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def call(self, path: str) -> dict[str, Any]:
        assert path == "/gateway/bot"
        if self.failures:
            raise self.failures.pop(0)
        return {"url": self.url, "shards": 1, "session_start_limit": self.limit}

    async def token(self) -> str:
        return f"T{len(self.forgotten) + 1}"

    def forget(self, token: str) -> None:
        self.forgotten.append(token)


@dataclass
class House:
    """A gateway with a fake house behind it: what it took, what it remembers, and how long it waited."""

    api: FakeApi = field(default_factory=FakeApi)
    facts: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    tired: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = 1

    async def recall(self, name: str) -> str:
        return self.facts.get(name, "")

    async def remember(self, name: str, value: str) -> None:
        self.facts[name] = value

    async def take(self, happened: Event, body: str) -> None:
        assert happened.id in body
        if self.failures:
            raise self.failures.pop(0)
        if happened.id not in self.taken:  # as the store does
            self.taken.append(happened.id)
        if len(self.taken) >= self.wanted:
            self.enough.set()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            self.tired.set()
        await asyncio.sleep(0)

    def gateway(self, guilds: bool = True) -> Gateway:
        return Gateway(self.api, self, self.take, guilds=guilds, sleep=self.sleep, chance=lambda: 1.0)  # type: ignore[arg-type]


def connect(script: Script, wanted: int = 1, *, guilds: bool = True, facts: dict[str, str] | None = None, **more: Any) -> House:
    """Connect until so many events are taken, or until the gateway gives up when none are wanted."""

    async def work() -> House:
        async with played(script) as url:
            house = House(FakeApi(url, **more), facts if facts is not None else {}, wanted=wanted)
            house.failures += failures
            gateway = house.gateway(guilds)
            gateway.start()
            assert gateway._task
            async with asyncio.timeout(PATIENCE):
                if wanted:
                    await house.enough.wait()
                else:
                    await gateway._task
            await gateway.stop()
        return house

    failures = more.pop("taking", [])
    return asyncio.run(work())


def ids(*seqs: int) -> list[str]:
    return [f"C2C_MESSAGE_CREATE:m-{seq}" for seq in seqs]


def session(seq: int, *says: int, ready: bool = True) -> Part:
    """A connection that works: opened or resumed, then these events."""

    async def part(line: Line) -> None:
        await line.greeted()
        if line.greeting["op"] == 2:
            await line.ready(seq=seq)
        else:
            await line.resumed(seq)
        for each in says:
            await line.says(each)
        await line.listen()

    return part


def test_gateway_identifies_and_takes_events() -> None:
    script = Script(session(1, 2, 3))
    house = connect(script, 2)
    assert script.greetings == [
        {"op": 2, "d": {"token": "QQBot T1", "intents": FRIENDS_AND_GROUPS | BUTTONS | GUILDS, "shard": [0, 1], "properties": {}}}
    ]
    assert (house.taken, house.facts[FACT], house.slept) == (ids(2, 3), "session-1 3", [])
    assert script.closes == [4000]


def test_gateway_without_guilds_does_not_ask_for_them() -> None:
    script = Script(session(1, 2))
    connect(script, guilds=False)
    assert script.greetings[0]["d"]["intents"] == (1 << 25) | (1 << 26)


def test_documented_numbers_of_the_intents() -> None:
    assert (FRIENDS_AND_GROUPS, BUTTONS, GUILDS) == (33554432, 67108864, 1073745920)


async def _before_hello(line: Line) -> None:
    await line.socket.close(1011)


async def _broken_before_hello(line: Line) -> None:
    line.socket.transport.abort()


async def _after_hello(line: Line) -> None:
    await line.hello()
    await line.socket.close(1001)


async def _after_identify(line: Line) -> None:
    await line.greeted()
    await line.socket.close(1012)


async def _broken_after_identify(line: Line) -> None:
    await line.greeted()
    line.socket.transport.abort()


async def _after_ready(line: Line) -> None:
    await line.greeted()
    await line.ready()
    line.socket.transport.abort()


async def _no_hello(line: Line) -> None:
    await line.send(op=11)


async def _no_heartbeat(line: Line) -> None:
    await line.send(op=10, d={})


async def _no_json(line: Line) -> None:
    await line.socket.send("hello")


DROPS = {
    "before hello": _before_hello,
    "broken before hello": _broken_before_hello,
    "after hello": _after_hello,
    "after identify": _after_identify,
    "broken after identify": _broken_after_identify,
    "after ready": _after_ready,
    "something else than hello": _no_hello,
    "hello without a heartbeat": _no_heartbeat,
    "no JSON": _no_json,
}


@pytest.mark.parametrize("drop", DROPS.values(), ids=DROPS)
def test_gateway_that_drops_in_the_handshake_is_tried_again(drop: Part, caplog: pytest.LogCaptureFixture) -> None:
    script = Script(drop, drop, drop, session(1, 2))
    house = connect(script)
    assert house.taken == ids(2)
    assert script.greetings[-1]["op"] == (6 if drop is _after_ready else 2)
    # A session that was opened begins the pauses anew; what never came that far is left alone longer and longer.
    assert house.slept == ([] if drop is _after_ready else [1.0, 2.0])
    assert not [record for record in caplog.records if record.exc_info]


def test_gateway_is_left_alone_for_a_minute_at_most() -> None:
    script = Script(*[_before_hello] * 12, session(1, 2))
    house = connect(script)
    assert house.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, *[LONGEST_PAUSE] * 5]


def test_gateway_that_cannot_be_asked_for_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    failures = [ApiFailed("/gateway/bot", "no answer"), OSError("no network"), RuntimeError("what?")]
    with caplog.at_level(logging.CRITICAL, "refdesk.qq"):
        house = connect(Script(session(1, 2)), failures=failures)
    assert (house.taken, house.slept) == (ids(2), [1.0, 2.0])


@pytest.mark.parametrize("url", ["", "https://api.bot.qq.com", None])
def test_gateway_without_an_address_is_asked_for_again(url: Any) -> None:
    async def work() -> list[float]:
        house = House(FakeApi(url))
        gateway = house.gateway()
        gateway.start()
        await house.tired.wait()
        await gateway.stop()
        return house.slept

    assert asyncio.run(work())[:3] == [1.0, 2.0, 4.0]


# --- going on with a session ---


def drops_after(*says: int) -> Part:
    async def part(line: Line) -> None:
        await line.greeted()
        await line.ready() if line.greeting["op"] == 2 else await line.resumed(99)
        for each in says:
            await line.says(each)
        await line.socket.close(1001)

    return part


def test_gateway_goes_on_behind_the_last_event_that_is_on_disk() -> None:
    script = Script(drops_after(2, 3), session(5, 4))
    house = connect(script, 3)
    assert script.greetings[1] == {"op": 6, "d": {"token": "QQBot T1", "session_id": "session-1", "seq": 3}}
    assert house.taken == ids(2, 3, 4)


def test_gateway_goes_on_after_a_restart() -> None:
    script = Script(session(1, 2), session(4, 3))
    first = connect(script)
    again = connect(script, facts=first.facts)
    assert script.greetings[1]["d"] == {"token": "QQBot T1", "session_id": "session-1", "seq": 2}
    assert (again.taken, again.facts[FACT]) == (ids(3), "session-1 4")


def test_event_that_could_not_be_stored_is_asked_for_again() -> None:
    script = Script(session(1, 2), session(4, 2, 3))
    house = connect(script, 2, taking=[StoreUnusable("x", "full")])  # type: ignore[arg-type]
    assert script.greetings[1]["d"]["seq"] == 1
    assert house.taken == ids(2, 3)


def test_event_that_nobody_can_read_is_passed_over() -> None:
    async def part(line: Line) -> None:
        await line.greeted()
        await line.ready()
        await line.send(op=0, s=2, t="C2C_MESSAGE_CREATE", d={})
        await line.send(op=3)
        await line.says(3)
        await line.listen()

    assert connect(Script(part)).facts[FACT] == "session-1 3"


def ends(*payloads: dict[str, Any]) -> Part:
    async def part(line: Line) -> None:
        await line.greeted()
        await line.ready() if line.greeting["op"] == 2 else await line.resumed(1)
        for payload in payloads:
            await line.send(**payload)
        await line.listen()

    return part


@pytest.mark.parametrize(
    ("payload", "greeting"),
    [({"op": 7}, 6), ({"op": 9, "d": False}, 2), ({"op": 9, "d": True}, 6), ({"op": 9}, 2)],
    ids=["reconnect", "invalid", "invalid, may be resumed", "invalid, old"],
)
def test_gateway_does_what_the_platform_tells_it(payload: dict[str, Any], greeting: int) -> None:
    script = Script(ends(payload), session(1, 2))
    house = connect(script)
    assert [each["op"] for each in script.greetings] == [2, greeting]
    assert house.slept == []


def closes(code: int) -> Part:
    async def part(line: Line) -> None:
        await line.greeted()
        await line.ready() if line.greeting["op"] == 2 else await line.resumed(1)
        await line.socket.close(code)

    return part


@pytest.mark.parametrize(
    ("code", "greeting"), [(4006, 2), (4007, 2), (4900, 2), (4913, 2), (4009, 6), (4008, 6), (4000, 6), (1000, 6), (4004, 6)]
)
def test_gateway_begins_anew_or_goes_on_by_the_close_code(code: int, greeting: int) -> None:
    script = Script(closes(code), session(1, 2))
    house = connect(script)
    assert script.greetings[1]["op"] == greeting
    assert house.slept == ([RATE_PAUSE] if code == 4008 else [])
    assert script.greetings[1]["d"]["token"] == ("QQBot T2" if code == 4004 else "QQBot T1")


@pytest.mark.parametrize("code", [4001, 4002, 4010, 4011, 4012, 4013, 4914, 4915])
def test_gateway_that_refuses_the_bot_is_left_alone(code: int, caplog: pytest.LogCaptureFixture) -> None:
    script = Script(closes(code))
    connect(script, 0)
    assert len(script.lines) == 1
    assert f"close code {code}" in caplog.text


def test_gateway_does_without_the_events_that_the_bot_has_no_right_to(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(closes(4014), closes(4014), session(1, 2))
    connect(script)
    asked = [each["d"]["intents"] for each in script.greetings]
    assert asked == [FRIENDS_AND_GROUPS | BUTTONS | GUILDS, FRIENDS_AND_GROUPS | BUTTONS, FRIENDS_AND_GROUPS]
    refused = Script(closes(4014))
    connect(refused, 0, guilds=False)
    assert len(refused.lines) == 2
    assert "close code 4014" in caplog.text


def test_gateway_waits_for_tomorrow_when_todays_sessions_are_used_up() -> None:
    house = connect(Script(session(1, 2)), limit={"total": 1000, "remaining": 0, "reset_after": 7200_000})
    assert house.slept == [7200.0]
    known = connect(Script(session(1, 2)), facts={FACT: "session-1 1"}, limit={"remaining": 0, "reset_after": 7200_000})
    assert known.slept == []  # resuming opens none


# --- the heartbeat ---


def test_gateway_hears_from_us_with_the_last_number() -> None:
    async def part(line: Line) -> None:
        await line.hello(every=200)
        line.greeting = await line.receive()
        await _beats(line, 1)
        await line.ready(seq=7)
        await _beats(line, 3)
        await line.says(8)
        await line.listen()

    script = Script(part)
    connect(script)
    assert script.lines[0].beats[0] is None
    assert 7 in script.lines[0].beats
    assert len(script.lines) == 1


async def _beats(line: Line, most: int) -> None:
    """Answer so many heartbeats."""
    for _ in range(most):
        found = await line.receive()
        assert found["op"] == 1
        line.beats.append(found["d"])
        await line.send(op=11)


def test_gateway_that_does_not_answer_is_hung_up_on() -> None:
    async def silent(line: Line) -> None:
        line.answering = False
        await line.hello(every=5)
        line.greeting = await line.receive()
        await line.ready()
        await line.listen()

    script = Script(silent, session(1, 2))
    house = connect(script)
    assert script.closes[0] == 4000
    assert (len(script.lines[0].beats), script.greetings[1]["op"]) == (1, 6)
    assert house.taken == ids(2)


# --- a whole server behind it ---


def test_reader_is_answered_once_over_a_gateway_that_drops_and_repeats(serve: Serve) -> None:
    async def first(line: Line) -> None:
        await line.greeted()
        await line.ready()
        await line.says(2, QUESTION, number="m-2")
        until_taken = line.socket.wait_closed()
        await asyncio.wait({asyncio.create_task(until_taken)}, timeout=0.05)
        line.socket.transport.abort()

    async def then(line: Line) -> None:
        await line.greeted()
        await line.says(2, QUESTION, number="m-2")
        await line.says(3, QUESTION, number="m-3", user="U2")
        await line.resumed(4)
        await line.listen()

    script, rules = Script(first, then), Rules(APP_ID, SECRET)
    for number in ("m-2", "m-3", "m-5"):
        rules.knows(number)
    with Standin(rules) as there, beside(script) as rules.gateway:
        house = serve({"qq": section(there, transport="gateway")})
        assert "webhooks/qq" not in [route.path for route in house.app.router.routes]
        until(lambda: len(rules.sent) == 2)
        settle(house)
        until(lambda: house.desk.store.read(lambda s: s.fact(FACT)) == "session-1 4")
        house.stop()
        assert script.greetings[0]["d"]["token"] == f"QQBot {rules._token}"
        assert [(each.to, each.hook) for each in rules.sent] == [("U1", "m-2"), ("U2", "m-3")]
        assert ANSWER in rules.sent[0].text

        async def missed(line: Line) -> None:
            await line.greeted()
            await line.says(5, QUESTION, number="m-5")
            await line.resumed(6)
            await line.listen()

        script.parts.append(missed)
        again = serve({"qq": section(there, transport="gateway")}, store={"path": house.desk.store.path})
        until(lambda: len(rules.sent) == 3)
        settle(again)
        assert script.greetings[-1]["d"]["seq"] == 4
        assert rules.broken == []
        again.stop()
