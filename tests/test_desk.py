"""The conductor over a real store and the starter knowledge, with an engine that understands what it is told to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot import reports
from bot.desk import LONGEST_QUESTION, LONGEST_REPLY, Clock, Desk, Logged
from bot.domain import ConversationState, EventName, TicketStatus
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.hours import DutyHours
from bot.ledger import Ledger
from bot.messages import Action, Address, Attachment, Question, ReplyKind, Who
from tests.conftest import LIMITS, MONDAY, FakeClock, FakeEngine

Say = Callable[..., str]
READER = Address("rest", "reader")


def events(desk: Desk) -> list[tuple[EventName, int]]:
    wide = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    return [(event.name, event.question) for event in desk.store.read(lambda s: s.histories(*wide))]


def ticket_of(desk: Desk, say: Say) -> int:
    say("转人工")
    return max(row.ticket.id for row in desk.queue((TicketStatus.WAITING,)))


def test_patron_gets_the_curated_answer_and_it_is_logged(desk: Desk, say: Say) -> None:
    assert "WebVPN" in say("校外怎么用VPN")
    assert events(desk) == [(EventName.ASKED, 1), (EventName.ANSWERED, 1)]


def test_repeat_of_a_message_gets_the_stored_replies_and_changes_nothing(desk: Desk, say: Say) -> None:
    first = say("转人工", number="same")
    assert say("转人工", number="same") == first
    assert len(desk.queue((TicketStatus.WAITING,))) == 1
    assert len(desk.history(READER).lines) == 2


def test_courtesy_is_no_question(desk: Desk, say: Say) -> None:
    say("你好")
    assert events(desk) == []


def test_patron_is_told_number_promise_and_pickup_link_when_handed_over(desk: Desk, say: Say) -> None:
    said = say("市图书馆周末几点关")
    code = desk.consultation(1).ticket.code
    assert "编号 1" in said
    assert f"http://ask.example/mailbox/{code}" in said
    assert len(code) == 16


def test_pickup_codes_differ_and_open_their_ticket_only(desk: Desk, say: Say) -> None:
    say("转人工", user="a")
    say("转人工", user="b")
    codes = [desk.consultation(number).ticket.code for number in (1, 2)]
    assert codes[0] != codes[1]
    assert desk.mailbox(codes[0]).ticket.id == 1
    with pytest.raises(NotFound):
        desk.mailbox("0" * 16)


def test_bot_is_silent_while_people_have_the_conversation(desk: Desk, say: Say) -> None:
    number = ticket_of(desk, say)
    assert say("校外怎么用VPN") == ""
    desk.claim(number, "mei")
    assert say("校外怎么用VPN") == ""
    desk.reply(number, "mei", "您好")
    assert say("取消") == ""
    assert [line.text for line in desk.history(READER).lines if line.who is Who.PATRON][1:] == ["校外怎么用VPN", "校外怎么用VPN", "取消"]


def test_bot_answers_again_after_the_ticket_is_closed(desk: Desk, say: Say) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    desk.close(number, "mei")
    assert "WebVPN" in say("校外怎么用VPN")


def test_withdrawn_question_counts_as_closed_unanswered(desk: Desk, say: Say) -> None:
    ticket_of(desk, say)
    assert "已撤回" in say("取消")
    assert desk.consultation(1).ticket.status is TicketStatus.CLOSED
    total, _ = Ledger(desk.store, desk.hours).grouped(reports.Query(MONDAY.date(), MONDAY.date()), "channel")
    assert (total.questions, total.closed_unanswered) == (1, 1)


def test_two_librarians_cannot_hold_one_ticket(desk: Desk, say: Say) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    with pytest.raises(MoveRefused, match="mei has it"):
        desk.claim(number, "lan")
    for step in (desk.release, desk.close):
        with pytest.raises(MoveRefused):
            step(number, "lan")
    with pytest.raises(MoveRefused, match="claim it first"):
        desk.reply(number, "lan", "您好")


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x01"])
def test_librarian_cannot_send_an_empty_reply(desk: Desk, say: Say, text: str) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    with pytest.raises(Refused, match="empty"):
        desk.reply(number, "mei", text)


def test_librarian_cannot_send_a_reply_that_is_too_long(desk: Desk, say: Say) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    with pytest.raises(TooMuch):
        desk.reply(number, "mei", "长" * (LONGEST_REPLY + 1))


def test_reply_of_a_librarian_waits_in_the_outbox(desk: Desk, say: Say) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    reply = desk.reply(number, "mei", "您好")
    parcels = desk.store.read(lambda s: s.due(MONDAY))
    assert [parcel.message.id for parcel in parcels] == [reply.id]
    assert reply.kind is ReplyKind.LIBRARIAN


def test_silent_claim_returns_to_the_queue_and_the_asker_is_told(desk: Desk, say: Say, clock: FakeClock) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    assert desk.tidy(timedelta(minutes=30)) == ()
    clock.pass_(minutes=31)
    assert [ticket.id for ticket in desk.tidy(timedelta(minutes=30))] == [number]
    assert desk.consultation(number).ticket.status is TicketStatus.WAITING
    assert "已回到队列" in desk.history(READER).lines[-1].text
    assert desk.history(READER).state == ConversationState.WAITING


def test_answered_claim_does_not_return(desk: Desk, say: Say, clock: FakeClock) -> None:
    number = ticket_of(desk, say)
    desk.claim(number, "mei")
    desk.reply(number, "mei", "您好")
    clock.pass_(minutes=60)
    assert desk.tidy(timedelta(minutes=30)) == ()


def newest(desk: Desk) -> int:
    return desk.history(READER).lines[-1].id


def test_thumbs_down_shows_what_to_try_and_then_hands_over_with_the_exchange(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN")
    (tried,) = desk.feedback(READER, newest(desk), helpful=False)
    assert "浏览器" in tried.text
    assert desk.queue((TicketStatus.WAITING,)) == ()
    (told,) = desk.feedback(READER, newest(desk), helpful=False)
    assert told.ticket == "1"
    consultation = desk.consultation(1)
    assert consultation.ticket.reason == "unhelpful"
    assert len(consultation.messages) == 4
    assert [name for name, question in events(desk) if question == 1] == [
        EventName.ASKED, EventName.ANSWERED, EventName.UNHELPFUL, EventName.UNHELPFUL, EventName.HANDED_OVER,
    ]  # fmt: skip


def test_answer_is_rated_once(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN")
    answer = newest(desk)
    desk.feedback(READER, answer, helpful=False)
    with pytest.raises(Refused, match="rated already"):
        desk.feedback(READER, answer, helpful=True)


def test_thumbs_down_on_an_earlier_answer_is_about_that_answer(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN")
    earlier = newest(desk)
    say("知网打不开")
    (tried,) = desk.feedback(READER, earlier, helpful=False)
    assert tried.entry == "vpn_setup"
    shown = newest(desk)
    say("知网打不开")
    (told,) = desk.feedback(READER, shown, helpful=False)
    assert told.ticket == "1"
    assert desk.consultation(1).question().text == "校外怎么用VPN"


def test_thumbs_up_is_noted_without_a_word(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN")
    assert desk.feedback(READER, desk.history(READER).lines[-1].id, helpful=True) == ()
    assert (EventName.HELPFUL, 1) in events(desk)


def test_thumbs_down_during_a_ticket_is_noted_only(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN")
    answer = desk.history(READER).lines[-1].id
    say("市图书馆周末几点关")
    assert desk.feedback(READER, answer, helpful=False) == ()
    assert len(desk.queue((TicketStatus.WAITING,))) == 1


def test_nobody_rates_what_is_not_theirs(desk: Desk, say: Say) -> None:
    say("校外怎么用VPN")
    say("你好", user="other")
    answer = desk.history(READER).lines[-1].id
    for address, message in ((Address("rest", "other"), answer), (Address("rest", "nobody"), answer), (READER, 1)):
        with pytest.raises(NotFound):
            desk.feedback(address, message, helpful=True)


def test_failed_question_becomes_a_ticket_and_the_asker_is_told(desk: Desk) -> None:
    (told,) = desk.fail(Question("m1", READER, "校外怎么用VPN")).result()
    assert "出了点问题" in told.text
    assert desk.consultation(1).ticket.reason == "error"
    assert desk.fail(Question("m1", READER, "校外怎么用VPN")).result() == (told,)


def test_failed_question_during_a_ticket_goes_to_the_ticket(desk: Desk, say: Say) -> None:
    ticket_of(desk, say)
    assert desk.fail(Question("m9", READER, "again")).result() == ()
    assert len(desk.queue((TicketStatus.WAITING,))) == 1


def test_message_that_is_too_long_is_refused_before_it_is_stored(desk: Desk) -> None:
    with pytest.raises(TooMuch, match=str(LONGEST_QUESTION)):
        desk.ask(Question("m1", READER, "长" * (LONGEST_QUESTION + 1)))
    assert desk.history(READER).lines == ()


def test_control_characters_and_lone_surrogates_are_stored_clean(desk: Desk, say: Say) -> None:
    say("转\x00人\ud83d工")
    assert desk.history(READER).lines[0].text == "转人\ufffd工"


def test_picture_gets_one_question_back_and_counts(desk: Desk) -> None:
    question = Question("m1", READER, "", attachments=(Attachment("image", "https://pic.example/1"),))
    (reply,) = desk.ask(question).result()
    assert "一句话说明" in reply.text
    assert reply.action is Action.CLARIFY
    assert (EventName.ASKED, 1) in events(desk)


def test_bot_replies_are_pushed_on_a_channel_that_does_not_answer_inline(desk: Desk) -> None:
    desk.ask(Question("m1", Address("stub", "reader"), "校外怎么用VPN")).result()
    assert len(desk.store.read(lambda s: s.due(MONDAY))) == 1


def test_promise_is_honest_when_no_duty_is_scheduled(desk: Desk, engine: FakeEngine) -> None:
    idle = Desk(
        desk.store, engine, desk.answering, DutyHours("Asia/Shanghai", ()), limits=LIMITS, address="http://a", clock=Clock(), secret="x"
    )
    (reply,) = idle.ask(Question("m1", READER, "转人工")).result()
    assert "近期暂无值班" in reply.text


def test_calendar_follows_a_fixed_time(desk: Desk, engine: FakeEngine, clock: FakeClock) -> None:
    fixed = Clock(clock, datetime(2026, 11, 22, 4, 0, tzinfo=UTC))
    sunday = Desk(desk.store, engine, desk.answering, desk.hours, limits=LIMITS, address="http://a", clock=fixed, secret="x")
    (reply,) = sunday.ask(Question("m1", READER, "转人工")).result()
    assert "11月23日（周一）08:30" in reply.text


def test_desk_makes_and_keeps_its_own_secret(desk: Desk, engine: FakeEngine) -> None:
    own = [Desk(desk.store, engine, desk.answering, desk.hours, limits=LIMITS, address="http://a", clock=Clock()).secret for _ in range(2)]
    assert own[0] == own[1]
    assert len(own[0]) == 64


def test_visitor_is_a_pseudonym(desk: Desk) -> None:
    assert desk.visitor(READER) == desk.visitor(Address("rest", "reader", "room"))
    assert desk.visitor(READER) != desk.visitor(Address("web", "reader"))
    assert "reader" not in desk.visitor(READER)


def test_old_words_are_forgotten_and_counts_are_kept(desk: Desk, say: Say, clock: FakeClock) -> None:
    say("校外怎么用VPN")
    number = ticket_of(desk, say)
    clock.pass_(days=400)
    say("你好", user="other")
    before = events(desk)
    assert desk.forget(timedelta(days=365)) == 4
    assert desk.forget(timedelta(days=365)) == 0
    assert desk.history(READER).lines == ()
    assert desk.consultation(number).question().text == ""
    assert desk.history(Address("rest", "other")).lines[0].text == "你好"
    assert events(desk) == before


def test_a_consultation_on_the_phone_counts_as_answered_by_a_librarian(desk: Desk, clock: FakeClock) -> None:
    earlier = clock.at - timedelta(hours=3)
    number = desk.log("mei", Logged("phone", "vpn_setup", "问 VPN 怎么装", at=earlier))
    desk.log("lan", Logged("desk"))
    ledger = Ledger(desk.store, desk.hours)
    total, lines = ledger.grouped(reports.Query(MONDAY.date(), MONDAY.date()), "channel")
    assert (total.questions, total.by_librarian, total.logged, total.median_first_answer) == (2, 2, 2, None)
    assert [(line.label, line.questions) for line in lines] == [("desk", 1), ("phone", 1)]
    assert desk.store.read(lambda s: s.message(number)).text == "问 VPN 怎么装"
    mei = ledger.report(reports.Query(MONDAY.date(), MONDAY.date(), (("librarian", "mei"),)))
    assert (mei.total.questions, mei.table("topics").rows[0].label) == (1, "vpn_setup")
    assert desk.queue((TicketStatus.WAITING,)) == ()


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (Logged("web"), "wrong_channel"),
        (Logged("phone", "no_such_topic"), "wrong_topic"),
        (Logged("phone", at=MONDAY + timedelta(minutes=1)), "not_yet"),
        (Logged("phone", text="长" * 5001), "characters in a note"),
    ],
)
def test_a_consultation_that_cannot_have_been_is_not_logged(desk: Desk, entry: Logged, why: str) -> None:
    with pytest.raises(Refused, match=why):
        desk.log("mei", entry)
    assert Ledger(desk.store, desk.hours).report(reports.Query(MONDAY.date(), MONDAY.date())).total.questions == 0
