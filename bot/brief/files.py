"""A report in every form in which it can be taken away."""

from dataclasses import dataclass
from enum import StrEnum

from bot.brief import data, jointly
from bot.brief.composing import compose, overdue
from bot.brief.consortium import Consortium
from bot.brief.document import Document, Grid, Head
from bot.brief.markdown import markdown
from bot.brief.page import html
from bot.brief.words import Words
from bot.errors import Refused
from bot.reports import MEASURES, Report


class Format(StrEnum):
    """What a report can be written as."""

    MARKDOWN = "md"
    HTML = "html"
    DOCX = "docx"
    XLSX = "xlsx"
    JSON = "json"
    CSV = "csv"


BINARY = (Format.DOCX, Format.XLSX)
CONTENT_TYPES = {
    Format.MARKDOWN: "text/markdown; charset=utf-8",
    Format.HTML: "text/html; charset=utf-8",
    Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json; charset=utf-8",
    Format.CSV: "text/csv; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one report, or one of several libraries together. `made_at` is when it was counted, as people read it."""

    report: Report
    words: Words
    made_at: str
    joint: Consortium | None = None

    def write(self, shape: Format, table: str = "channels") -> bytes:
        """The file; `table` is the one of a CSV, Refused where there is none of that name."""
        match shape:
            case Format.JSON:
                library = jointly.name(self.joint, self.words) if self.joint else self.words.library
                return data.to_json(self.report, self.words, self.made_at, library).encode()
            case Format.CSV:
                return data.to_csv(self._table(table)).encode()
            case _:
                return written(self.document(), shape, self.words, self._grids())

    def document(self) -> Document:
        """The brief."""
        return jointly.compose(self.joint, self.words, self.made_at) if self.joint else compose(self.report, self.words, self.made_at)

    def _table(self, name: str) -> Grid:
        grids = self._grids()
        found = next((grid for grid in grids if grid.name == name), None)
        if found is None:
            raise Refused(f"there is no table {name}; there are {', '.join(grid.name for grid in grids)}")
        return found

    def _grids(self) -> tuple[Grid, ...]:
        words, tables = self.words, tuple(self.words.grid(table) for table in self.report.tables)
        if self.joint is None:
            return (*tables, overdue(words, self.report.query.end), meanings(words))
        asked = (jointly.survey(self.joint.survey, words),) if self.joint.survey else ()
        return (*asked, *tables, meanings(words))


def written(document: Document, shape: Format, words: Words, grids: tuple[Grid, ...]) -> bytes:
    """A document as a file; `grids` are the sheets of a spreadsheet."""
    match shape:
        case Format.MARKDOWN:
            return markdown(document, words).encode()
        case Format.HTML:
            return html(document, words).encode()
        case Format.DOCX:
            from bot.brief.word import word  # with its library in memory only where somebody writes one, as the next

            return word(document, words)
        case Format.XLSX:
            from bot.brief.workbook import workbook

            return workbook(document, grids, words)
        case _:
            raise Refused(f"a document is not written as {shape}")


def meanings(words: Words) -> Grid:
    """Every figure with its definition."""
    rows = tuple((words.phrase(f"reports.{name}"), words.phrase(f"reports.{name}_is")) for name in MEASURES)
    heads = (Head(words.phrase("reports.by_measure")), Head(words.say("meaning")))
    return Grid("definitions", words.say("definitions"), heads, rows, len(rows))
