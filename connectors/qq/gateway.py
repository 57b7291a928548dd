"""The other way events come: a connection from us to the platform's gateway, for libraries without a public address.

Protocol: bot.q.qq.com/wiki/develop/api-v2, event-emit/websocket. HELLO names the heartbeat, IDENTIFY opens a session and
RESUME goes on with one, after which the events that were missed come first. The session and the last event that is on
disk are remembered, also across a restart, so an event is lost only when the platform has given up the session; one that
comes twice is known by its id.
"""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from bot.connector import Desk
from bot.errors import RefdeskError
from connectors.qq.events import NAME, Event, Op, Unreadable, event, payload
from connectors.shared.api import Api, ApiError

log = logging.getLogger("refdesk.qq")

FACT: Final = f"{NAME}.session"
FIRST_PAUSE, LONGEST_PAUSE, RATE_PAUSE = 1.0, 60.0, 60.0
_HELLO_WITHIN: Final = 15.0
_OURS: Final = 4000
"""Our close code: with 1000 a platform may take the session for ended."""
FRIENDS_AND_GROUPS, BUTTONS, GUILDS = 1 << 25, 1 << 26, 1 << 30 | 1 << 12
_ANEW: Final = frozenset({4006, 4007, *range(4900, 4914)})
_OVER: Final = frozenset({4001, 4002, 4010, 4011, 4012, 4013, 4914, 4915})
_NO_RIGHT, _BAD_TOKEN, _TOO_FAST = 4014, 4004, 4008


class Next(Enum):
    """What follows the end of a connection."""

    RESUME = auto()
    ANEW = auto()
    STOP = auto()


