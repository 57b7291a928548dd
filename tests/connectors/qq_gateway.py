"""The platform's gateway on loopback: every connection is played by the next part of a script."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.serving import PATIENCE


@dataclass
class Line:
    """One connection from the platform's side. `greeting` is the IDENTIFY or RESUME that it was opened with."""

    socket: ServerConnection
    greeting: dict[str, Any] = field(default_factory=dict)
    beats: list[Any] = field(default_factory=list)
    answering: bool = True

    async def send(self, **payload: Any) -> None:
        await self.socket.send(json.dumps(payload))

    async def hello(self, every: int = 60_000) -> None:
        await self.send(op=10, d={"heartbeat_interval": every})

    async def greeted(self) -> None:
        """HELLO, and what came back."""
        await self.hello()
        self.greeting = await self.receive()

    async def receive(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.socket.recv())
        return found

    async def ready(self, session: str = "session-1", seq: int = 1) -> None:
        await self.send(op=0, s=seq, t="READY", d={"version": 1, "session_id": session, "user": {"id": "1", "bot": True}, "shard": [0, 0]})

    async def resumed(self, seq: int) -> None:
        await self.send(op=0, s=seq, t="RESUMED", d="")

    async def says(self, seq: int, text: str = "你好", user: str = "U1", number: str = "") -> None:
        number = number or f"m-{seq}"
        data = {"id": number, "author": {"user_openid": user}, "content": text}
        await self.send(op=0, s=seq, t="C2C_MESSAGE_CREATE", id=f"C2C_MESSAGE_CREATE:{number}", d=data)

    async def listen(self) -> None:
        """Answer heartbeats until the other side hangs up."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                found = await self.receive()
                if found["op"] == 1:
                    self.beats.append(found["d"])
                    if self.answering:
                        await self.send(op=11)


Part = Callable[[Line], Awaitable[None]]


class Script:
    """A gateway: `parts` play one connection each, the last one also all that follow."""

    def __init__(self, *parts: Part) -> None:
        self.parts, self.lines = list(parts), list[Line]()
        self.closes: list[int] = []

    async def play(self, socket: ServerConnection) -> None:
        line = Line(socket)
        part = self.parts[min(len(self.lines), len(self.parts) - 1)]
        self.lines.append(line)
        with contextlib.suppress(ConnectionClosed):
            await part(line)
        await socket.wait_closed()
        self.closes.append(socket.close_code or 0)

    @property
    def greetings(self) -> list[dict[str, Any]]:
        """How every connection was opened, as far as it came."""
        return [line.greeting for line in self.lines]


@contextlib.asynccontextmanager
async def played(script: Script) -> Any:
    """The script on a free port, on the running loop; gives its address."""
    async with serve(script.play, "127.0.0.1", 0, close_timeout=0.5) as server:
        yield "ws://{}:{}".format(*server.sockets[0].getsockname()[:2])


@contextlib.contextmanager
def beside(script: Script) -> Iterator[str]:
    """The same on a loop of its own, for tests with a whole server."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    address, enough = "", asyncio.Event()

    async def run() -> None:
        nonlocal address
        async with played(script) as address:
            ready.set()
            await enough.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(enough.set)
        thread.join(PATIENCE)
        loop.close()
