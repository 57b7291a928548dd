"""What groups ask: their topics, and the requests that were made in them, also as a table to take away."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sanic import Request, Sanic
from sanic.response import HTTPResponse, text

from bot import export
from bot.desk import Desk
from bot.domain import GroupRow, Librarian, Ticket
from bot.messages import Language
from bot.pages.contexts import GroupLine, GroupsPage, RequestLine
from bot.pages.guard import signed_in
from bot.pages.render import Pages

_SPANS = (7, 30, 180, 365)


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """/desk/groups; ?channel= and ?room= choose one, ?days= how far back, ?format=csv its requests."""

    @app.get("/desk/groups", name="groups")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        frame, days = pages.frame(request), _days(str(request.args.get("days") or ""))
        since = desk.clock.now() - timedelta(days=days)
        found = await asyncio.to_thread(desk.store.read, lambda s: s.groups(since))
        chosen = _chosen(found, str(request.args.get("channel") or ""), str(request.args.get("room") or ""))
        topics: tuple[tuple[str, int], ...] = ()
        wanted: tuple[Ticket, ...] = ()
        if chosen:
            at = chosen.connector, chosen.room
            topics, wanted = await asyncio.to_thread(
                desk.store.read, lambda s: (s.asked_by_group(*at, since), s.wanted_by_group(*at, since))
            )
        lines = tuple(_line(desk, ticket, frame.language) for ticket in wanted)
        if request.args.get("format") == "csv":
            return _table(lines)
        today = datetime.now(pages.zone).date()
        groups = tuple(GroupLine(row, desk.room_name(row.room), row == chosen) for row in found)
        titles = tuple((desk.knowledge.title(intent, frame.language, today), count) for intent, count in topics)
        name = desk.room_name(chosen.room) if chosen else ""
        query = urlencode({"days": days, "channel": chosen.connector, "room": chosen.room}) if chosen else ""
        return pages.render(request, GroupsPage(frame, days, _SPANS, groups, name, titles, lines, f"/desk/groups?{query}"))


def _days(given: str) -> int:
    return next((span for span in _SPANS if str(span) == given), _SPANS[1])


def _chosen(found: tuple[GroupRow, ...], connector: str, room: str) -> GroupRow | None:
    """The group that is asked for, or the one that asks most."""
    return next((row for row in found if (row.connector, row.room) == (connector, room)), found[0] if found else None)


def _line(desk: Desk, ticket: Ticket, language: Language) -> RequestLine:
    form = desk.knowledge.form(ticket.intent, language)
    labels = {field.name: field.label for field in form.fields if not field.personal} if form else {}
    shown = tuple((labels[name], value) for name, value in ticket.fields if name in labels)
    return RequestLine(ticket, form.title if form else ticket.intent, shown)


def _table(lines: tuple[RequestLine, ...]) -> HTTPResponse:
    rows = [
        (line.ticket.id, line.ticket.opened_at.isoformat(), line.ticket.status, line.title, "; ".join(f"{n}: {v}" for n, v in line.fields))
        for line in lines
    ]
    return text(
        "\ufeff" + export.csv_of(("number", "opened_at", "status", "form", "fields"), rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="refdesk-group-requests.csv"', "Cache-Control": "no-store"},
    )
