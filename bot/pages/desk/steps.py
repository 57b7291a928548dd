"""The steps that a librarian takes with a ticket: every one is a form, with or without scripts."""

import asyncio
from collections.abc import Callable
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.desk import Desk
from bot.domain import Librarian
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.pages.desk import ticket
from bot.pages.desk.query import asked
from bot.pages.desk.workroom import Workroom
from bot.pages.guard import signed_in
from bot.pages.render import field, see_other

_STEPS = "claim|release|reply|close|transfer|note|mark|join|part"
_LEAVING = frozenset({"release", "close", "transfer", "join"})
_WHY = {"colleague": "desk.no_colleague", "note": "desk.wrong_note"}


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """POST /desk/tickets/NUMBER/STEP, /undo, /typing, /preview."""
    guard, desk = signed_in(room.pages), room.desk

    @app.post(f"/desk/tickets/<number:int>/<step:{_STEPS}>", name="ticket_step")
    @guard
    async def step(request: Request, user: Librarian, number: int, step: str) -> HTTPResponse:
        here, text = asked(request), field(request, "text")
        try:
            await asyncio.to_thread(_steps(room, request, user)[step], number)
        except NotFound:
            return room.pages.notice(request, 404, room.say(request, "desk.no_ticket", number=number))
        except Refused as refusal:
            error = room.say(request, _why(refusal))
            return await asyncio.to_thread(ticket.show, room, request, user, number, draft=text, error=error, status=409)
        away = step in _LEAVING or field(request, "then") == "close"
        return see_other(here.here("/desk") if away else here.here(f"/desk/tickets/{number}"))

    @app.post("/desk/tickets/<number:int>/undo", name="ticket_undo")
    @guard
    async def undo(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            held = await asyncio.to_thread(desk.undo, number, user.login)
        except NotFound:
            error = room.say(request, "desk.sent_already")
            return await asyncio.to_thread(ticket.show, room, request, user, number, error=error, status=409)
        return await asyncio.to_thread(ticket.show, room, request, user, number, draft=held.text)

    @app.post("/desk/tickets/<number:int>/typing", name="ticket_typing")
    @guard
    async def typing(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            consulted = await asyncio.to_thread(lambda: desk.store.read(lambda s: s.ticket(number)))
        except NotFound:
            return json_response({"error": "no such ticket"}, status=404)
        to = consulted.conversation if consulted.claimed_by == user.login else 0  # the patron sees only who has the ticket
        room.presence.type(user.login, number, to, going=field(request, "going") == "1")
        return json_response({})

    @app.post("/desk/tickets/<number:int>/preview", name="ticket_preview")
    @guard
    async def preview(request: Request, user: Librarian, number: int) -> HTTPResponse:
        text = field(request, "text")
        try:
            consulted = await asyncio.to_thread(desk.consultation, number)
        except NotFound:
            return json_response({"error": "no such ticket"}, status=404)
        return json_response(list(desk.preview(consulted.conversation.address.connector, text)))


def _why(refusal: Refused) -> str:
    """The phrase that explains to a librarian why a step was not taken."""
    if isinstance(refusal, MoveRefused):
        return "desk.moved"
    if isinstance(refusal, TooMuch):
        return "desk.too_long"
    return _WHY.get(str(refusal), "desk.empty")


def _steps(room: Workroom, request: Request, user: Librarian) -> dict[str, Callable[[int], object]]:
    desk, login, text, closing = room.desk, user.login, field(request, "text"), field(request, "then") == "close"

    def transfer(number: int) -> None:
        to, note = field(request, "to"), field(request, "note")
        kind, _, name = to.partition(":")
        if kind == "team" and name in room.teams:
            desk.transfer_to_team(number, login, name, room.teams[name], note)
        else:
            desk.transfer(number, login, name if kind == "person" else "", note)

    return {
        "claim": lambda number: desk.claim(number, login),
        "release": lambda number: desk.release(number, login, field(request, "note")),
        "reply": lambda number: answer(room, number, login, text, closing=closing),
        "close": lambda number: desk.close(number, login),
        "transfer": transfer,
        "note": lambda number: desk.note(number, login, field(request, "note")),
        "mark": lambda number: desk.mark(number, login, field(request, "urgent") == "1"),
        "join": lambda number: desk.join(number, login, _number(field(request, "into"))),
        "part": lambda number: desk.part(number, login),
    }


def answer(room: Workroom, number: int, login: str, text: str, *, closing: bool = False) -> None:
    """Send a reply, held for as long as it can be taken back."""
    desk: Desk = room.desk
    if room.undo:
        desk.hold(number, login, text, room.undo, closing=closing)
        return
    desk.reply(number, login, text)
    if closing:
        desk.close(number, login)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
