"""The dashboard: every figure of a period on one page, and the same as CSV or JSON."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, text

from bot import export, reports
from bot.desk import Desk
from bot.domain import ClosedMonth, Deed, Librarian, Role
from bot.ledger import Ledger
from bot.months import Months
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import Pages
from bot.pages.reports import asking
from bot.pages.reports.contexts import Choice, Label, ReportsPage
from bot.reports import FILTERS, UNKNOWN, Figures, Query

MANAGERS = (Role.MANAGER, Role.ADMINISTRATOR)
MOST_ROWS = 10
SHOWN = (*FILTERS, "room")
"""What the whole dashboard can be narrowed to."""


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, ledger: Ledger, months: Months) -> None:
    """/reports."""

    @app.get("/reports", name="reports")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        query, error = asking.asked(request, pages)
        query = replace(query, where=tuple(pair for pair in query.where if pair[0] in SHOWN))
        label = asking.labels(request, pages, desk)
        if request.args.get("format") in ("csv", "json") and not error:
            by = str(request.args.get("by") or "channel")
            by = by if by in reports.BY else "channel"
            await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EXPORTED, f"/reports by {by}", query.address())
            return await _download(request, query, by, ledger, label)
        report = await asyncio.to_thread(ledger.report, query, librarians=user.role in MANAGERS, most=MOST_ROWS)
        columns, closed = await asyncio.to_thread(lambda: (ledger.columns(), _closed(months, query)))
        choices = tuple(_choice(query, field, columns, label) for field in SHOWN)
        today = datetime.now(pages.zone).date()
        page = ReportsPage(pages.frame(request), query, report, label, choices, tuple(_periods(query, today)), reports.BY, closed, error)
        return pages.render(request, page, 400 if error else 200)


async def _download(request: Request, query: Query, by: str, ledger: Ledger, label: Label) -> HTTPResponse:
    total, lines = await asyncio.to_thread(ledger.grouped, query, by)
    if by == "intent":
        lines = tuple(replace(line, label=label("topic", line.label)) for line in lines)
    return _file(str(request.args.get("format")), (*lines, total), f"refdesk-{query.start}-{query.end}-{by}")


def _file(kind: str, lines: tuple[Figures, ...], name: str) -> HTTPResponse:
    if kind == "json":
        body, content_type = export.to_json(lines), "application/json; charset=utf-8"
    else:
        body, content_type = "\ufeff" + export.to_csv(lines), "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"}
    return text(body, content_type=content_type, headers=headers)


def _closed(months: Months, query: Query) -> ClosedMonth | None:
    """The closed month that a query is about, if it is about one whole month and nothing else."""
    month, after = f"{query.start:%Y-%m}", query.end + timedelta(days=1)
    whole = query.start.day == 1 and after == (query.start + timedelta(days=31)).replace(day=1)
    return next((each for each in months.closed() if each.month == month), None) if whole and not query.where else None


def _choice(query: Query, field: str, columns: reports.Columns, label: Label) -> Choice:
    column = {"channel": "connector", "topic": "intent"}.get(field, field)
    words = [word or UNKNOWN for word in columns.vocabulary(column)]
    chosen = query.value(field)
    if chosen and chosen not in words:
        words.append(chosen)
    return Choice(field, chosen, tuple(sorted(((word, label(field, word)) for word in words), key=lambda each: each[1])))


def _periods(query: Query, today: date) -> Iterator[tuple[str, Query]]:
    """Periods that are often asked for."""
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    yield "days_7", replace(query, start=today - timedelta(days=6), end=today)
    yield "days_30", replace(query, start=today - timedelta(days=29), end=today)
    yield "this_month", replace(query, start=month, end=today)
    yield "last_month", replace(query, start=before, end=month - timedelta(days=1))
    yield "this_year", replace(query, start=month.replace(month=1), end=today)
