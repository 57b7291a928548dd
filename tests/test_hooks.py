"""Channels on which a reply hangs on one message of the asker: places, numbers, and a platform that sees it otherwise."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.connector import Delivery, Limits, Outcome
from bot.domain import DeliveryStatus, Window
from bot.errors import DeliveryError, DeliveryFailed, DeliveryRefused, HookClosed, NumberTaken
from bot.messages import Address, Opening, Question, Reply, ReplyKind
from bot.outbox import Outbox
from bot.store import Session, Store
from tests.conftest import FakeClock

READER = Address("stub", "reader")
OPENING = Opening(timedelta(minutes=60), 4)
LIMITS = Limits(60, timedelta(minutes=60), inline=False, quota=4, by_message=True)
DOWN = DeliveryFailed("stub", "the line is down")


@dataclass
class Counting:
    """A platform that counts by message. `verdicts` are raised, one a delivery; None takes it."""

    name: str = "stub"
    limits: Limits = LIMITS
    verdicts: list[DeliveryError | None] = field(default_factory=list)
    tried: list[Delivery] = field(default_factory=list)
    taken: list[Delivery] = field(default_factory=list)

    def mount(self, app: object, desk: object) -> None:
        """No routes."""

    async def deliver(self, delivery: Delivery) -> Outcome:
        self.tried.append(delivery)
        verdict = self.verdicts.pop(0) if self.verdicts else None
        if verdict:
            raise verdict
        self.taken.append(delivery)
        return Outcome.DELIVERED


@dataclass
class House:
    """A store, an outbox over it, and the platform."""

    store: Store
    there: Counting
    clock: FakeClock

    def asks(self, number: str, opens: Opening | None = OPENING, *also: str, user: str = "reader") -> int:
        """A message of an asker."""
        question = Question(number, Address("stub", user), "hello", opens=opens, also=also)
        return self.store.write(lambda s: s.add_question(s.conversation(question.address, "v"), question, None, self.clock())).result()

    def owes(self, text: str, answers: int = 0) -> int:
        """A reply is to be delivered; returns the number of its message."""

        def work(s: Session) -> Reply:
            return s.add_reply(s.conversation(READER, "v"), Reply(ReplyKind.ANSWER, text), self.clock(), answers=answers, due=True)

        return self.store.write(work).result().id

    def deliver(self) -> None:
        """One look at what is due, by an outbox of a process that has just started."""
        asyncio.run(Outbox(self.store, {"stub": self.there}, self.clock).deliver_due())

    def places(self) -> list[tuple[str, int]]:
        """What the platform took: the message that it hangs on, and its number there."""
        return [(delivery.hook, delivery.number) for delivery in self.there.taken]

    def conversation(self) -> int:
        """The number of the asker's conversation."""
        return self.store.read(lambda s: s.existing_conversation(READER).id)  # type: ignore[union-attr]

    def window(self) -> Window | None:
        """What the desk shows."""
        return self.store.read(lambda s: s.window(self.conversation(), LIMITS, self.clock()))

    def statuses(self) -> list[str]:
        """How every reply ended."""
        return [row["status"] for row in self.store.read(lambda s: s._rows("select status from outbox order by id"))]

    def mailbox(self) -> list[str]:
        """What the asker gets by writing."""
        return [reply.text for reply in self.store.write(lambda s: s.collect(READER, part=LIMITS.max_bytes)).result()]


@pytest.fixture
def house(store: Store, clock: FakeClock) -> House:
    return House(store, Counting(), clock)


def test_replies_hang_on_the_message_they_answer_and_are_numbered_from_one(house: House) -> None:
    first, second = house.asks("m1"), house.asks("m2")
    for text, answers in (("a", first), ("b", second), ("c", first)):
        house.owes(text, answers)
    house.deliver()
    assert house.places() == [("m1", 1), ("m2", 1), ("m1", 2)]


def test_numbers_go_on_where_they_were_after_a_restart(house: House, clock: FakeClock, tmp_path: Path) -> None:
    first = house.asks("m1")
    house.owes("a", first)
    house.deliver()
    house.store.close()
    again = House(Store(house.store.path), Counting(), clock)
    again.owes("b", first)
    again.deliver()
    assert again.places() == [("m1", 2)]
    again.store.close()


def test_fifth_reply_to_a_message_hangs_on_another_one_and_else_waits(house: House) -> None:
    first = house.asks("m1")
    for number in range(5):
        house.owes(str(number), first)
    house.deliver()
    assert house.places() == [("m1", 1), ("m1", 2), ("m1", 3), ("m1", 4)]
    assert house.window() == Window(0, house.clock.at + OPENING.lasts)
    assert house.mailbox() == ["4"]
    house.asks("m2")
    house.owes("5", first)
    house.deliver()
    assert house.places()[4:] == [("m2", 1)]


def test_desk_sees_how_many_replies_find_a_place_and_until_when(house: House) -> None:
    house.asks("m1")
    house.clock.pass_(minutes=30)
    house.asks("m2", Opening(timedelta(minutes=5), 2))
    house.asks("m3", None)
    house.asks("m4", user="somebody else")
    assert house.window() == Window(6, house.clock.at + timedelta(minutes=30))
    house.clock.pass_(minutes=5)
    assert house.window() == Window(4, house.clock.at + timedelta(minutes=25))
    house.clock.pass_(minutes=25)
    assert house.window() == Window(0, house.clock.at)


