"""Shutting out who only disturbs, and letting them in again."""

import asyncio
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.domain import Deed, Librarian
from bot.errors import MoveRefused, NotFound, Refused
from bot.pages.contexts import BlocksPage
from bot.pages.desk import Workroom
from bot.pages.desk import ticket as ticket_page
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import field, see_other


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """POST /desk/tickets/NUMBER/block, /desk/blocks."""
    guard, desk, pages = signed_in(room.pages), room.desk, room.pages

    @app.post("/desk/tickets/<number:int>/block", name="ticket_block")
    @guard
    async def shut_out(request: Request, user: Librarian, number: int) -> HTTPResponse:
        hours, reason = field(request, "hours"), field(request, "reason")
        try:
            span = int(hours) if hours.isascii() and hours.isdecimal() and len(hours) < 6 else 0
            block = await asyncio.to_thread(desk.block, number, user.login, span, reason)
        except NotFound:
            return pages.notice(request, 404, room.say(request, "desk.no_ticket", number=number))
        except Refused as refusal:
            error = room.say(request, "desk.moved" if isinstance(refusal, MoveRefused) else f"block.{refusal}")
            return await asyncio.to_thread(ticket_page.show, room, request, user, number, error=error, status=409)
        note = f"ticket {number}: {block.reason}, until {block.until:%Y-%m-%d %H:%M}Z"
        await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.BLOCKED, block.visitor, note)
        return see_other("/desk")

    @app.get("/desk/blocks", name="blocks")
    @guard
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, BlocksPage(pages.frame(request), await asyncio.to_thread(desk.blocks)))

    @app.post("/desk/blocks/<number:int>/lift", name="block_lift")
    @guard
    async def lift(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            await asyncio.to_thread(desk.lift, number, user.login)
        except NotFound:
            return see_other("/desk/blocks")
        await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.UNBLOCKED, f"block {number}")
        return see_other("/desk/blocks")
