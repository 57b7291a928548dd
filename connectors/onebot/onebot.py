"""The connector: what comes in by WebSocket or HTTP POST, and what goes out as actions.

What comes over a WebSocket is not acknowledged by anybody, so it is worked on at once, at most _AT_ONCE at a time: beyond
that the connection is not read, and the implementation keeps what it has. A POST is answered when its message is stored.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sanic import Request, Sanic, Websocket
from sanic.response import HTTPResponse, empty, json

from bot.connector import Delivery, Desk, Limits, Outcome
from bot.errors import DeliveryFailed, DeliveryRefused, RefdeskError, TooMuch
from bot.messages import Address, Language
from connectors.onebot import segments
from connectors.onebot.accounts import Accounts, Ways
from connectors.onebot.events import NAME, Asked, Beat, Event, Expelled, Wanted, asked_id, event_of, number, opened
from connectors.onebot.segments import Segment, Unreadable
from connectors.onebot.settings import Settings
from connectors.onebot.wire import Answer, CallError, Failed, Http, Unanswered, Wire, judged

log = logging.getLogger("refdesk.onebot")

BASE = "/webhooks/onebot"
TAILS = ("", "/ws", "/ws/api", "/ws/event")
_AT_ONCE = 64
_DEAD_AFTER = 2.5  # heartbeats without a frame
_TRIES = 3
_ROLES = {"api": "api", "event": "event"}


class OneBot:
    """QQ accounts behind implementations of OneBot v11."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.limits = Limits(settings.message_bytes, inline=False, groups=True, private=True, divides=True)
        self._accounts = Accounts(Http(settings.api_base, settings.access_token) if settings.api_base else None)
        self._late: dict[str, Answer] = {}

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Reverse WebSocket at /webhooks/onebot and below, HTTP POST at /webhooks/onebot."""
        self._desk, self._ways = desk, Ways(desk)
        self._gate, self._tasks = asyncio.Semaphore(_AT_ONCE), set[asyncio.Task[None]]()

        @app.on_request
        async def guard(request: Request) -> HTTPResponse | None:
            tail = request.path.rstrip("/").removeprefix(BASE)
            ours = request.path.startswith(BASE) and tail in TAILS and request.method == "GET"
            return self._refusal(request) if ours else None

        async def connected(request: Request, ws: Websocket) -> None:
            await self._listen(request, ws)

        for tail in TAILS:
            app.add_websocket_route(connected, f"{BASE}{tail}", name=f"onebot_ws{tail.replace('/', '_')}")

        @app.post(BASE, name="onebot")
        async def pushed(request: Request) -> HTTPResponse:
            return await self._pushed(request)

        @app.before_server_stop
        async def stop(app: Sanic[Any, Any]) -> None:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=5)

    # --- who may come in ---

    def _refusal(self, request: Request) -> HTTPResponse | None:
        """Before a connection is accepted: the token, the account, and that a connection is wanted at all."""
        given = request.headers.get("authorization", "")
        token = given[7:].strip() if given[:7].lower() == "bearer " else str(request.args.get("access_token", ""))
        if not token:
            return json({"error": "missing access token"}, status=401, headers={"WWW-Authenticate": "Bearer"})
        if not hmac.compare_digest(token.encode(errors="surrogateescape"), self._settings.access_token.encode()):
            log.warning("a connection with a wrong access token was refused")
            return json({"error": "wrong access token"}, status=403)
        if not self._allowed(request.headers.get("x-self-id", "")):
            log.warning("account %.20s is not among connectors.onebot.self_id", request.headers.get("x-self-id", ""))
            return json({"error": "this account is not among connectors.onebot.self_id"}, status=403)
        if request.headers.get("upgrade", "").lower() != "websocket":
            return json({"error": "connect by WebSocket, or POST"}, status=426, headers={"Upgrade": "websocket"})
        return None

    def _ours(self, account: str) -> bool:
        return self._accounts.knows(account) or account in self._settings.self_id

    def _allowed(self, account: str) -> bool:
        return not account or not self._settings.self_id or account in self._settings.self_id

    # --- HTTP POST ---

    async def _pushed(self, request: Request) -> HTTPResponse:
        """One event, signed with the secret over the raw body."""
        secret, given = self._settings.secret, request.headers.get("x-signature", "")
        if not secret:
            return json({"error": "HTTP POST is off: connectors.onebot.secret is not set"}, status=403)
        if not given:
            return json({"error": "missing x-signature"}, status=401)
        proper = "sha1=" + hmac.new(secret.encode(), request.body, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), proper.encode()):
            log.warning("a push with a wrong signature was refused")
            return json({"error": "wrong x-signature"}, status=403)
        try:
            frame = opened(request.body)
            await self._take(frame, None)
        except Unreadable as error:
            return json({"error": str(error)}, status=400)
        except TooMuch as error:
            return json({"error": str(error)}, status=413)
        except RefdeskError:
            return json({"error": "not stored; please send it again later"}, status=503)
        return empty()

    # --- WebSocket ---

    async def _listen(self, request: Request, ws: Websocket) -> None:
        """Read one connection until it ends, or is silent for too long."""
        role = _ROLES.get(request.headers.get("x-client-role", "").lower(), "universal")
        wire = Wire(ws.send, request.headers.get("x-self-id", ""), role)
        before = self._accounts.connect(wire)
        log.info("account %s is connected (%s)%s", wire.account or "?", role, ", in place of an older connection" if before else "")
        try:
            while True:
                frame = await ws.recv(wire.interval * _DEAD_AFTER or None)
                if frame is None:
                    log.warning("account %s: no heartbeat came; the connection is closed", wire.account)
                    return
                await self._frame(frame, wire)
        finally:
            self._accounts.disconnect(wire)
            log.info("account %s is disconnected", wire.account or "?")

    async def _frame(self, raw: str | bytes, wire: Wire) -> None:
        """Answers go to who waits for them; events are worked on beside each other, in order for each asker."""
        try:
            frame = opened(raw)
            if "post_type" not in frame:
                if "echo" not in frame or not wire.answered(frame):
                    log.debug("an answer that nobody waits for: %.200s", raw)
                return
            account = number(frame, "self_id")
        except Unreadable as error:
            log.warning("a frame was passed over: %s", error)
            return
        if account and not wire.account and self._allowed(account):
            self._accounts.rename(wire, account)
        if frame["post_type"] == "meta_event":  # a heartbeat waits for nobody: how long to wait for the next frame depends on it
            await self._guarded(frame, wire)
            return
        await self._gate.acquire()
        task = asyncio.create_task(self._guarded(frame, wire))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._gate.release()

    async def _guarded(self, frame: dict[str, Any], wire: Wire) -> None:
        """A WebSocket event cannot be sent again, so whatever happened to it, its sender is told."""
        try:
            await self._take(frame, wire)
        except Unreadable as error:
            log.warning("an event was passed over: %s", error)
        except TooMuch as error:
            await self._apologise(frame, wire, "refused.too_many" if "minute" in error.what else "refused.too_long")
        except RefdeskError as error:
            log.error("an event was not stored: %s", error)
            await self._apologise(frame, wire, "refused.not_stored")

    async def _apologise(self, frame: dict[str, Any], wire: Wire, phrase: str) -> None:
        event = event_of(frame, lambda message: self._accounts.sent(wire.account, message))
        if isinstance(event, Asked) and event.question.addressed:
            words = self._desk.phrase(phrase, event.question.language or Language.ZH)
            action, params = self._message(event.question.address, event.group, (segments.text(words),))
            try:
                await wire.call(action, params, self._settings.answer_timeout)
            except CallError as error:
                log.warning("an apology was not sent: %s", error)

    # --- what happens ---

    async def _take(self, frame: dict[str, Any], wire: Wire | None) -> None:
        """Deal with one event; returns once nothing of it can be lost."""
        account = number(frame, "self_id")
        if not self._allowed(account):
            log.warning("an event of account %.20s was passed over: not among connectors.onebot.self_id", account)
            return
        event = event_of(frame, lambda message: self._accounts.sent(account, message))
        if event is not None:
            await self._happened(event, account, wire)

    async def _happened(self, event: Event, account: str, wire: Wire | None) -> None:
        match event:
            case Asked() if not self._ours(event.question.address.user):  # our own accounts do not talk to each other
                self._ways.hear(event.question.address, account, event.group)
                if await self._desk.ask(event.question):
                    await self._ways.keep(event.question.address, account, event.group)
            case Beat() if wire is not None:
                if wire.online and not event.online:
                    log.warning("account %s is offline: replies wait until it is back", account)
                wire.online, wire.interval = event.online, event.interval or wire.interval
            case Expelled():
                log.warning("account %s is no longer in group %s", account, event.group)
                await self._desk.leave(Address(NAME, "", event.group))
            case Wanted():
                await self._decide(event, account)

    async def _decide(self, wanted: Wanted, account: str) -> None:
        friend = wanted.kind == "friend"
        policy = self._settings.friend_requests if friend else self._settings.group_invites
        line = self._accounts.line(account)
        if policy == "leave" or line is None:
            log.info("a %s request is left to a person", wanted.kind)
            return
        action = "set_friend_add_request" if friend else "set_group_add_request"
        params = {"flag": wanted.flag, "approve": policy == "approve", **({} if friend else {"sub_type": "invite"})}
        try:
            await line.call(action, params, self._settings.answer_timeout)
        except CallError as error:
            log.warning("a %s request was not dealt with: %s", wanted.kind, error)

    # --- replies ---

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Send one message by the account that heard the asker; in a group as a reply to them."""
        account, group = await self._ways.to(delivery.address)
        line = self._accounts.line(account)
        if line is None:
            raise DeliveryFailed(NAME, f"account {account or '?'} is not connected")
        action, params = self._message(delivery.address, group, self._pieces(delivery, account))
        try:
            data = await self._certain(delivery, lambda: line.call(action, params, self._settings.answer_timeout))
        except Failed as failed:
            raise (DeliveryRefused if failed.never or delivery.tries + 1 >= _TRIES else DeliveryFailed)(NAME, str(failed)) from failed
        except CallError as failed:
            raise DeliveryFailed(NAME, str(failed)) from failed
        if message := number(data, "message_id"):
            self._accounts.note_sent(account or getattr(line, "account", ""), message)
        return Outcome.DELIVERED

    async def _certain(self, delivery: Delivery, send: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Send, unless an earlier try is answered after all; two tries without any answer are enough."""
        answer = self._late.pop(delivery.key, None)
        if answer is not None:
            done, _ = await asyncio.wait((answer,), timeout=self._settings.answer_timeout)
            if done and answer.exception() is None:
                return judged("the earlier try", answer.result())
            if not done:
                raise DeliveryRefused(NAME, "the implementation gives no answers; the message may have been shown")
        try:
            return await send()
        except Unanswered as silent:
            if silent.answer is None:
                raise DeliveryRefused(NAME, f"{silent}; the message may have been shown") from silent
            self._late[delivery.key] = silent.answer
            raise

    def _pieces(self, delivery: Delivery, account: str) -> tuple[Segment, ...]:
        words = segments.text(delivery.reply.plain())
        if not delivery.address.room:
            return (words,)
        heard_by, message = asked_id(delivery.question)
        quoted = (segments.reply(message),) if message and heard_by == account and delivery.key.count("-") == 1 else ()
        return (*quoted, segments.at(delivery.address.user), segments.text(" "), words)

    def _message(self, address: Address, group: str, pieces: tuple[Segment, ...]) -> tuple[str, dict[str, Any]]:
        message = segments.write(pieces, as_string=self._settings.message_format == "string")
        if address.room:
            return "send_group_msg", {"group_id": _numbered(address.room), "message": message}
        by = {"group_id": _numbered(group)} if group else {}
        return "send_private_msg", {"user_id": _numbered(address.user), **by, "message": message}


def _numbered(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 20 else text
