"""The news of the desk, as server-sent events."""

import asyncio
import json
from typing import Any

from sanic import Request, Sanic

from bot.desk import Desk
from bot.domain import Librarian
from bot.live import EVERYTHING, Hub
from bot.pages.desk.queue import counts
from bot.pages.guard import signed_in
from bot.pages.render import Pages

_HEARTBEAT = 15.0


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, hub: Hub) -> None:
    """/desk/events."""

    @app.get("/desk/events", name="desk_events")
    @signed_in(pages)
    async def events(request: Request, user: Librarian) -> None:
        response = await request.respond(
            content_type="text/event-stream; charset=utf-8", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        with hub.listening(EVERYTHING) as wait:
            changed = True
            while response is not None and pages.frame(request).user is not None:
                now = json.dumps(dict(await asyncio.to_thread(counts, desk, user)))
                await response.send(f"event: changed\ndata: {now}\n\n" if changed else ": still here\n\n")
                changed = await wait(_HEARTBEAT)
