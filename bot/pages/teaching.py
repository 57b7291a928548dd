"""Teaching: what waits for a second person, what was learned, training in the background, one step back."""

import asyncio
from collections.abc import Callable
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.domain import Deed, EntryDraft, Librarian, Role
from bot.errors import NotFound, RefdeskError, Refused, TooMuch
from bot.pages.contexts import DraftPage, ExampleLine, TeachPage
from bot.pages.desk import Workroom
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import field, see_other
from bot.teaching import Teacher

TOPICS = ("remote_access", "textbooks", "circulation", "resources", "research", "visiting", "about")
_REASONS = frozenset({"own", "done", "empty", "wrong_topic", "wrong_name", "known_name", "wrong_file", "busy", "nothing"})


def mount(app: Sanic[Any, Any], room: Workroom, teacher: Teacher) -> None:
    """/desk/teach and what is below it; POST /desk/tickets/NUMBER/example."""
    guard, reviews = signed_in(room.pages), signed_in(room.pages, Role.EDITOR, Role.ADMINISTRATOR)
    desk, pages = room.desk, room.pages

    def told(request: Request, error: Exception) -> str:
        if isinstance(error, TooMuch):
            return room.say(request, "teach.too_long", limit=error.limit)
        why = str(error)
        return room.say(request, f"teach.{why}") if why in _REASONS else why

    def review_page(request: Request, user: Librarian, error: str = "") -> TeachPage:
        frame, waiting, known = pages.frame(request), desk.lessons(), teacher.known()
        lines = tuple(ExampleLine(row, known.like(row.text, row.intent)) for row in waiting.examples)
        generations = desk.store.read(lambda s: s.generations())
        may = user.role in (Role.EDITOR, Role.ADMINISTRATOR)
        return TeachPage(
            frame, lines, waiting.entries, waiting.approved, generations, teacher.progress, room.topics(frame.language), may, error
        )

    async def attempt(request: Request, user: Librarian, work: Callable[[], object]) -> HTTPResponse:
        try:
            await asyncio.to_thread(work)
        except (Refused, RefdeskError) as refusal:
            error = told(request, refusal)
            return pages.render(request, await asyncio.to_thread(review_page, request, user, error), 409)
        return see_other("/desk/teach")

    @app.get("/desk/teach", name="teach")
    @guard
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, await asyncio.to_thread(review_page, request, user))

    @app.get("/desk/teach/progress", name="teach_progress")
    @guard
    async def progress(request: Request, user: Librarian) -> HTTPResponse:
        now = teacher.progress
        told = {"step": room.say(request, f"teach.step_{now.step}"), "share": round(now.share, 3)} if now else None
        return json_response({"training": told}, headers={"Cache-Control": "no-store"})

    @app.post("/desk/teach/examples/<number:int>/<step:approve|refuse>", name="teach_example")
    @reviews
    async def review_example(request: Request, user: Librarian, number: int, step: str) -> HTTPResponse:
        text, intent = field(request, "text"), field(request, "intent")
        return await attempt(request, user, lambda: desk.review_example(number, user.login, step == "approve", text, intent))

    @app.post("/desk/teach/entries/<number:int>/<step:approve|refuse>", name="teach_entry")
    @reviews
    async def review_entry(request: Request, user: Librarian, number: int, step: str) -> HTTPResponse:
        return await attempt(request, user, lambda: desk.review_entry(number, user.login, step == "approve"))

    @app.post("/desk/teach/train", name="teach_train")
    @reviews
    async def train(request: Request, user: Librarian) -> HTTPResponse:
        if teacher.progress or not desk.lessons().approved:
            return await attempt(request, user, lambda: _refuse("busy" if teacher.progress else "nothing"))
        await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EDITED, "intents and knowledge", "training")
        teacher.begin(user.login)
        return see_other("/desk/teach")

    @app.post("/desk/teach/undo", name="teach_undo")
    @reviews
    async def undo(request: Request, user: Librarian) -> HTTPResponse:
        await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EDITED, "intents and knowledge", "one step back")
        return await attempt(request, user, teacher.undo)

    # --- proposing ---

    @app.post("/desk/tickets/<number:int>/example", name="ticket_example")
    @guard
    async def propose(request: Request, user: Librarian, number: int) -> HTTPResponse:
        text, intent = field(request, "text"), field(request, "intent")
        try:
            await asyncio.to_thread(desk.propose_example, number, user.login, text, intent)
        except NotFound:
            return pages.notice(request, 404, room.say(request, "desk.no_ticket", number=number))
        except Refused as refusal:
            return pages.notice(request, 400, told(request, refusal))
        return see_other(f"/desk/tickets/{number}?taught=1")

    def draft_page(request: Request, error: str = "") -> DraftPage:
        frame = pages.frame(request)
        ticket = int(given) if (given := str(request.args.get("ticket") or "0")).isascii() and given.isdecimal() and len(given) < 12 else 0
        names = ("intent", "topic", "covers", "title_zh", "title_en", "answer_zh", "answer_en", "examples", "source")
        typed = {name: field(request, name) for name in names}
        if ticket and not typed["examples"]:
            try:
                typed["examples"] = desk.example_of(ticket)
            except NotFound:
                ticket = 0
        return DraftPage(frame, TOPICS, ticket, tuple(typed.items()), error)

    @app.get("/desk/teach/entry", name="teach_draft")
    @guard
    async def draft(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, await asyncio.to_thread(draft_page, request))

    @app.post("/desk/teach/entry", name="teach_draft_post")
    @guard
    async def propose_entry(request: Request, user: Librarian) -> HTTPResponse:
        topic = field(request, "topic")
        examples = tuple(line.strip() for line in field(request, "examples").splitlines() if line.strip())
        row = EntryDraft(
            field(request, "intent").strip(), topic if topic in TOPICS else "", field(request, "covers"),
            (field(request, "title_zh"), field(request, "title_en")), (field(request, "answer_zh"), field(request, "answer_en")),
            examples, user.login, field(request, "source").strip(),
        )  # fmt: skip
        try:
            if not row.topic:
                raise Refused("wrong_file")
            await asyncio.to_thread(desk.propose_entry, row)
        except Refused as refusal:
            return pages.render(request, await asyncio.to_thread(draft_page, request, told(request, refusal)), 400)
        return see_other("/desk/teach")


def _refuse(why: str) -> None:
    raise Refused(why)
