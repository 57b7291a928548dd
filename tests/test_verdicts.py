"""What patrons think of what librarians did: asked once when a ticket closes, in numbers, words or buttons."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot.desk import Desk
from bot.domain import Event, EventName
from bot.messages import Address, Question, Reply
from bot.store import Store
from tests.conftest import FakeClock, FakeEngine

Say = Callable[..., str]
READER = Address("rest", "reader")


@pytest.fixture
def closed(desk: Desk, say: Say) -> Reply:
    """The last word on a ticket that Mei has answered and closed."""
    say("转人工")
    desk.claim(1, "mei")
    desk.reply(1, "mei", "在三楼。")
    desk.close(1, "mei")
    reply = desk.history(READER).lines[-1].reply
    assert reply is not None
    return reply


def verdicts(store: Store) -> list[Event]:
    wide = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    names = (EventName.HELPFUL, EventName.UNHELPFUL)
    return [event for event in store.read(lambda s: s.histories(*wide)) if event.name in names]


def test_patron_is_asked_with_choices_when_a_ticket_closes(closed: Reply) -> None:
    assert [(choice.key, choice.value) for choice in closed.choices] == [("1", "rate:yes:1"), ("2", "rate:no:1")]
    assert "满意吗" in closed.text
    assert "1. 满意" in closed.plain()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1", EventName.HELPFUL), ("１", EventName.HELPFUL), ("第一个", EventName.HELPFUL), ("很满意", EventName.HELPFUL),
        ("2", EventName.UNHELPFUL), ("不满意", EventName.UNHELPFUL), ("没用", EventName.UNHELPFUL), ("not satisfied", EventName.UNHELPFUL),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("closed")
def test_rating_is_stored_with_its_ticket_and_librarian(store: Store, say: Say, text: str, name: EventName) -> None:
    say(text)
    (event,) = verdicts(store)
    assert (event.name, event.ticket, event.librarian, event.question) == (name, 1, "mei", 1)


def test_button_rates_as_the_number_does_and_only_once(desk: Desk, store: Store, closed: Reply) -> None:
    for number, choice in enumerate((*closed.choices, *closed.choices)):
        desk.ask(Question(f"b{number}", READER, choice.title, choice=choice.value)).result()
    assert [event.name for event in verdicts(store)] == [EventName.HELPFUL]


@pytest.mark.parametrize("choice", ["rate:yes:99", "rate:yes:x", "rate:", "rate:maybe:1", f"rate:yes:{10**30}"])
def test_rating_of_a_ticket_that_is_not_ones_own_changes_nothing(desk: Desk, store: Store, closed: Reply, choice: str) -> None:
    other = Address("rest", "somebody else")
    replies = desk.ask(Question("b1", other, "满意", choice=choice)).result()
    desk.ask(Question("b2", other, "满意", choice=closed.choices[0].value)).result()
    assert replies
    assert verdicts(store) == []


@pytest.mark.usefixtures("closed")
def test_question_instead_of_a_rating_is_a_question_and_the_rating_may_follow(desk: Desk, store: Store, say: Say) -> None:
    assert "WebVPN" in say("校外怎么用VPN")
    assert verdicts(store) == []
    say("满意")
    assert len(verdicts(store)) == 1


@pytest.mark.usefixtures("closed")
def test_number_belongs_to_choices_that_were_offered_later(engine: FakeEngine, store: Store, say: Say) -> None:
    engine.knows("那个", "vpn_setup", 0.4, ("vpn_trouble", 0.35))
    say("那个")
    assert "WebVPN" in say("1")
    assert verdicts(store) == []


@pytest.mark.usefixtures("closed")
def test_rating_is_not_taken_after_two_days(store: Store, say: Say, clock: FakeClock) -> None:
    clock.pass_(hours=49)
    say("1")
    assert verdicts(store) == []


@pytest.mark.usefixtures("closed")
def test_dissatisfied_patron_is_offered_a_person(desk: Desk, say: Say) -> None:
    assert "0. 转人工" in say("不满意")
    assert "编号 2" in say("0")


def test_nobody_is_asked_about_a_ticket_without_an_answer(desk: Desk, say: Say) -> None:
    say("转人工")
    desk.claim(1, "mei")
    desk.close(1, "mei")
    reply = desk.history(READER).lines[-1].reply
    assert reply is not None
    assert reply.choices == ()


def test_patron_who_rated_through_the_platform_is_not_asked_again(desk: Desk, say: Say, store: Store, clock: FakeClock) -> None:
    from bot.platform import Platform

    say("转人工")
    desk.claim(1, "mei")
    desk.reply(1, "mei", "在三楼。")
    Platform(desk, clock).judge(READER, helpful=True)
    desk.close(1, "mei")
    reply = desk.history(READER).lines[-1].reply
    assert reply is not None
    assert reply.choices == ()
    assert len(verdicts(store)) == 1
