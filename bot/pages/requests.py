"""Requests of a period as a table and as CSV; what says who the askers are stays covered unless a librarian asks for it."""

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from sanic import Request, Sanic
from sanic.response import HTTPResponse, text

from bot import reports, sheet
from bot.desk import Desk
from bot.domain import Deed, Librarian, Role, Ticket
from bot.errors import Refused
from bot.messages import Language
from bot.pages.contexts import RequestsPage
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import Pages

_DAYS = 30
_MOST_SHOWN = 200
_UNCOVER = (Role.LIBRARIAN, Role.ADMINISTRATOR)


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """/desk/requests."""

    def found(first: date, last: date, form: str) -> tuple[Ticket, ...]:
        start = datetime.combine(first, time.min, pages.zone)
        return desk.requests(start, datetime.combine(last + timedelta(days=1), time.min, pages.zone), form)

    @app.get("/desk/requests", name="requests")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        frame, today, error = pages.frame(request), datetime.now(pages.zone).date(), ""
        forms = _forms(desk, frame.language)
        form = str(request.args.get("form") or "")
        form = form if form in dict(forms) else ""
        start, end = today - timedelta(days=_DAYS - 1), today
        try:
            start, end = reports.period(str(request.args.get("from") or start), str(request.args.get("to") or end))
        except Refused as refusal:
            error = pages.knowledge.phrase(f"reports.{refusal}", frame.language)
        tickets = await asyncio.to_thread(found, start, end, form)
        personal = request.args.get("personal") == "1" and user.role in _UNCOVER
        as_csv = request.args.get("format") == "csv" and not error
        lines = sheet.lines(tickets if as_csv else tickets[:_MOST_SHOWN], desk.knowledge, frame.language, pages.zone, personal=personal)
        if as_csv:
            if personal:
                what = f"{form or 'requests'} {start}..{end}"
                await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EXPORTED, "requests", what)
            return _download("\ufeff" + sheet.to_csv(lines, desk.knowledge, frame.language), f"refdesk-requests-{start}-{end}.csv")
        query = urlencode({"from": start, "to": end, "form": form})
        page = RequestsPage(frame, start.isoformat(), end.isoformat(), form, forms, lines, query, user.role in _UNCOVER, error)
        return pages.render(request, page, 400 if error else 200)


def _forms(desk: Desk, language: Language) -> tuple[tuple[str, str], ...]:
    return tuple((form.id, form.title) for spoken, form in desk.knowledge.forms if spoken is language)


def _download(body: str, name: str) -> HTTPResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return text(body, content_type="text/csv; charset=utf-8", headers=headers)
