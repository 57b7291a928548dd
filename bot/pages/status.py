"""What is out of order: incidents that librarians announce and end, databases that are down or reported."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.desk import Desk
from bot.domain import IntentKind, Librarian, Role
from bot.errors import NotFound, Refused, TooMuch
from bot.incidents import Incident
from bot.pages.contexts import StatusPage
from bot.pages.guard import signed_in
from bot.pages.render import Pages, field, fields, see_other

_EDITORS = (Role.LIBRARIAN, Role.EDITOR, Role.ADMINISTRATOR)
_TYPED = ("notice_zh", "notice_en", "expected")
_ABOUT = frozenset({IntentKind.FAQ, IntentKind.LOOKUP, IntentKind.FORM})


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """/desk/status."""
    edits = signed_in(pages, *_EDITORS)

    async def page(request: Request, user: Librarian, error: str = "", status: int = 200) -> HTTPResponse:
        frame, today = pages.frame(request), datetime.now(pages.zone).date()
        kinds = desk.answering.kinds
        topics = sorted((desk.knowledge.title(intent, frame.language, today), intent) for intent, kind in kinds.items() if kind in _ABOUT)
        databases = tuple(row.name for row in desk.knowledge.rows if row.kind == "database")
        typed = tuple((name, field(request, name)) for name in _TYPED)
        chosen = ((f"{kind}:{value}", "1") for kind in ("intents", "databases") for value in fields(request, kind))
        told = str(request.args.get("told") or "")
        shown = StatusPage(
            frame,
            await asyncio.to_thread(desk.status),
            tuple((intent, title) for title, intent in topics),
            databases,
            user.role in _EDITORS,
            int(told) if told.isascii() and told.isdigit() and len(told) < 7 else -1,
            (*typed, *chosen),
            pages.knowledge.phrase(f"status.refused_{error}", frame.language) if error else "",
        )
        return pages.render(request, shown, status)

    @app.get("/desk/status", name="status")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return await page(request, user)

    @app.post("/desk/status", name="status_announce")
    @edits
    async def announce(request: Request, user: Librarian) -> HTTPResponse:
        try:
            incident = Incident(
                0, field(request, "notice_zh"), field(request, "notice_en"), fields(request, "intents"),
                tuple(filter(None, fields(request, "databases"))), user.login,
                desk.clock.now(), _expected(pages, field(request, "expected")),
            )  # fmt: skip
            await asyncio.to_thread(desk.announce, incident)
        except TooMuch:
            return await page(request, user, "long", 400)
        except Refused as refusal:
            return await page(request, user, str(refusal), 400)
        return see_other("/desk/status")

    @app.post("/desk/status/<number:int>/end", name="status_end")
    @edits
    async def end(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            told = await asyncio.to_thread(desk.end_incident, number, user.login)
        except NotFound:
            return await page(request, user, "gone", 404)
        return see_other(f"/desk/status?told={told}")


def _expected(pages: Pages, typed: str) -> datetime | None:
    """A local time from a form, "2026-11-23T16:00"; None when the field is empty."""
    if not typed:
        return None
    try:
        at = datetime.fromisoformat(typed)
        at = at.replace(tzinfo=pages.zone) if at.tzinfo is None else at
        return at if at.year >= 2000 and at + timedelta(days=1) else None
    except (ValueError, OverflowError) as error:
        raise Refused("past") from error
