"""The news of the desk, as server-sent events: always the whole state at a glance, so that a lost event is no loss."""

import asyncio
import json
import time
from typing import Any

from sanic import Request, Sanic

from bot.domain import Librarian, Tally
from bot.errors import NotFound
from bot.live import EVERYTHING
from bot.pages.desk.workroom import Workroom, people
from bot.pages.guard import signed_in

_HEARTBEAT = 15.0
_TOGETHER = 0.05  # seconds in which changes are told as one
_MOST_NUMBER = 19


class Board:
    """Open tickets at a glance, counted once for all who listen."""

    def __init__(self, room: Workroom) -> None:
        self._room, self._lock = room, asyncio.Lock()
        self._tally: Tally | None = None
        self._counted_at = 0.0

    async def tally(self) -> Tally:
        """The state at a time after this call: what was counted before does not do."""
        called_at = time.monotonic()
        async with self._lock:
            if self._tally is None or self._counted_at <= called_at:
                await asyncio.sleep(_TOGETHER)
                self._counted_at = time.monotonic()
                self._tally = await asyncio.to_thread(self._room.desk.tally)
            return self._tally


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """/desk/events; with ?ticket=NUMBER also what happens in that ticket, and others see who has it open."""
    board = Board(room)

    @app.get("/desk/events", name="desk_events")
    @signed_in(room.pages)
    async def events(request: Request, user: Librarian) -> None:
        given = str(request.args.get("ticket") or "")
        ticket = int(given) if given.isascii() and given.isdecimal() and len(given) < _MOST_NUMBER else 0
        response = await request.respond(
            content_type="text/event-stream; charset=utf-8", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        told, changed = "", True
        with room.hub.listening(EVERYTHING) as wait, room.presence.open(user.login, ticket):
            while response is not None and room.pages.frame(request).user is not None:
                now = await _state(room, board, user.login, ticket) if changed else told
                await response.send(f"retry: 2000\nevent: changed\ndata: {now}\n\n" if now != told else ": still here\n\n")
                told = now
                changed = await wait(_HEARTBEAT)


async def _state(room: Workroom, board: Board, login: str, ticket: int) -> str:
    tally = await board.tally()
    stamp, names, alerts = await asyncio.to_thread(_own, room, login, ticket)
    looking = room.presence.looking()
    others = {number: [each.name for each in people(looking, number, login, names)] for number in looking}
    here = [{"name": each.name, "typing": each.typing} for each in people(looking, ticket, login, names)]
    state = {
        **dict(room.counts(tally, login)), "urgent": tally.urgent, "newest": tally.newest, "stamp": tally.stamp, "alerts": alerts,
        "looking": {str(number): who for number, who in others.items() if who}, "ticket": {"stamp": stamp, "here": here},
    }  # fmt: skip
    return json.dumps(state, ensure_ascii=False)


def _own(room: Workroom, login: str, ticket: int) -> tuple[str, dict[str, str], int]:
    """What this listener alone needs: the state of the open ticket, colleagues' names, and how many alerts are unseen."""
    names = dict(room.desk.store.read(lambda s: tuple((each.login, each.name or each.login) for each in s.librarians())))
    try:
        stamp = room.desk.stamp(ticket) if ticket else ""
    except NotFound:
        stamp = ""
    return stamp, names, len(room.desk.alerts(login))
