"""Many questions at once, as columns of numbers: what figures are counted from, fast enough for any filter over millions.

Text columns hold codes, the places of their words in `words`. Columns never change; bringing them up to date makes new ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.reports.outcomes import Asked, Result

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]

NUMBERS = ("question", "seen", "at", "day", "hour", "ticket", "opened", "replies", "helpful", "satisfied", "logged")
WORDS = ("connector", "room", "language", "college", "intent", "entry", "result", "reason", "librarian", "form", "form_state")
FIELDS = (*NUMBERS, "first_answer", *WORDS)
STORED = (*FIELDS, "visitor")
"""The order of a row, and of a row as it is stored. `seen` is the number of the last event that was counted; `at` and `opened`
are Unix seconds (opened: 0 where people were not asked); `day` is local days since 1970-01-01, `hour` the local hour; `helpful`
and `satisfied` are 1, 0 or None; `first_answer` is seconds or None."""
NOT_SAID = -1
_SIZES: dict[str, Any] = {
    "day": np.int32, "hour": np.int8, "replies": np.int32, "helpful": np.int8, "satisfied": np.int8, "logged": np.int8,
}  # fmt: skip
_AT_ONCE = 20_000
_COUNTED = ("opened", "on_duty", "replies", "helpful", "satisfied", "logged", "result")
_EPOCH = date(1970, 1, 1).toordinal()


class Codes(dict[str, int]):
    """Words as numbers, in the order in which they came. It only grows, so that older columns stay readable."""

    def __missing__(self, word: str) -> int:
        code = self[word] = len(self)
        return code


@dataclass(frozen=True)
class Columns:
    """Questions in the order of their numbers."""

    numbers: Mapping[str, NDArray[Any]]
    first_answer: NDArray[np.float64]
    codes: Mapping[str, NDArray[np.int32]]
    words: Mapping[str, Codes]

    def __len__(self) -> int:
        return len(self.first_answer)

    def code(self, name: str, word: str) -> int:
        """The number of a word; -1 when no question has it."""
        return self.words[name].get(word, -1)

    def vocabulary(self, name: str) -> tuple[str, ...]:
        """The words of a column, by their numbers."""
        return tuple(self.words[name])

    def results(self) -> NDArray[np.int32]:
        """The place of each question's result in Result."""
        places = {result.value: place for place, result in enumerate(Result)}
        # The words may grow meanwhile, in another thread that brings columns up to date.
        return np.array([places[word] for word in self.vocabulary("result")] or [0], np.int32)[self.codes["result"]]

    def take(self, which: NDArray[Any] | slice) -> "Columns":
        """Some of the questions: by marks or by places."""
        numbers = {name: column[which] for name, column in self.numbers.items()}
        codes = {name: column[which] for name, column in self.codes.items()}
        return Columns(numbers, self.first_answer[which], codes, self.words)

    def slim(self, *names: str) -> "Columns":
        """What figures are counted from, and these columns; taking parts of it costs less."""
        wanted = {*_COUNTED, *names}
        numbers = {name: column for name, column in self.numbers.items() if name in wanted}
        codes = {name: column for name, column in self.codes.items() if name in wanted}
        return Columns(numbers, self.first_answer, codes, self.words)

    def updated(self, newer: "Columns") -> "Columns":
        """With questions that are newer versions of some of these, or new; both made with the same words."""
        if not len(newer):
            return self
        kept = self.take(~np.isin(self.numbers["question"], newer.numbers["question"]))
        joined = _joined(kept, newer)
        order = np.argsort(joined.numbers["question"], kind="stable")
        return joined.take(order)


def row(each: Asked, seen: int, zone: tzinfo) -> tuple[Any, ...]:
    """A question as it is stored, in the order of STORED."""
    local = each.at.astimezone(zone)
    opened = int(each.opened_at.timestamp()) if each.opened_at else 0
    return (
        each.question, seen, int(each.at.timestamp()), local.toordinal() - _EPOCH, local.hour, each.ticket, opened, each.replies,
        _said(each.helpful), _said(each.satisfied), int(each.logged), each.first_answer,
        each.connector, each.room, each.language, each.college, each.intent, each.entry, each.result.value, each.reason,
        each.librarian, each.form, each.form_state.value, each.visitor,
    )  # fmt: skip


def tabulate(found: Iterable[Asked], zone: tzinfo) -> Columns:
    """Questions as columns, in this time zone."""
    return gather(row(each, 0, zone)[:-1] for each in found)


def _said(verdict: bool | None) -> int | None:
    return None if verdict is None else int(verdict)


def gather(rows: Iterable[Sequence[Any]], words: Mapping[str, Codes] | None = None) -> Columns:
    """Columns from rows in the order of FIELDS; `words` are those of older columns that these are to be joined with."""
    words = words or {name: Codes() for name in WORDS}
    source, parts = iter(rows), [_part((), words)]
    while chunk := list(islice(source, _AT_ONCE)):
        parts.append(_part(chunk, words))
    joined = _joined(*parts)
    order = np.argsort(joined.numbers["question"], kind="stable")
    return joined.take(order)


def _part(rows: Sequence[Sequence[Any]], words: Mapping[str, Codes]) -> Columns:
    columns: dict[str, Sequence[Any]] = dict(zip(FIELDS, zip(*rows, strict=True) if rows else [()] * len(FIELDS), strict=True))
    numbers = {name: _numbers(columns[name], _SIZES.get(name, np.int64)) for name in NUMBERS}
    codes = {name: np.fromiter(map(words[name].__getitem__, columns[name]), np.int32, len(rows)) for name in WORDS}
    return Columns(numbers, np.array(columns["first_answer"], np.float64), codes, words)


def _numbers(values: Sequence[Any], size: Any) -> NDArray[Any]:
    if size is np.int8 and None in values:
        values = [NOT_SAID if value is None else value for value in values]
    return np.array(values, size)


def _joined(*parts: Columns) -> Columns:
    numbers = {name: np.concatenate([part.numbers[name] for part in parts]) for name in NUMBERS}
    codes = {name: np.concatenate([part.codes[name] for part in parts]) for name in WORDS}
    return Columns(numbers, np.concatenate([part.first_answer for part in parts]), codes, parts[0].words)