class Gateway:
    """The connection of one bot. `take` returns once an event is on disk; `sleep` waits seconds, `chance` draws from 0 to 1."""

    def __init__(
        self,
        api: Api,
        desk: Desk,
        take: Callable[[Event, str], Awaitable[None]],
        *,
        guilds: bool,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._api, self._desk, self._take, self._sleep, self._chance = api, desk, take, sleep, chance
        self._intents = FRIENDS_AND_GROUPS | BUTTONS | (GUILDS if guilds else 0)
        self._session, self._seq, self._token = "", 0, ""
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and stay connected."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hang up; the session can be resumed."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        session, _, seq = (await self._desk.recall(FACT)).rpartition(" ")
        self._session, self._seq = session, int(seq or 0)
        while (then := await self._connected()) is not Next.STOP:
            if then is Next.ANEW:
                await self._forget()
            self._failures += 1
            if self._failures > 1:  # the first time at once: most ends are an orderly change of the platform's server
                pause = min(FIRST_PAUSE * 2 ** min(self._failures - 2, 10), LONGEST_PAUSE)
                await self._sleep(pause * (0.5 + self._chance() / 2))
        log.error("the gateway is left alone until the next start: it will not have this bot as it is set")

    async def _connected(self) -> Next:
        """One connection from its beginning to its end."""
        try:
            async with connect(await self._address(), proxy=None, ping_interval=None, close_timeout=2.0) as line:
                try:
                    return await self._talk(line)
                finally:
                    with contextlib.suppress(ConnectionClosed):
                        await line.close(_OURS)
        except ConnectionClosed as closed:
            return await self._after(closed.rcvd.code if closed.rcvd else 0)
        except (ApiError, OSError, TimeoutError, WebSocketException, Unreadable, RefdeskError) as error:
            log.warning("the gateway is tried again: %s", error or type(error).__name__)
        except Exception:  # a connection that is never made again would be silence
            log.exception("the gateway is tried again")
        return Next.RESUME

    async def _address(self) -> str:
        found = await self._api.call("/gateway/bot")
        url, limit = found.get("url"), found.get("session_start_limit")
        if not isinstance(url, str) or not url.startswith(("wss://", "ws://")):
            raise Unreadable("the platform names no gateway")
        if not self._session and isinstance(limit, Mapping) and limit.get("remaining") == 0:
            log.warning("today's sessions are used up; the gateway is asked again once there are new ones")
            await self._sleep(float(limit.get("reset_after") or 0) / 1000)
        return url

    # --- talking ---

    async def _talk(self, line: ClientConnection) -> Next:
        async with asyncio.timeout(_HELLO_WITHIN):
            hello = payload(await line.recv())
        if hello.get("op") != Op.HELLO:
            raise Unreadable("the gateway does not say hello")
        self._token = await self._api.token()
        await line.send(json.dumps(self._greeting()))
        pulse = _Pulse(line, _seconds(hello), lambda: self._seq or None)
        beating = asyncio.create_task(pulse.beat())
        try:
            async for message in line:
                if (then := await self._heard(str(message), pulse)) is not None:
                    return then
            raise ConnectionClosed(line.protocol.close_rcvd, line.protocol.close_sent)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    def _greeting(self) -> dict[str, Any]:
        token = f"QQBot {self._token}"
        if self._session:
            return {"op": int(Op.RESUME), "d": {"token": token, "session_id": self._session, "seq": self._seq}}
        return {"op": int(Op.IDENTIFY), "d": {"token": token, "intents": self._intents, "shard": [0, 1], "properties": {}}}

    async def _heard(self, message: str, pulse: "_Pulse") -> Next | None:
        """One payload; what follows when it ends the connection."""
        found = payload(message)
        match found.get("op"):
            case Op.HEARTBEAT_ACK:
                pulse.answered = True
            case Op.RECONNECT:
                return Next.RESUME
            case Op.INVALID_SESSION:
                return Next.RESUME if found.get("d") is True else Next.ANEW
            case Op.EVENT:
                await self._happened(found, message)
        return None

    async def _happened(self, found: Mapping[str, Any], message: str) -> None:
        kind, data, seq = found.get("t"), found.get("d"), found.get("s")
        if kind in ("READY", "RESUMED"):
            self._failures = 0
            if kind == "READY" and isinstance(data, Mapping):
                self._session, self._seq = str(data.get("session_id") or ""), 0
        else:
            try:
                await self._take(event(found), message)
            except Unreadable as error:
                log.warning("an event was passed over: %s", error)
        if isinstance(seq, int) and seq > self._seq:
            self._seq = seq
        # After the event is on disk, never before: what is asked for again is known, what is not asked for is lost.
        await self._desk.remember(FACT, f"{self._session} {self._seq}")

    # --- the end of a connection ---

    async def _after(self, code: int) -> Next:
        """What follows a close code; 0 for a line that broke."""
        log.info("the gateway has closed the connection: %s", code)
        if code == _NO_RIGHT and self._intents != FRIENDS_AND_GROUPS:
            self._intents = self._intents & ~GUILDS if self._intents & GUILDS else FRIENDS_AND_GROUPS
            log.warning(
                "this bot has no right to some events, so it does without %s",
                "buttons" if self._intents == FRIENDS_AND_GROUPS else "guilds",
            )
            return Next.ANEW
        if code in _OVER or code == _NO_RIGHT:
            log.error("the gateway refuses this bot: close code %s", code)
            return Next.STOP
        if code == _BAD_TOKEN:
            self._api.forget(self._token)
        if code == _TOO_FAST:
            await self._sleep(RATE_PAUSE)
        return Next.ANEW if code in _ANEW else Next.RESUME

    async def _forget(self) -> None:
        """The session is over: the next connection begins another one."""
        self._session, self._seq = "", 0
        await self._desk.remember(FACT, "")


class _Pulse:
    """The heartbeat of one connection: a beat that is not answered before the next one ends it."""

    def __init__(self, line: ClientConnection, every: float, last: Callable[[], int | None]) -> None:
        self._line, self._every, self._last = line, every, last
        self.answered = True

    async def beat(self) -> None:
        """Until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(self._every)
                if not self.answered:
                    log.warning("the gateway does not answer any more")
                    await self._line.close(_OURS)
                    return
                self.answered = False
                await self._line.send(json.dumps({"op": int(Op.HEARTBEAT), "d": self._last()}))


def _seconds(hello: Mapping[str, Any]) -> float:
    """How often the gateway wants to hear from us."""
    data = hello.get("d")
    every = data.get("heartbeat_interval") if isinstance(data, Mapping) else None
    if not isinstance(every, int | float) or every <= 0:
        raise Unreadable("the gateway names no heartbeat")
    return float(every) / 1000
