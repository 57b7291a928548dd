"""The library's own web chat: the JSON and event-stream side of the chat page and of /widget.js.

An asker is a random cookie of 128 bits. The page works without JavaScript: a plain form post is answered with a
redirect to the page. State-changing requests from other sites are refused before they come here (see bot.app).
"""

import json as jsonlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json, redirect

from bot.connector import VISITOR_COOKIE, WEB, Connector, Delivery, Desk, Limits, Outcome
from bot.errors import NotFound, RefdeskError, Refused, TooMuch, WrongSetting
from bot.messages import Address, Exchange, Line, Question

_VISITOR = re.compile(r"[A-Za-z0-9_-]{22,64}")
_HEARTBEAT = 15.0
_YEAR = 365 * 24 * 3600

T = TypeVar("T", bound=BaseModel)


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: str = ""
    id: str = ""
    choice: str = ""


class _Rated(BaseModel):
    model_config = ConfigDict(extra="ignore")
    message: int
    helpful: bool


class Web:
    """Replies go out in the response; whatever comes later arrives by server-sent events and stays in the history."""

    name = WEB
    limits = Limits(max_bytes=100_000, public=True)

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Add /chat/messages, /chat/feedback and /chat/events."""

        @app.post("/chat/messages", name="chat_messages")
        async def say(request: Request) -> HTTPResponse:
            said = _body(request, _Said)
            user, new = _visitor(request)
            if isinstance(said, HTTPResponse):
                return said
            if not said.text.strip() and not said.choice:
                return _refused(request, "empty", 400)
            address = Address(WEB, user)
            number = f"{user}\0{said.id[:64] or secrets.token_hex(16)}"
            try:
                await desk.ask(Question(number, address, said.text or said.choice, choice=said.choice))
            except TooMuch as error:
                return _refused(request, "too_many" if "minute" in error.what else "too_long", 429 if "minute" in error.what else 413)
            except RefdeskError:
                return _refused(request, "not_stored", 503)
            return _remember(request, await _result(request, desk, address), user, new)

        @app.post("/chat/feedback", name="chat_feedback")
        async def rate(request: Request) -> HTTPResponse:
            rated = _body(request, _Rated)
            user, new = _visitor(request)
            if isinstance(rated, HTTPResponse):
                return rated
            try:
                await desk.rate(Address(WEB, user), rated.message, rated.helpful)
            except NotFound as error:
                return json({"error": str(error)}, status=404)
            except Refused as error:
                return json({"error": str(error)}, status=409)
            return _remember(request, await _result(request, desk, Address(WEB, user)), user, new)

        @app.get("/chat/events", name="chat_events")
        async def events(request: Request) -> None:
            user, new = _visitor(request)
            if new:
                # 204 tells an EventSource to stop: there is no conversation to listen to yet.
                await request.respond(empty())
                return
            await _stream(request, desk, Address(WEB, user))

    async def deliver(self, delivery: Delivery) -> Outcome:
        """The event stream and the history read the store; nothing needs to be pushed."""
        return Outcome.DELIVERED


def build(section: Mapping[str, Any]) -> Connector | None:
    """On by default; `connectors.web.enabled = false` switches it off."""
    if set(section) - {"enabled"}:
        raise WrongSetting(f"connectors.web.{sorted(set(section) - {'enabled'})[0]}", "no such key")
    return None if section.get("enabled") in (False, "false", "0") else Web()


def _visitor(request: Request) -> tuple[str, bool]:
    """The asker's cookie, or a new one; an impossible value is not taken over."""
    given = str(request.cookies.get(VISITOR_COOKIE) or "")
    return (given, False) if _VISITOR.fullmatch(given) else (secrets.token_urlsafe(24), True)


def _remember(request: Request, response: HTTPResponse, user: str, new: bool) -> HTTPResponse:
    if new:
        secure = request.app.config.get("SECURE_COOKIES", False)
        response.add_cookie(
            VISITOR_COOKIE,
            user,
            httponly=True,
            secure=secure,
            samesite="None" if secure else "Lax",
            partitioned=secure,
            max_age=_YEAR,
            host_prefix=secure,  # a partitioned cookie must have it; Sanic reads it under either name
        )
    return response


def _wants_json(request: Request) -> bool:
    return "application/json" in (request.headers.get("accept", "") + request.headers.get("content-type", ""))


def _body(request: Request, model: type[T]) -> T | HTTPResponse:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            return model.model_validate_json(request.body)
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return model.model_validate({name: values[0] for name, values in (request.form or {}).items()})
    except ValidationError as error:
        fault = error.errors()[0]
        return json({"error": f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"}, status=400)
    return json({"error": f"content type {kind or 'missing'}; send application/json or a form"}, status=415)


def _refused(request: Request, why: str, status: int) -> HTTPResponse:
    """`why` names the phrase that the page shows."""
    return json({"error": why}, status=status) if _wants_json(request) else redirect(_page(request, f"refused={why}"), status=303)


def _page(request: Request, query: str = "") -> str:
    """The chat page to go back to after a form; the one inside a frame stays the one inside a frame."""
    framed = "embed=1" if "embed=1" in request.headers.get("referer", "") else ""
    asked = "&".join(part for part in (framed, query) if part)
    return f"/?{asked}" if asked else "/"


async def _result(request: Request, desk: Desk, address: Address) -> HTTPResponse:
    if not _wants_json(request):
        return redirect(_page(request), status=303)
    after = str(request.args.get("after", "0"))
    exchange = await desk.history(address, _number(after))
    return json({"lines": [shape(line) for line in exchange.lines], "state": exchange.state, "ticket": exchange.ticket})


def _number(text: str) -> int:
    """The number of a line; 0 for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


async def _stream(request: Request, desk: Desk, address: Address) -> None:
    """Lines from `after` (or Last-Event-ID) on, then each new one, with a heartbeat; ends when the browser goes."""
    given = request.headers.get("last-event-id") or str(request.args.get("after", "0"))
    after = _number(given)
    response = await request.respond(
        content_type="text/event-stream; charset=utf-8", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    assert response is not None  # Sanic has None for requests that were answered before
    state: tuple[str, int] = ("", -1)
    typing = False
    async with desk.listen(address) as wait:
        while True:
            exchange: Exchange = await desk.history(address, after)
            parts = [f"id: {line.id}\nevent: line\ndata: {jsonlib.dumps(shape(line), ensure_ascii=False)}\n\n" for line in exchange.lines]
            after = max((line.id for line in exchange.lines), default=after)
            if (exchange.state, exchange.ticket) != state:
                state = (exchange.state, exchange.ticket)
                parts.append(f"event: state\ndata: {jsonlib.dumps({'state': state[0], 'ticket': state[1]})}\n\n")
            if exchange.typing != typing:
                typing = exchange.typing
                parts.append(f"event: typing\ndata: {jsonlib.dumps(typing)}\n\n")
            await response.send("".join(parts) or ": still here\n\n")
            await wait(_HEARTBEAT)


def shape(line: Line) -> dict[str, Any]:
    """A line as the browser gets it."""
    reply = line.reply
    return {
        "id": line.id,
        "who": line.who.value,
        "text": line.text,
        "at": line.at.isoformat(),
        "kind": reply.kind.value if reply else "",
        "links": [{"title": link.title, "url": link.url} for link in reply.links] if reply else [],
        "choices": [{"key": c.key, "title": c.title, "value": c.value} for c in reply.choices] if reply else [],
        "entry": reply.entry if reply else "",
        "ticket": reply.ticket if reply else "",
    }
