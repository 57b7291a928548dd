"""Delivers what is due, with retries, until delivered, too late, or refused; then it waits in the mailbox."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.connector import Connector, Delivery, Outcome
from bot.domain import DeliveryStatus, Parcel
from bot.errors import DeliveryError, DeliveryFailed
from bot.store import Store

log = logging.getLogger("refdesk.outbox")

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
MOST_TRIES = 12
_IDLE = 1.0


def pause(tries: int) -> timedelta:
    """How long to wait after so many failures: doubling, up to LONGEST_PAUSE."""
    return min(FIRST_PAUSE * (1 << tries), LONGEST_PAUSE)


class Outbox:
    """The background task that empties the outbox table. `wake` makes it look at once."""

    def __init__(self, store: Store, connectors: Mapping[str, Connector], now: Callable[[], datetime]) -> None:
        self._store, self._connectors, self._now = store, connectors, now
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._news.set()

    async def run(self) -> None:
        """Deliver for as long as the server runs."""
        while True:
            self._news.clear()
            if not await self.deliver_due():
                try:
                    await asyncio.wait_for(self._news.wait(), _IDLE)
                except TimeoutError:
                    pass

    async def deliver_due(self) -> int:
        """Deliver everything whose time has come; returns how many replies were tried."""
        parcels = await asyncio.to_thread(self._store.read, lambda s: s.due(self._now()))
        await asyncio.gather(*(self._deliver(parcel) for parcel in parcels))
        return len(parcels)

    async def _deliver(self, parcel: Parcel) -> None:
        status, due_at, error = await self._try(parcel)
        await asyncio.wrap_future(self._store.write(lambda s: s.settle(parcel.id, status, due_at=due_at, error=error)))

    async def _try(self, parcel: Parcel) -> tuple[DeliveryStatus, datetime | None, str]:
        now = self._now()
        connector = self._connectors.get(parcel.address.connector)
        if connector is None:
            return DeliveryStatus.MAILBOX, None, "this channel is switched off"
        if parcel.deadline and now >= parcel.deadline:
            return DeliveryStatus.MAILBOX, None, "the channel's reply window is over"
        assert parcel.message.reply is not None
        delivery = Delivery(f"refdesk-{parcel.id}", parcel.address, parcel.message.reply, parcel.answers, parcel.deadline, parcel.tries)
        try:
            outcome = await connector.deliver(delivery)
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
