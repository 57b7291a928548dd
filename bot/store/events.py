"""Events: append-only, every figure is a query over them."""

from datetime import datetime

from bot.domain import Event, EventName
from bot.store import rows
from bot.store.base import Base

_NEWEST = 2**62


class Events(Base):
    """What happened."""

    def record(self, event: Event) -> None:
        """Append an event, and count it."""
        self._insert("events", rows.event_row(event))
        self._db.conn.execute(
            "insert into event_totals (name, connector, count) values (?, ?, 1) on conflict do update set count = count + 1",
            (event.name.value, event.connector),
        )
        if event.question:
            self.touched.add(event.question)

    def histories(self, start: datetime, end: datetime, *, until: int | None = None) -> tuple[Event, ...]:
        """Every event, whenever it happened, of the questions that were asked from `start` to before `end`; with `until`, only
        events up to that number."""
        found = self._rows(
            "select * from events where id <= ? and question in (select question from events where name = ? and at >= ? and at < ?)"
            " order by id",
            _NEWEST if until is None else until, EventName.ASKED.value, rows.stamp(start), rows.stamp(end),
        )  # fmt: skip
        return tuple(rows.event_of(row) for row in found)

    def last_event(self) -> int:
        """The number of the newest event."""
        return int(self._rows("select coalesce(max(id), 0) as id from events")[0]["id"])

    def verdicts(self) -> tuple[Event, ...]:
        """Everything that says whether an answer of the bot helped, in order; verdicts on librarians' answers have a ticket."""
        found = self._rows(
            "select * from events where (name in (?, ?) and ticket = 0) or (name = ? and value = 'unhelpful') order by id",
            EventName.HELPFUL.value, EventName.UNHELPFUL.value, EventName.HANDED_OVER.value,
        )  # fmt: skip
        return tuple(rows.event_of(row) for row in found)

    def event_counts(self) -> tuple[tuple[str, str, int], ...]:
        """How often each thing has happened on each channel."""
        found = self._rows("select name, connector, count from event_totals order by name, connector")
        return tuple((row["name"], row["connector"], row["count"]) for row in found)
