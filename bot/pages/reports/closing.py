"""Closed months: what was stored, whether it still follows from the events, and closing the next."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.domain import ClosedMonth, Deed, Librarian
from bot.errors import NotFound, Refused
from bot.months import Months
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import Pages, field, see_other
from bot.pages.reports.contexts import MonthPage, MonthsPage
from bot.pages.reports.dashboard import MANAGERS
from bot.reports import Figures


def mount(app: Sanic[Any, Any], pages: Pages, months: Months) -> None:
    """/reports/months and /reports/months/MONTH."""

    async def overview(request: Request, user: Librarian, error: str = "") -> HTTPResponse:
        closed = await asyncio.to_thread(months.closed)
        before = datetime.now(pages.zone).date().replace(day=1) - timedelta(days=1)
        shown = tuple((month, _total(month)) for month in closed)
        page = MonthsPage(pages.frame(request), shown, user.role in MANAGERS, f"{before:%Y-%m}", error)
        return pages.render(request, page, 409 if error else 200)

    @app.get("/reports/months", name="report_months")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return await overview(request, user)

    @app.post("/reports/months", name="report_close")
    @signed_in(pages, *MANAGERS)
    async def close(request: Request, user: Librarian) -> HTTPResponse:
        try:
            closed = await asyncio.to_thread(months.close, field(request, "month").strip(), user.login)
            await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EDITED, f"/reports/months/{closed.month}", "closed")
        except Refused as refusal:
            return await overview(request, user, pages.knowledge.phrase(f"reports.{refusal}", pages.frame(request).language))
        return see_other(f"/reports/months/{closed.month}")

    @app.get("/reports/months/<month:str>", name="report_month")
    @signed_in(pages)
    async def check(request: Request, user: Librarian, month: str) -> HTTPResponse:
        try:
            standing = await asyncio.to_thread(months.check, month)
        except (NotFound, Refused):
            return pages.notice(request, 404, pages.knowledge.phrase("reports.no_month", pages.frame(request).language))
        return pages.render(request, MonthPage(pages.frame(request), standing, _total(standing.month)))


def _total(month: ClosedMonth) -> Figures:
    return Figures(**json.loads(month.figures)["total"])
