"""Figures from events: a day computed by hand, and what holds for any history."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import reports
from bot.domain import Event, EventName
from bot.errors import Refused
from bot.hours import DutyHours
from bot.reports import Columns, Figures, Result

HOURS = DutyHours("Asia/Shanghai", ("mon-fri 08:30-12:00", "mon-fri 14:00-17:30"))
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
N = EventName
OF_TICKETS = {N.HANDED_OVER, N.CLAIMED, N.RELEASED, N.REPLIED, N.DELIVERED, N.CLOSED, N.WITHDRAWN}


def story(
    question: int, *steps: tuple[EventName, float], at: datetime = MONDAY, intent: str = "vpn_setup", channel: str = "web"
) -> list[Event]:
    """A question asked at `at` and what followed, each with the minutes since; its ticket has its number."""
    asked = Event(N.ASKED, at, channel, f"visitor{question}", question, intent, language="zh")
    return [
        asked,
        *(
            replace(asked, name=name, at=at + timedelta(minutes=minutes), ticket=question if name in OF_TICKETS else 0)
            for name, minutes in steps
        ),
    ]


EVENING = MONDAY + timedelta(hours=12)
DAY = [
    *story(1, (N.ANSWERED, 0), (N.HELPFUL, 2)),
    *story(2, (N.ANSWERED, 0), (N.UNHELPFUL, 1), (N.HANDED_OVER, 1), (N.CLAIMED, 5), (N.DELIVERED, 10), (N.DELIVERED, 90)),
    *story(3, (N.HANDED_OVER, 0), (N.DELIVERED, 30), (N.CLOSED, 31), channel="wechat"),
    *story(4, (N.HANDED_OVER, 0), (N.CLAIMED, 9), channel="wechat"),
    *story(5, (N.HANDED_OVER, 0), (N.WITHDRAWN, 3)),
    *story(6, (N.HANDED_OVER, 0), (N.DELIVERED, 720), at=EVENING, intent=""),
    *story(7, (N.CLARIFIED, 0), (N.CHOSEN, 1), (N.ANSWERED, 1), at=EVENING),
    *story(0, (N.SOCIAL, 0)),
    Event(N.ANSWERED, MONDAY, "web", "visitor8", 8, "vpn_setup"),
]


def columns(events: list[Event]) -> Columns:
    """The questions of these events."""
    return reports.tabulate(reports.questions(events), HOURS.zone)


def figures(events: list[Event]) -> Figures:
    """Their figures."""
    return reports.figures(columns(events), HOURS)


def test_a_days_figures_are_those_computed_by_hand() -> None:
    day = figures(DAY)
    assert (day.questions, day.by_bot, day.by_librarian, day.waiting, day.closed_unanswered) == (7, 2, 3, 1, 1)
    assert (day.handed_over, day.helpful, day.unhelpful) == (5, 1, 1)
    # Of waits of 9 (asked of people a minute after the question), 30 and 720 minutes; the last began when nobody was on duty.
    assert (day.median_first_answer, day.p90_first_answer) == (30 * 60, 720 * 60)
    assert (day.median_on_duty, day.p90_on_duty) == (19.5 * 60, 30 * 60)
    assert day.automatic_share == 2 / 7


@pytest.mark.parametrize(
    ("by", "lines"),
    [
        ("channel", [("web", 5, 2, 2), ("wechat", 2, 0, 1)]),
        ("intent", [("vpn_setup", 6, 2, 2), ("-", 1, 0, 1)]),
        ("language", [("zh", 7, 2, 3)]),
        ("day", [("2026-11-23", 7, 2, 3)]),
    ],
)
def test_figures_are_grouped_with_most_questions_first(by: str, lines: list[tuple[str, int, int, int]]) -> None:
    grouped = reports.grouped(columns(DAY), HOURS, by)
    assert [(line.label, line.questions, line.by_bot, line.by_librarian) for line in grouped] == lines


def test_days_are_those_of_the_library_and_stand_in_order() -> None:
    before_midnight, after = datetime(2026, 11, 24, 15, 59, tzinfo=UTC), datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    asked = columns(story(1, at=after) + story(2, at=after) + story(3, at=before_midnight))
    assert [line.label for line in reports.grouped(asked, HOURS, "day")] == ["2026-11-24", "2026-11-25"]


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ([], Result.WAITING),
        ([(N.ANSWERED, 0)], Result.BOT),
        ([(N.ANSWERED, 0), (N.UNHELPFUL, 24 * 60)], Result.WAITING),
        ([(N.ANSWERED, 0), (N.UNHELPFUL, 24 * 60 + 1)], Result.BOT),
        ([(N.ANSWERED, 0), (N.UNHELPFUL, 5), (N.UNHELPFUL, 24 * 60 + 1)], Result.WAITING),
        ([(N.ANSWERED, 0), (N.UNHELPFUL, 5), (N.ANSWERED, 6)], Result.BOT),
        ([(N.UNHELPFUL, 5)], Result.WAITING),
        ([(N.ANSWERED, 0), (N.HANDED_OVER, 5)], Result.WAITING),
        ([(N.ANSWERED, 0), (N.HANDED_OVER, 5), (N.CLOSED, 6)], Result.CLOSED),
        ([(N.ANSWERED, 0), (N.HANDED_OVER, 5), (N.DELIVERED, 6), (N.CLOSED, 7)], Result.LIBRARIAN),
        ([(N.FAILED, 0), (N.HANDED_OVER, 0), (N.WITHDRAWN, 1)], Result.CLOSED),
    ],
)
def test_a_question_counts_by_what_became_of_it(steps: list[tuple[EventName, float]], result: Result) -> None:
    assert reports.outcome(story(1, *steps)) is result


def test_a_question_waits_while_one_of_its_tickets_does() -> None:
    history = story(1, (N.HANDED_OVER, 0), (N.CLOSED, 1)) + [replace(story(1, (N.HANDED_OVER, 2))[1], ticket=2)]
    assert reports.outcome(history) is Result.WAITING


def test_a_question_stands_under_the_intent_that_was_answered() -> None:
    history = story(1, intent="vpn_trouble") + story(1, (N.ANSWERED, 1))[1:]
    (asked,) = reports.questions(history)
    assert (asked.intent, asked.helpful) == ("vpn_setup", None)


def test_the_last_judgement_of_an_answer_counts() -> None:
    (asked,) = reports.questions(story(1, (N.ANSWERED, 0), (N.HELPFUL, 1), (N.UNHELPFUL, 2)))
    assert asked.helpful is False


@pytest.mark.parametrize(("count", "p90"), [(1, 1), (2, 2), (9, 9), (10, 9), (11, 10), (100, 90)])
def test_the_90th_percentile_is_a_time_that_really_occurred(count: int, p90: int) -> None:
    events = [event for number in range(1, count + 1) for event in story(number, (N.HANDED_OVER, 0), (N.DELIVERED, number))]
    assert figures(events).p90_first_answer == p90 * 60


def test_an_unanswered_question_is_never_counted_as_fast() -> None:
    answered, waiting = story(1, (N.HANDED_OVER, 0), (N.DELIVERED, 60)), story(2, (N.HANDED_OVER, 0))
    both = figures(answered + waiting)
    assert (both.median_first_answer, both.p90_first_answer, both.waiting) == (3600, 3600, 1)


def test_nothing_is_said_about_times_and_shares_when_nothing_was_asked() -> None:
    nothing = figures([])
    assert (nothing.questions, nothing.automatic_share, nothing.median_first_answer, nothing.p90_on_duty) == (0, None, None, None)
    assert reports.grouped(columns([]), HOURS, "day") == ()


EVENTS = st.builds(
    Event,
    name=st.sampled_from(EventName),
    at=st.integers(0, 100).map(lambda hours: MONDAY + timedelta(hours=hours)),
    connector=st.sampled_from(["web", "rest"]),
    visitor=st.just("v"),
    question=st.integers(0, 4),
    intent=st.sampled_from(["", "vpn_setup", "greet"]),
    ticket=st.integers(0, 2),
    language=st.sampled_from(["", "zh", "en"]),
)


@given(st.lists(EVENTS, max_size=40), st.sampled_from(reports.BY))
def test_every_question_is_counted_once_whatever_the_grouping(events: list[Event], by: str) -> None:
    found = reports.questions(sorted(events, key=lambda event: event.at))
    asked = reports.tabulate(found, HOURS.zone)
    whole, lines = reports.figures(asked, HOURS), reports.grouped(asked, HOURS, by)
    for line in (whole, *lines):
        assert line.questions == line.by_bot + line.by_librarian + line.waiting + line.closed_unanswered
    assert sum(line.questions for line in lines) == whole.questions == len({e.question for e in events if e.question and e.name is N.ASKED})
    assert all(row.first_answer is None or row.result is Result.LIBRARIAN for row in found)


def test_a_period_is_two_dates_in_order() -> None:
    assert reports.period("2026-11-01", "2026-11-30") == (date(2026, 11, 1), date(2026, 11, 30))


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2026-11-30", "2026-11-01", "reversed"),
        ("November", "2026-11-30", "wrong_date"),
        ("", "", "wrong_date"),
        ("0001-01-01", "2026-11-30", "wrong_date"),
        ("2026-11-01", "9999-12-31", "wrong_date"),
    ],
)
def test_a_period_is_refused_when_it_is_none(start: str, end: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        reports.period(start, end)
