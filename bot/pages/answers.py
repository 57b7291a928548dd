"""One curated answer as a page of its own: what a chat shows the beginning of, and anybody may read."""

from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.desk import Desk
from bot.pages.contexts import AnswerPage
from bot.pages.render import Pages


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """GET /answers/ENTRY: only what the bot may say alone today."""

    @app.get("/answers/<entry_id:str>", name="answer")
    async def answer(request: Request, entry_id: str) -> HTTPResponse:
        frame = pages.frame(request)
        entry = desk.readable(entry_id, frame.language)
        if entry is None:
            return pages.notice(request, 404, pages.knowledge.phrase("answer.unknown", frame.language))
        return pages.render(request, AnswerPage(frame, entry))
