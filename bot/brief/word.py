"""A brief as a Word file (DOCX)."""

import io
from typing import Any

import docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from bot.brief import pictures
from bot.brief.document import Chart, Document, Grid, Heading, Part, Text
from bot.brief.words import Words

_LATIN, _CHINESE = "Arial", "Microsoft YaHei"
_WIDTH = Cm(16.5)
_LONGEST, _MARGINS = 34, 3  # in letters


def word(document: Document, words: Words) -> bytes:
    """The whole file, on A4. Charts are pictures; where the server has no Chinese font, a sentence stands in their place."""
    file = docx.Document()
    _set_up(file, document)
    file.add_heading(document.title, 0)
    if document.subtitle:
        file.add_paragraph(document.subtitle, style="Subtitle")
    for part in document.parts:
        _add(file, part, words)
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def _set_up(file: Any, document: Document) -> None:
    page = file.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.2)
    page.top_margin = page.bottom_margin = Cm(2)
    file.core_properties.title, file.core_properties.language = document.title, document.language
    file.core_properties.author = "Refdesk"
    for style in file.styles:
        if style.type in (1, 2) and hasattr(style, "font"):  # paragraphs and characters
            _write_chinese(style)
    file.styles["Normal"].font.size = Pt(10.5)


def _write_chinese(style: Any) -> None:
    """Word keeps a font apart for Chinese; without one it takes what the reader's system happens to have."""
    style.font.name = _LATIN
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), _CHINESE)


def _add(file: Any, part: Part, words: Words) -> None:
    match part:
        case Heading():
            file.add_heading(part.text, 1)
        case Text():
            written = file.add_paragraph(part.text, style="List Bullet" if part.small else None)
            if part.small:
                written.runs[0].font.size = Pt(8.5)
        case Chart():
            _picture(file, part, words)
        case Grid():
            _table(file, part, words)


def _picture(file: Any, chart: Chart, words: Words) -> None:
    if not pictures.writes_chinese():
        file.add_paragraph(words.say("no_font"))
        return
    file.add_paragraph(chart.title, style="Caption").paragraph_format.keep_with_next = True
    shape = file.add_picture(io.BytesIO(pictures.png(chart.spec)), width=_WIDTH)
    shape._inline.docPr.set("descr", chart.alt)


def _table(file: Any, grid: Grid, words: Words) -> None:
    caption = file.add_paragraph(grid.title, style="Caption")
    caption.paragraph_format.keep_with_next = True
    table = file.add_table(1, len(grid.heads), style="Light List Accent 1")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for cell, head in zip(table.rows[0].cells, grid.heads, strict=True):
        _fill(cell, head.text, right=head.kind is not None)
    _repeat(table.rows[0])
    shown = [[(words.shown(value, kind), kind) for value, kind in grid.cells(row)] for row in range(len(grid.rows))]
    for line in shown:
        for cell, (text, kind) in zip(table.add_row().cells, line, strict=True):
            _fill(cell, text, right=kind is not None)
    widths = _widths([[head.text for head in grid.heads], *([text for text, _ in line] for line in shown)])
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width  # LibreOffice goes by the column, Word by its cells
        for cell in column.cells:
            cell.width = width
    after = words.say("first_of", shown=len(grid.rows), total=grid.total) if grid.total > len(grid.rows) else ""
    file.add_paragraph(after)


def _widths(lines: list[list[str]]) -> list[int]:
    """The page's width shared among columns by their longest words; a Chinese character is as wide as two letters."""
    needs = [min(_LONGEST, _MARGINS + max(len(text.encode("gbk", "replace")) for text in column)) for column in zip(*lines, strict=True)]
    return [int(_WIDTH * need / sum(needs)) for need in needs]


def _fill(cell: Any, text: str, *, right: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.add_run(text).font.size = Pt(8)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _repeat(row: Any) -> None:
    """The first row stands on every page that the table reaches."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)
