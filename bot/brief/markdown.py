"""A brief as Markdown. Charts stand at the end as data, so that the text stays readable and the file is whole."""

import base64
import re
from collections.abc import Iterator

from bot.brief import pictures
from bot.brief.document import Chart, Document, Grid, Heading, Part, Text
from bot.brief.words import Words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|]|^[#+-])")


def markdown(document: Document, words: Words) -> str:
    """The whole file."""
    period = [f"*{_plain(document.subtitle)}*"] if document.subtitle else []
    blocks = [f"# {_plain(document.title)}", *period, *(_block(part, words) for part in document.parts)]
    return "\n\n".join([*blocks, *_data(document)]) + "\n"


def _block(part: Part, words: Words) -> str:
    match part:
        case Heading():
            return f"## {_plain(part.text)}"
        case Text():
            return f"- {_plain(part.text)}" if part.small else _plain(part.text)
        case Chart():
            return f"![{_plain(part.alt)}][{part.name}]"
        case Grid():
            return _table(part, words)


def _table(grid: Grid, words: Words) -> str:
    rows = [[words.shown(value, kind) for value, kind in grid.cells(row)] for row in range(len(grid.rows))]
    lines = [f"**{_plain(grid.title)}**", "", _line([head.text for head in grid.heads])]
    lines.append("|" + "|".join(" --- " if head.kind is None else " ---: " for head in grid.heads) + "|")
    lines += [_line(row) for row in rows]
    if grid.total > len(grid.rows):
        lines += ["", words.say("first_of", shown=len(grid.rows), total=grid.total)]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Text that Markdown leaves alone, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _data(document: Document) -> Iterator[str]:
    for chart in document.charts:
        data = base64.b64encode(pictures.svg(chart.spec).encode()).decode()
        yield f"[{chart.name}]: data:image/svg+xml;base64,{data}"
