"""Closing a month: its figures are stored with a checksum, and can be counted again at any time.

Events are append-only, so that the events up to the closing must always come to the same figures (`faults` lists where they do
not). What happened later, such as a late reply, changes what is counted today, and `changes` says which questions and why.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from bot import reports
from bot.domain import ClosedMonth, Event, EventName
from bot.errors import NotFound, Refused
from bot.hours import DutyHours
from bot.reports import Asked, Result
from bot.reports.outcomes import VERSION
from bot.store import Session, Store

_GROUPS = ("channel", "language", "college", "intent", "room")
_DUTY = "on_duty"


@dataclass(frozen=True, slots=True)
class Change:
    """A question that counts otherwise since its month was closed, and the event that made it so. `was` is None where it was
    written down by hand after the closing."""

    question: int
    was: Result | None
    now: Result
    event: EventName
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A closed month, counted again. `faults`: where the events up to its closing come to something else than what was stored."""

    month: ClosedMonth
    faults: tuple[str, ...]
    changes: tuple[Change, ...]


class Months:
    """Closing and checking months over one store."""

    def __init__(self, store: Store, duty: DutyHours, now: Callable[[], datetime]) -> None:
        self.store, self.duty, self._now = store, duty, now

    def close(self, month: str, who: str) -> ClosedMonth:
        """Store the figures of a month, once. Refused says `wrong_date`, `not_over` or `closed_already`."""
        first, after = self._bounds(month)
        if self._now() < after:
            raise Refused("not_over")

        def work(s: Session) -> ClosedMonth:
            if s.closed_month(month):
                raise Refused("closed_already")
            last = s.last_event()
            figures = self._figures(month, reports.questions(s.histories(first, after)))
            return s.close_month(ClosedMonth(month, self._now(), who, last, figures, checksum(figures)))

        return self.store.write(work).result()

    def closed(self) -> tuple[ClosedMonth, ...]:
        """Every closed month, newest first."""
        return self.store.read(lambda s: s.closed_months())

    def check(self, month: str) -> Standing:
        """Count a closed month again."""
        first, after = self._bounds(month)

        def work(s: Session) -> tuple[ClosedMonth | None, tuple[Event, ...], tuple[Event, ...]]:
            found = s.closed_month(month)
            last = found.last_event if found else 0
            return found, s.histories(first, after, until=last), s.histories(first, after)

        closed, before, today = self.store.read(work)
        if closed is None:
            raise NotFound(f"closed month {month}")
        return Standing(closed, tuple(self._faults(closed, reports.questions(before))), tuple(_changes(before, today)))

    def _figures(self, month: str, asked: tuple[Asked, ...]) -> str:
        columns = reports.tabulate(asked, self.duty.zone)
        groups = {by: [asdict(line) for line in reports.grouped(columns, self.duty, by)] for by in _GROUPS}
        told = {"month": month, "definitions": VERSION, "zone": self.duty.timezone, "total": asdict(reports.figures(columns, self.duty))}
        return json.dumps({**told, "groups": groups}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def _faults(self, closed: ClosedMonth, asked: tuple[Asked, ...]) -> list[str]:
        if checksum(closed.figures) != closed.checksum:
            return [f"{closed.month}: the stored figures do not fit their checksum"]
        stored, counted = json.loads(closed.figures), json.loads(self._figures(closed.month, asked))
        if stored == counted:
            return []
        faults = [
            f"{closed.month}: {name} is {counted[name]} now, was {stored[name]} at the closing"
            for name in ("definitions", "zone") if stored[name] != counted[name]
        ]  # fmt: skip
        faults += _differences(f"{closed.month} in total", stored["total"], counted["total"])
        for by in _GROUPS:
            old, new = ({line["label"]: line for line in each["groups"].get(by, [])} for each in (stored, counted))
            for label in sorted(old.keys() | new.keys()):
                faults += _differences(f"{closed.month} {by} {label}", old.get(label, {}), new.get(label, {}))
        return faults

    def _bounds(self, month: str) -> tuple[datetime, datetime]:
        first, _ = reports.period(f"{month}-01", f"{month}-01")
        if month != f"{first:%Y-%m}":
            raise Refused("wrong_date")
        return self._begins(first), self._begins((first + timedelta(days=31)).replace(day=1))

    def _begins(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.duty.zone)


def checksum(figures: str) -> str:
    """SHA-256 of figures as they are stored."""
    return hashlib.sha256(figures.encode()).hexdigest()


def _differences(where: str, stored: Mapping[str, object], counted: Mapping[str, object]) -> list[str]:
    told = []
    for name in sorted(stored.keys() | counted.keys()):
        if stored.get(name) != counted.get(name):
            why = "; the duty table of that time was changed" if name.endswith(_DUTY) else ""
            told.append(f"{where}: {name} was {stored.get(name)}, the events say {counted.get(name)}{why}")
    return told


def _changes(before: tuple[Event, ...], today: tuple[Event, ...]) -> list[Change]:
    """Questions whose result changed after the events `before`, with the first event that made it what it is."""
    was = {each.question: each.result for each in reports.questions(before)}
    now = {each.question: each.result for each in reports.questions(today)}
    known = _by_question(before)
    return [
        _change(question, was.get(question), now[question], known.get(question, []), history)
        for question, history in sorted(_by_question(today).items())
        if now[question] is not was.get(question)
    ]


def _change(question: int, was: Result | None, now: Result, known: list[Event], history: list[Event]) -> Change:
    for count in range(len(known) + 1, len(history) + 1):
        if reports.outcome(history[:count]) is now:
            break
    event = history[count - 1]
    return Change(question, was, now, event.name, event.at)


def _by_question(events: tuple[Event, ...]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    for event in events:
        found.setdefault(event.question, []).append(event)
    return found
