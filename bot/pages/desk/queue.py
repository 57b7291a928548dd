"""The queue: what waits, what is mine, what is open, what is over; and what was ever said, found by words."""

import asyncio
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.domain import Librarian
from bot.errors import NotFound
from bot.pages.desk.contexts import EarlierLine, QueuePage, RecordPage
from bot.pages.desk.query import asked
from bot.pages.desk.ticket import item_of
from bot.pages.desk.workroom import Workroom
from bot.pages.guard import signed_in
from bot.pages.render import see_other


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """/desk, /desk/suggestions, /desk/conversations/NUMBER."""
    guard = signed_in(room.pages)

    @app.get("/desk", name="desk")
    @guard
    async def queue(request: Request, user: Librarian) -> HTTPResponse:
        pane = await asyncio.to_thread(room.pane, request, user)
        return room.pages.render(request, QueuePage(room.pages.frame(request), pane))

    @app.get("/desk/suggestions", name="desk_suggestions")
    @guard
    async def suggestions(request: Request, user: Librarian) -> HTTPResponse:
        return json_response(list(await asyncio.to_thread(room.desk.suggest, asked(request).q)))

    @app.get("/desk/conversations/<number:int>", name="record")
    @guard
    async def record(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            return room.pages.render(request, await asyncio.to_thread(_record, room, request, user, number))
        except NotFound:
            return room.pages.notice(request, 404, room.say(request, "desk.no_conversation", number=number))

    @app.post("/desk/alerts/seen", name="alerts_seen")
    @guard
    async def seen(request: Request, user: Librarian) -> HTTPResponse:
        await asyncio.to_thread(room.desk.see_alerts, user.login)
        return see_other(asked(request).here("/desk"))


def _record(room: Workroom, request: Request, user: Librarian, number: int) -> RecordPage:
    frame = room.pages.frame(request)
    conversation, messages, tickets = room.desk.record(number)
    return RecordPage(
        frame, room.pane(request, user), number, conversation.address.connector,
        tuple(item_of(room, message) for message in messages),
        tuple(EarlierLine(ticket, room.title(ticket.intent, frame.language)) for ticket in tickets),
    )  # fmt: skip
