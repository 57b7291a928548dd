"""Several libraries in one report: the JSON exports of `refdesk report` in a folder, and a survey among libraries, merged.

Counts add up. Medians and percentiles do not: they are told for each library, and the merged figures have none.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.errors import Defect
from bot.messages import Language
from bot.reports import MEASURES, Cell, Column, Figures, Query, Report, Result, Row, Table

SURVEY = "survey.yml"
_RESULTS = tuple(result.value for result in Result)
_COUNTED = ("questions", *_RESULTS)
_SUMMED = (
    *_COUNTED, "handed_over", "helpful", "unhelpful", "satisfied", "dissatisfied", "unattended", "logged",
)  # fmt: skip
_OF_LIBRARY = (*_COUNTED, "automatic_share", "helpful", "unhelpful", "median_first_answer", "p90_first_answer")
_TIMES = ("median_first_answer", "p90_first_answer", "median_on_duty", "p90_on_duty")
_MERGED = ("channels", "topics")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Column(_Model):
    name: str


class _Row(_Model):
    label: str
    text: str
    values: tuple[float | None, ...]


class _Table(_Model):
    name: str
    columns: tuple[_Column, ...]
    rows: tuple[_Row, ...]

    @model_validator(mode="after")
    def _is_square(self) -> "_Table":
        if any(len(row.values) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.name}: a row has more or fewer values than there are columns")
        return self


class _Export(_Model):
    format: Literal["refdesk-report"]
    version: Literal[1]
    library: str = Field(min_length=1, max_length=100)
    start: date = Field(alias="from")
    end: date = Field(alias="to")
    filters: dict[str, str]
    figures: dict[str, float | str | None]
    tables: tuple[_Table, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> "_Export":
        if self.filters:
            raise ValueError(f"is narrowed to {self.filters}; only whole reports can be added up")
        missing = [name for name in _SUMMED if not isinstance(self.figures.get(name), int | float)]
        if missing:
            raise ValueError(f"figures: {', '.join(missing)} missing")
        if self.count("questions") != sum(map(self.count, _RESULTS)):
            raise ValueError("figures: questions are not the sum of what became of them")
        return self

    def count(self, name: str) -> int:
        """A figure that is a number of questions."""
        return int(self.figures[name] or 0)

    def value(self, name: str) -> float | None:
        """A figure that there may be none of."""
        found = self.figures.get(name)
        return float(found) if isinstance(found, int | float) else None


class _Both(_Model):
    zh: str
    en: str


class _Service(_Both):
    libraries: int = Field(ge=0)


class _Survey(_Model):
    title: _Both
    source: _Both
    of: int = Field(ge=1)
    services: tuple[_Service, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_part(self) -> "_Survey":
        if any(service.libraries > self.of for service in self.services):
            raise ValueError("a service has more libraries than were asked")
        return self


@dataclass(frozen=True, slots=True)
class Survey:
    """How many of the libraries that were asked offer each service, most first, in one language."""

    title: str
    source: str
    of: int
    services: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Consortium:
    """Libraries together. `report` has the tables libraries, channels and topics; `periods` are those of the libraries; `texts` are
    what their exports call stored words."""

    report: Report
    periods: tuple[tuple[str, date, date], ...]
    texts: tuple[tuple[str, str], ...]
    survey: Survey | None = None

    def text(self, word: str) -> str:
        """What exports call a stored word."""
        return dict(self.texts).get(word, word)


def read(folder: Path, language: Language) -> Consortium:
    """Every *.json and the survey.yml of a folder, merged; a Defect names the file that cannot be."""
    exports = [_read(path) for path in sorted(folder.glob("*.json"))]
    survey = _survey(folder / SURVEY, language) if (folder / SURVEY).exists() else None
    if not exports and survey is None:
        raise Defect(folder, 0, f"there is no export (*.json of refdesk report --format json) and no {SURVEY}")
    names = [export.library for export in exports]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Defect(folder, 0, f"two exports are of {twice[0]}; its questions would be counted twice")
    periods = tuple((export.library, export.start, export.end) for export in exports)
    texts = {row.label: row.text for export in exports for table in export.tables if table.name in _MERGED for row in table.rows}
    return Consortium(_merged(exports), periods, tuple(texts.items()), survey)


def _read(path: Path) -> _Export:
    try:
        return _Export.model_validate(json.loads(path.read_text(encoding="utf-8-sig")))
    except ValidationError as error:
        raise Defect(path, 1, _why(error)) from error
    except ValueError as error:
        raise Defect(path, 1, f"not an export: {error}") from error


def _survey(path: Path, language: Language) -> Survey:
    try:
        found = _Survey.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise Defect(path, 1, _why(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Defect(path, 1, f"not YAML in UTF-8: {error}") from error
    services = sorted(found.services, key=lambda service: -service.libraries)
    named = tuple((getattr(service, language), service.libraries) for service in services)
    return Survey(getattr(found.title, language), getattr(found.source, language), found.of, named)


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")


def _merged(exports: Sequence[_Export]) -> Report:
    start = min((export.start for export in exports), default=date(1970, 1, 1))
    end = max((export.end for export in exports), default=date(1970, 1, 1))
    tables = (_libraries(exports), *(_added(name, exports) for name in _MERGED))
    return Report(Query(start, end), _total(exports), None, None, tables)


def _total(exports: Iterable[_Export]) -> Figures:
    sums: dict[str, Any] = dict.fromkeys(_TIMES)
    sums |= {name: sum(export.count(name) for export in exports) for name in _SUMMED}
    return Figures("all", **sums)


def _libraries(exports: Iterable[_Export]) -> Table:
    rows = []
    for export in sorted(exports, key=lambda each: (-each.count("questions"), each.library)):
        share = export.count("by_bot") / export.count("questions") if export.count("questions") else None
        values = {name: export.value(name) for name in _TIMES} | {"automatic_share": share}
        rows.append(Row(export.library, tuple(Cell(values[name] if name in values else export.count(name)) for name in _OF_LIBRARY)))
    return Table("libraries", "library", tuple(Column(name, MEASURES[name].kind) for name in _OF_LIBRARY), tuple(rows), len(rows))


def _added(name: str, exports: Iterable[_Export]) -> Table:
    """The rows of the same label in all exports, added up."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(_COUNTED))
    for table in (table for export in exports for table in export.tables if table.name == name):
        places = {column.name: at for at, column in enumerate(table.columns)}
        for row in table.rows:
            for at, column in enumerate(_COUNTED):
                sums[row.label][at] += int(row.values[places[column]] or 0)
    ranked = sorted(sums.items(), key=lambda each: (-each[1][0], each[0]))
    rows = tuple(Row(label, (*map(Cell, n), Cell(n[1] / n[0] if n[0] else None))) for label, n in ranked)
    heads = tuple(Column(name, MEASURES[name].kind) for name in (*_COUNTED, "automatic_share"))
    return Table(name, name.removesuffix("s"), heads, rows, len(rows))
