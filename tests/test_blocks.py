"""Somebody who only disturbs is shut out for a time; whoever is in danger never is."""

from collections.abc import Callable

import pytest

from bot import reports
from bot.desk import Desk
from bot.domain import EventName, TicketStatus
from bot.errors import MoveRefused, NotFound, Refused
from tests.conftest import FakeClock

Say = Callable[..., str]


@pytest.fixture
def spam(say: Say) -> int:
    """A ticket that is none."""
    say("加微信领红包", "spammer")
    return 1


def test_blocked_asker_is_told_until_when_and_opens_no_ticket(desk: Desk, say: Say, spam: int, clock: FakeClock) -> None:
    desk.block(spam, "anna", 24, "广告")
    assert "2026-11-24 10:00" in say("校外怎么用VPN", "spammer")
    assert say("校外怎么用VPN", "somebody else").startswith("在校外")
    assert desk.count((TicketStatus.WAITING,)) == 0
    clock.pass_(hours=24)
    assert "WebVPN" in say("校外怎么用VPN", "spammer")


def test_what_a_blocked_asker_writes_is_kept_and_counts_as_no_question(desk: Desk, say: Say, spam: int, clock: FakeClock) -> None:
    desk.block(spam, "anna", 1, "广告")
    before = desk.store.read(lambda s: s.event_counts())
    say("还在吗", "spammer")
    assert desk.store.read(lambda s: s.event_counts()) == before
    assert desk.consultation(spam).messages[-2].text == "还在吗"


def test_ticket_of_a_blocked_asker_counts_as_closed_unanswered(desk: Desk, spam: int, clock: FakeClock) -> None:
    desk.block(spam, "anna", 1, "广告")
    clock.pass_(minutes=1)
    events = desk.store.read(lambda s: s.histories(clock.at.replace(hour=0), clock.at))
    (asked,) = reports.questions(events)
    assert asked.result is reports.Result.CLOSED
    assert [event.value for event in events if event.name is EventName.CLOSED] == ["spam"]


def test_emergency_of_a_blocked_asker_reaches_a_person(desk: Desk, say: Say, spam: int) -> None:
    desk.block(spam, "anna", 720, "广告")
    say("三楼着火了", "spammer")
    assert desk.count((TicketStatus.WAITING,)) == 1


def test_block_is_lifted_once(desk: Desk, say: Say, spam: int) -> None:
    block = desk.block(spam, "anna", 24, "  广告  ")
    assert [(each.id, each.reason, each.librarian) for each in desk.blocks()] == [(block.id, "广告", "anna")]
    desk.lift(block.id, "ben")
    assert desk.blocks() == ()
    assert "WebVPN" in say("校外怎么用VPN", "spammer")
    with pytest.raises(NotFound):
        desk.lift(block.id, "ben")


def test_newer_block_takes_the_place_of_the_older(desk: Desk, spam: int) -> None:
    desk.block(spam, "anna", 720, "广告")
    newer = desk.block(spam, "anna", 1, "误会")
    assert [block.id for block in desk.blocks()] == [newer.id]


def test_block_needs_a_length_and_a_reason_and_a_ticket_that_no_colleague_has(desk: Desk, spam: int) -> None:
    with pytest.raises(Refused, match="wrong_hours"):
        desk.block(spam, "anna", 2, "广告")
    with pytest.raises(Refused, match="no_reason"):
        desk.block(spam, "anna", 24, "  ")
    desk.claim(spam, "ben")
    with pytest.raises(MoveRefused):
        desk.block(spam, "anna", 24, "广告")
    assert desk.blocks() == ()
    desk.block(spam, "ben", 24, "广告")
