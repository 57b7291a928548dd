"""The brief (简报): what a report says, in Chinese or English, as sentences, tables and charts. Pure: bytes come out, nothing is kept.

document    headings, sentences, tables and charts in their order
words       wording and numbers in one language
charts      Vega-Lite specifications
pictures    charts as SVG and PNG
composing   a report -> a document
consortium  the exports of several libraries -> one report
jointly     that report -> a document
markdown, page, word, workbook, data    a document or report as Markdown, HTML, DOCX, XLSX; as JSON and CSV
files       all of these by the name of the format
"""

from bot.brief.charts import chart
from bot.brief.consortium import Consortium, read
from bot.brief.files import BINARY, CONTENT_TYPES, Format, Writer
from bot.brief.pictures import add_fonts, png, svg, vega, writes_chinese
from bot.brief.words import Words

__all__ = [
    "BINARY",
    "CONTENT_TYPES",
    "Consortium",
    "Format",
    "Words",
    "Writer",
    "add_fonts",
    "chart",
    "png",
    "read",
    "svg",
    "vega",
    "writes_chinese",
]
