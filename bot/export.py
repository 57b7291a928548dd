"""Figures as text that other programs read: table, CSV, JSON. Pure."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, fields

from bot.reports import Figures

COLUMNS = tuple(field.name for field in fields(Figures))
FORMATS = ("table", "csv", "json")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(lines: Iterable[Figures]) -> str:
    """One line a group, numbers unrounded."""
    return csv_of(COLUMNS, ([getattr(line, name) for name in COLUMNS] for line in lines))


def csv_of(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Any table as CSV; a text that a spreadsheet would run as a formula is quoted with '."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([cell(value) for value in row])
    return out.getvalue()


def cell(value: object) -> object:
    """A value as a spreadsheet may have it: what it would run as a formula is quoted."""
    if isinstance(value, str) and value.startswith(_FORMULA) and value != "-":
        return "'" + value
    return "" if value is None else value


def to_json(lines: Iterable[Figures]) -> str:
    """A list of objects, one a group, with the automatic share."""
    return json.dumps([{**asdict(line), "automatic_share": line.automatic_share} for line in lines], ensure_ascii=False, indent=2)


def to_table(lines: Iterable[Figures]) -> str:
    """Columns aligned for a terminal."""
    heads = ("group", "questions", "bot", "people", "waiting", "closed", "auto", "median", "p90", "median on duty")
    rows = [heads, *(_table_row(line) for line in lines)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )


def _table_row(line: Figures) -> tuple[str, ...]:
    share = "-" if line.automatic_share is None else f"{line.automatic_share:.1%}"
    counts = (line.questions, line.by_bot, line.by_librarian, line.waiting, line.closed_unanswered)
    times = (line.median_first_answer, line.p90_first_answer, line.median_on_duty)
    return (line.label, *map(str, counts), share, *("-" if seconds is None else f"{seconds:.0f} s" for seconds in times))
