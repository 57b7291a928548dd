"""Who is on duty when, and that promises and figures go by it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.accounts import Accounts
from bot.desk import Desk
from bot.domain import Deed, Role
from bot.errors import NotFound, Refused
from bot.hours import DutyHours
from bot.roster import Duty, Roster, Shift, Special, SpecialKind
from tests.conftest import FakeClock
from tests.serving import Colleague, Served

ZONE = ZoneInfo("Asia/Shanghai")
MON, WED, SAT, SUN = (date(2026, 11, day) for day in (23, 25, 28, 29))
MORNING = Shift(1, "anna", (0, 1, 2, 3, 4), time(8, 30), time(12), date(2026, 1, 1))
EVENING = Shift(2, "ben", (0, 5), time(18), time(21), date(2026, 1, 1))
SETTINGS = DutyHours("Asia/Shanghai", ("mon-fri 09:00-17:00",), closed=("2026-10-01..2026-10-07",), extra=("2026-10-10",))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A local time."""
    return datetime.combine(day, time(hour, minute), ZONE)


def duty(*specials: Special) -> DutyHours:
    """Anna in the morning, Ben on two evenings, and what is special."""
    return replace(SETTINGS, roster=Roster((MORNING, EVENING), specials))


def test_roster_says_who_is_there_at_each_hour() -> None:
    hours = duty()
    assert hours.people_at(at(MON, 9)) == ("anna",)
    assert hours.people_at(at(MON, 18)) == ("ben",)
    assert [hours.on_duty(at(MON, hour)) for hour in (8, 9, 12, 13, 18, 21)] == [False, True, False, False, True, False]
    assert hours.next_duty(at(MON, 12)) == at(MON, 18)
    assert hours.next_duty(at(SUN, 12)) == at(date(2026, 11, 30), 8, 30)


def test_settings_hold_where_the_roster_says_nothing() -> None:
    later = replace(SETTINGS, roster=Roster((replace(MORNING, since=WED),)))
    assert later.on_duty(at(MON, 15))
    assert not later.on_duty(at(WED, 15))
    assert SETTINGS.people_at(at(MON, 15)) == ()


def test_past_keeps_the_duty_it_had() -> None:
    changed = replace(SETTINGS, roster=Roster((replace(MORNING, until=MON), replace(EVENING, since=WED, days=(2,)))))
    assert (changed.on_duty(at(MON, 9)), changed.on_duty(at(WED, 9)), changed.on_duty(at(WED, 19))) == (True, False, True)


def test_holidays_and_moved_working_days_of_the_settings_hold_for_people_too() -> None:
    assert duty().people_on(date(2026, 10, 5)) == ()
    assert duty().people_on(date(2026, 10, 10)) == (Duty("anna", time(8, 30), time(12)), Duty("ben", time(18), time(21)))


@pytest.mark.parametrize(
    ("special", "there"),
    [
        (Special(1, MON, SpecialKind.CLOSED), ()),
        (Special(1, MON, SpecialKind.OFF, "anna"), ("ben",)),
        (Special(1, MON, SpecialKind.ON, "carla", time(13), time(14)), ("anna", "carla", "ben")),
        (Special(1, MON, SpecialKind.EXTRA), ("anna", "ben")),
        (Special(1, SUN, SpecialKind.EXTRA), ("anna", "ben")),
        (Special(1, SAT, SpecialKind.CLOSED), ()),
        (Special(1, date(2026, 10, 5), SpecialKind.ON, "carla", time(9), time(10)), ("carla",)),
        (Special(1, date(2026, 10, 5), SpecialKind.EXTRA), ("anna", "ben")),
    ],
)
def test_single_days_differ(special: Special, there: tuple[str, ...]) -> None:
    assert tuple(duty.login for duty in duty(special).people_on(special.day)) == there


def test_single_day_of_a_house_without_shifts_closes_it() -> None:
    closed = replace(SETTINGS, roster=Roster((), (Special(1, MON, SpecialKind.CLOSED),)))
    assert not closed.on_duty(at(MON, 10))
    assert closed.on_duty(at(WED, 10))


# --- as it is edited ---


@pytest.fixture
def anna(desk: Desk, clock: FakeClock) -> str:
    """Somebody with an account."""
    Accounts(desk.store, "s" * 64, clock).invite("anna", "Anna", Role.LIBRARIAN)
    return "anna"


def test_promise_goes_by_the_roster_at_once(desk: Desk, say: Callable[..., str], anna: str) -> None:
    assert "现在是值班时间" in say("转人工", "first")
    desk.add_shift(Shift(0, anna, (2,), time(13), time(15), desk.today()))
    assert "11月25日（周三）13:00" in say("转人工", "second")
    desk.add_special(Special(0, WED, SpecialKind.OFF, anna))
    assert "12月2日（周三）13:00" in say("转人工", "third")
    desk.remove_special(desk.roster.specials[0].id)
    assert "11月25日（周三）13:00" in say("转人工", "fourth")


