"""Events -> figures. Pure; the definitions are those of the design, each written at its field.

The identity `questions = by_bot + by_librarian + waiting + closed_unanswered` holds by construction: every question
is put into exactly one of the four by `outcome`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from statistics import median

from bot.domain import Event, EventName
from bot.errors import Refused
from bot.hours import DutyHours

_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_SECOND_THOUGHTS = timedelta(hours=24)


class Result(StrEnum):
    """What became of a question."""

    BOT = "by_bot"
    LIBRARIAN = "by_librarian"
    WAITING = "waiting"
    CLOSED = "closed_unanswered"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with what became of it. `waited` is the time to the first answer by a person, if there was one."""

    at: datetime
    connector: str
    intent: str
    language: str
    visitor: str
    result: Result
    handed_over: bool
    waited: timedelta | None
    helpful: bool | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of a report. Times are seconds; None where nothing was answered by a person."""

    label: str
    questions: int
    by_bot: int
    by_librarian: int
    waiting: int
    closed_unanswered: int
    handed_over: int
    helpful: int
    unhelpful: int
    median_first_answer: float | None
    p90_first_answer: float | None
    median_on_duty: float | None
    p90_on_duty: float | None

    @property
    def automatic_share(self) -> float | None:
        """Answered by the bot, of all questions."""
        return self.by_bot / self.questions if self.questions else None


def questions(events: Iterable[Event]) -> tuple[Asked, ...]:
    """Every question that the events tell of, in order."""
    grouped: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        if event.question:
            grouped[event.question].append(event)
    found = (_asked(history) for _, history in sorted(grouped.items()))
    return tuple(asked for asked in found if asked is not None)


def _asked(history: list[Event]) -> Asked | None:
    first = next((event for event in history if event.name is EventName.ASKED), None)
    if first is None:
        return None
    replied = next((event.at for event in history if event.name is EventName.REPLIED), None)
    judged = next((event.name for event in reversed(history) if event.name in (EventName.HELPFUL, EventName.UNHELPFUL)), None)
    intent = next((event.intent for event in reversed(history) if event.name is EventName.ANSWERED), first.intent)
    return Asked(
        first.at,
        first.connector,
        intent,
        first.language,
        first.visitor,
        outcome(history),
        any(event.name is EventName.HANDED_OVER for event in history),
        replied - first.at if replied else None,
        None if judged is None else judged is EventName.HELPFUL,
    )


def outcome(history: Iterable[Event]) -> Result:
    """Which of the four a question counts as."""
    answered: datetime | None = None
    tickets: set[int] = set()
    closed: set[int] = set()
    doubted = False
    for event in history:
        match event.name:
            case EventName.REPLIED:
                return Result.LIBRARIAN
            case EventName.ANSWERED:
                answered, doubted = event.at, False
            case EventName.UNHELPFUL:
                doubted |= answered is not None and event.at - answered <= _SECOND_THOUGHTS
            case EventName.HANDED_OVER:
                tickets.add(event.ticket)
            case EventName.CLOSED | EventName.WITHDRAWN:
                closed.add(event.ticket)
    if tickets:
        return Result.CLOSED if tickets <= closed else Result.WAITING
    return Result.BOT if answered and not doubted else Result.WAITING


def figures(asked: Iterable[Asked], hours: DutyHours, label: str = "all") -> Figures:
    """The figures of some questions."""
    rows = tuple(asked)
    count = {result: sum(row.result is result for row in rows) for result in Result}
    waits = [(row, row.waited.total_seconds()) for row in rows if row.waited is not None]
    overall = [seconds for _, seconds in waits]
    on_duty = [seconds for row, seconds in waits if hours.on_duty(row.at)]
    return Figures(
        label,
        len(rows),
        count[Result.BOT],
        count[Result.LIBRARIAN],
        count[Result.WAITING],
        count[Result.CLOSED],
        sum(row.handed_over for row in rows),
        sum(row.helpful is True for row in rows),
        sum(row.helpful is False for row in rows),
        median(overall) if overall else None,
        _p90(overall),
        median(on_duty) if on_duty else None,
        _p90(on_duty),
    )


def grouped(asked: Iterable[Asked], hours: DutyHours, by: str) -> tuple[Figures, ...]:
    """The figures for each channel, intent, language or day, most questions first (days in order)."""
    key = _keys(hours.zone)[by]
    groups: dict[str, list[Asked]] = defaultdict(list)
    for row in asked:
        groups[key(row)].append(row)
    lines = (figures(rows, hours, label) for label, rows in groups.items())
    return tuple(sorted(lines, key=lambda line: line.label if by == "day" else (-line.questions, line.label)))


def period(start: str, end: str) -> tuple[date, date]:
    """Two dates in order; Refused says `wrong_date` or `reversed`."""
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end)
    except ValueError as error:
        raise Refused("wrong_date") from error
    if first > last:
        raise Refused("reversed")
    if first.year < _FIRST_YEAR or last.year > _LAST_YEAR:  # the ends of the calendar cannot be moved by a time zone
        raise Refused("wrong_date")
    return first, last


BY = ("channel", "intent", "language", "day")


def _keys(zone: tzinfo) -> dict[str, Callable[[Asked], str]]:
    return {
        "channel": lambda row: row.connector,
        "intent": lambda row: row.intent or "-",
        "language": lambda row: row.language or "-",
        "day": lambda row: row.at.astimezone(zone).date().isoformat(),
    }


def _p90(values: list[float]) -> float | None:
    """The 90th percentile, nearest rank: a time that really occurred."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[-(-len(ranked) * 9 // 10) - 1]
