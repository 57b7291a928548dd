"""The whole report of a query: one pure function yields every figure and every table of it."""

from dataclasses import dataclass, replace

from bot.hours import DutyHours
from bot.reports import tables
from bot.reports.choosing import chosen
from bot.reports.columns import Columns
from bot.reports.figures import Figures, figures
from bot.reports.query import Compare, Query
from bot.reports.tables import MEASURES, MOST_ROWS, Cell, Column, Row, Table


@dataclass(frozen=True, slots=True)
class Report:
    """What a query comes to. `before` are the figures of the period it is compared with, asked for by `earlier`."""

    query: Query
    total: Figures
    earlier: Query | None
    before: Figures | None
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """A table by its name: totals, channels, trend, heat, roster, topics, rising, unanswered, entries, doubtful, forms,
        rooms, languages, colleges, reasons, librarians."""
        return next(table for table in self.tables if table.name == name)


def report(columns: Columns, query: Query, duty: DutyHours, *, librarians: bool = True, most: int = MOST_ROWS) -> Report:
    """Every table of a report. `librarians`: whether their load is shown; `most`: rows of tables that have no natural end."""
    asked, earlier = chosen(columns, query, duty), query.before()
    before = chosen(columns, earlier, duty) if earlier else None
    total = figures(asked, duty)
    found = figures(before, duty) if before is not None else None

    def by(name: str, labels: str, *, named: bool = False) -> Table:
        return tables.lines(name, labels, asked, duty, most=most, before=before, named=named)

    made = [
        _totals(total, found),
        by("channels", "channel"),
        tables.trend(asked, query),
        tables.heat(asked),
        tables.roster(asked, query, duty),
        by("topics", "topic"),
        tables.rising(asked, chosen(columns, _previous(query), duty) if before is None else before, most),
        tables.unanswered(asked, most),
        by("entries", "entry", named=True),
        tables.doubtful(asked, most),
        tables.forms(asked, most),
        by("rooms", "room", named=True),
        by("languages", "language"),
        by("colleges", "college"),
        by("reasons", "reason", named=True),
    ]
    if librarians:
        made.append(tables.load(asked, duty, most))
    return Report(query, total, earlier, found, tuple(made))


def _previous(query: Query) -> Query:
    """What rises, rises against the period before, also where nothing else is compared."""
    return replace(query, compare=Compare.PREVIOUS).before() or query


def _totals(total: Figures, before: Figures | None) -> Table:
    rows = []
    for measure in MEASURES.values():
        cells = (Cell(getattr(total, measure.name), measure.only), *((Cell(getattr(before, measure.name)),) if before else ()))
        rows.append(Row(measure.name, cells))
    heads = (Column("value"), *((Column("before"),) if before else ()))
    return Table("totals", "measure", heads, tuple(rows), len(rows))
