"""A whole Refdesk on a free loopback port, in a thread of the test's process, and what a test does with it."""

import asyncio
import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from sanic import Sanic

from bot.connector import Connector
from bot.desk import Desk
from bot.domain import Role, Ticket, TicketStatus

PATIENCE = 30.0
PASSWORD = "correct horse battery"

_numbers = itertools.count(1)


def unique_name() -> str:
    """Sanic keeps every application of a process under its name."""
    return f"refdesk-test-{next(_numbers)}"


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` returns as soon as it is true; a failure when that takes longer than PATIENCE seconds."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not (found := holds()):
        assert time.monotonic() < deadline, "this did not come true in time"
        pause.wait(0.005)
    return found


class Served:
    """The server. `client()` is a browser or another program that talks to it."""

    def __init__(self, app: Sanic[Any, Any], connectors: dict[str, Connector]) -> None:
        self.app, self.connectors = app, connectors
        app.config.TOUCHUP = False  # it rewrites Sanic's classes, which works once in a process
        self.desk: Desk = app.ctx.desk
        self.accounts, self.outbox = app.ctx.accounts, app.ctx.outbox
        self.url = ""
        self._clients: list[httpx.Client] = []
        self._ready, self._failure = threading.Event(), list[BaseException]()
        self._thread = threading.Thread(target=self._main, name=app.name, daemon=True)

    # --- starting and stopping ---

    def start(self) -> "Served":
        """Listen; returns once connections are accepted."""
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the server did not start"
        if self._failure:
            raise self._failure[0]
        return self

    def stop(self) -> None:
        """Close the browsers, then the server, as a stop of the real process would."""
        for client in self._clients:
            client.close()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._enough.set)
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive(), "the server did not stop"

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # told to the test, which runs in another thread
            self._failure.append(error)
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._enough = asyncio.get_running_loop(), asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        server = await self.app.create_server(sock=listener)
        assert server is not None
        await server.startup()
        await server.before_start()
        await server.after_start()
        self.url = "http://{}:{}".format(*listener.getsockname())
        self._ready.set()
        await self._enough.wait()
        await server.before_stop()
        server.server.close()
        for connection in tuple(server.connections):
            connection.abort()
        await server.server.wait_closed()
        await server.after_stop()

    # --- people ---

    def client(self, **options: Any) -> httpx.Client:
        """Somebody with cookies of their own, who follows no redirects."""
        client = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **options)
        self._clients.append(client)
        return client

    def browser(self, **headers: str) -> httpx.Client:
        """Somebody who reads pages."""
        return self.client(headers={"Accept": "text/html", **headers})

    def librarian(self, login: str = "anna", role: Role = Role.LIBRARIAN) -> "Colleague":
        """Somebody who is signed in."""
        token = self.accounts.invite(login, login.title(), role)
        client = self.browser()
        answer = client.post(f"/setup/{token}", data={"password": PASSWORD, "again": PASSWORD})
        assert answer.status_code == 303
        return Colleague(login, client)

    # --- what is stored ---

    @property
    def host(self) -> str:
        """What a browser sends as Host."""
        return urlsplit(self.url).netloc

    def tickets(self, *statuses: TicketStatus) -> tuple[Ticket, ...]:
        """Tickets in these states (by default all that are waiting), oldest first."""
        return tuple(row.ticket for row in self.desk.queue(statuses or (TicketStatus.WAITING,)))

    def ticket(self) -> Ticket:
        """The one open ticket."""
        (ticket,) = self.tickets(TicketStatus.WAITING, TicketStatus.CLAIMED, TicketStatus.ANSWERED)
        return ticket

    def answers(self, text: str, librarian: str = "anna") -> Ticket:
        """A librarian takes the open ticket and answers it; returns once nothing is left to be delivered."""
        ticket = self.ticket()
        self.desk.claim(ticket.id, librarian)
        self.desk.reply(ticket.id, librarian, text)
        self.delivered()
        return ticket

    def delivered(self) -> None:
        """Wait until the outbox is empty."""
        until(lambda: not self.desk.store.read(lambda s: s.backlog()))

    def messages(self, connector: str, user: str) -> list[str]:
        """What an asker has said, as it is stored."""
        return self.desk.store.read(
            lambda s: [
                row["text"]
                for row in s._rows(
                    "select m.text from messages m join conversations c on c.id = m.conversation"
                    " where c.connector = ? and c.user = ? and m.who = 'patron' order by m.id",
                    connector,
                    user,
                )
            ]
        )

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self.desk.store.read(lambda s: s._rows(f"select count(*) as n from {table}")[0]["n"])


class Colleague:
    """A signed-in librarian: posts forms as the pages do, with the CSRF token of the page."""

    def __init__(self, login: str, client: httpx.Client) -> None:
        self.login, self.client = login, client
        self.csrf = token_in(client.get("/desk").text)

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        return self.client.post(path, data={"csrf": self.csrf, **fields})


def token_in(page: str) -> str:
    """The CSRF token of a page's forms."""
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    assert found, "the page has no form with a CSRF token"
    return found.group(1)


class Stream:
    """The server-sent events of one response, in order."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def block(self) -> dict[str, str]:
        """The next block: its fields by name; a comment has the name ''."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and fields:
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields

    def event(self, name: str) -> dict[str, str]:
        """The next block of this kind; blocks of other kinds are passed over."""
        while True:
            block = self.block()
            assert block, f"the stream ended before a {name} event"
            if block.get("event") == name:
                return block


@contextmanager
def streaming(client: httpx.Client, path: str, **headers: str) -> Iterator[Stream]:
    """Listen to an event stream."""
    with client.stream("GET", path, headers={"Accept": "text/event-stream", **headers}) as response:
        yield Stream(response)
