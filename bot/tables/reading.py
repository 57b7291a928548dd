"""The files of the curated tables: databases, textbooks, free resources, subject librarians."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Defect


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `kind` is the entity kind; `names` every text it is called by, the canonical one first."""

    kind: str
    names: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    line: int

    @property
    def name(self) -> str:
        """The canonical name: the value of an Entity."""
        return self.names[0]

    def get(self, column: str) -> str:
        """A cell, '' when empty."""
        return dict(self.fields).get(column, "")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table file must look like: its entity kind, columns, those never empty, and those that name a row."""

    kind: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    naming: tuple[str, ...]
    choices: tuple[tuple[str, frozenset[str]], ...] = ()


SHAPES = {
    "databases": Shape(
        "database",
        ("name", "name_en", "aliases", "subject", "access", "url", "note_zh", "note_en"),
        ("name", "name_en", "access", "url"),
        ("name", "name_en", "aliases"),
        (("access", frozenset({"campus_ip", "vpn", "carsi", "free"})),),
    ),
    "textbooks": Shape(
        "textbook",
        ("title", "course", "aliases", "unit", "author", "edition", "publisher", "url"),
        ("title", "course", "unit", "author", "url"),
        ("title", "course", "aliases"),
    ),
    "free_resources": Shape(
        "free_resource",
        ("name", "name_en", "aliases", "subject", "subject_en", "url", "note_zh", "note_en"),
        ("name", "name_en", "subject", "subject_en", "url"),
        ("name", "name_en", "aliases"),
    ),
    "subject_librarians": Shape(
        "college",
        ("college", "college_en", "aliases", "disciplines", "librarian", "librarian_en", "phone", "email", "office"),
        ("college", "college_en", "disciplines", "librarian", "librarian_en", "email"),
        ("college", "college_en", "aliases", "disciplines"),
    ),
}


def read(folder: Path) -> tuple[tuple[Row, ...], tuple[Defect, ...]]:
    """Every row of every table, and what is wrong with the others."""
    rows: list[Row] = []
    defects: list[Defect] = []
    for name, shape in SHAPES.items():
        for item in _rows(folder / f"{name}.csv", shape):
            if isinstance(item, Row):
                rows.append(item)
            else:
                defects.append(item)
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in SHAPES:
            defects.append(Defect(path, 0, f"unknown table; known are {', '.join(SHAPES)}"))
    return tuple(rows), tuple(defects)


def _rows(path: Path, shape: Shape) -> Iterator[Row | Defect]:
    try:
        reader = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True)
    except (OSError, UnicodeDecodeError) as error:
        yield Defect(path, 0, f"cannot be read as UTF-8 CSV: {error}")
        return
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        yield Defect(path, reader.line_num, f"cannot be read as UTF-8 CSV: {error}")
        return
    if not lines or tuple(lines[0][1]) != shape.columns:
        yield Defect(path, 1, f"the header must be {','.join(shape.columns)}")
        return
    seen: dict[str, int] = {}
    for number, cells in lines[1:]:
        if not any(cells):
            continue
        if len(cells) != len(shape.columns):
            yield Defect(path, number, f"{len(cells)} cells, expected {len(shape.columns)}")
            continue
        fields = dict(zip(shape.columns, (cell.strip() for cell in cells), strict=True))
        wrong = _wrong(fields, shape)
        if wrong is None and (first := seen.setdefault(fields[shape.columns[0]] + fields.get("author", ""), number)) != number:
            wrong = f"{fields[shape.columns[0]]!r} stands in line {first} already"
        if wrong:
            yield Defect(path, number, wrong)
            continue
        names = [name.strip() for column in shape.naming for name in fields[column].split("|") if name.strip()]
        yield Row(shape.kind, tuple(dict.fromkeys(names)), tuple(fields.items()), number)


def _wrong(fields: dict[str, str], shape: Shape) -> str | None:
    for column in shape.required:
        if not fields[column]:
            return f"{column} is empty"
    for column, allowed in shape.choices:
        for value in fields[column].split("|"):
            if value.strip() not in allowed:
                return f"{column} {value!r} is not one of {', '.join(sorted(allowed))}"
    if "url" in fields and not fields["url"].startswith(("http://", "https://")):
        return f"url {fields['url']!r} does not start with http:// or https://"
    return None
