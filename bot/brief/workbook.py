"""A report as a spreadsheet (XLSX): the sentences and charts, then every table on a sheet of its own, in typed columns."""

import io
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import xlsxwriter

from bot.brief import pictures
from bot.brief.document import Document, Grid, Head, Heading, Text, Value
from bot.brief.words import Words
from bot.reports import Kind

_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_LONGEST_NAME = 31
_SCALE = 0.5 * pictures.PPI / 96  # pictures have two dots a pixel; a sheet has 96 pixels an inch
_ROW_PIXELS = 20
_HEADING_POINTS, _LINE_POINTS = 24, 15
_LETTERS = 74  # in a line of the first sheet; a Chinese character is as wide as two
_DAY = 24 * 3600


def workbook(document: Document, grids: Iterable[Grid], words: Words) -> bytes:
    """The whole file. Words stay words, whatever they look like: nothing in it is a formula or a link."""
    out = io.BytesIO()
    literal = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, {"in_memory": True, **literal}) as book:
        book.set_properties({"title": document.title, "author": "Refdesk"})
        book.set_size(1920, 1200)
        styles = _Styles(book)
        _front(book.add_worksheet(words.say("brief")), document, styles)
        _charts(book, document, words)
        taken = {words.say("brief").lower(), words.say("charts").lower()}
        for grid in grids:
            _sheet(book.add_worksheet(_name(grid.title, taken)), grid, styles)
    return out.getvalue()


class _Styles:
    """The formats of cells."""

    def __init__(self, book: Any) -> None:
        self.head = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom"})
        self.head_right = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom", "align": "right"})
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.heading = book.add_format({"bold": True, "font_size": 12, "valign": "bottom"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.word = book.add_format({"valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        shapes = {Kind.COUNT: "#,##0", Kind.SHARE: "0.0%", Kind.SECONDS: "[h]:mm:ss"}
        self.kinds = {kind: book.add_format({"num_format": shape}) for kind, shape in shapes.items()}


def _front(sheet: Any, document: Document, styles: _Styles) -> None:
    sheet.hide_gridlines(2)
    _print(sheet)
    sheet.set_column(0, 0, _LETTERS + 4)
    sheet.write_string(0, 0, document.title, styles.title)
    sheet.write_string(1, 0, document.subtitle)
    line = 3
    for part in document.parts:
        if isinstance(part, Heading | Text):
            lines = -(-len(part.text.encode("gbk", "replace")) // _LETTERS)
            sheet.set_row(line, _HEADING_POINTS if isinstance(part, Heading) else lines * _LINE_POINTS)
            sheet.write_string(line, 0, part.text, styles.heading if isinstance(part, Heading) else styles.text)
            line += 1


def _charts(book: Any, document: Document, words: Words) -> None:
    sheet = book.add_worksheet(words.say("charts"))
    sheet.hide_gridlines(2)
    _print(sheet)
    line = 0
    for chart in document.charts:
        sheet.write_string(line, 0, chart.title)
        if not pictures.writes_chinese():
            sheet.write_string(line + 1, 0, words.say("no_font"))
            line += 3
            continue
        drawn = pictures.png(chart.spec)
        scale = {"x_scale": _SCALE, "y_scale": _SCALE}
        sheet.insert_image(line + 1, 0, f"{chart.name}.png", {"image_data": io.BytesIO(drawn), "description": chart.alt, **scale})
        line += 3 + pictures.height(drawn) // 2 // _ROW_PIXELS


def _sheet(sheet: Any, grid: Grid, styles: _Styles) -> None:
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    _print(sheet)
    for at, head in enumerate(grid.heads):
        sheet.write_string(0, at, head.text, styles.head if head.kind is None else styles.head_right)
        sheet.set_column(at, at, _width(grid, at, head))
    for row in range(len(grid.rows)):
        for at, (value, kind) in enumerate(grid.cells(row)):
            dated = at == 0 and grid.labels in ("day", "week")
            _write(sheet, (row + 1, at), date.fromisoformat(str(value)) if dated else value, kind, styles)
    if grid.rows:
        sheet.autofilter(0, 0, len(grid.rows), len(grid.heads) - 1)


def _write(sheet: Any, place: tuple[int, int], value: Value | date, kind: Kind | None, styles: _Styles) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(*place, value, styles.word)
    elif isinstance(value, date):
        sheet.write_datetime(*place, datetime.combine(value, datetime.min.time()), styles.day)
    else:
        sheet.write_number(*place, value / _DAY if kind is Kind.SECONDS else value, styles.kinds[kind or Kind.COUNT])


def _print(sheet: Any) -> None:
    """A4, as wide as the sheet is."""
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _width(grid: Grid, at: int, head: Head) -> float:
    if head.kind is not None:
        return 6 if grid.labels == "weekday" else 13
    longest = max((len(str(row[at]).encode("gbk", "replace")) for row in grid.rows), default=0)
    return min(60, max(12, longest + 2))


def _name(title: str, taken: set[str]) -> str:
    """A name that a sheet may have, and that no other one has."""
    plain = _FORBIDDEN.sub(" ", title).strip()[:_LONGEST_NAME].strip()
    name, number = plain, 2
    while name.lower() in taken:
        name, number = f"{plain[: _LONGEST_NAME - 4]} {number}", number + 1
    taken.add(name.lower())
    return name
