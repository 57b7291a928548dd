"""The autonomy page: how far the bot goes alone with each intent, and by what evidence."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.autonomy import NOTHING, Autonomy, Mode, confirmed
from bot.desk import Desk
from bot.domain import Librarian
from bot.pages.contexts import IntentLine, IntentsPage
from bot.pages.guard import signed_in
from bot.pages.render import Pages


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, autonomy: Autonomy) -> None:
    """/desk/intents. Modes are decided once, verdicts are counted anew for each visit."""
    standings = autonomy.standings()
    by_mode = Counter(standing.mode for standing in standings)
    counts = tuple((mode, by_mode[mode]) for mode in Mode)

    @app.get("/desk/intents", name="intents")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        frame, today = pages.frame(request), datetime.now(pages.zone).date()
        said = confirmed(await asyncio.to_thread(desk.store.read, lambda s: s.verdicts()))
        lines = []
        for standing in standings:
            verdicts = said.get(standing.intent, NOTHING)
            title = desk.knowledge.title(standing.intent, frame.language, today)
            lines.append(IntentLine(standing, title, verdicts.hits, verdicts.total - verdicts.hits))
        page = IntentsPage(frame, autonomy.bar, autonomy.doubts, counts, tuple(lines))
        return pages.render(request, page)
