"""What pushed platforms ask of the house besides answers."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.connector import Kept, Limits
from bot.desk import Desk
from bot.domain import DeliveryStatus, TicketStatus
from bot.errors import NotFound
from bot.messages import Address, Language, Question, Reply, ReplyKind
from bot.platform import Platform
from bot.store import Store
from tests.conftest import LIMITS, FakeClock

READER = Address("stub", "reader")


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stub as a platform with a window."""
    monkeypatch.setitem(LIMITS, "stub", Limits(2048, timedelta(hours=48), inline=False, quota=5))


@pytest.fixture
def platform(pushed: None, desk: Desk, clock: FakeClock) -> Platform:
    return Platform(desk, clock)


@pytest.fixture
def ask(pushed: None, say: Callable[..., str]) -> Callable[[str], str]:
    return lambda text: say(text, connector="stub")


def outbox(store: Store) -> list[tuple[int, str, str, int]]:
    found = store.read(lambda s: s._rows("select id, status, error, sent from outbox order by id"))
    return [(row["id"], row["status"], row["error"], row["sent"]) for row in found]


def deliver(store: Store, parts: int = 1) -> None:
    """Everything that is due arrives."""

    def work(s: object) -> None:
        for number, status, _, _ in outbox(store):
            if status == DeliveryStatus.DUE:
                for _ in range(parts):
                    s.pushed(number, 1, FakeClock().at)  # type: ignore[attr-defined]
                s.settle(number, DeliveryStatus.DELIVERED, FakeClock().at)  # type: ignore[attr-defined]

    store.write(work).result()


def test_platform_has_again_what_it_let_the_house_remember(platform: Platform) -> None:
    assert platform.recall("wecom.cursor.wk1") == ""
    platform.remember("wecom.cursor.wk1", "c1")
    platform.remember("wecom.cursor.wk1", "c2")
    assert (platform.recall("wecom.cursor.wk1"), platform.recall("wecom.cursor.wk2")) == ("c2", "")


def test_page_and_how_far_it_reaches_are_stored_together_or_not_at_all(platform: Platform) -> None:
    page = (Kept("m1", "{}"), Kept("m2", "{}"))
    with pytest.raises(sqlite3.IntegrityError):
        platform.keep_page("wecom.wk1", page, "wecom.cursor.wk1", None)  # type: ignore[arg-type]
    assert (platform.kept("wecom.wk1"), platform.recall("wecom.cursor.wk1")) == ((), "")
    platform.keep_page("wecom.wk1", page, "wecom.cursor.wk1", "c2")
    assert (platform.kept("wecom.wk1"), platform.recall("wecom.cursor.wk1")) == (page, "c2")
    platform.done("wecom.wk1", "m1")
    platform.keep_page("wecom.wk1", page, "wecom.cursor.wk1", "c3")
    assert [each.id for each in platform.kept("wecom.wk1")] == ["m2"]


def test_reply_that_did_not_arrive_after_all_waits_and_says_why(platform: Platform, ask: Callable[[str], str], store: Store) -> None:
    ask("转人工")
    assert not platform.undeliver("stub", "refdesk-1", "too early")
    deliver(store)
    assert platform.undeliver("stub", "refdesk-1", "the session is closed")
    assert outbox(store) == [(1, DeliveryStatus.MAILBOX, "the session is closed", 0)]


def test_long_reply_waits_from_the_part_on_that_did_not_arrive(platform: Platform, ask: Callable[[str], str], store: Store) -> None:
    ask("转人工")
    deliver(store, parts=4)
    assert platform.undeliver("stub", "refdesk-1-2", "lost")
    assert outbox(store) == [(1, DeliveryStatus.MAILBOX, "lost", 2)]


@pytest.mark.parametrize(
    ("connector", "key"),
    [("wechat", "refdesk-1"), ("stub", "refdesk-2"), ("stub", "refdesk-x"), ("stub", ""), ("stub", "refdesk-1 or 1=1"), ("stub", "1")],
)
def test_platform_cannot_take_back_what_it_did_not_deliver(
    platform: Platform, ask: Callable[[str], str], store: Store, connector: str, key: str
) -> None:
    ask("转人工")
    deliver(store)
    assert platform.undeliver(connector, key, "lost")  # there is nothing to wait for
    assert outbox(store)[0][1] == DeliveryStatus.DELIVERED


def test_patron_gets_what_waited_with_the_next_message(platform: Platform, ask: Callable[[str], str], store: Store) -> None:
    ask("校外怎么用VPN")
    deliver(store)
    platform.undeliver("stub", "refdesk-1", "lost")
    assert ask("知网打不开")
    assert [status for _, status, _, _ in outbox(store)] == [DeliveryStatus.DUE] * 2


