"""The figures of a database: every report of it, counted from columns that are kept at hand and brought up to date.

Columns of two million events take some forty megabytes; a process that only ever needs a short period loads just that.
"""

import threading
from datetime import date

from bot import reports
from bot.hours import DutyHours
from bot.reports import Columns, Figures, Query, Report
from bot.store import Session, Store


class Ledger:
    """Reports over one store. `librarians`: whether it may be shown what each of them did."""

    def __init__(self, store: Store, duty: DutyHours, librarians: bool = True) -> None:
        self.store, self.duty, self.librarians = store, duty, librarians
        self._lock = threading.Lock()
        self._columns: Columns | None = None
        self._generation = ""
        self._seen = 0

    def report(self, query: Query, *, librarians: bool = True, most: int = reports.MOST_ROWS) -> Report:
        """Every figure and table of a query."""
        return reports.report(self.columns(), query, self.duty, librarians=librarians and self.librarians, most=most)

    def questions(self, query: Query) -> Columns:
        """The questions of a query: what is behind a number."""
        return reports.chosen(self.columns(), query, self.duty)

    def grouped(self, query: Query, by: str) -> tuple[Figures, tuple[Figures, ...]]:
        """The figures of a query in total and for each group."""
        asked = reports.chosen(self.period(query.start, query.end), query, self.duty)
        return reports.figures(asked, self.duty), reports.grouped(asked, self.duty, by)

    def period(self, first: date, last: date) -> Columns:
        """The questions of some days, not kept."""
        return self.store.read(lambda s: s.columns(days=(first, last)))

    def columns(self) -> Columns:
        """All questions as they are now."""
        with self._lock:
            return self.store.read(self._refreshed)

    def _refreshed(self, s: Session) -> Columns:
        generation, newest = s.generation(), s.last_event()
        if self._columns is None or generation != self._generation:
            self._columns = s.columns()
        elif newest > self._seen:
            self._columns = self._columns.updated(s.columns(self._columns.words, since=self._seen))
        self._generation, self._seen = generation, newest
        return self._columns
