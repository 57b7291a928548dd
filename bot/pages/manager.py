"""The figures page: any period, in total and by channel, intent, language or day; the address of the page is the query."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, text

from bot import export, reports
from bot.desk import Desk
from bot.domain import Librarian
from bot.errors import Refused
from bot.ledger import Ledger
from bot.pages.contexts import ReportsPage
from bot.pages.guard import signed_in
from bot.pages.render import Pages

_DAYS = 30


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, ledger: Ledger) -> None:
    """/reports."""

    @app.get("/reports", name="reports")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        frame, today, status = pages.frame(request), datetime.now(pages.zone).date(), 200
        by = str(request.args.get("by") or "channel")
        by = by if by in reports.BY else "channel"
        start, end, error = today - timedelta(days=_DAYS - 1), today, ""
        try:
            start, end = reports.period(str(request.args.get("from") or start), str(request.args.get("to") or end))
        except Refused as refusal:
            error, status = pages.knowledge.phrase(f"reports.{refusal}", frame.language), 400
        total, lines = await asyncio.to_thread(ledger.grouped, reports.Query(start, end), by)
        if by == "intent":
            lines = tuple(replace(line, label=desk.knowledge.title(line.label, frame.language, today)) for line in lines)
        if request.args.get("format") in ("csv", "json") and not error:
            return _download(str(request.args["format"][0]), (*lines, total), f"refdesk-{start}-{end}-{by}")
        return pages.render(request, ReportsPage(frame, start.isoformat(), end.isoformat(), by, reports.BY, total, lines, error), status)


def _download(kind: str, lines: tuple[reports.Figures, ...], name: str) -> HTTPResponse:
    if kind == "json":
        body, content_type = export.to_json(lines), "application/json; charset=utf-8"
    else:
        body, content_type = "\ufeff" + export.to_csv(lines), "text/csv; charset=utf-8"
    return text(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"},
    )
