"""Which questions a query means. The number on a page and the rows behind it are chosen by the same function."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np

from bot.hours import DutyHours
from bot.reports.columns import NOT_SAID, Columns, Ints, Marks
from bot.reports.query import Query

EPOCH = date(1970, 1, 1).toordinal()
_ON_DUTY = "on_duty"
UNKNOWN = "-"
"""How an empty value is written in a condition."""

_WORDS = {
    "channel": "connector", "language": "language", "college": "college", "topic": "intent", "room": "room", "entry": "entry",
    "result": "result", "reason": "reason", "librarian": "librarian", "form": "form", "form_state": "form_state",
}  # fmt: skip


def chosen(columns: Columns, query: Query, duty: DutyHours) -> Columns:
    """The questions of a query; they know already whether people were asked while somebody was on duty."""
    marks = _between(columns, query.start, query.end)
    for field, value in query.where:
        marks &= _holds(columns, field, value, duty)
    found = columns if marks.all() else columns.take(marks)
    return replace(found, numbers={**found.numbers, _ON_DUTY: asked_on_duty(found, duty)})


def asked_on_duty(columns: Columns, duty: DutyHours) -> Marks:
    """Whether a librarian was on duty when people were asked; never where they were not."""
    known = columns.numbers.get(_ON_DUTY)
    if known is not None:
        return known
    opened = columns.numbers["opened"]
    found = np.zeros(len(columns), np.bool_)
    found[opened > 0] = on_duty(opened[opened > 0], duty)
    return found


def days(columns: Columns) -> Ints:
    """The local day of each question, as date.toordinal has it."""
    return columns.numbers["day"].astype(np.int64) + EPOCH


def on_duty(at: Ints, duty: DutyHours) -> Marks:
    """Whether a librarian was on duty at each of these Unix times."""
    if not len(at):
        return np.zeros(0, np.bool_)
    first, last = (datetime.fromtimestamp(int(edge), duty.zone).date() for edge in (at.min(), at.max()))
    shifts = sorted(shift for day in _each(first, last) for shift in _shifts(day, duty))
    if not shifts:
        return np.zeros(len(at), np.bool_)
    starts, ends = (np.array(edges, np.float64) for edges in zip(*shifts, strict=True))
    place = np.searchsorted(starts, at, side="right") - 1
    return (place >= 0) & (at < np.maximum.accumulate(ends)[place])


def _each(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _shifts(day: date, duty: DutyHours) -> list[tuple[float, float]]:
    def at(moment: time) -> float:
        return datetime.combine(day, moment, duty.zone).timestamp()

    return [(at(start), at(end)) for start, end in duty.shifts_on(day)]


def _between(columns: Columns, first: date, last: date) -> Marks:
    day = columns.numbers["day"]
    return np.asarray((day >= first.toordinal() - EPOCH) & (day <= last.toordinal() - EPOCH))


def _holds(columns: Columns, field: str, value: str, duty: DutyHours) -> Marks:
    if name := _WORDS.get(field):
        return np.asarray(columns.codes[name] == columns.code(name, "" if value == UNKNOWN else value))
    return _TESTS[field](columns, value, duty)


def _day(columns: Columns, value: str, duty: DutyHours) -> Marks:
    return _between(columns, date.fromisoformat(value), date.fromisoformat(value))


def _week(columns: Columns, value: str, duty: DutyHours) -> Marks:
    monday = date.fromisoformat(value)
    return _between(columns, monday, monday + timedelta(days=6))


def _month(columns: Columns, value: str, duty: DutyHours) -> Marks:
    first = date.fromisoformat(f"{value}-01")
    return _between(columns, first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def _said(field: str) -> Callable[[Columns, str, DutyHours], Marks]:
    """helpful and satisfied: yes, no, or - where nobody said."""
    return lambda columns, value, duty: np.asarray(columns.numbers[field] == {"yes": 1, "no": 0}.get(value, NOT_SAID))


def _yes(column: Callable[[Columns], Marks]) -> Callable[[Columns, str, DutyHours], Marks]:
    return lambda columns, value, duty: column(columns) == (value == "yes")


def _duty(columns: Columns, value: str, duty: DutyHours) -> Marks:
    """Only where people were asked at all."""
    return np.asarray((asked_on_duty(columns, duty) == (value == "yes")) & (columns.numbers["opened"] > 0))


_TESTS: dict[str, Callable[[Columns, str, DutyHours], Marks]] = {
    "hour": lambda columns, value, duty: np.asarray(columns.numbers["hour"] == int(value)),
    "weekday": lambda columns, value, duty: np.asarray((days(columns) - 1) % 7 == int(value)),
    "day": _day,
    "week": _week,
    "month": _month,
    "handed_over": _yes(lambda columns: np.asarray(columns.numbers["opened"] > 0)),
    "timed": _yes(lambda columns: ~np.isnan(columns.first_answer)),
    "logged": _yes(lambda columns: np.asarray(columns.numbers["logged"] == 1)),
    "helpful": _said("helpful"),
    "satisfied": _said("satisfied"),
    "duty": _duty,
}
