"""The queue: what waits, what is mine, what is open, what is over."""

from datetime import datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.desk import Desk
from bot.domain import Librarian, QueueRow, TicketStatus, Window
from bot.pages.contexts import QueueLine, QueuePage
from bot.pages.guard import signed_in
from bot.pages.render import Pages

_OPEN = (TicketStatus.WAITING, TicketStatus.CLAIMED, TicketStatus.ANSWERED)
_VIEWS = {"waiting": (TicketStatus.WAITING,), "mine": _OPEN, "all": _OPEN, "closed": (TicketStatus.CLOSED,)}


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """/desk."""

    def rows(view: str, user: Librarian, closing: bool) -> tuple[QueueRow, ...]:
        return desk.queue(_VIEWS[view], user.login if view == "mine" else "", closing=closing)

    @app.get("/desk", name="desk")
    @signed_in(pages)
    async def queue(request: Request, user: Librarian) -> HTTPResponse:
        frame, view = pages.frame(request), str(request.args.get("view") or "waiting")
        view = view if view in _VIEWS else "waiting"
        closing = request.args.get("sort") == "closing"
        now, today = desk.clock.now(), datetime.now(pages.zone).date()
        lines = tuple(
            QueueLine(
                row,
                desk.knowledge.title(row.ticket.intent, frame.language, today) if row.ticket.intent else "",
                int((now - row.ticket.opened_at).total_seconds() // 60),
                closes_in(row.window, now),
            )
            for row in rows(view, user, closing)
        )
        return pages.render(request, QueuePage(frame, view, lines, counts(desk, user), closing))


def counts(desk: Desk, user: Librarian) -> tuple[tuple[str, int], ...]:
    """How many tickets each view has."""
    return tuple((view, desk.count(_VIEWS[view], user.login if view == "mine" else "")) for view in ("waiting", "mine", "all"))


def closes_in(window: Window | None, now: datetime) -> int:
    """Minutes until nothing can be pushed any more; 0 when that is so already, or never."""
    if window is None or window.closes_at is None or window.left == 0:
        return 0
    return max(0, int((window.closes_at - now).total_seconds() // 60))
