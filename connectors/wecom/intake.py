"""Fetching what customers sent: the event is a doorbell, sync_msg has the messages, the cursor says how far we came.

Protocol: developer.work.weixin.qq.com path 94670. One worker for each open_kfid, so that pulls of one account never
overlap; rings that come meanwhile are one more round. A page is stored as it came, in one transaction with its cursor:
whatever happens then, nothing is fetched in vain or passed over. What is stored is dealt with after that, each
customer's in order, and counts as done only when that is on disk too; the rest is taken up again by the next round.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

from bot.connector import Desk, Kept
from bot.errors import RefdeskError
from connectors.shared.api import Api, ApiError, ApiRefused
from connectors.wecom.payloads import Item, item

log = logging.getLogger("refdesk.wecom")

PAGE: Final = 1000
RING_GOOD_FOR: Final = 9 * 60.0
"""Seconds for which a ring's token is used; the platform takes it for ten minutes."""
NEWCOMER: Final = 10 * 60.0
"""Seconds before the first start from which messages are answered; older ones are none of ours."""
_LONGEST_PAUSE: Final = 60.0


def inbox(account: str) -> str:
    """Under which name what came for an account is kept until it is dealt with."""
    return f"wecom.{account}"


class Intake:
    """Workers that pull. `take` handles one message or event and returns once it is on disk."""

    def __init__(self, api: Api, desk: Desk, take: Callable[[Item], Awaitable[None]], *, now: Callable[[], float] = time.time) -> None:
        self._api, self._desk, self._take, self._now = api, desk, take, now
        self._rings: dict[str, asyncio.Event] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, accounts: Iterable[str]) -> None:
        """Begin with a round of each account: what came while the server was down has rung in vain."""
        for account in accounts:
            self._rings[account] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._work(account)))
            self.ring(account, "")

    async def stop(self) -> None:
        """End the workers; what is not dealt with is taken up again after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._rings.clear()

    def ring(self, account: str, token: str) -> None:
        """There is something to fetch, at every account when none is named; one that is not ours is passed over."""
        if account and account not in self._rings:
            log.info("a callback for an account that is not set was passed over")
        for name in (account,) if account in self._rings else () if account else tuple(self._rings):
            if token:
                self._tokens[name] = token, self._now()
            self._rings[name].set()

    async def _work(self, account: str) -> None:
        """Pull at each ring; after a failure again, later and later, or at once when it rings again."""
        failures = 0
        ring = self._rings[account]
        while True:
            pause = min(2.0**failures, _LONGEST_PAUSE) * (0.5 + random.random() / 2) if failures else None
            try:
                async with asyncio.timeout(pause):  # wait_for can lose a cancellation in Python 3.11
                    await ring.wait()
            except TimeoutError:
                pass
            ring.clear()
            try:
                await self.pull(account)
                failures = 0
            except (ApiError, RefdeskError) as error:
                failures += 1
                log.warning("messages of %s could not be fetched, they will be later: %s", account, error)
                if isinstance(error, ApiRefused):
                    self._tokens.pop(account, None)  # it may be the ring's token that is refused
            except Exception:  # a worker that dies would be silence
                failures += 1
                log.exception("messages of %s could not be handled", account)

    async def pull(self, account: str) -> None:
        """Fetch and deal with everything from the stored cursor to the newest, and with what is left over from before."""
        failed: Exception | None = None
        try:
            await self._fetch(account)
        except (ApiError, RefdeskError) as error:
            failed = error
        await self._work_off(account)
        if failed:
            raise failed

    async def _fetch(self, account: str) -> None:
        """Store page after page, each with its cursor."""
        name = f"wecom.cursor.{account}"
        cursor = await self._desk.recall(name)
        since = 0.0 if cursor else self._now() - NEWCOMER
        while True:
            page = await self._api.call("/cgi-bin/kf/sync_msg", self._request(account, cursor))
            after = str(page.get("next_cursor") or cursor)
            await self._desk.keep_page(inbox(account), tuple(_worth_keeping(page.get("msg_list"), account, since)), name, after)
            if str(page.get("has_more")) not in ("1", "True"):
                return
            if after == cursor:
                raise ApiRefused("/cgi-bin/kf/sync_msg", 0, "there is more, but the cursor does not move")
            cursor = after

    def _request(self, account: str, cursor: str) -> dict[str, Any]:
        token, rang_at = self._tokens.get(account, ("", 0.0))
        request = {"cursor": cursor, "limit": PAGE, "voice_format": 0, "open_kfid": account}
        return {**request, "token": token} if token and self._now() - rang_at < RING_GOOD_FOR else request

    async def _work_off(self, account: str) -> None:
        """Customers beside each other, each one's messages in their order; a failure leaves the rest of that one's."""
        customers: dict[str, list[Item]] = {}
        for kept in await self._desk.kept(inbox(account)):
            if entry := item(json.loads(kept.body)):
                customers.setdefault(entry.user, []).append(entry)
        done = await asyncio.gather(*(self._take_all(account, entries) for entries in customers.values()), return_exceptions=True)
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _take_all(self, account: str, entries: list[Item]) -> None:
        for entry in entries:
            await self._take(entry)
            await self._desk.done(inbox(account), entry.msgid)


def _worth_keeping(raw: Any, account: str, since: float) -> Iterator[Kept]:
    """Entries of msg_list that can be read, are for this account and not from before we were there."""
    for each in raw if isinstance(raw, list) else ():
        entry = item(each)
        if entry is not None and entry.sent_at >= since and entry.open_kfid in ("", account):
            yield Kept(entry.msgid, json.dumps(each))