def test_shift_ends_today_and_one_that_never_held_is_gone(desk: Desk, anna: str, clock: FakeClock) -> None:
    desk.add_shift(Shift(0, anna, (0, 0, 1), time(8), time(12), desk.today()))
    (shift,) = desk.roster.shifts
    assert shift.days == (0, 1)
    clock.pass_(days=1)
    desk.end_shift(shift.id)
    assert desk.roster.shifts[0].until == MON
    with pytest.raises(NotFound):
        desk.end_shift(shift.id)
    desk.add_shift(Shift(0, anna, (0,), time(8), time(12), desk.today()))
    desk.end_shift(desk.roster.shifts[-1].id)
    assert [each.id for each in desk.roster.shifts] == [shift.id]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"start": time(12)}, "wrong_times"),
        ({"days": ()}, "wrong_days"),
        ({"days": (7,)}, "wrong_days"),
        ({"since": MON - timedelta(days=1)}, "wrong_date"),
        ({"since": MON + timedelta(days=500)}, "wrong_date"),
    ],
)
def test_shift_that_cannot_be_is_refused(desk: Desk, anna: str, change: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=why):
        desk.add_shift(replace(Shift(0, anna, (0,), time(8), time(12), MON), **change))  # type: ignore[arg-type]
    assert desk.roster == Roster()


def test_single_day_that_cannot_be_is_refused(desk: Desk, anna: str, clock: FakeClock) -> None:
    for special, why in (
        (Special(0, MON - timedelta(days=1), SpecialKind.CLOSED), "wrong_date"),
        (Special(0, MON, SpecialKind.ON, anna, time(9), time(9)), "wrong_times"),
        (Special(0, MON, SpecialKind.OFF, "nobody"), "nobody"),
    ):
        with pytest.raises(Refused, match=why):
            desk.add_special(special)
    desk.add_special(Special(0, MON, SpecialKind.CLOSED))
    clock.pass_(days=1)
    with pytest.raises(NotFound):
        desk.remove_special(desk.roster.specials[0].id)


def test_note_for_the_next_shift_replaces_the_one_before(desk: Desk) -> None:
    assert desk.shift_note() is None
    desk.leave_note("anna", "知网下午维护")
    desk.leave_note("ben", "  新书到了 ")
    note = desk.shift_note()
    assert note is not None
    assert (note.author, note.text) == ("ben", "新书到了")
    desk.leave_note("ben", "")
    assert desk.shift_note() is None


# --- the page ---


@pytest.fixture
def chief(served: Served) -> Colleague:
    """A manager."""
    return served.librarian("chief", Role.MANAGER)


def test_manager_plans_shifts_and_single_days_on_the_page(served: Served, chief: Colleague) -> None:
    assert "还没有排班" in chief.get("/desk/roster").text
    answer = chief.client.post(
        "/desk/roster/shifts",
        data={"csrf": chief.csrf, "login": "chief", "days": ["0", "2"], "start": "09:00", "end": "11:30", "since": ""},
    )
    assert answer.status_code == 303
    assert chief.post("/desk/roster/days", day="2026-12-25", kind="on", login="chief", start="10:00", end="12:00").status_code == 303
    assert chief.post("/desk/roster/days", day="2026-12-26", kind="closed", login="chief", note="元旦前闭馆").status_code == 303
    page = chief.get("/desk/roster").text
    assert "09:00–11:30" in page
    assert "某人加班 Chief 10:00–12:00" in page
    assert "元旦前闭馆" in page
    assert served.desk.roster.shifts[0].days == (0, 2)
    assert served.accounts.audit(deed=Deed.EDITED)[0][1].target == "roster"
    chief.post("/desk/roster/shifts/1/end")
    chief.post("/desk/roster/days/2/end")
    assert (served.desk.roster.shifts, len(served.desk.roster.specials)) == ((), 1)
    assert chief.post("/desk/roster/shifts/1/end").status_code == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("shifts", {"login": "chief", "days": "0", "start": "x", "end": "11:30"}),
        ("shifts", {"login": "chief", "days": "9", "start": "09:00", "end": "11:30"}),
        ("shifts", {"login": "chief", "days": "0", "start": "09:00", "end": "11:30", "since": "tomorrow"}),
        ("days", {"day": "someday", "kind": "closed"}),
        ("days", {"day": "2026-12-25", "kind": "party"}),
    ],
)
def test_manager_is_told_what_is_wrong(served: Served, chief: Colleague, path: str, fields: dict[str, str]) -> None:
    answer = chief.post(f"/desk/roster/{path}", **fields)
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert served.desk.roster == Roster()


def test_librarian_reads_the_roster_and_leaves_a_note_but_does_not_plan(served: Served) -> None:
    anna = served.librarian("anna")
    assert "/desk/roster/shifts" not in anna.get("/desk/roster").text
    assert anna.post("/desk/roster/days", day="2026-12-25", kind="closed").status_code == 403
    assert anna.post("/desk/roster/note", text="<b>下午</b>停电").status_code == 303
    assert "&lt;b&gt;下午&lt;/b&gt;停电" in anna.get("/desk/roster").text
