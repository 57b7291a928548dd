"""Requests over a real store: where their personal fields are kept, what is covered, withdrawn, erased and forgotten."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot import reports
from bot.answering import Answering
from bot.desk import Clock, Desk
from bot.domain import ConversationState, EventName, TicketStatus
from bot.messages import Address, Question
from bot.sheet import covered_of
from bot.store import Store
from tests.conftest import LIMITS, FakeClock, FakeEngine

Say = Callable[..., str]
READER = Address("rest", "reader")
PHONE = "13800001234"
WIDE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def ask_for_book(say: Say) -> Callable[..., str]:
    """Fill in a purchase suggestion up to its summary, and send it."""

    def ask_for_book(user: str = "reader", send: str = "1") -> str:
        for text in ("我要荐购一本书", "1", "三体", "跳过", PHONE):
            said = say(text, user)
        return say(send, user) if send else said

    return ask_for_book


def everything(desk: Desk) -> str:
    """All that the database holds of messages, conversations and tickets."""
    tables = ("messages", "conversations", "tickets", "outbox")
    return str([desk.store.read(lambda s, table=table: s._rows(f"select * from {table}")) for table in tables])  # type: ignore[misc]


def test_personal_fields_are_kept_apart_from_the_ticket_and_from_the_words(desk: Desk, ask_for_book: Callable[..., str]) -> None:
    ask_for_book()
    ticket = desk.consultation(1).ticket
    assert ticket.fields == (("item", "三体"), ("reason", ""))
    assert ticket.personal == (("contact", PHONE),)
    assert PHONE not in everything(desk)
    assert "*********34" in everything(desk)


def test_asker_can_check_personal_fields_before_they_are_sent(ask_for_book: Callable[..., str]) -> None:
    assert PHONE in ask_for_book(send="")


@pytest.mark.parametrize("leaving", ["取消", "删除我的记录"])
def test_personal_fields_of_a_form_that_was_left_are_kept_nowhere(desk: Desk, ask_for_book: Callable[..., str], leaving: str) -> None:
    ask_for_book(send=leaving)
    assert PHONE not in everything(desk)
    assert desk.store.read(lambda s: s._rows("select * from personal")) == []


def test_personal_fields_of_a_form_that_expired_are_kept_nowhere(
    desk: Desk, say: Say, ask_for_book: Callable[..., str], clock: FakeClock
) -> None:
    ask_for_book(send="")
    clock.pass_(hours=3)
    assert "作废" in say("你好")
    assert PHONE not in everything(desk)


def test_a_person_who_takes_over_a_form_gets_what_was_filled_in(desk: Desk, ask_for_book: Callable[..., str]) -> None:
    ask_for_book(send="人工")
    ticket = desk.consultation(1).ticket
    assert (ticket.reason, ticket.fields, ticket.personal) == (
        "asked_for_person",
        (("item", "三体"), ("reason", "")),
        (("contact", PHONE),),
    )


@pytest.mark.parametrize(
    ("value", "covered"),
    [("13800001234", "*********34"), ("2026A1", "****A1"), ("1234", "***"), ("li.ming@example.edu", "l***@example.edu"), ("", "***")],
)
def test_a_covered_value_says_little(value: str, covered: str) -> None:
    assert covered_of(value) == covered


def test_a_form_survives_a_restart(
    desk: Desk, ask_for_book: Callable[..., str], store: Store, engine: FakeEngine, answering: Answering, clock: FakeClock
) -> None:
    ask_for_book(send="")
    store.close()
    again = Store(store.path)
    try:
        anew = Desk(again, engine, answering, desk.hours, limits=LIMITS, address="http://ask.example", clock=Clock(clock), secret="s" * 64)
        (told,) = anew.ask(Question("after", READER, "1")).result()
        assert "申请已提交，编号 1" in told.text
        assert anew.consultation(1).ticket.personal == (("contact", PHONE),)
    finally:
        again.close()


def test_the_bot_goes_on_answering_after_a_request_and_the_request_is_counted_as_handed_over(
    desk: Desk, say: Say, ask_for_book: Callable[..., str]
) -> None:
    ask_for_book()
    assert "WebVPN" in say("校外怎么用VPN")
    asked = desk.store.read(lambda s: reports.questions(s.histories(*WIDE)))
    assert [question.result for question in asked] == [reports.Result.WAITING, reports.Result.BOT]


def test_librarians_answer_draws_the_asker_to_the_librarian_until_the_request_is_closed(
    desk: Desk, say: Say, ask_for_book: Callable[..., str]
) -> None:
    ask_for_book()
    desk.claim(1, "mei")
    assert "WebVPN" in say("校外怎么用VPN")
    desk.reply(1, "mei", "要哪一版？")
    assert say("第二版") == ""
    assert desk.consultation(1).messages[-1].text == "第二版"
    desk.close(1, "mei")
    assert "已经办结" in desk.history(READER).lines[-1].text
    assert "WebVPN" in say("校外怎么用VPN")


def test_librarians_answer_does_not_interrupt_another_form(desk: Desk, say: Say, ask_for_book: Callable[..., str]) -> None:
    ask_for_book()
    ask_for_book(send="")
    desk.claim(1, "mei")
    desk.reply(1, "mei", "已下单")
    assert "编号 2" in say("1")


def test_closing_a_request_leaves_another_open_question_with_its_librarian(desk: Desk, say: Say, ask_for_book: Callable[..., str]) -> None:
    ask_for_book()
    say("转人工")
    desk.claim(1, "mei")
    desk.close(1, "mei")
    conversation = desk.store.read(lambda s: s.existing_conversation(READER))
    assert conversation is not None
    assert (conversation.state, conversation.ticket) == (ConversationState.WAITING, 2)


def test_only_ones_own_waiting_request_can_be_withdrawn(desk: Desk, say: Say, ask_for_book: Callable[..., str]) -> None:
    ask_for_book()
    ask_for_book("other")
    say("我的申请")
    desk.claim(1, "mei")
    assert "不能撤回" in say("1")
    say("我的申请", "other")
    assert "编号 2 的申请已撤回" in say("1", "other")
    statuses = [desk.consultation(number).ticket.status for number in (1, 2)]
    assert statuses == [TicketStatus.CLAIMED, TicketStatus.CLOSED]


def test_own_matters_are_not_told_in_a_group(desk: Desk, say: Say) -> None:
    for number, text in enumerate(("我的申请", "我的记录", "删除我的记录")):
        question = Question(f"g{number}", Address("stub", "reader", "group"), text)
        assert any("私" in reply.text for reply in desk.ask(question).result())


def test_erasing_removes_words_fields_understanding_and_attachments_and_keeps_every_count(
    desk: Desk, say: Say, ask_for_book: Callable[..., str], engine: FakeEngine
) -> None:
    ask_for_book()
    say("校外怎么用VPN")
    ask_for_book("other")
    before = desk.store.read(lambda s: s.histories(*WIDE))
    say("删除我的记录")
    assert "已删除" in say("1")
    own = desk.store.read(lambda s: s._rows("select * from messages where conversation = 1 order by id"))
    assert [row["text"] for row in own if row["text"]] == ["1", "已删除您的对话、申请内容和个人信息。只留下不含内容的次数统计。"]
    assert "vpn_setup" not in str(own)
    assert desk.consultation(1).ticket.fields == desk.consultation(1).ticket.personal == ()
    assert desk.consultation(2).ticket.personal == (("contact", PHONE),)
    after = desk.store.read(lambda s: s.histories(*WIDE))
    assert after[: len(before)] == before
    assert [event.name for event in after[len(before) :]] == [EventName.WITHDRAWN]


def test_the_page_shows_nothing_of_what_was_erased(desk: Desk, say: Say) -> None:
    for text in ("校外怎么用VPN", "删除我的记录", "1"):
        say(text)
    assert [line.text[:3] for line in desk.history(READER).lines] == ["1", "已删除"]


def test_erasing_stops_what_was_still_to_be_delivered(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN", connector="stub")
    assert desk.store.read(lambda s: s.backlog()) == 1
    say("删除我的记录", connector="stub")
    say("1", connector="stub")
    due = desk.store.read(lambda s: s.due(desk.clock.now()))
    assert [parcel.message.text[:3] for parcel in due] == ["已删除"]


def test_retention_removes_personal_fields_before_words(desk: Desk, ask_for_book: Callable[..., str], clock: FakeClock) -> None:
    ask_for_book()
    clock.pass_(days=10)
    desk.forget(timedelta(days=100), timedelta(days=20))
    assert desk.consultation(1).ticket.personal
    clock.pass_(days=11)
    desk.forget(timedelta(days=100), timedelta(days=20))
    assert desk.consultation(1).ticket.personal == ()
    assert desk.consultation(1).ticket.fields
    clock.pass_(days=100)
    desk.forget(timedelta(days=100), timedelta(days=20))
    assert desk.consultation(1).ticket.fields == ()
    assert "三体" not in everything(desk)


@pytest.mark.parametrize(("breaking", "reason"), [("着火了", "emergency"), ("三体坏掉了", "error")])
def test_what_was_filled_in_goes_along_when_something_breaks_into_a_form(
    desk: Desk, ask_for_book: Callable[..., str], say: Say, engine: FakeEngine, breaking: str, reason: str
) -> None:
    ask_for_book(send="")
    if reason == "error":
        desk.fail(Question("broken", READER, breaking)).result()
    else:
        say(breaking)
    ticket = desk.consultation(1).ticket
    assert ticket.reason == reason
    assert (ticket.fields, ticket.personal) == ((("item", "三体"), ("reason", "")), (("contact", PHONE),))
    assert PHONE not in everything(desk)


@pytest.mark.parametrize("length", [501, 5_000])
def test_an_endless_answer_is_refused_by_every_field(say: Say, length: int) -> None:
    for text in ("我要荐购一本书", "1"):
        say(text)
    assert "请用文字写资源名称（500 字以内）" in say("书" * length)
    say("三体")
    assert "请用文字说明" in say("课" * length)
    say("跳过")
    assert "不像电话或邮箱" in say("1" * length)
    assert "资源: 三体" in say("13800001234")
