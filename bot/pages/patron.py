"""What patrons see: the chat page, and the widget for other sites."""

from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, file

from bot import connector
from bot.answering import POPULAR
from bot.connector import VISITOR_COOKIE, WEB
from bot.desk import Desk
from bot.messages import Address
from bot.pages.contexts import ChatPage
from bot.pages.render import HERE, Pages, cookie_of

_REFUSALS = frozenset({"empty", "too_many", "too_long", "not_stored"})


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, doors: connector.Desk) -> None:
    """GET /, /widget.js."""

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
