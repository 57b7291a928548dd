"""A report as data for other programs: JSON with everything, CSV of one table. What `--consortium` merges is this JSON."""

import json
from dataclasses import asdict
from datetime import date

from bot import export
from bot.brief.document import Grid
from bot.brief.words import Words
from bot.reports import Report, Table

FORMAT = "refdesk-report"
VERSION = 1


def to_json(report: Report, words: Words, made_at: str, library: str) -> str:
    """Figures, and tables with stored words (`label`) and what people read (`text`). Shares are 0..1, times seconds, None where there
    is none."""
    q = report.query
    return json.dumps(
        {
            "format": FORMAT, "version": VERSION, "library": library, "from": q.start.isoformat(), "to": q.end.isoformat(),
            "filters": dict(q.where), "language": words.language.value, "made_at": made_at,
            "figures": asdict(report.total) | {"automatic_share": report.total.automatic_share},
            "before": _before(report),
            "tables": [_table(table, words) for table in report.tables],
        },
        ensure_ascii=False, indent=1,
    ) + "\n"  # fmt: skip


def to_csv(grid: Grid) -> str:
    """One table as Excel opens it right; unrounded numbers, and no cell is a formula."""
    return export.BOM + export.csv_of((head.text for head in grid.heads), grid.rows)


def _before(report: Report) -> dict[str, object] | None:
    def iso(day: date) -> str:
        return day.isoformat()

    if report.earlier is None or report.before is None:
        return None
    return {"from": iso(report.earlier.start), "to": iso(report.earlier.end), "figures": asdict(report.before)}


def _table(table: Table, words: Words) -> dict[str, object]:
    return {
        "name": table.name,
        "labels": table.labels,
        "columns": [{"name": column.name, "kind": column.kind.value} for column in table.columns],
        "rows": [
            {"label": row.label, "text": words.label(table.labels, row.label), "values": [cell.value for cell in row.cells]}
            for row in table.rows
        ],
        "total": table.total,
    }
