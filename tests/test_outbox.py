"""The outbox, with a platform in memory and a clock that the test moves."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.connector import Delivery, Limits, Outcome
from bot.domain import DeliveryStatus, Message
from bot.errors import DeliveryError, DeliveryFailed, DeliveryRefused
from bot.messages import Address, Question, Reply, ReplyKind
from bot.outbox import FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES, Outbox, pause
from bot.store import Session, Store
from connectors.stub import Stub
from connectors.terminal import Terminal
from tests.conftest import FakeClock

READER = Address("stub", "reader")
DOWN = DeliveryFailed("stub", "the line is down")


@dataclass
class House:
    """A store, an outbox over it, and what the platform did."""

    store: Store
    stub: Stub
    clock: FakeClock
    outbox: Outbox

    def owes(self, text: str, address: Address = READER, *, deadline: timedelta | None = None) -> None:
        """A reply is to be delivered."""

        def work(s: Session) -> None:
            conversation = s.conversation(address, "visitor")
            until = self.clock() + deadline if deadline else None
            s.add_reply(conversation, Reply(ReplyKind.LIBRARIAN, text), self.clock(), author="anna", due=True, deadline=until)

        self.store.write(work).result()

    def deliver(self) -> int:
        """One look at what is due."""
        return asyncio.run(self.outbox.deliver_due())

    def sent(self) -> list[str]:
        """What arrived."""
        return [delivery.reply.text for delivery in self.stub.sent]

    def message(self, address: Address = READER) -> Message:
        """The one message to an asker."""

        def work(s: Session) -> Message:
            conversation = s.existing_conversation(address)
            assert conversation is not None
            (message,) = s.messages(conversation.id)
            return message

        return self.store.read(work)

    def error(self) -> str:
        """Why the last delivery failed."""
        return str(self.store.read(lambda s: s._rows("select error from outbox")[0]["error"]))

    def collect(self, address: Address = READER) -> list[str]:
        """What the asker is handed when they write again."""
        return [reply.text for reply in self.store.write(lambda s: s.collect(address)).result()]


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def house(store: Store, clock: FakeClock, stub: Stub) -> House:
    return House(store, stub, clock, Outbox(store, {"stub": stub, "terminal": Terminal()}, clock))


def test_reply_is_delivered_once(house: House) -> None:
    house.owes("hello")
    assert (house.deliver(), house.deliver()) == (1, 0)
    assert house.stub.sent == [Delivery("refdesk-1", READER, house.stub.sent[0].reply, "", None, 0)]
    assert (house.sent(), house.message().delivery, house.collect()) == (["hello"], DeliveryStatus.DELIVERED, [])


def test_replies_are_delivered_oldest_first(house: House) -> None:
    for text in ("one", "two", "three"):
        house.owes(text)
        house.clock.pass_(seconds=1)
    assert house.deliver() == 3
    assert house.sent() == ["one", "two", "three"]


def test_reply_is_tried_again_after_pauses_that_grow(house: House) -> None:
    house.stub.failures = [DOWN] * 3
    house.owes("hello")
    for seconds in (2, 4, 8):
        assert house.deliver() == 1
        assert (house.deliver(), house.error()) == (0, "the line is down")
        house.clock.pass_(seconds=seconds - 0.1)
        assert house.deliver() == 0
        house.clock.pass_(seconds=0.1)
    assert (house.deliver(), house.sent()) == (1, ["hello"])
    assert [(delivery.key, delivery.tries) for delivery in house.stub.sent] == [("refdesk-1", 3)]
    assert house.error() == ""


def test_pauses_end_at_the_longest() -> None:
    pauses = [pause(tries) for tries in range(MOST_TRIES)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


@pytest.mark.parametrize("failure", [DOWN, RuntimeError("a fault of the connector")])
def test_reply_waits_in_the_mailbox_when_it_failed_too_often(house: House, failure: DeliveryError) -> None:
    house.stub.failures = [failure] * MOST_TRIES
    house.owes("hello")
    for _ in range(MOST_TRIES):
        assert house.message().delivery is DeliveryStatus.DUE
        assert house.deliver() == 1
        house.clock.pass_(hours=1)
    assert (house.deliver(), house.message().delivery) == (0, DeliveryStatus.MAILBOX)
    assert house.collect() == ["hello"]


def test_reply_waits_in_the_mailbox_when_the_platform_refuses_it(house: House) -> None:
    house.stub.failures = [DeliveryRefused("stub", "blocked by the user")]
    house.owes("hello")
    assert (house.deliver(), house.deliver()) == (1, 0)
    assert (house.message().delivery, house.error()) == (DeliveryStatus.MAILBOX, "blocked by the user")


def test_reply_waits_in_the_mailbox_when_its_deadline_has_passed(house: House) -> None:
    house.owes("hello", deadline=timedelta(hours=48))
    house.clock.pass_(hours=48)
    assert house.deliver() == 1
    assert (house.sent(), house.message().delivery) == ([], DeliveryStatus.MAILBOX)


def test_reply_is_delivered_when_its_deadline_is_near(house: House) -> None:
    house.owes("hello", deadline=timedelta(hours=48))
    house.clock.pass_(hours=47.9)
    assert (house.deliver(), house.sent()) == (1, ["hello"])
    assert house.stub.sent[0].deadline is not None


def test_reply_waits_in_the_mailbox_when_its_channel_is_switched_off(house: House) -> None:
    gone = Address("gone", "reader")
    house.owes("hello", gone)
    assert house.deliver() == 1
    assert (house.message(gone).delivery, house.error()) == (DeliveryStatus.MAILBOX, "this channel is switched off")


def test_reply_waits_in_the_mailbox_when_the_channel_cannot_push(house: House) -> None:
    terminal = Address("terminal", "reader")
    house.owes("hello", terminal)
    assert (house.deliver(), house.message(terminal).delivery) == (1, DeliveryStatus.MAILBOX)


def test_mailbox_hands_everything_out_once_and_in_order(house: House) -> None:
    terminal, other = Address("terminal", "reader"), Address("terminal", "reader", "a room")
    for text in ("one", "two"):
        house.owes(text, terminal)
    house.owes("elsewhere", other)
    house.deliver()
    assert (house.collect(terminal), house.collect(terminal), house.collect(other)) == (["one", "two"], [], ["elsewhere"])


def test_reply_arrives_when_a_connector_breaks_over_another(
    store: Store, clock: FakeClock, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Terminal):
        async def deliver(self, delivery: Delivery) -> Outcome:
            raise KeyError("a fault of the connector")

    house = House(store, stub, clock, Outbox(store, {"stub": stub, "terminal": Broken()}, clock))
    house.owes("lost?", Address("terminal", "reader"))
    house.owes("hello")
    with caplog.at_level(logging.ERROR):
        assert house.deliver() == 2
    assert (house.sent(), house.error()) == (["hello"], "KeyError")
    assert "delivery 1 failed" in caplog.text
    assert house.message(Address("terminal", "reader")).delivery is DeliveryStatus.DUE


@dataclass
class Awaited(Stub):
    """Lets a test wait for the next delivery, whether it succeeds or not."""

    tried: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def deliver(self, delivery: Delivery) -> Outcome:
        self.tried.release()
        return await super().deliver(delivery)


@pytest.mark.parametrize("idle", [60.0, 0.001], ids=["when it is woken", "by itself"])
def test_outbox_goes_on_looking(house: House, monkeypatch: pytest.MonkeyPatch, idle: float) -> None:
    monkeypatch.setattr("bot.outbox._IDLE", idle)
    stub = Awaited(failures=[DOWN])

    async def work() -> None:
        outbox = Outbox(house.store, {"stub": stub}, house.clock)
        running = asyncio.create_task(outbox.run())
        for text in ("one", "two"):
            house.owes(text)
            if idle > 1:
                outbox.wake()
            await asyncio.wait_for(stub.tried.acquire(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())
    assert [delivery.reply.text for delivery in stub.sent] == ["two"]


@dataclass
class Hanging(Stub):
    """A platform that never answers."""

    begun: int = 0

    async def deliver(self, delivery: Delivery) -> Outcome:
        self.begun += 1
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


def test_a_channel_that_hangs_holds_up_no_other_and_is_not_flooded(house: House) -> None:
    hanging, stub = Hanging("hanging"), Awaited()
    for number in range(200):
        house.owes("slow", Address("hanging", f"reader-{number}"))

    async def work() -> None:
        outbox = Outbox(house.store, {"stub": stub, "hanging": hanging}, house.clock)
        running = asyncio.create_task(outbox.run())
        for text in ("one", "two", "three"):
            house.owes(text)
            outbox.wake()
            await asyncio.wait_for(stub.tried.acquire(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())
    assert [delivery.reply.text for delivery in stub.sent] == ["one", "two", "three"]
    assert hanging.begun == 50


def test_deliveries_that_break_off_are_told_to_the_log_and_begun_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.outbox._IDLE", 0.001)
    stub, settle, failures = Awaited(), Session.settle, [RuntimeError("the disk is full")]

    def full(self: Session, *given: Any, **named: Any) -> None:
        if failures:
            raise failures.pop()
        settle(self, *given, **named)

    monkeypatch.setattr(Session, "settle", full)
    house.owes("one")

    async def work() -> None:
        running = asyncio.create_task(Outbox(house.store, {"stub": stub}, house.clock).run())
        for _ in range(2):
            await asyncio.wait_for(stub.tried.acquire(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())
    assert "deliveries to stub broke off" in caplog.text


def test_channel_without_windows_takes_a_long_reply_in_parts_that_are_not_sent_twice(store: Store, clock: FakeClock) -> None:
    stub = Stub(limits=Limits(60, inline=False, divides=True))
    house = House(store, stub, clock, Outbox(store, {"stub": stub}, clock))
    house.owes("一二三四五六七八九十。" * 4)
    stub.failures = [DOWN]
    house.deliver()
    clock.pass_(minutes=1)
    house.deliver()
    assert "".join(house.sent()) == "一二三四五六七八九十。" * 4
    assert len({delivery.key for delivery in stub.sent}) == len(stub.sent) > 1
    assert house.message().delivery is DeliveryStatus.DELIVERED


NARROW = Limits(60, timedelta(hours=48), inline=False, quota=5)


@pytest.fixture
def narrow(store: Store, clock: FakeClock) -> House:
    """A channel that takes five short messages within 48 hours after the asker's last words."""
    stub = Stub(limits=NARROW)
    house = House(store, stub, clock, Outbox(store, {"stub": stub}, clock))
    wrote(house)
    return house


