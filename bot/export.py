"""Figures and questions as text that other programs read: table, CSV, JSON. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, tzinfo

from bot.reports import Columns, Figures

COLUMNS = tuple(field.name for field in fields(Figures))
FORMATS = ("table", "csv", "json")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff"
"""Before a CSV in UTF-8, so that Excel reads Chinese."""

QUESTION = (
    "question", "asked_at", "channel", "room", "language", "college", "topic", "entry", "result", "ticket", "reason", "handed_over_at",
    "first_answer_seconds", "replies", "helpful", "satisfied", "form", "form_state", "logged",
)  # fmt: skip
"""What is told of one question; never who answered it."""


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


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Any table as CSV, one row after the other, so that a long one never stands in memory as a whole."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def questions(columns: Columns, zone: tzinfo, texts: Mapping[int, str] | None = None) -> Iterator[tuple[object, ...]]:
    """Each question in the order of QUESTION, with its words at the end where `texts` are given. Times are local, ISO 8601."""
    numbers = {name: column.tolist() for name, column in columns.numbers.items()}
    words = {name: [columns.vocabulary(name)[code] for code in codes.tolist()] for name, codes in columns.codes.items()}
    waits = columns.first_answer.tolist()

    def local(at: int) -> str | None:
        return datetime.fromtimestamp(at, UTC).astimezone(zone).isoformat() if at else None

    for place, question in enumerate(numbers["question"]):
        helpful, satisfied = (None if numbers[name][place] < 0 else numbers[name][place] for name in ("helpful", "satisfied"))
        told = (
            question, local(numbers["at"][place]), *(words[name][place] for name in ("connector", "room", "language", "college", "intent")),
            words["entry"][place], words["result"][place], numbers["ticket"][place] or None, words["reason"][place],
            local(numbers["opened"][place]), None if waits[place] != waits[place] else waits[place], numbers["replies"][place],
            helpful, satisfied, words["form"][place], words["form_state"][place], numbers["logged"][place],
        )  # fmt: skip
        yield told if texts is None else (*told, texts.get(question, ""))


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
