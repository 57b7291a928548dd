"""What waits for patrons behind a pick-up code: a consultation, or one reply with what its channel could not show."""

import re
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, redirect

from bot.desk import Desk
from bot.errors import NotFound
from bot.pages.contexts import MailboxPage, PickedPage, PickupPage
from bot.pages.render import Pages

_CODE = re.compile(r"[0-9a-z]{8,64}")


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """GET /mailbox, where a code is entered, and /mailbox/CODE."""

    @app.get("/mailbox", name="pickup")
    async def pickup(request: Request) -> HTTPResponse:
        frame, typed = pages.frame(request), str(request.args.get("code") or "")
        code = re.sub(r"[\s-]+", "", typed).lower()
        if _CODE.fullmatch(code):
            return redirect(f"/mailbox/{code}", status=303)
        return pages.render(request, PickupPage(frame, typed[:64], pages.knowledge.phrase("pickup.wrong", frame.language) if typed else ""))

    @app.get("/mailbox/<code:str>", name="mailbox")
    async def mailbox(request: Request, code: str) -> HTTPResponse:
        frame, code = pages.frame(request), code.strip().lower()
        try:
            consultation = desk.mailbox(code)
        except NotFound:
            return _single(request, pages, desk, code)
        shown = tuple(m for m in consultation.messages if m.id >= consultation.ticket.question)
        return pages.render(request, MailboxPage(frame, consultation.ticket, shown))


def _single(request: Request, pages: Pages, desk: Desk, code: str) -> HTTPResponse:
    frame = pages.frame(request)
    try:
        return pages.render(request, PickedPage(frame, desk.picked_up(code)))
    except NotFound:
        return pages.render(request, PickupPage(frame, code[:64], pages.knowledge.phrase("mailbox.unknown", frame.language)), 404)
