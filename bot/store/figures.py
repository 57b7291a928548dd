"""Roll-ups: what became of each question, one row each, written in the transaction of the events they follow from.

They say nothing that the events do not: `rebuild` makes them again, `strays` finds where they differ.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from bot.domain import ClosedMonth, Event, EventName
from bot.reports.columns import FIELDS, STORED, Codes, Columns, gather, row
from bot.reports.outcomes import VERSION, asked
from bot.store import rows
from bot.store.events import Events

_EPOCH = date(1970, 1, 1).toordinal()
_PUT = f"insert or replace into questions ({', '.join(STORED)}) values ({', '.join('?' * len(STORED))})"
_STORED = f"select {', '.join(STORED)} from questions"
_FIELDS = f"select {', '.join(FIELDS)} from questions"
_TOTALS = "select name, connector, count(*) from events group by name, connector"
_REBUILT, _GENERATION = "figures.rebuilt", "figures.generation"
_EVENT = ("name", "at", *(name for name in Event.__slots__ if name not in ("name", "at")))
_HISTORIES = f"select id, {', '.join(_EVENT)} from events where question != 0 order by question, id"

Progress = Callable[[str, float], None]


class Rollups(Events):
    """What became of questions, counted."""

    def roll_up(self) -> None:
        """Bring the rows of every question that this unit of work recorded events for up to date."""
        for question in self.touched:
            found = self._db.conn.execute(f"select id, {', '.join(_EVENT)} from events where question = ? order by id", (question,))
            self._put(found.fetchall())
        self.touched.clear()

    def _put(self, history: list[tuple[Any, ...]]) -> None:
        if rolled := self._rolled(history):
            self._db.conn.execute(_PUT, rolled)

    def _rolled(self, history: list[tuple[Any, ...]]) -> tuple[Any, ...] | None:
        found = asked([_event(row) for row in history])
        return row(found, history[-1][0], self._zone) if found else None

    # --- reading ---

    def columns(self, words: Mapping[str, Codes] | None = None, *, since: int = 0) -> Columns:
        """Questions with events after the event numbered `since`, as columns."""
        return gather(self._db.conn.execute(f"{_FIELDS} where seen > ?", (since,)), words)

    def period(self, first: date, last: date, *, after: int = 0, most: int = -1) -> Columns:
        """Questions that were asked on these days, by their numbers: the first `most` of those above `after`."""
        sql = f"{_FIELDS} where day between ? and ? and question > ? order by question limit ?"
        return gather(self._db.conn.execute(sql, (_day(first), _day(last), after, most)))

    def asked_on(self, first: date, last: date) -> int:
        """How many questions were asked on these days."""
        sql = "select count(*) as n from questions where day between ? and ?"
        return int(self._rows(sql, _day(first), _day(last))[0]["n"])

    def generation(self) -> str:
        """Changes whenever all roll-ups were made anew."""
        found = self._one("select value from facts where name = ?", _GENERATION)
        return str(found["value"]) if found else ""

    # --- closed months ---

    def close_month(self, month: ClosedMonth) -> ClosedMonth:
        """Keep the figures of a month for good."""
        values = {"month": month.month, "closed_at": rows.stamp(month.closed_at), "closed_by": month.closed_by}
        figures = {"last_event": month.last_event, "figures": month.figures, "checksum": month.checksum}
        self._insert("closed_months", {**values, **figures})
        return month

    def closed_month(self, month: str) -> ClosedMonth | None:
        """A closed month."""
        found = self._one("select * from closed_months where month = ?", month)
        return rows.month_of(found) if found else None

    def closed_months(self) -> tuple[ClosedMonth, ...]:
        """All of them, newest first."""
        return tuple(rows.month_of(found) for found in self._rows("select * from closed_months order by month desc"))

    # --- truth ---

    def current(self) -> bool:
        """Whether the roll-ups are those of today's definitions and of this time zone."""
        found = self._one("select value from facts where name = ?", _REBUILT)
        return found is not None and found["value"] == self._standing()

    def rebuild(self, progress: Progress = lambda stage, share: None) -> int:
        """Make every roll-up again from the events; returns how many questions there are."""
        self._db.conn.execute("delete from questions")
        self._db.conn.execute("delete from event_totals")
        self._db.conn.execute(f"insert into event_totals {_TOTALS}")
        count = self._db.conn.executemany(_PUT, self._derived(progress)).rowcount
        facts = ((_REBUILT, self._standing()), (_GENERATION, f"{self.last_event()} {datetime.now(UTC).isoformat()}"))
        self._db.conn.executemany("insert or replace into facts (name, value) values (?, ?)", facts)
        return count

    def strays(self, progress: Progress = lambda stage, share: None) -> Iterator[str]:
        """Every way in which the roll-ups differ from what the events say."""
        stored = self._db.conn.execute(f"{_STORED} order by question")
        kept = next(stored, None)
        for derived in self._derived(progress):
            while kept is not None and kept[0] < derived[0]:
                yield f"question {kept[0]}: counted, but there is no event that it was asked"
                kept = next(stored, None)
            if kept is None or kept[0] > derived[0]:
                yield f"question {derived[0]}: not counted"
                continue
            yield from _differences(kept, derived)
            kept = next(stored, None)
        while kept is not None:
            yield f"question {kept[0]}: counted, but there is no event that it was asked"
            kept = next(stored, None)
        yield from self._miscounted()

    def _miscounted(self) -> Iterator[str]:
        counts = ({(each[0], each[1]): each[2] for each in self._db.conn.execute(sql)} for sql in (_TOTALS, "select * from event_totals"))
        real, kept = counts
        for name, connector in sorted(real.keys() | kept.keys()):
            if real.get((name, connector), 0) != kept.get((name, connector), 0):
                yield f"events {name} on {connector}: {real.get((name, connector), 0)}, counted {kept.get((name, connector), 0)}"

    def _derived(self, progress: Progress) -> Iterator[tuple[Any, ...]]:
        """The rows that the events come to, by question. The cursor is its own, so that rows can be written meanwhile."""
        last = int(self._rows("select max(1, coalesce(max(question), 0)) as last from events")[0]["last"])
        cursor = self._db.conn.cursor()
        for number, (question, history) in enumerate(groupby(cursor.execute(_HISTORIES), key=lambda each: each[_QUESTION])):
            if number % 1000 == 0:
                progress("questions", question / last)
            if rolled := self._rolled(list(history)):
                yield rolled
        progress("questions", 1.0)

    def _standing(self) -> str:
        return f"{VERSION} {self._zone}"


_QUESTION = _EVENT.index("question") + 1
_NAMES = {name.value: name for name in EventName}


def _event(stored: tuple[Any, ...]) -> Event:
    return Event(_NAMES[stored[1]], rows.known(stored[2]), *stored[3:])


def _differences(kept: tuple[Any, ...], derived: tuple[Any, ...]) -> Iterator[str]:
    for name, is_, should in zip(STORED, kept, derived, strict=True):
        if is_ != should:
            yield f"question {derived[0]}: {name} is {is_!r}, the events say {should!r}"


def _day(day: date) -> int:
    return day.toordinal() - _EPOCH
