"""Writing down consultations that came by phone, at a desk or by mail: a channel, a topic, done."""

import asyncio
from datetime import datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.answering import POPULAR
from bot.desk import BY_HAND, Desk, Logged
from bot.domain import IntentKind, Librarian
from bot.errors import Refused, TooMuch
from bot.messages import Language
from bot.pages.contexts import LogbookPage
from bot.pages.guard import signed_in
from bot.pages.render import Pages, field, fields, see_other

_NO_TOPIC = (IntentKind.SOCIAL, IntentKind.HUMAN)


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """/desk/log."""
    guard = signed_in(pages)
    topics = tuple(intent for intent, kind in desk.answering.kinds.items() if kind not in _NO_TOPIC)

    def page(request: Request, error: str = "") -> LogbookPage:
        frame = pages.frame(request)
        titles = sorted(((intent, desk.knowledge.title(intent, frame.language, desk.today())) for intent in topics), key=lambda t: t[1])
        often = tuple(intent for intent in POPULAR if intent in topics)
        told = pages.knowledge.phrase(f"log.{error}", frame.language) if error else ""
        kept = {name: next((each for each in fields(request, name) if each), "") for name in ("channel", "topic", "text", "at")}
        now = desk.clock.now().astimezone(pages.zone)
        done = str(request.args.get("done") or "")
        return LogbookPage(
            frame, BY_HAND, tuple(titles), often, f"{now:%Y-%m-%dT%H:%M}", kept["channel"], kept["topic"], kept["text"],
            kept["at"], done if done in BY_HAND else "", told,
        )  # fmt: skip

    @app.get("/desk/log", name="log")
    @guard
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, page(request))

    @app.post("/desk/log", name="log_post")
    @guard
    async def write_down(request: Request, user: Librarian) -> HTTPResponse:
        language = Language.EN if field(request, "language") == "en" else Language.ZH
        try:
            at = _moment(pages, field(request, "at"))
            topic = next((each for each in fields(request, "topic") if each), "")
            entry = Logged(field(request, "channel"), topic, field(request, "text"), language, at=at)
            await asyncio.to_thread(desk.log, user.login, entry)
        except TooMuch:
            return pages.render(request, page(request, "too_long"), 400)
        except Refused as refusal:
            return pages.render(request, page(request, str(refusal)), 400)
        return see_other(f"/desk/log?done={entry.channel}")


def _moment(pages: Pages, text: str) -> datetime | None:
    """A time in the library's zone as browsers send it; None for now."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=pages.zone)
    except ValueError as error:
        raise Refused("wrong_time") from error
