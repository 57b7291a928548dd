"""Delivers what is due, with retries, until delivered, too late, or refused; then it waits in the mailbox."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from bot.connector import Connector, Delivery, Outcome
from bot.domain import DeliveryStatus, Parcel
from bot.errors import DeliveryError, DeliveryFailed, HookClosed, NumberTaken
from bot.messages import Address
from bot.store import Session, Store, parts

log = logging.getLogger("refdesk.outbox")

T = TypeVar("T")

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
MOST_TRIES = 12
_IDLE = 1.0
_AT_ONCE = 50
"""Askers of one channel who are delivered to at the same time."""


def pause(tries: int) -> timedelta:
    """How long to wait after so many failures: doubling, up to LONGEST_PAUSE."""
    return min(FIRST_PAUSE * (1 << tries), LONGEST_PAUSE)


def _by_asker(parcels: Iterable[Parcel]) -> dict[Address, list[Parcel]]:
    queues: dict[Address, list[Parcel]] = {}
    for parcel in parcels:
        queues.setdefault(parcel.address, []).append(parcel)
    return queues


class Outbox:
    """The background task that empties the outbox table. `wake` makes it look at once."""

    def __init__(self, store: Store, connectors: Mapping[str, Connector], now: Callable[[], datetime]) -> None:
        self._store, self._connectors, self._now = store, connectors, now
        self._news = asyncio.Event()
        self._under_way: dict[Address, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Something may be due."""
        self._news.set()

    async def run(self) -> None:
        """Deliver for as long as the server runs."""
        try:
            while True:
                self._news.clear()
                if not await self._begin():
                    # Not asyncio.wait_for: in Python 3.11 it loses a cancellation that comes together with the event,
                    # and a server that is stopped would wait for this task for ever.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_IDLE):
                            await self._news.wait()
        finally:
            under_way = tuple(self._under_way.values())
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)  # nothing of them is left when the store is closed

    async def _begin(self) -> int:
        """Start on what is due to askers for whom nothing is under way; returns for how many. A slow channel holds up no other.

        Who was busy before the read is passed over, even if they are done by now: what was read may be delivered already."""
        busy = frozenset(self._under_way)
        parcels = await asyncio.to_thread(self._store.read, lambda s: s.due(self._now(), _AT_ONCE + len(busy)))
        load, begun = Counter(address.connector for address in self._under_way), 0
        for address, queue in _by_asker(parcels).items():
            if address in busy or load[address.connector] >= _AT_ONCE:
                continue
            task = self._under_way[address] = asyncio.create_task(self._deliver_in_turn(queue))
            task.add_done_callback(partial(self._ended, address))
            load[address.connector] += 1
            begun += 1
        return begun

    def _ended(self, address: Address, task: "asyncio.Task[None]") -> None:
        del self._under_way[address]
        if task.cancelled():
            return
        if error := task.exception():  # such as a full disk; not at once again
            log.error("deliveries to %s broke off", address.connector, exc_info=error)
        else:
            self._news.set()

    async def deliver_due(self) -> int:
        """Deliver everything whose time has come; returns how many replies were tried."""
        parcels = await asyncio.to_thread(self._store.read, lambda s: s.due(self._now()))
        await asyncio.gather(*(self._deliver_in_turn(queue) for queue in _by_asker(parcels).values()))
        return len(parcels)

    async def _deliver_in_turn(self, parcels: list[Parcel]) -> None:
        """One asker's replies go out one after the other: in order, and each knowing what is left of the quota."""
        for parcel in parcels:
            await self._deliver(parcel)

    async def _deliver(self, parcel: Parcel) -> None:
        status, due_at, error = await self._try(parcel)

        def settle(s: Session) -> None:
            s.settle(parcel.id, status, self._now(), due_at=due_at, error=error)
            s.changed.add(parcel.message.conversation)  # the desk shows how it went

        await self._write(settle)

    async def _try(self, parcel: Parcel) -> tuple[DeliveryStatus, datetime | None, str]:
        connector = self._connectors.get(parcel.address.connector)
        if connector is None:
            return DeliveryStatus.MAILBOX, None, "this channel is switched off"
        assert parcel.message.reply is not None
        reply, limits = parcel.message.reply, connector.limits
        # Other channels take a reply whole, or divide it themselves.
        whole = parts(reply, limits.max_bytes) if limits.quota or limits.divides else (reply.plain(),)
        for number in range(parcel.sent, len(whole)):
            push = self._push_on_hook if limits.by_message else self._push
            status, due_at, error, more = await push(parcel, connector, whole, number)
            if status is not DeliveryStatus.DELIVERED or more:
                return status, due_at, error
        return DeliveryStatus.DELIVERED, None, ""

    async def _push(
        self, parcel: Parcel, connector: Connector, whole: tuple[str, ...], number: int
    ) -> tuple[DeliveryStatus, datetime | None, str, bool]:
        """One part; the last value says that the rest waits in the mailbox because the quota does not reach."""
        now, limits, conversation = self._now(), connector.limits, parcel.message.conversation
        window = await asyncio.to_thread(self._store.read, lambda s: s.window(conversation, limits, now))
        closes_at = window.closes_at if window else parcel.deadline
        if closes_at and now >= closes_at:
            return DeliveryStatus.MAILBOX, None, "the channel's reply window is over", False
        if window and window.left == 0:
            return DeliveryStatus.MAILBOX, None, "the channel takes no more messages until the asker writes again", False
        more = bool(window and window.left is not None and window.left < len(whole) - number)
        if window and not limits.inline:  # nowhere else can the rest be had, so the quota is used up first
            more = more and window.left == 1
        delivery = self._delivery(parcel, whole, number, closes_at, more)
        status, due_at, error = await self._hand_over(parcel, connector, delivery)
        if status is not DeliveryStatus.DELIVERED:
            return status, due_at, error, False
        if limits.quota or len(whole) > 1:
            await self._write(lambda s: s.pushed(parcel.id, conversation, now))
        return (DeliveryStatus.MAILBOX, None, "the quota reaches for the beginning only", True) if more else (status, None, "", False)

    async def _push_on_hook(
        self, parcel: Parcel, connector: Connector, whole: tuple[str, ...], number: int
    ) -> tuple[DeliveryStatus, datetime | None, str, bool]:
        """The same where a reply hangs on a message of the asker: on another one, or under another number, for as long as
        the platform refuses those."""
        while True:
            now = self._now()
            place = await self._write(partial(Session.hang, parcel=parcel, part=number, now=now))
            if place is None and not connector.limits.unprompted:
                return DeliveryStatus.MAILBOX, None, "no message of the asker takes a reply any more", False
            more = place is not None and place.left == 1 and len(whole) - number > 1
            delivery = self._delivery(parcel, whole, number, place.until if place else None, more)
            if place:
                delivery = replace(delivery, hook=place.hook, number=place.number, again=place.again)
            try:
                status, due_at, error = await self._hand_over(parcel, connector, delivery)
            except (HookClosed, NumberTaken) as refusal:
                assert place is not None
                log.info("delivery %s goes on elsewhere: %s", parcel.id, refusal.why)
                shut = now if isinstance(refusal, HookClosed) else None
                await self._write(partial(Session.give_up, hanging=place, shut=shut))
                continue
            if status is not DeliveryStatus.DELIVERED:
                return status, due_at, error, False
            await self._write(partial(Session.pushed, parcel=parcel.id, conversation=parcel.message.conversation, at=now))
            return (DeliveryStatus.MAILBOX, None, "the quota reaches for the beginning only", True) if more else (status, None, "", False)

    async def _write(self, work: Callable[[Session], T]) -> T:
        return await asyncio.wrap_future(self._store.write(work))

    @staticmethod
    def _delivery(parcel: Parcel, whole: tuple[str, ...], number: int, closes_at: datetime | None, more: bool) -> Delivery:
        assert parcel.message.reply is not None
        reply = replace(parcel.message.reply, id=parcel.message.id)
        reply = reply if len(whole) == 1 else replace(reply, text=whole[number], links=(), choices=())
        key = f"refdesk-{parcel.id}-{number}" if number else f"refdesk-{parcel.id}"
        return Delivery(key, parcel.address, reply, parcel.answers, closes_at, parcel.tries, more)

    async def _hand_over(self, parcel: Parcel, connector: Connector, delivery: Delivery) -> tuple[DeliveryStatus, datetime | None, str]:
        now = self._now()
        try:
            outcome = await connector.deliver(delivery)
        except (HookClosed, NumberTaken) as failure:
            if delivery.hook:
                raise
            return DeliveryStatus.MAILBOX, None, failure.why
        except DeliveryFailed as failure:
            log.warning("delivery %s failed: %s", parcel.id, failure.why)
            return self._later(parcel, now, failure.why)
        except DeliveryError as failure:
            log.warning("delivery %s refused: %s", parcel.id, failure.why)
            return DeliveryStatus.MAILBOX, None, failure.why
        except Exception as failure:  # a connector's own fault must not stop the deliveries of others
            log.exception("delivery %s failed", parcel.id)
            return self._later(parcel, now, type(failure).__name__)
        return (DeliveryStatus.DELIVERED if outcome is Outcome.DELIVERED else DeliveryStatus.MAILBOX), None, ""

    def _later(self, parcel: Parcel, now: datetime, why: str) -> tuple[DeliveryStatus, datetime | None, str]:
        late = parcel.tries + 1 >= MOST_TRIES
        return (DeliveryStatus.MAILBOX if late else DeliveryStatus.DUE), now + pause(parcel.tries), why
