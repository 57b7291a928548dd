"""The figures of a database: every report of it, counted from columns that are kept at hand and brought up to date.

Columns of two million events take some forty megabytes; a process that only ever needs a short period loads just that.
"""

import threading
from collections.abc import Callable, Iterator

from bot import reports
from bot.hours import DutyHours
from bot.masking import masked
from bot.reports import Columns, Figures, Query, Report
from bot.store import Session, Store

_AT_ONCE = 2_000


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
        asked = reports.chosen(self.store.read(lambda s: s.period(query.start, query.end)), query, self.duty)
        return reports.figures(asked, self.duty), reports.grouped(asked, self.duty, by)

    def size(self, query: Query) -> int:
        """How many questions `stream` looks at."""
        return self.store.read(lambda s: s.asked_on(query.start, query.end))

    def stream(self, query: Query, progress: Callable[[int], None] = lambda looked_at: None, *, after: int = 0) -> Iterator[Columns]:
        """The questions of a query above the number `after`, some at a time, in the order of their numbers; nothing is kept."""

        def some(s: Session) -> Columns:
            return s.period(query.start, query.end, after=after, most=_AT_ONCE)

        while len(found := self.store.read(some)):
            after = int(found.numbers["question"][-1])
            yield reports.chosen(found, query, self.duty)
            progress(len(found))

    def texts(self, asked: Columns) -> dict[int, str]:
        """What was asked, by the numbers of the questions, with personal data hidden; '' where it was removed."""
        numbers = asked.numbers["question"].tolist()
        return {number: masked(text) for number, text in self.store.read(lambda s: s.texts(numbers)).items()}

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
