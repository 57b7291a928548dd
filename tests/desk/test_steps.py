"""What librarians do with tickets, over a real store: pass on, hold and undo, join, note, and what returns by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.desk import LONGEST_NOTE, Desk
from bot.domain import AlertKind, Event, EventName, Librarian, NoteKind, Role, TicketStatus
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.messages import Address, Who
from bot.roster import Roster, Shift
from bot.store import Store
from tests.conftest import LIMITS, MONDAY, FakeClock, FakeEngine

Say = Callable[..., str]
UNDO = timedelta(seconds=6)
PATIENCE = timedelta(minutes=30)
READER = Address("rest", "reader")


@pytest.fixture
def asked(desk: Desk, say: Say) -> int:
    """The number of a ticket that waits; Anna and Ben have accounts."""
    for login in ("anna", "ben"):
        desk.store.write(lambda s, login=login: s.save_librarian(Librarian(login, login.title(), Role.LIBRARIAN), MONDAY)).result()
    say("转人工")
    return 1


def heard(desk: Desk, address: Address = READER) -> list[str]:
    """What librarians have said to a patron."""
    return [line.text for line in desk.history(address).lines if line.who is Who.LIBRARIAN]


def told(desk: Desk, login: str) -> list[tuple[AlertKind, int, str]]:
    return [(alert.kind, alert.ticket, alert.who) for alert in desk.alerts(login)]


def recorded(desk: Desk, name: EventName) -> list[Event]:
    wide = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    return [event for event in desk.store.read(lambda s: s.histories(*wide)) if event.name is name]


# --- passing on ---


def test_librarian_passes_a_ticket_to_a_colleague_who_is_told(desk: Desk, asked: int) -> None:
    desk.claim(asked, "anna")
    ticket = desk.transfer(asked, "anna", "ben", "他要的是数据库组")
    assert (ticket.status, ticket.claimed_by) == (TicketStatus.CLAIMED, "ben")
    assert told(desk, "ben") == [(AlertKind.TRANSFERRED, asked, "anna")]
    assert told(desk, "anna") == []
    (remark,) = desk.remarks(asked)
    assert (remark.kind, remark.author, remark.text) == (NoteKind.TRANSFERRED, "anna", "Ben\n他要的是数据库组")
    assert [(event.librarian, event.value) for event in recorded(desk, EventName.TRANSFERRED)] == [("anna", "ben")]
    with pytest.raises(MoveRefused):
        desk.reply(asked, "anna", "again")
    desk.reply(asked, "ben", "您好")
    assert heard(desk) == ["您好"]


def test_ticket_that_nobody_has_may_be_passed_on_and_a_colleagues_may_not(desk: Desk, asked: int) -> None:
    desk.transfer(asked, "anna", "ben")
    with pytest.raises(MoveRefused):
        desk.transfer(asked, "anna", "carla")
    assert desk.consultation(asked).ticket.claimed_by == "ben"


@pytest.mark.parametrize("to", ["nobody", "anna", ""])
def test_ticket_is_passed_to_another_account_only(desk: Desk, asked: int, to: str) -> None:
    desk.claim(asked, "anna")
    with pytest.raises(Refused, match="colleague"):
        desk.transfer(asked, "anna", to)
    assert desk.consultation(asked).ticket.claimed_by == "anna"


def test_ticket_passed_to_a_team_waits_for_its_members(desk: Desk, asked: int) -> None:
    desk.claim(asked, "anna")
    ticket = desk.transfer_to_team(asked, "anna", "数据库组", ("anna", "ben"), "知网的问题")
    assert (ticket.status, ticket.claimed_by, ticket.team) == (TicketStatus.WAITING, "", "数据库组")
    assert told(desk, "ben") == [(AlertKind.TEAM, asked, "anna")]
    assert told(desk, "anna") == []
    assert desk.tally().teams == (("数据库组", 1),)
    assert desk.transfer_to_team(asked, "ben", "流通组", ()).team == "流通组"
    assert desk.claim(asked, "ben").team == ""
    assert told(desk, "ben") == []


def test_note_stays_with_a_ticket_that_is_given_back(desk: Desk, asked: int) -> None:
    desk.claim(asked, "anna")
    desk.release(asked, "anna", "下班了")
    desk.claim(asked, "ben")
    desk.release(asked, "ben")
    assert [(remark.kind, remark.text) for remark in desk.remarks(asked)] == [(NoteKind.RELEASED, "下班了")]


# --- replies that can be taken back ---


def test_reply_goes_out_only_when_it_can_no_longer_be_taken_back(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    held = desk.hold(asked, "anna", "在三楼。", UNDO)
    assert desk.held(asked) == held
    assert desk.held_by("anna") == (held,)
    assert desk.send_held() == 0
    assert heard(desk) == []
    assert recorded(desk, EventName.REPLIED) == []
    clock.pass_(seconds=6)
    assert desk.send_held() == 1
    assert heard(desk) == ["在三楼。"]
    assert desk.consultation(asked).ticket.status is TicketStatus.ANSWERED
    assert desk.send_held() == 0
    with pytest.raises(NotFound):
        desk.undo(asked, "anna")


def test_held_reply_outlives_a_restart(desk: Desk, asked: int, clock: FakeClock, engine: FakeEngine) -> None:
    desk.claim(asked, "anna")
    desk.hold(asked, "anna", "在三楼。", UNDO)
    desk.store.close()
    again = Desk(
        Store(desk.store.path), engine, desk.answering, desk.hours, limits=LIMITS, address="http://a", clock=desk.clock, secret="s" * 64
    )
    clock.pass_(seconds=6)
    assert again.send_held() == 1
    assert heard(again) == ["在三楼。"]
    again.store.close()


def test_reply_that_was_taken_back_is_never_sent(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    desk.hold(asked, "anna", "在三楼。", UNDO, closing=True)
    with pytest.raises(NotFound):
        desk.undo(asked, "ben")
    assert desk.undo(asked, "anna").text == "在三楼。"
    clock.pass_(seconds=60)
    assert desk.send_held() == 0
    assert heard(desk) == []
    assert desk.consultation(asked).ticket.status is TicketStatus.CLAIMED


def test_reply_that_closes_does_so_when_it_goes_out(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    desk.hold(asked, "anna", "在三楼。", UNDO, closing=True)
    clock.pass_(seconds=6)
    desk.send_held()
    assert desk.consultation(asked).ticket.status is TicketStatus.CLOSED
    assert [line.text for line in desk.history(READER).lines][-2] == "在三楼。"


def test_second_reply_sends_the_first_one_at_once(desk: Desk, asked: int) -> None:
    desk.claim(asked, "anna")
    desk.hold(asked, "anna", "一", UNDO)
    desk.hold(asked, "anna", "二", UNDO)
    assert heard(desk) == ["一"]
    assert desk.held_by("anna")[0].text == "二"


@pytest.mark.parametrize("step", ["release", "transfer", "close", "team"])
def test_held_reply_goes_out_before_the_ticket_moves_on(desk: Desk, asked: int, step: str) -> None:
    desk.claim(asked, "anna")
    desk.hold(asked, "anna", "在三楼。", UNDO)
    {
        "release": lambda: desk.release(asked, "anna"),
        "transfer": lambda: desk.transfer(asked, "anna", "ben"),
        "team": lambda: desk.transfer_to_team(asked, "anna", "流通组", ()),
        "close": lambda: desk.close(asked, "anna"),
    }[step]()
    assert heard(desk) == ["在三楼。"]
    assert desk.held(asked) is None


def test_held_reply_to_a_ticket_that_was_ended_is_shown_as_unsent(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    desk.hold(asked, "anna", "在三楼。", UNDO)
    desk.leave(READER)
    clock.pass_(seconds=6)
    assert desk.send_held() == 1
    assert heard(desk) == []
    assert [(remark.kind, remark.text) for remark in desk.remarks(asked)] == [(NoteKind.UNSENT, "在三楼。")]
    assert told(desk, "anna") == [(AlertKind.UNSENT, asked, "")]


def test_only_the_holder_may_reply_and_only_with_words(desk: Desk, asked: int) -> None:
    with pytest.raises(MoveRefused):
        desk.hold(asked, "anna", "在三楼。", UNDO)
    desk.claim(asked, "anna")
    with pytest.raises(Refused, match="empty"):
        desk.hold(asked, "anna", " \n", UNDO)
    with pytest.raises(TooMuch):
        desk.hold(asked, "anna", "长" * 5001, UNDO)
    assert desk.held(asked) is None


def test_librarian_sees_in_which_parts_a_reply_arrives(desk: Desk) -> None:
    assert desk.preview("stub", "在三楼。") == ("在三楼。",)
    assert len(desk.preview("stub", "在三楼。" * 20_000)) == 3
    assert desk.preview("gone", " 在三楼。 ") == ("在三楼。",)
    assert (desk.most_bytes("stub"), desk.most_bytes("gone")) == (100_000, 0)


# --- what returns by itself ---


def test_unanswered_claim_returns_and_both_sides_are_told(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    clock.pass_(minutes=31)
    (returned,) = desk.tidy(PATIENCE)
    assert (returned.id, returned.status, returned.claimed_by) == (asked, TicketStatus.WAITING, "")
    assert told(desk, "anna") == [(AlertKind.RETURNED, asked, "")]
    assert "已回到队列" in desk.history(READER).lines[-1].text
    assert [remark.kind for remark in desk.remarks(asked)] == [NoteKind.RETURNED]
    assert desk.tidy(PATIENCE) == ()


def test_claim_of_somebody_who_left_returns_sooner(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    clock.pass_(minutes=6)
    assert desk.tidy(PATIENCE, lambda login, span: login != "anna") == ()
    assert len(desk.tidy(PATIENCE, lambda login, span: login == "anna")) == 1


def test_patron_who_comes_back_is_not_left_with_an_absent_colleague(desk: Desk, asked: int, say: Say, clock: FakeClock) -> None:
    desk.claim(asked, "anna")
    desk.reply(asked, "anna", "在三楼。")
    clock.pass_(minutes=40)
    assert desk.tidy(PATIENCE, lambda login, span: True) == ()
    say("三楼没有找到")
    assert desk.tidy(PATIENCE, lambda login, span: True) == ()
    clock.pass_(minutes=6)
    say("有人吗")
    (returned,) = desk.tidy(PATIENCE, lambda login, span: True)
    assert returned.status is TicketStatus.WAITING
    assert desk.claim(asked, "ben").answered_at is not None


@pytest.mark.parametrize(("on_duty", "open_page", "returns"), [("ben", False, 1), ("ben", True, 0), ("anna", False, 0)])
def test_patron_who_comes_back_goes_at_once_to_whoever_is_on_duty(
    desk: Desk, asked: int, say: Say, clock: FakeClock, on_duty: str, open_page: bool, returns: int
) -> None:
    shift = Shift(1, on_duty, tuple(range(7)), time(0), time(23, 59), date(2026, 1, 1))
    desk.hours = replace(desk.hours, roster=Roster((shift,)))
    desk.store.write(lambda s: s.save_librarian(Librarian("anna", "Anna", Role.LIBRARIAN), clock.at)).result()
    desk.claim(asked, "anna")
    desk.reply(asked, "anna", "在三楼。")
    say("三楼没有找到")
    clock.pass_(seconds=20)
    assert len(desk.tidy(PATIENCE, lambda login, span: not open_page and span < timedelta(minutes=1))) == returns


def test_thanks_keep_nobody_waiting(desk: Desk, asked: int, say: Say, engine: FakeEngine, clock: FakeClock) -> None:
    engine.knows("谢谢老师", "thanks")
    desk.claim(asked, "anna")
    desk.reply(asked, "anna", "在三楼。")
    say("谢谢老师")
    clock.pass_(hours=5)
    assert desk.tidy(PATIENCE, lambda login, span: True) == ()
    say("那二楼呢")
    clock.pass_(minutes=31)
    assert len(desk.tidy(PATIENCE)) == 1


def test_alerts_are_seen_once(desk: Desk, asked: int) -> None:
    desk.transfer(asked, "anna", "ben")
    desk.see_alerts("ben", asked + 1)
    assert len(desk.alerts("ben")) == 1
    desk.see_alerts("ben", asked)
    assert desk.alerts("ben") == ()
    desk.see_alerts("ben")


# --- notes and marks ---


def test_note_is_never_sent(desk: Desk, asked: int, clock: FakeClock) -> None:
    desk.note(asked, "ben", "这位读者昨天来过电话")
    assert [(remark.kind, remark.author, remark.text) for remark in desk.remarks(asked)] == [(NoteKind.NOTE, "ben", "这位读者昨天来过电话")]
    assert "昨天" not in "".join(line.text for line in desk.history(READER).lines)
    assert "昨天" not in "".join(message.text for message in desk.mailbox(desk.consultation(asked).ticket.code).messages)
    clock.pass_(days=400)
    desk.forget(timedelta(days=365))
    assert desk.remarks(asked) == ()


@pytest.mark.parametrize("text", ["", " ", "长" * (LONGEST_NOTE + 1)])
def test_note_needs_words_but_not_too_many(desk: Desk, asked: int, text: str) -> None:
    with pytest.raises(Refused, match="note"):
        desk.note(asked, "anna", text)


def test_urgent_tickets_come_first(desk: Desk, asked: int, say: Say) -> None:
    for user in ("b", "c"):
        say("转人工", user=user)
    desk.mark(3, "anna", True)
    assert [row.ticket.id for row in desk.queue((TicketStatus.WAITING,))] == [3, 1, 2]
    assert [row.ticket.id for row in desk.queue((TicketStatus.WAITING,), closing=True)] == [3, 1, 2]
    assert desk.tally().urgent == 1
    desk.mark(3, "ben", False)
    assert [row.ticket.id for row in desk.queue((TicketStatus.WAITING,))] == [1, 2, 3]
    assert [(event.librarian, event.value) for event in recorded(desk, EventName.MARKED)] == [("anna", "urgent"), ("ben", "")]
    desk.claim(1, "anna")
    desk.close(1, "anna")
    with pytest.raises(MoveRefused):
        desk.mark(1, "anna", True)


# --- joined tickets ---


@pytest.fixture
def joined(desk: Desk, asked: int, say: Say) -> int:
    """Anna has ticket 1, and 2 of another reader is answered together with it."""
    say("转人工", user="other")
    desk.claim(1, "anna")
    desk.join(2, "anna", 1)
    return 1


OTHER = Address("rest", "other")


def test_one_reply_reaches_everybody_who_asked_the_same(desk: Desk, joined: int) -> None:
    assert [row.ticket.id for row in desk.queue((TicketStatus.CLAIMED,))] == [1]
    assert desk.queue((TicketStatus.CLAIMED,))[0].followers == 1
    desk.reply(1, "anna", "知网今天维护。")
    assert heard(desk) == heard(desk, OTHER) == ["知网今天维护。"]
    assert len(recorded(desk, EventName.REPLIED)) == 2
    desk.close(1, "anna")
    assert [desk.consultation(number).ticket.status for number in (1, 2)] == [TicketStatus.CLOSED] * 2
    assert [each.ticket.id for each in desk.followers(1)] == []


@pytest.mark.parametrize("step", ["release", "transfer", "team", "tidy"])
def test_joined_tickets_move_together(desk: Desk, joined: int, clock: FakeClock, step: str) -> None:
    if step == "tidy":
        clock.pass_(minutes=31)
        desk.tidy(PATIENCE)
    elif step == "team":
        desk.transfer_to_team(1, "anna", "流通组", ())
    else:
        desk.transfer(1, "anna", "ben") if step == "transfer" else desk.release(1, "anna")
    with pytest.raises(MoveRefused):
        desk.claim(2, "ben")
    desk.claim(1, "ben")
    assert [desk.consultation(number).ticket.claimed_by for number in (1, 2)] == ["ben", "ben"]


def test_joined_ticket_can_be_parted_again(desk: Desk, joined: int) -> None:
    assert [each.ticket.id for each in desk.followers(1)] == [2]
    desk.part(2, "anna")
    desk.reply(1, "anna", "只给第一位")
    assert heard(desk, OTHER) == []
    assert [row.ticket.id for row in desk.queue((TicketStatus.CLAIMED, TicketStatus.ANSWERED))] == [1, 2]


def test_tickets_join_only_where_it_makes_sense(desk: Desk, joined: int, say: Say) -> None:
    say("转人工", user="third")
    desk.claim(3, "ben")
    for number, librarian, into in ((1, "anna", 1), (2, "anna", 1), (3, "anna", 1), (1, "ben", 3), (3, "ben", 1), (1, "anna", 2)):
        with pytest.raises(MoveRefused):
            desk.join(number, librarian, into)


def test_librarian_finds_earlier_tickets_of_the_same_patron(desk: Desk, asked: int, say: Say) -> None:
    desk.claim(asked, "anna")
    desk.close(asked, "anna")
    say("转人工")
    now = desk.consultation(2).ticket
    assert [ticket.id for ticket in desk.earlier(now)] == [1]
