"""The steps that a librarian takes with a ticket."""

import asyncio
from collections.abc import Callable
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.desk import Desk
from bot.domain import Librarian
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.pages.desk import ticket
from bot.pages.guard import signed_in
from bot.pages.render import Pages, field, see_other


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """POST /desk/tickets/NUMBER/STEP."""

    @app.post("/desk/tickets/<number:int>/<step:claim|release|reply|close>", name="ticket_step")
    @signed_in(pages)
    async def step(request: Request, user: Librarian, number: int, step: str) -> HTTPResponse:
        text = field(request, "text")
        try:
            await asyncio.to_thread(_steps(desk, user.login, text, field(request, "then"))[step], number)
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("desk.no_ticket", pages.frame(request).language, number=number))
        except Refused as refusal:
            error = pages.knowledge.phrase(_why(refusal), pages.frame(request).language)
            return pages.render(request, ticket.page(pages, desk, request, desk.consultation(number), text, error), 409)
        return see_other("/desk" if step in ("release", "close") or field(request, "then") else f"/desk/tickets/{number}")


def _why(refusal: Refused) -> str:
    """The phrase that explains to a librarian why a step was not taken."""
    if isinstance(refusal, MoveRefused):
        return "desk.moved"
    return "desk.too_long" if isinstance(refusal, TooMuch) else "desk.empty"


def _steps(desk: Desk, login: str, text: str, then: str) -> dict[str, Callable[[int], object]]:
    def reply(number: int) -> None:
        desk.reply(number, login, text)
        if then == "close":
            desk.close(number, login)

    return {
        "claim": lambda number: desk.claim(number, login),
        "release": lambda number: desk.release(number, login),
        "reply": reply,
        "close": lambda number: desk.close(number, login),
    }
