"""An optional background task that looks whether the databases' addresses answer, and remembers when that changes."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import httpx

from bot.incidents import Check
from bot.store import Session, Store
from bot.tables import Row

log = logging.getLogger("refdesk.monitor")

MOST_REDIRECTS = 5
_GONE = frozenset({404, 410})
_AGENT = "Refdesk status monitor"


class Monitor:
    """Checks each address of the databases table, a few at once; one that fails is tried once more before it counts as down.

    An address is up when it answers with anything but 404, 410 or a fault of the server (500 and above): a page that asks for a
    login works. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        store: Store,
        rows: Iterable[Row],
        now: Callable[[], datetime],
        *,
        timeout: timedelta,
        at_once: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._store, self._now, self._timeout, self._transport = store, now, timeout.total_seconds(), transport
        self._addresses = tuple((row.name, row.get("url")) for row in rows if row.kind == "database" and row.get("url"))
        self._places = asyncio.Semaphore(at_once)

    async def check_all(self) -> tuple[Check, ...]:
        """One round; what was seen is on disk when this returns."""
        async with httpx.AsyncClient(
            timeout=self._timeout,
            follow_redirects=True,
            max_redirects=MOST_REDIRECTS,
            transport=self._transport,
            headers={"User-Agent": _AGENT},
        ) as client:
            seen = await asyncio.gather(*(self._check(client, name, url) for name, url in self._addresses))
        changed = await asyncio.to_thread(self._remember, seen)
        for check in changed:
            log.warning("%s is %s%s", check.database, "up" if check.up else "down", f": {check.detail}" if check.detail else "")
        return tuple(seen)

    async def _check(self, client: httpx.AsyncClient, name: str, url: str) -> Check:
        async with self._places:
            why = await self._why_down(client, url) and await self._why_down(client, url)
        now = self._now()
        return Check(name, url, not why, now, now, why)

    async def _why_down(self, client: httpx.AsyncClient, url: str) -> str:
        """'' when the address answers. The body is not read: it may be large."""
        try:
            # httpx bounds each step; a server that drips its headers must not hold a place for ever.
            async with asyncio.timeout(self._timeout * 2), client.stream("GET", url) as response:
                status = response.status_code
        except httpx.TooManyRedirects:
            return f"more than {MOST_REDIRECTS} redirects"
        except (TimeoutError, httpx.TimeoutException):
            return "no answer in time"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return type(error).__name__
        return f"HTTP {status}" if status in _GONE or status >= 500 else ""

    def _remember(self, seen: Iterable[Check]) -> tuple[Check, ...]:
        """Those that changed between up and down, or are down when they are first seen."""

        def work(s: Session) -> tuple[Check, ...]:
            s.forget_checks(tuple(name for name, _ in self._addresses))
            return tuple(check for check in seen if s.note_check(check))

        return self._store.write(work).result()
