"""What Prometheus reads. Labels take few values: channels of this server, names of events, results, states."""

from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.connector import Connector, Delivery, Outcome
from bot.desk import Desk
from bot.domain import TicketStatus
from bot.ledger import Ledger
from bot.messages import Reply
from bot.reports import Result

_DECISION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ANSWER_BUCKETS = (60, 300, 900, 3600, 4 * 3600, 24 * 3600, 72 * 3600)
_STATES = (TicketStatus.WAITING, TicketStatus.CLAIMED, TicketStatus.ANSWERED)


class Metrics:
    """What is counted in this process, beside what the database knows."""

    def __init__(self, desk: Desk, ledger: Ledger) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Stored(desk, ledger))
        self._decisions = Histogram(
            "refdesk_decision_seconds",
            "From a message to its stored replies.",
            ("decision",),
            buckets=_DECISION_BUCKETS,
            registry=self._registry,
        )
        self._failures = Counter(
            "refdesk_delivery_failures", "Pushes that a platform did not take, or not now.", ("channel",), registry=self._registry
        )

    def decided(self, seconds: float, replies: tuple[Reply, ...]) -> None:
        """A message was decided on; `silent` where people have the conversation."""
        action = next((reply.action for reply in replies if reply.action), None)
        self._decisions.labels(action.value if action else "silent").observe(seconds)

    def failed(self, seconds: float) -> None:
        """The bot fell over a message, which went to a person."""
        self._decisions.labels("failed").observe(seconds)

    def counted(self, connectors: Mapping[str, Connector]) -> dict[str, Connector]:
        """The same connectors, with their failures counted."""
        return {name: cast(Connector, _Counted(each, self._failures.labels(name))) for name, each in connectors.items()}

    def exposition(self) -> str:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry).decode()


class _Counted:
    """A connector whose failed deliveries are counted; everything else is its own."""

    def __init__(self, connector: Connector, failures: Counter) -> None:
        self._connector, self._failures = connector, failures

    def __getattr__(self, name: str) -> object:
        return getattr(self._connector, name)

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Deliver as the connector does."""
        try:
            return await self._connector.deliver(delivery)
        except Exception:
            self._failures.inc()
            raise


class _Stored(Collector):
    """What the database knows, read when it is asked for."""

    def __init__(self, desk: Desk, ledger: Ledger) -> None:
        self._desk, self._ledger = desk, ledger

    def describe(self) -> list[Metric]:
        """Nothing to be read at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        events, outbox, oldest = self._desk.store.read(lambda s: (s.event_counts(), s.outbox_state(), s.oldest_waiting()))
        now = self._desk.clock.now()
        happened = CounterMetricFamily("refdesk_events", "What happened, by name and channel.", labels=("name", "channel"))
        for name, channel, count in events:
            happened.add_metric((name, channel), count)
        yield happened
        yield from self._asked()
        tickets = GaugeMetricFamily("refdesk_tickets", "Open tickets by state.", labels=("status",))
        for status in _STATES:
            tickets.add_metric((status.value,), self._desk.count((status,)))
        yield tickets
        age = (now - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily("refdesk_queue_oldest_seconds", "How long the oldest waiting ticket waits.", value=age)
        yield GaugeMetricFamily("refdesk_outbox_due", "Replies that wait to be delivered.", value=sum(due for _, due, _ in outbox))
        retried = GaugeMetricFamily("refdesk_outbox_failing", "Of these, replies that failed at least once.", labels=("channel",))
        for channel, _, failing in outbox:
            retried.add_metric((channel,), failing)
        yield retried

    def _asked(self) -> Iterator[Metric]:
        columns = self._ledger.columns()
        asked = GaugeMetricFamily("refdesk_questions", "Questions by channel and what became of them.", labels=("channel", "result"))
        channels, results = columns.vocabulary("connector"), tuple(Result)
        pairs = columns.codes["connector"] * len(results) + columns.results()
        for place, count in enumerate(np.bincount(pairs, minlength=len(channels) * len(results)).tolist()):
            asked.add_metric((channels[place // len(results)], results[place % len(results)].value), count)
        yield asked
        waits = columns.first_answer[~np.isnan(columns.first_answer)]
        below = [(str(float(edge)), float((waits <= edge).sum())) for edge in _ANSWER_BUCKETS]
        told = "From the handover to a librarian's first reply."
        first = HistogramMetricFamily("refdesk_first_answer_seconds", told)
        first.add_metric((), [*below, ("+Inf", float(len(waits)))], float(waits.sum()))
        yield first
