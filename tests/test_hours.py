"""The duty table: weekends, holidays, and working days moved to a weekend."""

from datetime import datetime, time

import pytest

from bot.errors import WrongSetting
from bot.hours import DutyHours

# In 2026 the National Day holiday is 1 to 7 October; Saturday 10 October is worked for it.
HOURS = DutyHours(
    "Asia/Shanghai", ("mon-fri 08:30-12:00", "Mon-Fri 14:00-17:30", "sat 9:00-11:00"), ("2026-10-01..2026-10-07",), ("2026-10-10",)
)


def at(text: str) -> datetime:
    """A local time in Shanghai."""
    return datetime.fromisoformat(f"{text}:00+08:00")


@pytest.mark.parametrize(
    ("now", "on_duty"),
    [
        ("2026-11-23T08:29", False),
        ("2026-11-23T08:30", True),
        ("2026-11-23T11:59", True),
        ("2026-11-23T12:00", False),
        ("2026-11-23T14:00", True),
        ("2026-11-28T10:00", True),
        ("2026-11-28T15:00", False),
        ("2026-11-29T10:00", False),
        ("2026-10-01T10:00", False),
        ("2026-10-07T10:00", False),
        ("2026-10-08T10:00", True),
        ("2026-10-10T15:00", True),
    ],
)
def test_librarians_are_on_duty_by_the_table(now: str, on_duty: bool) -> None:
    assert HOURS.on_duty(at(now)) is on_duty


def test_duty_is_told_in_the_librarys_time_when_asked_in_another() -> None:
    assert HOURS.on_duty(datetime.fromisoformat("2026-11-23T00:30:00+00:00"))
    assert not HOURS.on_duty(datetime.fromisoformat("2026-11-23T08:30:00-05:00"))


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-23T07:00", "2026-11-23T08:30"),
        ("2026-11-23T08:30", "2026-11-23T14:00"),
        ("2026-11-23T13:00", "2026-11-23T14:00"),
        ("2026-11-27T18:00", "2026-11-28T09:00"),
        ("2026-11-28T12:00", "2026-11-30T08:30"),
        ("2026-09-30T18:00", "2026-10-08T08:30"),
        ("2026-10-09T18:00", "2026-10-10T08:30"),
        ("2026-10-10T09:00", "2026-10-10T14:00"),
    ],
)
def test_the_next_duty_is_found_over_weekends_and_holidays(now: str, begins: str) -> None:
    assert HOURS.next_duty(at(now)) == at(begins)


def test_nothing_is_promised_when_there_is_no_duty_for_two_months() -> None:
    closed = DutyHours("Asia/Shanghai", ("mon 08:30-12:00",), ("2026-07-01..2026-12-31",))
    assert closed.next_duty(at("2026-07-01T10:00")) is None
    assert closed.next_duty(at("2026-11-23T10:00")) == at("2027-01-04T08:30")
    assert DutyHours("Asia/Shanghai", ()).next_duty(at("2026-07-01T10:00")) is None


def test_shifts_of_a_day_stand_in_order() -> None:
    hours = DutyHours("Asia/Shanghai", ("wed 14:00-17:30", " wed 8:30-12:00 "))
    assert hours.week[2] == ((time(8, 30), time(12)), (time(14), time(17, 30)))
    assert hours.week[0] == ()


@pytest.mark.parametrize(
    "shift",
    ["", "weekdays 8-12", "mon-fri 0830-1200", "mit 08:30-12:00", "mon-son 08:30-12:00", "mon 08:61-12:00", "mon 08:30-24:00",
     "mon 12:00-08:30", "mon 12:00-12:00", "sat-mon 08:30-12:00"],
)  # fmt: skip
def test_a_wrong_shift_stops_the_start(shift: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        DutyHours("Asia/Shanghai", (shift,))
    assert caught.value.key == "calendar.duty"


@pytest.mark.parametrize("span", ["", "1 October", "2026-02-30", "2026-10-01-2026-10-07", "2026-10-07..2026-10-01"])
@pytest.mark.parametrize("key", ["closed", "extra"])
def test_a_wrong_day_stops_the_start(key: str, span: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        DutyHours("Asia/Shanghai", (), **{key: (span,)})
    assert caught.value.key == f"calendar.{key}"
