"""Every table of a report: rows of figures under labels, each cell with the conditions that choose the questions behind it.

Labels are the stored words (a channel, an intent, an entry, a day); what people read in their place is the page's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from bot.hours import DutyHours
from bot.reports.choosing import EPOCH, UNKNOWN
from bot.reports.columns import Columns
from bot.reports.figures import Figures, coverage, divided, figures, monday, spread
from bot.reports.outcomes import FormState, Result
from bot.reports.query import Query, Unit, Where

MOST_ROWS = 20
_FEWEST_RISING = 3
RESULTS = tuple(result.value for result in Result)


class Kind(StrEnum):
    """What the values of a column are: a number of questions, a part of a whole 0..1, or seconds."""

    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure by its name in Figures: what it is, and which questions are behind it. `better`: whether more of it is good (1),
    bad (-1) or neither (0)."""

    name: str
    kind: Kind
    only: Where = ()
    better: int = 0


def _result(result: Result) -> Where:
    return (("result", result.value),)


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("questions", Kind.COUNT),
        Measure("by_bot", Kind.COUNT, _result(Result.BOT)),
        Measure("by_librarian", Kind.COUNT, _result(Result.LIBRARIAN)),
        Measure("waiting", Kind.COUNT, _result(Result.WAITING), -1),
        Measure("closed_unanswered", Kind.COUNT, _result(Result.CLOSED), -1),
        Measure("automatic_share", Kind.SHARE, _result(Result.BOT)),
        Measure("handed_over", Kind.COUNT, (("handed_over", "yes"),)),
        Measure("unattended", Kind.COUNT, (*_result(Result.WAITING), ("handed_over", "no")), -1),
        Measure("logged", Kind.COUNT, (("logged", "yes"),)),
        Measure("helpful", Kind.COUNT, (("helpful", "yes"),), 1),
        Measure("unhelpful", Kind.COUNT, (("helpful", "no"),), -1),
        Measure("helpfulness", Kind.SHARE, (("helpful", "yes"),), 1),
        Measure("satisfied", Kind.COUNT, (("satisfied", "yes"),), 1),
        Measure("dissatisfied", Kind.COUNT, (("satisfied", "no"),), -1),
        Measure("satisfaction", Kind.SHARE, (("satisfied", "yes"),), 1),
        Measure("median_first_answer", Kind.SECONDS, (("timed", "yes"),), -1),
        Measure("p90_first_answer", Kind.SECONDS, (("timed", "yes"),), -1),
        Measure("median_on_duty", Kind.SECONDS, (("timed", "yes"), ("duty", "yes")), -1),
        Measure("p90_on_duty", Kind.SECONDS, (("timed", "yes"), ("duty", "yes")), -1),
    )
}
LINE = tuple(
    MEASURES[name]
    for name in (
        "questions", "by_bot", "by_librarian", "waiting", "closed_unanswered", "automatic_share",
        "helpful", "unhelpful", "median_first_answer", "p90_first_answer",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    kind: Kind = Kind.COUNT


@dataclass(frozen=True, slots=True)
class Cell:
    """A value (None where there is none) and the conditions that, beside the query's own, choose the questions behind it;
    None where no questions are."""

    value: float | int | None
    only: Where | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `label` is a stored word, or "-" where the word is empty."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `labels` says what its rows stand for: channel, topic, entry, language, college, room, reason, form, librarian,
    hour, day, week, month, weekday or measure. `total` is how many rows there are in all when the least have been left off."""

    name: str
    labels: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int = 0


def lines(
    name: str, labels: str, columns: Columns, duty: DutyHours, *, most: int, before: Columns | None = None, named: bool = False
) -> Table:
    """The questions of each channel, topic, language, ...: most first, compared with the number `before`. With `named` those that
    have no entry, or were asked outside of any group, are left out."""
    counts = {label: found for label, found in spread(columns, labels).items() if not (named and label == UNKNOWN)}
    earlier = {label: sum(found) for label, found in spread(before, labels).items()} if before is not None else None
    ranked = sorted(counts, key=lambda label: (-sum(counts[label]), label))
    shown = set(ranked[:most])
    parts = {label: figures(part, duty, label) for label, part in divided(_among(columns, labels, shown), labels)}
    heads = tuple(Column(measure.name, measure.kind) for measure in LINE) + ((Column("before"),) if earlier is not None else ())
    rows = []
    for label in ranked[:most]:
        more = (Cell(earlier.get(label, 0)),) if earlier is not None else ()
        rows.append(Row(label, (*measured(parts[label], LINE, ((labels, label),)), *more)))
    return Table(name, labels, heads, tuple(rows), len(ranked))


def measured(line: Figures, measures: Iterable[Measure], only: Where) -> tuple[Cell, ...]:
    """A line's figures as cells; `only` are the conditions of the whole line."""
    return tuple(Cell(getattr(line, measure.name), (*only, *measure.only)) for measure in measures)


def trend(columns: Columns, query: Query) -> Table:
    """Questions and what became of them over time; stretches without questions count 0."""
    unit = query.steps()
    found = spread(columns, unit.value)
    rows = []
    for label in _stretches(columns, query, unit):
        counts = found.get(label, (0, 0, 0, 0))
        only: Where = (("day", label[:10]), ("hour", str(int(label[11:])))) if unit is Unit.HOUR else ((unit.value, label),)
        cells = (Cell(sum(counts), only), *(Cell(n, (*only, *_result(r))) for n, r in zip(counts, Result, strict=True)))
        rows.append(Row(label, cells))
    return Table("trend", unit.value, tuple(map(Column, ("questions", *RESULTS))), tuple(rows), len(rows))


def _stretches(columns: Columns, query: Query, unit: Unit) -> list[str]:
    """Every label of the period; where it reaches beyond the first and last question, from and to these."""
    day = columns.numbers["day"]
    if not len(day):
        return []
    first = max(query.start.toordinal(), int(day.min()) + EPOCH)
    last = min(query.end.toordinal(), int(day.max()) + EPOCH)
    if query.days <= 62:
        first, last = query.start.toordinal(), query.end.toordinal()
    if unit is Unit.HOUR:
        return [f"{date.fromordinal(each)}T{hour:02d}" for each in range(first, last + 1) for hour in range(24)]
    if unit is Unit.MONTH:
        return sorted({date.fromordinal(each).isoformat()[:7] for each in range(first, last + 1)})
    steps = range(monday(first), last + 1, 7) if unit is Unit.WEEK else range(first, last + 1)
    return [date.fromordinal(each).isoformat() for each in steps]


def heat(columns: Columns) -> Table:
    """Weekday by hour: how many questions came."""
    weekdays = (columns.numbers["day"].astype(np.int64) + EPOCH - 1) % 7
    counts = np.bincount(weekdays * 24 + columns.numbers["hour"], minlength=7 * 24).reshape(7, 24)
    rows = [
        Row(str(weekday), tuple(Cell(int(n), (("weekday", str(weekday)), ("hour", str(hour)))) for hour, n in enumerate(row)))
        for weekday, row in enumerate(counts)
    ]
    return Table("heat", "weekday", _HOURS, tuple(rows), 7)


_HOURS = tuple(Column(f"{hour:02d}") for hour in range(24))


def roster(columns: Columns, query: Query, duty: DutyHours) -> Table:
    """Weekday by hour: which part of it librarians were on duty, on the days of the period from its first to its last question."""
    day = columns.numbers["day"]
    first, last = (int(day.min()) + EPOCH, int(day.max()) + EPOCH) if len(day) else (1, 0)
    if query.days <= 366:
        first, last = query.start.toordinal(), query.end.toordinal()
    shares = coverage(date.fromordinal(first), date.fromordinal(last), duty) if first <= last else [[0.0] * 24] * 7
    rows = tuple(Row(str(weekday), tuple(Cell(share) for share in row)) for weekday, row in enumerate(shares))
    return Table("roster", "weekday", tuple(Column(column.name, Kind.SHARE) for column in _HOURS), rows, 7)


def rising(columns: Columns, before: Columns, most: int) -> Table:
    """Topics that are asked about more than before, the most remarkable first: by growth over the root of what was usual."""
    now, earlier = (_sums(spread(each, "topic")) for each in (columns, before))
    grown = [label for label, n in now.items() if n >= _FEWEST_RISING and n > earlier.get(label, 0)]
    ranked = sorted(grown, key=lambda label: (-(now[label] - earlier.get(label, 0)) / (earlier.get(label, 0) + 1) ** 0.5, label))
    rows = [
        Row(label, (Cell(now[label], (("topic", label),)), Cell(earlier.get(label, 0)), Cell(now[label] - earlier.get(label, 0))))
        for label in ranked[:most]
    ]
    return Table("rising", "topic", tuple(map(Column, ("questions", "before", "more"))), tuple(rows), len(ranked))


def unanswered(columns: Columns, most: int) -> Table:
    """Topics that nobody answers: by how many of their questions wait or were closed unanswered."""
    found = spread(columns, "topic")
    ranked = sorted((label for label, n in found.items() if n[2] + n[3]), key=lambda each: (-(found[each][2] + found[each][3]), each))
    rows = []
    for label in ranked[:most]:
        n, only = found[label], (("topic", label),)
        open_ = [Cell(n[place], (*only, *_result(result))) for place, result in ((2, Result.WAITING), (3, Result.CLOSED))]
        rows.append(Row(label, (*open_, Cell(sum(n), only), Cell((n[2] + n[3]) / sum(n)))))
    heads = (Column("waiting"), Column("closed_unanswered"), Column("questions"), Column("unanswered_share", Kind.SHARE))
    return Table("unanswered", "topic", heads, tuple(rows), len(ranked))


def doubtful(columns: Columns, most: int) -> Table:
    """Entries whose answers did not help, by how often that was said."""
    helpful = columns.numbers["helpful"]
    said = {mark: _sums(spread(columns, "entry", helpful == mark)) for mark in (0, 1)}
    asked = _sums(spread(columns, "entry"))
    ranked = sorted((label for label in said[0] if label != UNKNOWN), key=lambda label: (-said[0][label], label))
    rows = []
    for label in ranked[:most]:
        no, yes, only = said[0][label], said[1].get(label, 0), (("entry", label),)
        cells = (
            Cell(no, (*only, ("helpful", "no"))),
            Cell(yes, (*only, ("helpful", "yes"))),
            Cell(asked[label], only),
            Cell(no / (no + yes)),
        )
        rows.append(Row(label, cells))
    heads = (Column("unhelpful"), Column("helpful"), Column("questions"), Column("unhelpful_share", Kind.SHARE))
    return Table("doubtful", "entry", heads, tuple(rows), len(ranked))


def forms(columns: Columns, most: int) -> Table:
    """Request forms by kind and state; those handed in also by what became of them."""
    states = [state for state in FormState if state is not FormState.NONE]
    code = {state: columns.code("form_state", state.value) for state in states}
    of_state = {state: spread(columns, "form", columns.codes["form_state"] == code[state]) for state in states}
    ranked = sorted({label for found in of_state.values() for label in found} - {UNKNOWN})
    rows = []
    for label in ranked[:most]:
        only: Where = (("form", label),)
        counts = {state: sum(of_state[state].get(label, (0, 0, 0, 0))) for state in states}
        cells = [Cell(sum(counts.values()), only)]
        cells += [Cell(n, (*only, ("form_state", state.value))) for state, n in counts.items()]
        handed_in = of_state[FormState.SUBMITTED].get(label, (0, 0, 0, 0))
        inside: Where = (*only, ("form_state", FormState.SUBMITTED.value))
        cells += [Cell(handed_in[RESULTS.index(r)], (*inside, *_result(r))) for r in (Result.LIBRARIAN, Result.WAITING, Result.CLOSED)]
        rows.append(Row(label, tuple(cells)))
    heads = ("started", *(state.value for state in states), "by_librarian", "waiting", "closed_unanswered")
    return Table("forms", "form", tuple(map(Column, heads)), tuple(rows), len(ranked))


def load(columns: Columns, duty: DutyHours, most: int) -> Table:
    """What each librarian did: questions whose first answer was theirs, replies to these, consultations written down, times."""
    parts = [(label, part) for label, part in divided(columns, "librarian") if label != UNKNOWN]
    found = sorted(((figures(part, duty, label), part) for label, part in parts), key=lambda each: (-each[0].questions, each[0].label))
    measures = tuple(MEASURES[name] for name in ("logged", "median_first_answer", "p90_first_answer", "satisfied", "dissatisfied"))
    rows = []
    for line, part in found[:most]:
        only: Where = (("librarian", line.label),)
        replies = Cell(int(part.numbers["replies"].sum()), only)
        rows.append(Row(line.label, (Cell(line.questions, only), replies, *measured(line, measures, only))))
    heads = (Column("by_librarian"), Column("replies"), *(Column(measure.name, measure.kind) for measure in measures))
    return Table("librarians", "librarian", heads, tuple(rows), len(found))


def _among(columns: Columns, labels: str, shown: set[str]) -> Columns:
    """The questions under some labels only."""
    name: str = {"channel": "connector", "topic": "intent"}.get(labels, labels)
    codes = [columns.code(name, "" if label == UNKNOWN else label) for label in shown]
    wanted = np.zeros(len(columns.words[name]) + 1, np.bool_)
    wanted[codes] = True
    return columns.slim(name).take(wanted[columns.codes[name]])


def _sums(found: dict[str, tuple[int, int, int, int]]) -> dict[str, int]:
    return {label: sum(counts) for label, counts in found.items()}
