"""What patrons see: the chat page, the widget for other sites, the mailbox."""

from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, file

from bot import connector
from bot.answering import POPULAR
from bot.connector import VISITOR_COOKIE, WEB
from bot.desk import Desk
from bot.errors import NotFound
from bot.messages import Address
from bot.pages.contexts import ChatPage, MailboxPage
from bot.pages.render import HERE, Pages, cookie_of

_REFUSALS = frozenset({"empty", "too_many", "too_long", "not_stored"})


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, doors: connector.Desk) -> None:
    """GET /, /widget.js, /mailbox/CODE."""

    @app.get("/", name="chat")
    async def chat(request: Request) -> HTTPResponse:
        frame = pages.frame(request)
        address = Address(WEB, cookie_of(request, VISITOR_COOKIE))
        await doors.collect(address)
        exchange = await doors.history(address, 0)
        refused = str(request.args.get("refused") or "")
        error = pages.knowledge.phrase(f"refused.{refused}", frame.language) if refused in _REFUSALS else ""
        popular = tuple(pages.knowledge.phrase(f"popular.{intent}", frame.language) for intent in POPULAR)
        return pages.render(request, ChatPage(frame, exchange, popular, error))

    @app.get("/widget.js", name="widget")
    async def widget(request: Request) -> HTTPResponse:
        return await file(HERE / "static" / "widget.js", mime_type="text/javascript", max_age=3600)

    @app.get("/mailbox/<code:str>", name="mailbox")
    async def mailbox(request: Request, code: str) -> HTTPResponse:
        try:
            consultation = desk.mailbox(code.strip().lower())
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("mailbox.unknown", pages.frame(request).language))
        shown = tuple(m for m in consultation.messages if m.id >= consultation.ticket.question)
        return pages.render(request, MailboxPage(pages.frame(request), consultation.ticket, shown))
