"""The desk: the queue, one consultation, and the steps a librarian takes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from functools import wraps
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot import lookups
from bot.desk import Consultation, Desk
from bot.domain import Entry, Librarian, Message, QueueRow, TicketStatus, Window
from bot.errors import MoveRefused, NotFound, Refused, TooMuch
from bot.live import EVERYTHING, Hub
from bot.messages import Language
from bot.pages.contexts import CandidateLine, QueueLine, QueuePage, TicketPage
from bot.pages.render import SESSION_COOKIE, Pages, cookie_of, field, see_other

_OPEN = (TicketStatus.WAITING, TicketStatus.CLAIMED, TicketStatus.ANSWERED)
_VIEWS = {"waiting": (TicketStatus.WAITING,), "mine": _OPEN, "all": _OPEN, "closed": (TicketStatus.CLOSED,)}
_HEARTBEAT = 15.0
_HELD_BACK = frozenset({"suggested", "switched_off"})

Handler = Callable[..., Awaitable[HTTPResponse | None]]


def signed_in(pages: Pages) -> Callable[[Handler], Handler]:
    """Only for people with an account; a POST must carry the CSRF token of its session."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request, *args: Any, **kwargs: Any) -> HTTPResponse | None:
            frame = pages.frame(request)
            if frame.user is None:
                if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "text/html"):
                    return see_other(f"/login?next={request.path}")
                return json_response({"error": "sign in first"}, status=401)
            if request.method == "POST" and not pages.accounts.csrf_holds(field(request, "csrf"), cookie_of(request, SESSION_COOKIE)):
                return pages.notice(request, 403, pages.knowledge.phrase("desk.csrf", frame.language))
            return await handler(request, frame.user, *args, **kwargs)

        return guarded

    return wrap


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, hub: Hub) -> None:
    """/desk and what is below it."""
    guard = signed_in(pages)

    def rows(view: str, user: Librarian, closing: bool) -> tuple[QueueRow, ...]:
        return desk.queue(_VIEWS[view], user.login if view == "mine" else "", closing=closing)

    def counts(user: Librarian) -> tuple[tuple[str, int], ...]:
        return tuple((view, desk.count(_VIEWS[view], user.login if view == "mine" else "")) for view in ("waiting", "mine", "all"))

    @app.get("/desk", name="desk")
    @guard
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
                _closes_in(row.window, now),
            )
            for row in rows(view, user, closing)
        )
        return pages.render(request, QueuePage(frame, view, lines, counts(user), closing))

    @app.get("/desk/events", name="desk_events")
    @guard
    async def events(request: Request, user: Librarian) -> None:
        response = await request.respond(
            content_type="text/event-stream; charset=utf-8", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        with hub.listening(EVERYTHING) as wait:
            changed = True
            while response is not None and pages.frame(request).user is not None:
                now = json.dumps(dict(await asyncio.to_thread(counts, user)))
                await response.send(f"event: changed\ndata: {now}\n\n" if changed else ": still here\n\n")
                changed = await wait(_HEARTBEAT)

    @app.get("/desk/tickets/<number:int>", name="ticket")
    @guard
    async def ticket(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            return pages.render(request, _page(pages, desk, request, desk.consultation(number)))
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("desk.no_ticket", pages.frame(request).language, number=number))

    @app.post("/desk/tickets/<number:int>/<step:claim|release|reply|close>", name="ticket_step")
    @guard
    async def step(request: Request, user: Librarian, number: int, step: str) -> HTTPResponse:
        text = field(request, "text")
        try:
            await asyncio.to_thread(_steps(desk, user.login, text, field(request, "then"))[step], number)
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("desk.no_ticket", pages.frame(request).language, number=number))
        except Refused as refusal:
            error = pages.knowledge.phrase(_why(refusal), pages.frame(request).language)
            return pages.render(request, _page(pages, desk, request, desk.consultation(number), text, error), 409)
        return see_other("/desk" if step in ("release", "close") or field(request, "then") else f"/desk/tickets/{number}")


def _closes_in(window: Window | None, now: datetime) -> int:
    """Minutes until nothing can be pushed any more; 0 when that is so already, or never."""
    if window is None or window.closes_at is None or window.left == 0:
        return 0
    return max(0, int((window.closes_at - now).total_seconds() // 60))


def _why(refusal: Refused) -> str:
    """The phrase that explains to a librarian why a step was not taken."""
    if isinstance(refusal, MoveRefused):
        return "desk.moved"
    return "desk.too_long" if isinstance(refusal, TooMuch) else "desk.empty"


def _steps(desk: Desk, login: str, text: str, then: str) -> dict[str, Callable[[int], object]]:
    def reply(number: int) -> None:
        desk.reply(number, login, text)
        if then == "close":
            desk.close(number, login)

    return {
        "claim": lambda number: desk.claim(number, login),
        "release": lambda number: desk.release(number, login),
        "reply": reply,
        "close": lambda number: desk.close(number, login),
    }


def _draft(desk: Desk, intent: str, question: Message, spoken: Language, today: date) -> Entry | None:
    """What the bot would have said about a question; an answer from the tables where the question names something in them."""
    entities = question.prediction.entities if question.prediction else ()
    entry = desk.knowledge.choose(intent, spoken, today, entities)
    found = lookups.look_up(intent, entities, desk.knowledge, spoken)
    return replace(entry, answer=found[0], links=found[1]) if entry and found else entry


def _page(pages: Pages, desk: Desk, request: Request, consultation: Consultation, draft: str = "", error: str = "") -> TicketPage:
    frame, ticket, today = pages.frame(request), consultation.ticket, datetime.now(pages.zone).date()
    question, window = consultation.question(), desk.reach(consultation.conversation)
    found = question.prediction.candidates()[:3] if question.prediction and question.prediction.intent else ()
    intent = ticket.intent or (found[0].intent if found else "")
    spoken = consultation.conversation.language or frame.language
    form = desk.knowledge.form(ticket.intent, frame.language)
    labels = {each.name: each.label for each in form.fields} if form else {}
    return TicketPage(
        frame,
        ticket,
        desk.knowledge.title(intent, frame.language, today) if intent else "",
        consultation.conversation.address.connector,
        question,
        consultation.messages,
        tuple(CandidateLine(candidate, desk.knowledge.title(candidate.intent, frame.language, today)) for candidate in found),
        _draft(desk, intent, question, spoken, today),
        ticket.reason in _HELD_BACK,
        tuple((labels.get(name, name), value) for name, value in ticket.fields),
        window,
        _closes_in(window, desk.clock.now()),
        draft,
        error,
    )
