"""The wording of a brief in one language: phrases of knowledge/, numbers, shares and times as people read them."""

from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import reduce

from bot.brief.document import Grid, Head, Value
from bot.knowledge import Knowledge
from bot.messages import Language
from bot.reports import MEASURES, Column, Kind, Table

Label = Callable[[str, str], str]
_SHORT = {"median_first_answer": "median", "p90_first_answer": "p90"}


class Words:
    """`label` turns a stored word into what people read: label("channel", "wechat")."""

    def __init__(self, knowledge: Knowledge, language: Language, label: Label) -> None:
        self.knowledge, self.language, self._label = knowledge, language, label

    def label(self, kind: str, word: str) -> str:
        """A stored word as people read it, without characters that no file may have."""
        return "".join(each if each.isprintable() else " " for each in self._label(kind, word))

    @property
    def library(self) -> str:
        """The name of the library."""
        return self.knowledge.facts["library.name", self.language]

    @property
    def tag(self) -> str:
        """The language as BCP 47 has it."""
        return "zh-CN" if self.language is Language.ZH else "en"

    def say(self, name: str, /, **values: object) -> str:
        """A phrase of brief.yml; numbers among the values are written with separators."""
        return self.phrase(f"brief.{name}", **values)

    def phrase(self, name: str, /, **values: object) -> str:
        """Any phrase."""
        shown = {key: self.count(value) if isinstance(value, int) else value for key, value in values.items()}
        return self.knowledge.phrase(name, self.language, **shown)

    def list(self, parts: Iterable[str]) -> str:
        """Several things in a sentence."""
        return reduce(lambda left, right: self.say("both", left=left, right=right), parts)

    def day(self, day: date) -> str:
        """A date in a sentence."""
        return self.knowledge.phrase("brief.date", self.language, year=day.year, month=day.month, day=day.day)

    def count(self, value: int) -> str:
        """1,400"""
        return f"{value:,}"

    def share(self, value: float | None) -> str:
        """35.0%"""
        return "–" if value is None else f"{value:.1%}"

    def lasting(self, value: float | None) -> str:
        """A time in seconds as hours and minutes, minutes and seconds, or seconds."""
        if value is None:
            return "–"
        minutes, seconds = divmod(round(value), 60)
        hours, minutes = divmod(minutes, 60)
        unit = "hours" if hours else "minutes" if minutes else "seconds"
        return self.say(f"lasts_{unit}", hours=hours, minutes=minutes, seconds=seconds)

    def shown(self, value: Value, kind: Kind | None) -> str:
        """A cell as text."""
        if value is None:
            return "–"
        if isinstance(value, str):
            return value
        match kind:
            case Kind.SHARE:
                return self.share(value)
            case Kind.SECONDS:
                return self.lasting(value)
            case _:
                return f"{value:,}"

    def grid(self, table: Table, most: int | None = None, only: Collection[str] = ()) -> Grid:
        """A table of a report with its words in place of the stored ones; its first `most` rows, and `only` some columns."""
        places = [at for at, column in enumerate(table.columns) if not only or column.name in only]
        first = Head(self.phrase("reports.by_librarian_name" if table.labels == "librarian" else f"reports.by_{table.labels}"))
        heads = [self._head(table, table.columns[at]) for at in places]
        rows = [(self.label(table.labels, row.label), *(row.cells[at].value for at in places)) for row in table.rows[:most]]
        kinds = tuple(MEASURES[row.label].kind for row in table.rows) if table.labels == "measure" else ()
        return Grid(table.name, self.phrase(f"reports.{table.name}"), (first, *heads), tuple(rows), table.total, table.labels, kinds)

    def _head(self, table: Table, column: Column) -> Head:
        if table.labels == "weekday":  # its columns are hours
            return Head(column.name, column.kind)
        return Head(self.phrase(f"reports.{_SHORT.get(column.name, column.name)}"), column.kind)
