"""What the templates of the figures are given."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain import ClosedMonth
from bot.months import Standing
from bot.pages.contexts import Frame
from bot.reports import MEASURES, Figures, Query, Report, Where

Label = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of the form: its field, what is chosen, and what there is to choose from with the labels."""

    field: str
    chosen: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """reports.html: the dashboard. `label` turns stored words into what people read; `may_close`: whether this person closes months."""

    frame: Frame
    query: Query
    report: Report
    label: Label
    choices: tuple[Choice, ...]
    periods: tuple[tuple[str, Query], ...]
    ways: tuple[str, ...]
    closed: ClosedMonth | None = None
    error: str = ""

    @property
    def defined(self) -> tuple[str, ...]:
        """The figures that have a definition to be shown."""
        return tuple(MEASURES)

    def behind(self, only: Where) -> str:
        """The address of the questions behind a number."""
        return f"/reports/rows?{self.query.only(only).address()}"


@dataclass(frozen=True, slots=True)
class Line:
    """One question in a list. `text` is what was asked, personal data hidden; '' when it was removed, or nothing was written down."""

    question: int
    at: str
    channel: str
    topic: str
    college: str
    result: str
    waited: float | None
    ticket: int
    text: str


@dataclass(frozen=True, slots=True)
class RowsPage:
    """rows.html: the questions behind a number, newest first. `conditions` are field, label and the query without it."""

    frame: Frame
    query: Query
    conditions: tuple[tuple[str, str, Query], ...]
    dashboard: Query
    total: int
    figures: Figures
    lines: tuple[Line, ...]
    number: int
    pages: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class MonthsPage:
    """months.html: closed months, and the one that can be closed next."""

    frame: Frame
    months: tuple[tuple[ClosedMonth, Figures], ...]
    may_close: bool
    proposed: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class MonthPage:
    """month.html: one closed month, counted again."""

    frame: Frame
    standing: Standing
    figures: Figures
