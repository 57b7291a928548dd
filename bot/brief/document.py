"""A brief before it has a form: headings, sentences, tables and charts in their order. Every file format shows the same parts."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.reports import Kind

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `small` ones are definitions and notes."""

    text: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a grid; `kind` None: words."""

    text: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with the words that people read and unrounded values; shares are 0..1, times seconds. `total` is how many rows there
    are in all. The first column holds words; `labels` says what they stand for, as in bot.reports.Table. `kinds` is the kind of each
    row where rows and not columns differ."""

    name: str
    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: int = 0
    labels: str = ""
    kinds: tuple[Kind, ...] = ()

    def cells(self, row: int) -> Iterator[tuple[Value, Kind | None]]:
        """The values of a row and what they are."""
        for value, head in zip(self.rows[row], self.heads, strict=True):
            yield value, (self.kinds[row] if self.kinds and head.kind else head.kind)


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture. `spec` is a Vega-Lite specification as JSON; `alt` is read where it cannot be seen."""

    name: str
    title: str
    alt: str
    spec: str


Part = Heading | Text | Grid | Chart


@dataclass(frozen=True, slots=True)
class Document:
    """What is written into a file. `subtitle` is the period, '' where there is none; `language` is a BCP 47 tag."""

    title: str
    subtitle: str
    language: str
    parts: tuple[Part, ...]

    @property
    def charts(self) -> tuple[Chart, ...]:
        """Every chart in its order."""
        return tuple(part for part in self.parts if isinstance(part, Chart))

    def sentences(self) -> Iterator[str]:
        """What it says in words, without definitions and notes."""
        for part in self.parts:
            if isinstance(part, Text) and not part.small:
                yield part.text