def wrote(house: House) -> None:
    """The asker writes."""

    def work(s: Session) -> None:
        s.add_question(s.conversation(READER, "visitor"), Question(f"m{house.clock()}", READER, "hello"), None, house.clock())

    house.store.write(work).result()


@pytest.mark.parametrize(("seconds", "arrives"), [(-1, True), (0, False), (1, False)])
def test_reply_is_pushed_until_48_hours_after_the_last_words(narrow: House, seconds: int, arrives: bool) -> None:
    narrow.clock.pass_(hours=48, seconds=seconds)
    narrow.owes("hello")
    narrow.deliver()
    assert (narrow.sent(), narrow.collect()) == ((["hello"], []) if arrives else ([], ["hello"]))


def test_replies_beyond_the_quota_wait_until_the_asker_writes(narrow: House) -> None:
    for number in range(1, 7):
        narrow.owes(str(number))
    narrow.deliver()
    assert (narrow.sent(), narrow.collect()) == (["1", "2", "3", "4", "5"], ["6"])
    narrow.clock.pass_(hours=1)
    wrote(narrow)
    narrow.owes("7")
    narrow.deliver()
    assert narrow.sent()[5:] == ["7"]


def test_part_that_arrived_is_not_sent_again_when_the_next_one_fails(narrow: House) -> None:
    narrow.stub.failures = []
    narrow.owes("第一句话在这里。第二句话在这里。第三句话在这里。")
    first = narrow.stub.deliver

    async def deliver(delivery: Delivery) -> Outcome:
        if len(narrow.stub.sent) == 1 and delivery.tries == 0:
            raise DOWN
        return await first(delivery)

    narrow.stub.deliver = deliver  # type: ignore[method-assign]
    narrow.deliver()
    assert len(narrow.sent()) == 1
    narrow.clock.pass_(seconds=10)
    narrow.deliver()
    assert "".join(narrow.sent()) == "第一句话在这里。第二句话在这里。第三句话在这里。"
    assert len({delivery.key for delivery in narrow.stub.sent}) == len(narrow.stub.sent)


def test_asker_gets_the_beginning_only_when_the_quota_does_not_reach(narrow: House) -> None:
    text = "".join(f"这是第{number}句话，请看。" for number in range(9))
    narrow.owes(text)
    narrow.deliver()
    assert [delivery.more for delivery in narrow.stub.sent][-1:] == [True]
    assert len(narrow.sent()) <= NARROW.quota
    (rest,) = narrow.store.write(lambda s: s.collect(READER, part=NARROW.max_bytes)).result()
    assert "".join(narrow.sent()) + "".join(rest.text.split()) == text