def test_patron_who_asks_for_more_gets_the_rest_and_no_answer_beside_it(
    platform: Platform, ask: Callable[[str], str], store: Store, desk: Desk
) -> None:
    ask("校外怎么用VPN")
    deliver(store)
    platform.undeliver("stub", "refdesk-1", "the rest")
    assert ask("更多") == ""
    assert [status for _, status, _, _ in outbox(store)] == [DeliveryStatus.DUE]
    assert not desk.queue((TicketStatus.WAITING,))


def test_patron_who_asks_for_more_when_there_is_none_is_heard_as_ever(ask: Callable[[str], str]) -> None:
    assert ask("更多")


def test_ticket_is_closed_when_the_platform_ends_the_conversation(
    platform: Platform, ask: Callable[[str], str], desk: Desk, store: Store
) -> None:
    ask("转人工")
    platform.end(READER)
    assert [row.ticket.status for row in desk.queue((TicketStatus.CLOSED,))] == [TicketStatus.CLOSED]
    assert "VPN" in ask("校外怎么用VPN")
    platform.end(READER)
    platform.end(Address("stub", "stranger"))


@pytest.mark.parametrize("helpful", [True, False])
def test_first_rating_of_a_consultation_counts(platform: Platform, ask: Callable[[str], str], store: Store, helpful: bool) -> None:
    platform.judge(READER, helpful)
    ask("转人工")
    platform.judge(READER, helpful)
    platform.judge(READER, not helpful)
    found = store.read(lambda s: s._rows("select name, ticket, question from events where name in ('helpful', 'unhelpful')"))
    assert [(row["name"], row["ticket"], row["question"]) for row in found] == [("helpful" if helpful else "unhelpful", 1, 1)]


def test_platform_speaks_with_the_librarys_phrases(platform: Platform) -> None:
    assert platform.phrase("rate_yes", Language.EN) == "Satisfied"


def test_desk_pushes_nothing_again_on_channels_that_answer_in_the_response(desk: Desk, say: Callable[..., str]) -> None:
    say("转人工")
    assert desk.ask(Question("m-2", Address("rest", "reader"), "更多")).result() == ()


# --- what is acknowledged first and dealt with later ---


def test_platform_keeps_what_came_once_and_in_order_until_it_is_done(platform: Platform) -> None:
    assert [platform.keep("qq", number, number.upper()) for number in ("b", "a", "b")] == [True, True, False]
    assert platform.keep("other", "b", "B")
    assert [(kept.id, kept.body) for kept in platform.kept("qq")] == [("b", "B"), ("a", "A")]
    platform.done("qq", "b")
    assert [kept.id for kept in platform.kept("qq")] == ["a"]
    assert not platform.keep("qq", "b", "B")


def test_words_of_what_was_dealt_with_are_not_kept(platform: Platform, store: Store) -> None:
    platform.keep("qq", "a", "secret words")
    platform.done("qq", "a")
    assert store.read(lambda s: s._rows("select body from inbox")) == [{"body": ""}]


def test_everybody_leaves_when_a_room_is_left(desk: Desk, pushed: None) -> None:
    for user in ("one", "two"):
        desk.ask(Question(f"m-{user}", Address("stub", user, "group:1"), "转人工")).result()
    desk.ask(Question("m-3", Address("stub", "one", "group:2"), "转人工")).result()
    desk.leave(Address("stub", "", "group:1"))
    assert [(row.ticket.conversation) for row in desk.queue((TicketStatus.WAITING,))] == [3]


def test_what_is_only_overheard_is_neither_answered_nor_stored(desk: Desk, store: Store) -> None:
    assert desk.ask(Question("m1", Address("stub", "one", "group:1"), "校外怎么用VPN", addressed=False)).result() == ()
    assert store.read(lambda s: s._rows("select * from messages")) == []
    (answer,) = desk.ask(Question("m1", Address("stub", "one", "group:1"), "校外怎么用VPN")).result()
    assert "VPN" in answer.text


def test_reply_has_one_pick_up_code_that_opens_it(desk: Desk) -> None:
    (reply,) = desk.ask(Question("m1", READER, "校外怎么用VPN")).result()
    code = desk.pick_up(reply)
    assert len(code) == 16
    assert desk.pick_up(reply) == code
    assert desk.picked_up(code).text == reply.text
    assert desk.pick_up(Reply(ReplyKind.NOTICE, "never stored")) == ""
    with pytest.raises(NotFound):
        desk.picked_up(code[::-1])
