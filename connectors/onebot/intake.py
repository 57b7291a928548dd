"""What comes in, over a connection or in a push, and what is done about it.

What comes over a WebSocket is not acknowledged by anybody, so it is worked on at once, at most _AT_ONCE at a time: beyond
that the connection is not read, and the implementation keeps what it has. A push is answered when its message is stored.
"""

import asyncio
import logging
from typing import Any

from sanic import Request, Websocket

from bot.connector import Desk
from bot.errors import RefdeskError, TooMuch
from bot.messages import Address, Language
from connectors.onebot import segments, sending
from connectors.onebot.accounts import Accounts, Ways
from connectors.onebot.doors import Doors
from connectors.onebot.events import NAME, Asked, Beat, Event, Expelled, Wanted, event_of, number, opened
from connectors.onebot.segments import Unreadable
from connectors.onebot.settings import Settings
from connectors.onebot.wire import CallError, Wire

log = logging.getLogger("refdesk.onebot")

_AT_ONCE = 64
_DEAD_AFTER = 2.5  # heartbeats without a frame
_ROLES = {"api": "api", "event": "event"}


class Intake:
    """The events of all accounts."""

    def __init__(self, settings: Settings, desk: Desk, doors: Doors, accounts: Accounts) -> None:
        self._settings, self._desk, self._doors, self._accounts = settings, desk, doors, accounts
        self.ways = Ways(desk)
        self._gate, self._tasks = asyncio.Semaphore(_AT_ONCE), set[asyncio.Task[None]]()

    async def stop(self) -> None:
        """Let what is being worked on be finished."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    # --- a connection ---

    async def listen(self, request: Request, ws: Websocket) -> None:
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
                    log.debug("account %s: an answer came that nobody waits for", wire.account)
                return
            account = number(frame, "self_id")
        except Unreadable as error:
            log.warning("a frame was passed over: %s", error)
            return
        if account and not wire.account and self._doors.allowed(account):
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
            await self.take(frame, wire)
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
            as_string = self._settings.message_format == "string"
            action, params = sending.action(event.question.address, event.group, (segments.text(words),), as_string=as_string)
            try:
                await wire.call(action, params, self._settings.answer_timeout)
            except CallError as error:
                log.warning("an apology was not sent: %s", error)

    # --- what happens ---

    async def take(self, frame: dict[str, Any], wire: Wire | None) -> None:
        """Deal with one event; returns once nothing of it can be lost."""
        account = number(frame, "self_id")
        if not self._doors.allowed(account):
            log.warning("an event of account %.20s was passed over: not among connectors.onebot.self_id", account)
            return
        event = event_of(frame, lambda message: self._accounts.sent(account, message))
        if event is not None:
            await self._happened(event, account, wire)

    async def _happened(self, event: Event, account: str, wire: Wire | None) -> None:
        match event:
            case Asked() if not self._ours(event.question.address.user):  # our own accounts do not talk to each other
                self.ways.hear(event.question.address, account, event.group)
                if await self._desk.ask(event.question):
                    await self.ways.keep(event.question.address, account, event.group)
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

    def _ours(self, account: str) -> bool:
        return self._accounts.knows(account) or account in self._settings.self_id
