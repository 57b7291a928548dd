"""Counting: questions -> figures. The definitions of what is counted are in outcomes.py."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.hours import DutyHours
from bot.reports.choosing import UNKNOWN, asked_on_duty, days
from bot.reports.columns import Columns, Ints, Marks
from bot.reports.outcomes import Result

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of a report. Times are seconds from the moment people were asked to the first reply by a librarian that reached the
    asker or their mailbox, over questions that have one; None where there is none. `on_duty` is for those that came to people
    while a librarian was on duty. `unattended` is the part of `waiting` that nobody was asked about: the bot asked back, or its
    answer did not help, and the asker said no more."""

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
    satisfied: int = 0
    dissatisfied: int = 0
    unattended: int = 0
    logged: int = 0

    @property
    def automatic_share(self) -> float | None:
        """Answered by the bot, of all questions."""
        return self.by_bot / self.questions if self.questions else None

    @property
    def helpfulness(self) -> float | None:
        """Verdicts on the bot's answers that say "it helped", of all such verdicts."""
        return self.helpful / (self.helpful + self.unhelpful) if self.helpful + self.unhelpful else None

    @property
    def satisfaction(self) -> float | None:
        """Verdicts on the librarians' answers that are good, of all such verdicts."""
        return self.satisfied / (self.satisfied + self.dissatisfied) if self.satisfied + self.dissatisfied else None


def figures(columns: Columns, duty: DutyHours, label: str = "all") -> Figures:
    """The figures of some questions."""
    timed = ~np.isnan(columns.first_answer)
    waits, inside = columns.first_answer[timed], asked_on_duty(columns, duty)[timed]
    results = columns.results()
    by_bot, by_librarian, waiting, closed = np.bincount(results, minlength=len(Result)).tolist()
    handed = columns.numbers["opened"] > 0
    helpful, satisfied = columns.numbers["helpful"], columns.numbers["satisfied"]
    return Figures(
        label,
        len(columns),
        by_bot,
        by_librarian,
        waiting,
        closed,
        int(handed.sum()),
        int((helpful == 1).sum()),
        int((helpful == 0).sum()),
        median(waits),
        p90(waits),
        median(waits[inside]),
        p90(waits[inside]),
        int((satisfied == 1).sum()),
        int((satisfied == 0).sum()),
        int(((results == list(Result).index(Result.WAITING)) & ~handed).sum()),
        int((columns.numbers["logged"] == 1).sum()),
    )


def median(values: Floats) -> float | None:
    """The middle value, or the mean of the two in the middle."""
    return float(np.median(values)) if len(values) else None


def p90(values: Floats) -> float | None:
    """The 90th percentile, nearest rank: a time that really occurred."""
    rank = -(-len(values) * 9 // 10) - 1
    return float(np.partition(values, rank)[rank]) if len(values) else None


_SHORT = 2**15
BY = ("channel", "intent", "language", "college", "room", "hour", "day", "week", "month")


def grouped(columns: Columns, duty: DutyHours, by: str) -> tuple[Figures, ...]:
    """The figures for each group, most questions first; groups of time in order."""
    lines = [figures(part, duty, label) for label, part in divided(columns, by)]
    return tuple(lines if by in _TIMES else sorted(lines, key=lambda line: (-line.questions, line.label)))


def divided(columns: Columns, by: str) -> list[tuple[str, Columns]]:
    """The questions of each group under its label, in the order of time or of the codes; they have what figures are counted from."""
    if not len(columns):
        return []
    keys, label = _keys(columns, by)
    low = int(keys.min())
    places = keys - low
    if int(places.max()) < _SHORT:
        places = places.astype(np.int16)  # which numpy sorts by its digits, several times faster
    sizes = np.bincount(places)
    slim = columns.slim().take(np.argsort(places, kind="stable"))
    ends = np.cumsum(sizes)
    return [(label(low + int(at)), slim.take(slice(int(ends[at] - sizes[at]), int(ends[at])))) for at in np.flatnonzero(sizes)]


def spread(columns: Columns, by: str, among: Marks | None = None) -> dict[str, tuple[int, int, int, int]]:
    """How many of each result every group has; quick for many groups."""
    keys, label = _keys(columns, by)
    results = columns.results()
    if among is not None:
        keys, results = keys[among], results[among]
    if not len(keys):
        return {}
    low, kinds = int(keys.min()), len(Result)
    counts = np.bincount((keys - low) * kinds + results, minlength=(int(keys.max()) - low + 1) * kinds).reshape(-1, kinds)
    return {label(low + int(at)): _four(counts[at]) for at in np.flatnonzero(counts.any(axis=1))}


def _four(counts: NDArray[Any]) -> tuple[int, int, int, int]:
    by_bot, by_librarian, waiting, closed = counts.tolist()
    return by_bot, by_librarian, waiting, closed


def monday(day: int) -> int:
    """The Monday of a day's week, both as ordinals."""
    return day - (day - 1) % 7


_CODED = {"channel": "connector", "intent": "intent", "topic": "intent"}
_TIMES = ("hour", "day", "week", "month")


def _keys(columns: Columns, by: str) -> tuple[NDArray[Any], Callable[[int], str]]:
    if by in _TIMES:
        keys: Ints = days(columns)
        if by == "hour":
            return keys * 24 + columns.numbers["hour"], lambda key: f"{date.fromordinal(key // 24)}T{key % 24:02d}"
        if by == "week":
            return keys - (keys - 1) % 7, _iso
        return (keys, _iso) if by == "day" else _months(keys)
    name = _CODED.get(by, by)
    words = columns.vocabulary(name)
    return columns.codes[name], lambda code: words[code] or UNKNOWN


def _months(keys: Ints) -> tuple[Ints, Callable[[int], str]]:
    each, places = np.unique(keys, return_inverse=True)
    months = np.array([day.year * 12 + day.month - 1 for day in map(date.fromordinal, each.tolist())], np.int64)
    return months[places] if len(each) else keys, lambda key: f"{key // 12:04d}-{key % 12 + 1:02d}"


def _iso(key: int) -> str:
    return date.fromordinal(key).isoformat()


def coverage(first: date, last: date, duty: DutyHours) -> list[list[float]]:
    """For each weekday (Monday first) and hour, which part of it librarians were on duty, on average over a period."""
    shares = [[0.0] * 24 for _ in range(7)]
    counts = [0] * 7
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        counts[day.weekday()] += 1
        covered = 0  # minutes of the day; shifts of several people overlap
        for start, end in sorted(duty.shifts_on(day)):
            begins, ends = max(covered, start.hour * 60 + start.minute), end.hour * 60 + end.minute
            covered = max(covered, ends)
            for hour in range(begins // 60, -(-ends // 60)):
                shares[day.weekday()][hour] += max(0, min(ends, hour * 60 + 60) - max(begins, hour * 60)) / 60
    return [[share / counts[weekday] if counts[weekday] else 0.0 for share in row] for weekday, row in enumerate(shares)]