@pytest.mark.parametrize(("seconds", "arrives"), [(-1, True), (0, False), (1, False)])
def test_reply_after_the_window_waits_in_the_mailbox(house: House, seconds: int, arrives: bool) -> None:
    first = house.asks("m1")
    house.clock.pass_(minutes=60, seconds=seconds)
    house.owes("late", first)
    house.deliver()
    assert (len(house.there.tried), house.mailbox()) == ((1, []) if arrives else (0, ["late"]))


def test_second_try_of_a_reply_keeps_its_place_even_if_that_was_the_last(house: House) -> None:
    first = house.asks("m1", Opening(timedelta(minutes=60), 1))
    house.there.verdicts = [DOWN, DOWN]
    house.owes("a", first)
    for _ in range(3):
        house.deliver()
        house.clock.pass_(seconds=30)
    assert [(each.hook, each.number, each.again) for each in house.there.tried] == [("m1", 1, False), ("m1", 1, True), ("m1", 1, True)]
    assert house.statuses() == [DeliveryStatus.DELIVERED]


def test_reply_goes_on_at_the_newest_message_when_the_platform_closes_one(house: House) -> None:
    first = house.asks("m1")
    house.asks("m2")
    house.asks("m3")
    house.there.verdicts = [HookClosed("stub", "expired"), HookClosed("stub", "expired")]
    house.owes("a", first)
    house.owes("b", first)
    house.deliver()
    assert [each.hook for each in house.there.tried] == ["m1", "m3", "m2", "m2"]
    assert house.places() == [("m2", 1), ("m2", 2)]
    assert house.window() == Window(2, house.clock.at + OPENING.lasts)


def test_reply_waits_when_the_platform_closes_every_message(house: House) -> None:
    first = house.asks("m1")
    house.there.verdicts = [HookClosed("stub", "expired")]
    house.owes("a", first)
    house.deliver()
    assert (house.statuses(), house.window()) == ([DeliveryStatus.MAILBOX], Window(0, house.clock.at))


def test_reply_takes_the_next_number_when_one_is_taken(house: House) -> None:
    first = house.asks("m1")
    house.there.verdicts = [NumberTaken("stub", "1"), NumberTaken("stub", "2")]
    house.owes("a", first)
    house.deliver()
    assert house.places() == [("m1", 3)]
    assert house.window() == Window(1, house.clock.at + OPENING.lasts)


def test_parts_of_a_long_reply_each_have_a_place(house: House) -> None:
    first = house.asks("m1")
    text = "第一句话在这里。第二句话在这里。第三句话在这里。"
    house.there.verdicts = [None, DOWN]
    house.owes(text, first)
    house.deliver()
    house.clock.pass_(seconds=30)
    house.deliver()
    assert "".join(delivery.reply.text for delivery in house.there.taken) == text
    assert house.places() == [("m1", number) for number in range(1, len(house.there.taken) + 1)]


def test_last_place_carries_the_remark_that_the_rest_waits(house: House) -> None:
    first = house.asks("m1")
    text = "".join(f"这是第{number}句话，请看。" for number in range(9))
    house.owes(text, first)
    house.deliver()
    assert [delivery.more for delivery in house.there.taken] == [False, False, False, True]
    (rest,) = house.mailbox()
    assert "".join(delivery.reply.text for delivery in house.there.taken) + "".join(rest.split()) == text


def test_reply_goes_out_on_its_own_where_that_is_allowed_and_nothing_else_is_left(house: House) -> None:
    house.there.limits = Limits(60, timedelta(minutes=60), inline=False, quota=4, by_message=True, unprompted=True)
    first = house.asks("m1", Opening(timedelta(minutes=60), 1))
    for text in ("a", "b", "c"):
        house.owes(text, first)
    house.there.verdicts = [None, None, DeliveryRefused("stub", "not allowed")]
    house.deliver()
    assert house.places() == [("m1", 1), ("", 0)]
    assert house.mailbox() == ["c"]


def test_desk_sees_no_limit_where_a_reply_may_go_out_on_its_own(house: House) -> None:
    free = Limits(60, timedelta(minutes=60), inline=False, quota=4, by_message=True, unprompted=True)
    house.asks("m1")
    number = house.conversation()
    assert house.store.read(lambda s: s.window(number, free, house.clock())) == Window(4, house.clock.at + OPENING.lasts)
    house.clock.pass_(minutes=60)
    assert house.store.read(lambda s: s.window(number, free, house.clock())) is None
    room = house.store.write(lambda s: s.conversation(Address("stub", "reader", "group:1"), "v")).result().id
    assert house.store.read(lambda s: s.window(room, free, house.clock())) == Window(0, None)


def test_closed_hook_without_a_hook_is_a_refusal(house: House) -> None:
    house.there.limits = Limits(60, timedelta(minutes=60), inline=False, quota=4, by_message=True, unprompted=True)
    house.asks("m1", None)
    house.there.verdicts = [HookClosed("stub", "expired")]
    house.owes("a")
    house.deliver()
    assert house.statuses() == [DeliveryStatus.MAILBOX]


def test_message_is_known_by_its_other_ids_too(house: House) -> None:
    house.asks("m1", OPENING, "ref1", "ref2")

    def known(*ids: str) -> bool:
        return house.store.read(lambda s: s.replies_to(Question(ids[0], READER, "x", also=ids[1:]))) is not None

    assert [known("m1"), known("m2", "ref2"), known("m2", "ref3", "ref1"), known("m2", "ref3"), known("ref1")] == [
        True, True, True, False, False,
    ]  # fmt: skip
