"""What a report is asked for: a period, what it is compared with, and filters. A query is also the address of its page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from bot.errors import Refused

_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_DAYS = 30

Where = tuple[tuple[str, str], ...]
"""Conditions that all hold, each a field of FIELDS and its value."""

FIELDS = (
    "channel", "language", "college", "topic", "room", "entry", "result", "reason", "librarian", "form", "form_state",
    "hour", "weekday", "day", "week", "month",
    "handed_over", "helpful", "satisfied", "timed", "duty", "logged",
)  # fmt: skip
"""What questions can be chosen by: `result` is one of Result; `weekday` 0 is Monday; `week` is the date of its Monday, `month` is
2026-11; `duty` says whether a librarian was on duty when people were asked; the other yes/no fields have the values yes and no.
An empty value (no college named) is written "-"."""
FILTERS = ("channel", "language", "college", "topic")


class Compare(StrEnum):
    """Which other period the figures are set against."""

    PREVIOUS = "previous"
    YEAR = "year"
    NONE = "none"


class Unit(StrEnum):
    """How fine the trend is."""

    AUTO = "auto"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Query:
    """Questions asked from `start` to `end` (both included, days of the library) for which every condition of `where` holds."""

    start: date
    end: date
    where: Where = ()
    compare: Compare = Compare.PREVIOUS
    unit: Unit = Unit.AUTO

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.end - self.start).days + 1

    def only(self, more: Where) -> "Query":
        """The same with further conditions; a condition on the same field gives way to the new one."""
        kept = tuple(pair for pair in self.where if pair[0] not in dict(more))
        return replace(self, where=(*kept, *more))

    def without(self, field: str) -> "Query":
        """The same whatever a field is."""
        return replace(self, where=tuple(pair for pair in self.where if pair[0] != field))

    def value(self, field: str) -> str:
        """What a field must be; '' when it may be anything."""
        return dict(self.where).get(field, "")

    def before(self) -> "Query | None":
        """The period that this one is compared with: the one before (whole months: as many whole months), or a year ago; None when
        it is compared with nothing, or the calendar does not reach back so far."""
        if self.compare is Compare.NONE:
            return None
        if self.compare is Compare.YEAR:
            return replace(self, start=_year_ago(self.start), end=_year_ago(self.end), compare=Compare.NONE)
        if self.days + 62 >= self.start.toordinal():
            return None
        end = self.start - timedelta(days=1)
        if self.start.day == 1 and (self.end + timedelta(days=1)).day == 1:
            months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1
            return replace(self, start=_months_ago(self.start, months), end=end, compare=Compare.NONE)
        return replace(self, start=self.start - timedelta(days=self.days), end=end, compare=Compare.NONE)

    def steps(self) -> Unit:
        """The unit of the trend; a finer one than the period can show gives way to the next."""
        if self.unit in (Unit.AUTO, Unit.HOUR) and self.days <= (2 if self.unit is Unit.AUTO else 31):
            return Unit.HOUR
        if self.unit in (Unit.AUTO, Unit.HOUR, Unit.DAY) and self.days <= (92 if self.unit is Unit.AUTO else 800):
            return Unit.DAY
        return Unit.WEEK if self.unit is not Unit.MONTH and self.days <= 800 else Unit.MONTH

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The query as the parameters of an address."""
        fixed = [("from", self.start.isoformat()), ("to", self.end.isoformat())]
        fixed += [("compare", self.compare.value)] if self.compare is not Compare.PREVIOUS else []
        fixed += [("unit", self.unit.value)] if self.unit is not Unit.AUTO else []
        return (*fixed, *self.where)

    def address(self) -> str:
        """The query as it stands behind the question mark of an address."""
        return urlencode(self.pairs())


def parse(given: Mapping[str, str], today: date) -> Query:
    """A query from the parameters of an address or the options of a command; the last 30 days when no period is given.

    Refused says `wrong_date`, `reversed` or `wrong_choice`. Parameters that are no part of a query are passed over.
    """
    start, end = given.get("from") or "", given.get("to") or ""
    last = _day(end) if end else max(today, _day(start) if start else today)
    first = _day(start) if start else last - timedelta(days=_DAYS - 1)
    if first > last:
        raise Refused("reversed")
    try:
        compare, unit = Compare(given.get("compare") or Compare.PREVIOUS), Unit(given.get("unit") or Unit.AUTO)
    except ValueError as error:
        raise Refused("wrong_choice") from error
    return Query(first, last, tuple(_conditions(given)), compare, unit)


def _conditions(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in FIELDS:
        if value := given.get(name):
            _check(name, value)
            yield name, value


def _check(name: str, value: str) -> None:
    if name == "day" or name == "week":
        _day(value)
    elif name == "month":
        _day(f"{value}-01")
    elif name in ("hour", "weekday") and not (value.isascii() and value.isdecimal() and len(value) <= 2):
        raise Refused("wrong_choice")


def period(start: str, end: str) -> tuple[date, date]:
    """Two dates in order; Refused says `wrong_date` or `reversed`."""
    first, last = _day(start), _day(end)
    if first > last:
        raise Refused("reversed")
    return first, last


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Refused("wrong_date") from error
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:  # the ends of the calendar cannot be moved by a time zone
        raise Refused("wrong_date")
    return day


def _year_ago(day: date) -> date:
    """The same day last year; 28 February for the 29th."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _months_ago(first: date, months: int) -> date:
    count = first.year * 12 + first.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
