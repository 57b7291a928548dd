"""Help with answers: entries, canned replies and earlier answers beside the reply box; canned replies; what the bot could not answer."""

import asyncio
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.desk import LONGEST_EXAMPLE, Aid
from bot.domain import CannedReply, Librarian, Role
from bot.errors import NotFound, Refused, TooMuch
from bot.pages.contexts import CannedPage, MiningPage
from bot.pages.desk import Workroom
from bot.pages.desk import ticket as ticket_page
from bot.pages.desk.steps import answer
from bot.pages.guard import signed_in
from bot.pages.render import field, fields, see_other

_DAYS = (7, 30, 90, 365)
_MOST_TEXTS = 30
_SHARES = (Role.EDITOR, Role.ADMINISTRATOR)


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """/desk/canned, /desk/mining, and what helps at a ticket."""
    guard, desk, pages = signed_in(room.pages), room.desk, room.pages

    @app.get("/desk/tickets/<number:int>/help", name="ticket_help")
    @guard
    async def aid(request: Request, user: Librarian, number: int) -> HTTPResponse:
        words = str(request.args.get("q") or "")[:200]
        try:
            found = await asyncio.to_thread(desk.aid, number, user.login, words)
        except NotFound:
            return json_response({"error": "no such ticket"}, status=404)
        return json_response(_told(found), headers={"Cache-Control": "no-store"})

    @app.post("/desk/tickets/<number:int>/teach-reply", name="ticket_teach_reply")
    @guard
    async def teach_and_reply(request: Request, user: Librarian, number: int) -> HTTPResponse:
        text, intent = field(request, "text"), field(request, "intent")

        def work() -> None:
            if desk.consultation(number).ticket.claimed_by != user.login:
                desk.claim(number, user.login)
            answer(room, number, user.login, text)
            desk.propose_example(number, user.login, desk.example_of(number), intent)

        try:
            await asyncio.to_thread(work)
        except NotFound:
            return pages.notice(request, 404, room.say(request, "desk.no_ticket", number=number))
        except Refused as refusal:
            error = room.say(request, "desk.too_long" if isinstance(refusal, TooMuch) else "help.not_sent")
            return await asyncio.to_thread(ticket_page.show, room, request, user, number, draft=text, error=error, status=409)
        return see_other(f"/desk/tickets/{number}?taught=1")

    # --- canned replies ---

    def canned_page(request: Request, user: Librarian, error: str = "") -> CannedPage:
        typed = tuple((name, field(request, name)) for name in ("code", "title", "text"))
        return CannedPage(pages.frame(request), desk.canned(user.login), user.role in _SHARES, typed, error)

    @app.get("/desk/canned", name="canned")
    @guard
    async def show_canned(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, await asyncio.to_thread(canned_page, request, user))

    @app.post("/desk/canned", name="canned_save")
    @guard
    async def save(request: Request, user: Librarian) -> HTTPResponse:
        owner = "" if field(request, "shared") and user.role in _SHARES else user.login
        code = field(request, "code").strip().lower().removeprefix("/")
        reply = CannedReply(code, field(request, "title").strip(), field(request, "text").strip(), owner)
        try:
            await asyncio.to_thread(desk.save_canned, reply, user.login)
        except Refused as refusal:
            why = "too_long" if isinstance(refusal, TooMuch) else str(refusal)
            error = room.say(request, f"canned.{why}")
            return pages.render(request, await asyncio.to_thread(canned_page, request, user, error), 400)
        return see_other("/desk/canned")

    @app.post("/desk/canned/<number:int>/remove", name="canned_remove")
    @guard
    async def remove(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            await asyncio.to_thread(lambda: desk.remove_canned(number, user.login, shared=user.role in _SHARES))
        except NotFound:
            return pages.notice(request, 404, room.say(request, "canned.gone"))
        return see_other("/desk/canned")

    # --- what the bot could not answer ---

    @app.get("/desk/mining", name="mining")
    @guard
    async def mine(request: Request, user: Librarian) -> HTTPResponse:
        frame, wished = pages.frame(request), str(request.args.get("days") or "30")
        days = int(wished) if wished in map(str, _DAYS) else 30
        found = await asyncio.to_thread(desk.unanswered, days)
        return pages.render(request, MiningPage(frame, days, _DAYS, found, room.topics(frame.language)))

    @app.post("/desk/mining/attach", name="mining_attach")
    @guard
    async def attach(request: Request, user: Librarian) -> HTTPResponse:
        intent, texts = field(request, "intent"), fields(request, "text")[:_MOST_TEXTS]

        def work() -> None:
            for text in texts:
                desk.propose_example(0, user.login, text[:LONGEST_EXAMPLE], intent)

        try:
            await asyncio.to_thread(work)
        except Refused:
            return pages.notice(request, 400, room.say(request, "mining.refused"))
        return see_other("/desk/teach")


def _told(found: Aid) -> dict[str, list[dict[str, object]]]:
    """What the page's script shows; everything as text."""
    return {
        "entries": [
            {
                "title": entry.title,
                "text": "\n".join([entry.answer.strip(), *(f"{link.title}: {link.url}" for link in entry.links)]),
                "intent": entry.intent,
            }
            for entry in found.entries
        ],
        "canned": [{"title": each.title, "code": each.code, "text": each.text} for each in found.canned],
        "answered": [{"title": each.question, "text": each.reply, "ticket": each.ticket} for each in found.answered],
    }
