"""Queries, duty hours and the tables of a report, on histories that can be counted by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import reports
from bot.domain import Event, EventName
from bot.errors import Refused
from bot.hours import DutyHours
from bot.reports import Compare, Query, Report, Table, Unit, parse
from bot.reports.choosing import on_duty
from bot.reports.figures import coverage
from bot.roster import Roster, Shift
from tests.conftest import MONDAY
from tests.test_reports import HOURS, story

N = EventName
TODAY = date(2026, 11, 23)


def report(events: list[Event], query: Query, duty: DutyHours = HOURS, **options: bool) -> Report:
    """The report of some events."""
    return reports.report(reports.tabulate(reports.questions(events), duty.zone), query, duty, **options)  # type: ignore[arg-type]


def shown(table: Table) -> dict[str, list[float | None]]:
    """The rows of a table."""
    return {row.label: [cell.value for cell in row.cells] for row in table.rows}


# --- what is asked for ---


@pytest.mark.parametrize(
    ("start", "end", "compare", "before"),
    [
        ("2026-11-10", "2026-11-16", Compare.PREVIOUS, ("2026-11-03", "2026-11-09")),
        ("2026-11-01", "2026-11-30", Compare.PREVIOUS, ("2026-10-01", "2026-10-31")),
        ("2026-03-01", "2026-03-31", Compare.PREVIOUS, ("2026-02-01", "2026-02-28")),
        ("2026-01-01", "2026-12-31", Compare.PREVIOUS, ("2025-01-01", "2025-12-31")),
        ("2026-01-01", "2026-02-28", Compare.PREVIOUS, ("2025-11-01", "2025-12-31")),
        ("2026-11-10", "2026-11-16", Compare.YEAR, ("2025-11-10", "2025-11-16")),
        ("2028-02-01", "2028-02-29", Compare.YEAR, ("2027-02-01", "2027-02-28")),
    ],
)
def test_a_period_is_compared_with_the_one_before_or_the_same_last_year(
    start: str, end: str, compare: Compare, before: tuple[str, str]
) -> None:
    earlier = Query(date.fromisoformat(start), date.fromisoformat(end), compare=compare).before()
    assert earlier is not None
    assert (earlier.start.isoformat(), earlier.end.isoformat()) == before


def test_nothing_is_compared_when_nothing_is_wanted() -> None:
    found = report(story(1, (N.ANSWERED, 0)), Query(TODAY, TODAY, compare=Compare.NONE))
    assert (found.earlier, found.before) == (None, None)
    assert [column.name for column in found.table("totals").columns] == ["value"]


@pytest.mark.parametrize(
    ("days", "unit", "steps"),
    [
        (1, Unit.AUTO, Unit.HOUR),
        (3, Unit.AUTO, Unit.DAY),
        (93, Unit.AUTO, Unit.WEEK),
        (801, Unit.AUTO, Unit.MONTH),
        (31, Unit.HOUR, Unit.HOUR),
        (32, Unit.HOUR, Unit.DAY),
        (801, Unit.DAY, Unit.MONTH),
        (1, Unit.MONTH, Unit.MONTH),
        (7, Unit.WEEK, Unit.WEEK),
    ],
)
def test_a_trend_is_as_fine_as_a_page_can_show(days: int, unit: Unit, steps: Unit) -> None:
    assert Query(TODAY - timedelta(days=days - 1), TODAY, unit=unit).steps() is steps


def test_an_address_is_the_query_and_back() -> None:
    query = Query(TODAY, TODAY, (("channel", "web"), ("college", "法学院"), ("hour", "9")), Compare.YEAR, Unit.WEEK)
    assert parse(dict(query.pairs()), date(2000, 1, 1)) == query
    assert parse({"lang": "zh", "nonsense": "1"}, TODAY) == Query(TODAY - timedelta(days=29), TODAY)


def test_the_last_day_may_lie_in_the_future_when_the_first_does() -> None:
    assert parse({"from": "2026-12-01"}, TODAY) == Query(date(2026, 12, 1), date(2026, 12, 1))
    assert parse({"to": "2026-11-10"}, TODAY) == Query(date(2026, 10, 12), date(2026, 11, 10))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"from": "1899-12-31"}, "wrong_date"),
        ({"from": "2026-11-24", "to": "2026-11-23"}, "reversed"),
        ({"unit": "decade"}, "wrong_choice"),
        ({"weekday": "-1"}, "wrong_choice"),
        ({"hour": "²"}, "wrong_choice"),
        ({"day": "today"}, "wrong_date"),
        ({"month": "2026-1"}, "wrong_date"),
    ],
)
def test_a_query_that_is_none_is_refused(given: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        parse(given, TODAY)


# --- when somebody is on duty ---

BERLIN = DutyHours("Europe/Berlin", ("mon-fri 09:00-17:00", "sun 01:00-04:00"))
HOLIDAYS = DutyHours(
    "Asia/Shanghai", ("mon-fri 08:30-12:00", "mon-fri 14:00-17:30"), closed=("2026-10-01..2026-10-08",), extra=("2026-09-27", "2026-10-10")
)


TIMES = st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 5), timezones=st.just(UTC))


@given(st.lists(TIMES, max_size=30), st.sampled_from([BERLIN, HOLIDAYS]))
def test_many_times_are_on_duty_exactly_when_each_is(times: list[datetime], duty: DutyHours) -> None:
    seconds = np.array([int(at.timestamp()) for at in times], np.int64)
    assert on_duty(seconds, duty).tolist() == [duty.on_duty(at.replace(microsecond=0)) for at in times]


def test_duty_hours_keep_their_clock_when_summer_time_ends() -> None:
    friday, monday = datetime(2026, 10, 23, 7, 30, tzinfo=UTC), datetime(2026, 10, 26, 7, 30, tzinfo=UTC)
    events = story(1, (N.HANDED_OVER, 0), (N.DELIVERED, 5), at=friday) + story(2, (N.HANDED_OVER, 0), (N.DELIVERED, 50), at=monday)
    total = report(events, Query(date(2026, 10, 19), date(2026, 10, 31)), BERLIN).total
    # half past nine on Friday in summer time, half past eight on Monday in winter time
    assert (total.median_first_answer, total.median_on_duty) == (27.5 * 60, 5 * 60)


def test_the_hour_that_comes_twice_is_one_hour_and_its_day_has_all_questions() -> None:
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]  # half past two in summer, then in winter time
    events = [event for number, at in enumerate(twice, 1) for event in story(number, at=at)]
    found = report(events, Query(date(2026, 10, 25), date(2026, 10, 25)), BERLIN)
    assert shown(found.table("trend"))["2026-10-25T02"][0] == 2
    assert found.total.questions == 2


def test_a_weekend_that_is_worked_counts_as_duty_and_a_holiday_does_not() -> None:
    worked, free = datetime(2026, 10, 10, 1, 0, tzinfo=UTC), datetime(2026, 10, 5, 1, 0, tzinfo=UTC)  # a Saturday, a Monday
    events = story(1, (N.HANDED_OVER, 0), (N.DELIVERED, 3), at=worked) + story(2, (N.HANDED_OVER, 0), (N.DELIVERED, 600), at=free)
    found = report(events, Query(date(2026, 10, 1), date(2026, 10, 31)), HOLIDAYS)
    assert (found.total.median_on_duty, found.total.p90_first_answer) == (180, 36_000)
    roster = shown(found.table("roster"))
    # Mondays of October 2026: 5 (closed), 12, 19, 26; Saturdays: 3, 10 (worked), 17, 24, 31
    assert (roster["0"][9], roster["5"][9], roster["6"][9]) == (0.75, 0.2, 0.0)
    assert (roster["0"][8], roster["0"][12]) == (0.375, 0.0)


def test_an_hour_is_covered_once_however_many_are_on_duty() -> None:
    ends = {"a": time(11), "b": time(10, 30), "c": time(12)}
    shifts = tuple(Shift(number, login, (0,), time(9), end, date(2026, 1, 1)) for number, (login, end) in enumerate(ends.items(), 1))
    shares = coverage(TODAY, TODAY, replace(HOURS, roster=Roster(shifts)))
    assert shares[0][8:13] == [0.0, 1.0, 1.0, 1.0, 0.0]


# --- the tables ---

WEEK = Query(date(2026, 11, 23), date(2026, 11, 29))
BEFORE = MONDAY - timedelta(days=7)


def test_topics_that_grow_most_remarkably_come_first() -> None:
    counts = {("vpn_setup", MONDAY): 12, ("vpn_setup", BEFORE): 10, ("carsi_login", MONDAY): 6}
    counts |= {("renew_loan", MONDAY): 2, ("theses", BEFORE): 9}
    numbers = iter(range(1, 100))
    events = [e for (topic, at), n in counts.items() for _ in range(n) for e in story(next(numbers), intent=topic, at=at)]
    for compare in (Compare.PREVIOUS, Compare.NONE):
        rising = shown(report(events, replace(WEEK, compare=compare)).table("rising"))
        assert list(rising.items()) == [("carsi_login", [6, 0, 6]), ("vpn_setup", [12, 10, 2])]


def test_topics_without_answers_and_entries_that_did_not_help_are_named() -> None:
    said = replace(story(1)[0], name=N.ANSWERED, entry="vpn")
    bad = [*story(1), said, replace(said, name=N.UNHELPFUL)]
    good = [replace(event, question=2, name=N.HELPFUL if event.name is N.UNHELPFUL else event.name) for event in bad]
    events = [*bad, *good, *story(3, (N.HANDED_OVER, 0), intent="theses"), *story(4, (N.HANDED_OVER, 0), (N.CLOSED, 1), intent="theses")]
    found = report(events, WEEK)
    assert shown(found.table("unanswered")) == {"theses": [1, 1, 2, 1.0], "vpn_setup": [1, 0, 2, 0.5]}
    assert shown(found.table("doubtful")) == {"vpn": [1, 1, 2, 0.5]}
    assert found.table("entries").rows[0].label == "vpn"
    assert len(found.table("entries").rows) == 1
    assert (found.total.unattended, found.total.waiting) == (1, 2)


def test_forms_stand_by_kind_and_state() -> None:
    def form(number: int, *steps: tuple[EventName, float]) -> list[Event]:
        return [
            replace(event, intent="book_delivery", value="form" if event.name is N.HANDED_OVER else "")
            for event in story(number, (N.ANSWERED, 0), (N.FORM_STARTED, 1), *steps)
        ]

    events = [*form(1), *form(2, (N.FORM_LEFT, 2)), *form(3, (N.HANDED_OVER, 2)), *form(4, (N.HANDED_OVER, 2), (N.DELIVERED, 9))]
    table = report(events, WEEK).table("forms")
    names = ["started", "open", "left", "submitted", "by_librarian", "waiting", "closed_unanswered"]
    assert [column.name for column in table.columns] == names
    assert shown(table) == {"book_delivery": [4, 1, 1, 2, 1, 1, 0]}


def test_groups_colleges_reasons_and_librarians_have_their_lines() -> None:
    events = [
        *(replace(event, room="g1", college="法学院", value="unsure") for event in story(1, (N.HANDED_OVER, 0))),
        *(replace(event, librarian="mei", value="unsure") for event in story(2, (N.HANDED_OVER, 0), (N.DELIVERED, 4), (N.DELIVERED, 9))),
        replace(story(2)[0], name=N.HELPFUL, ticket=2),
    ]
    found = report(events, WEEK)
    assert list(shown(found.table("rooms"))) == ["g1"]
    assert {label: row[0] for label, row in shown(found.table("colleges")).items()} == {"-": 1, "法学院": 1}
    assert shown(found.table("reasons"))["unsure"][0] == 2
    assert shown(found.table("librarians")) == {"mei": [1, 2, 0, 240, 240, 1, 0]}
    assert (found.total.satisfied, found.total.satisfaction, found.total.helpful, found.total.helpfulness) == (1, 1.0, 0, None)
    assert [table.name for table in report(events, WEEK, librarians=False).tables][-1] == "reasons"


def test_what_a_table_leaves_off_is_told() -> None:
    events = [event for number in range(1, 31) for event in story(number, intent=f"topic-{number:02}")]
    table = reports.report(reports.tabulate(reports.questions(events), HOURS.zone), WEEK, HOURS, most=5).table("topics")
    assert ([row.label for row in table.rows], table.total) == ([f"topic-0{number}" for number in range(1, 6)], 30)


def test_trend_counts_days_without_questions_and_a_long_one_begins_with_the_first() -> None:
    events = story(1, at=MONDAY) + story(2, at=MONDAY + timedelta(days=2))
    assert [row[0] for row in shown(report(events, WEEK).table("trend")).values()] == [1, 0, 1, 0, 0, 0, 0]
    ages = Query(date(1900, 1, 1), date(9000, 12, 31))
    assert report(events, ages).before is None
    assert shown(report(events, ages).table("trend")) == {"2026-11": [2, 0, 0, 2, 0]}
    weeks = Query(date(2026, 1, 1), date(2026, 12, 31), unit=Unit.WEEK)
    assert list(shown(report(events, weeks).table("trend"))) == ["2026-11-23"]


def test_a_million_questions_are_filtered_and_counted() -> None:
    some = [*story(1, (N.ANSWERED, 0)), *story(2, (N.HANDED_OVER, 0), channel="qq"), *story(3, (N.HANDED_OVER, 0), (N.DELIVERED, 5))]
    few = reports.tabulate(reports.questions(some), HOURS.zone)
    many = few.take(np.tile(np.arange(3), 333_334))
    found = reports.report(many, replace(WEEK, where=(("handed_over", "yes"), ("topic", "vpn_setup"))), HOURS)
    assert (len(many), found.total.questions, found.total.by_librarian, found.total.waiting) == (1_000_002, 666_668, 333_334, 333_334)
    assert {row.label: row.cells[0].value for row in found.table("channels").rows} == {"qq": 333_334, "web": 333_334}
    assert found.total.p90_first_answer == 300


def test_a_period_before_the_first_event_is_empty_in_every_table() -> None:
    found = report(story(1), Query(date(1999, 1, 1), date(1999, 12, 31)))
    assert found.total.questions == 0
    assert {table.name: len(table.rows) for table in found.tables if table.rows} == {"totals": 19, "heat": 7, "roster": 7}
