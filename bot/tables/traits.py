"""Rows by what they have in common: the author and teaching unit of textbooks, the subject of free resources."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from bot.domain import Entity
from bot.tables.finder import Finder
from bot.tables.reading import Row
from bot.text import normalise

TRAITS = {"textbook": (("author", "author"), ("unit", "unit")), "free_resource": (("subject", "subject"), ("subject_en", "subject"))}
"""For each kind of row, its columns that many rows share, and what an entity found by them is called."""
_PEOPLE = re.compile(r"[、,，;；/|]| and | & ")
_NOT_A_NAME = re.compile(r"(?:等|主编|编著|编|著)+$")
_UNIVERSITY = re.compile(r"^(.{2,}?)大学")


class Traits:
    """An index over the shared columns; names are found as those of rows are, typos included."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = tuple(rows)
        aliases = {name: row.names for row in rows if row.kind == "college" for name in row.names}
        self._rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        names: dict[tuple[str, str], tuple[str, ...]] = {}
        for row in rows:
            for column, kind in TRAITS.get(row.kind, ()):
                for value in _values(kind, row.get(column)):
                    key = kind, normalise(value)
                    if row not in self._rows[key]:
                        self._rows[key].append(row)
                    names[key] = (value, *_variants(kind, value), *aliases.get(value, ()))
        self._finder = Finder(
            Row(kind, tuple(dict.fromkeys(called)), (), number) for number, ((kind, _), called) in enumerate(names.items(), 2)
        )

    def find(self, text: str, kinds: frozenset[str]) -> tuple[Entity, ...]:
        """What a message names of these kinds (author, unit, subject)."""
        return self._finder.find(text, kinds)

    def rows(self, entity: Entity) -> tuple[Row, ...]:
        """The rows that have this in common."""
        called = {normalise(row.name) for row in self._finder.matching(entity)}
        return tuple(row for name in sorted(called) for row in self._rows[entity.kind, name])


def _values(kind: str, cell: str) -> Iterator[str]:
    for value in _PEOPLE.split(cell) if kind == "author" else cell.split("|"):
        value = value.strip()
        yield from (value, _NOT_A_NAME.sub("", value).strip()) if kind == "author" and _NOT_A_NAME.search(value) else (value,)


def _variants(kind: str, value: str) -> tuple[str, ...]:
    """A university that wrote a book is called by its short name, a department also 系."""
    if kind == "author" and (match := _UNIVERSITY.match(value)):
        return (f"{match[1]}大学", match[1])
    return (value.removesuffix("学院"), value.replace("学院", "系")) if kind == "unit" and len(value) > 4 and value.endswith("学院") else ()
