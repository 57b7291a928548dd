"""Taking figures away: the brief and the tables as files, the charts as pictures and as what draws them on the page."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, raw

from bot import brief
from bot.brief import Format, Words, Writer
from bot.desk import Desk
from bot.domain import Deed, Librarian
from bot.errors import NotFound, Refused
from bot.ledger import Ledger
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import Pages
from bot.pages.reports import asking
from bot.pages.reports.dashboard import MANAGERS
from bot.reports import Query, Report

_MOST_ROWS = 1000
_PICTURES: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "json": ("application/json; charset=utf-8", str.encode),
    "svg": ("image/svg+xml", lambda spec: brief.svg(spec).encode()),
    "png": ("image/png", brief.png),
}
_WEEK = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class _Taken:
    """What somebody may take away of a query."""

    query: Query
    report: Report
    words: Words


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, ledger: Ledger) -> None:
    """/reports/file, /reports/charts/NAME and /reports/vega.js."""

    async def taken(request: Request, user: Librarian) -> _Taken:
        query, error = asking.asked(request, pages)
        if error:
            raise Refused(error)
        if not (user.role in MANAGERS and ledger.librarians):
            query = query.without("librarian")
        report = await asyncio.to_thread(ledger.report, query, librarians=user.role in MANAGERS, most=_MOST_ROWS)
        return _Taken(query, report, Words(desk.knowledge, pages.frame(request).language, asking.labels(request, pages, desk)))

    @app.get("/reports/file", name="report_file")
    @signed_in(pages)
    async def file(request: Request, user: Librarian) -> HTTPResponse:
        try:
            found, shape = await taken(request, user), Format(str(request.args.get("format") or Format.HTML))
            writer = Writer(found.report, found.words, f"{datetime.now(pages.zone):%Y-%m-%d %H:%M}")
            body = await asyncio.to_thread(writer.write, shape, str(request.args.get("table") or "channels"))
        except (Refused, ValueError) as refusal:
            return pages.notice(request, 400, str(refusal))
        await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EXPORTED, f"report {shape}", found.query.address())
        name = f"refdesk-{found.query.start}-{found.query.end}.{shape}"
        return _attached(body, brief.CONTENT_TYPES[shape], name)

    @app.get("/reports/charts/<name:str>", name="report_chart")
    @signed_in(pages)
    async def chart(request: Request, user: Librarian, name: str) -> HTTPResponse:
        plain, _, shape = name.rpartition(".")
        if shape not in _PICTURES:
            return pages.notice(request, 404, pages.knowledge.phrase("error.404", pages.frame(request).language))
        if shape == "png" and not await asyncio.to_thread(brief.writes_chinese):
            return pages.notice(request, 503, pages.knowledge.phrase("brief.no_font", pages.frame(request).language))
        content_type, draw = _PICTURES[shape]
        try:
            found = await taken(request, user)
            drawn = await asyncio.to_thread(brief.chart, plain, found.report, found.words)
            body = await asyncio.to_thread(draw, drawn.spec)
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("error.404", pages.frame(request).language))
        except Refused as refusal:
            return pages.notice(request, 400, str(refusal))
        if request.args.get("save"):
            await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EXPORTED, f"chart {name}", found.query.address())
            return _attached(body, content_type, f"refdesk-{found.query.start}-{found.query.end}-{name}")
        return raw(body, content_type=content_type, headers={"Cache-Control": "no-store"})

    @app.get("/reports/vega.js", name="report_vega")
    @signed_in(pages)
    async def vega(request: Request, user: Librarian) -> HTTPResponse:
        plain, packed = await asyncio.to_thread(brief.vega)
        headers = {"Cache-Control": f"private, max-age={_WEEK}", "Vary": "Accept-Encoding"}
        small = "gzip" in request.headers.get("accept-encoding", "")
        headers |= {"Content-Encoding": "gzip"} if small else {}
        return raw(packed if small else plain, content_type="text/javascript; charset=utf-8", headers=headers)


def _attached(body: bytes, content_type: str, name: str) -> HTTPResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return raw(body, content_type=content_type, headers=headers)
