"""Finds what a message names in the tables."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from rapidfuzz import fuzz

from bot.domain import Entity
from bot.pinyin import syllables
from bot.tables.reading import Row
from bot.text import normalise

_BOOKS = frozenset({"textbook"})
_MOST_COMPARED = 60
Name = TypeVar("Name", str, tuple[str, ...])


class Finder:
    """Finds what a message names, in three steps that each cost more: exact, by sound, by similarity (rapidfuzz)."""

    FUZZY_AT = 85.0
    ONE_WRONG_AT = 74.0
    _SHORTEST_FUZZY = 4

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._exact: dict[str, list[Row]] = defaultdict(list)
        self._spelt: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._fuzzy: list[str] = []
        having: dict[str, list[int]] = defaultdict(list)
        for row in self.rows:
            for name in dict.fromkeys(normalise(name) for name in row.names):
                self._add(name, row, having)
        self._grams = {gram: np.array(numbers, dtype=np.int32) for gram, numbers in having.items()}
        self._sizes = np.array([len(name) for name in self._fuzzy], dtype=np.int32)
        self._lengths, self._sound_lengths = _lengths_by_beginning(self._exact), _lengths_by_beginning(self._spelt)

    def _add(self, name: str, row: Row, having: dict[str, list[int]]) -> None:
        if len(name) < 2:
            return
        if len(name) >= self._SHORTEST_FUZZY and name not in self._exact:
            self._fuzzy.append(name)
            for gram in _grams(name):
                having[gram].append(len(self._fuzzy) - 1)
        _note(self._exact[name], row)
        sound = syllables(name)
        if len(sound) >= 2 and not name.isascii():
            if name not in self._spelt[sound]:
                self._spelt[sound].append(name)
            if len("".join(sound)) >= 6:
                _note(self._exact["".join(sound)], row)

    def find(self, text: str, kinds: frozenset[str] = frozenset(), typos: bool = True) -> tuple[Entity, ...]:
        """Entities named in `text`, in its order; only `kinds` if given. Cost grows with the text, not with the tables."""
        message = normalise(text)
        found = self._longest(message, kinds)
        if not found and typos:
            found = self._by_sound(message, kinds) or self._similar(message, kinds)
        return found

    def matching(self, entity: Entity) -> tuple[Row, ...]:
        """The rows that an entity stands for: those of its kind that carry its value as a name."""
        return tuple(row for row in self._exact.get(normalise(entity.value), ()) if row.kind == entity.kind)

    def _entities(self, name: str, rows: Iterable[Row], kinds: frozenset[str], score: float) -> tuple[Entity, ...]:
        kept: dict[str, Entity] = {}
        for row in rows:
            if (not kinds or row.kind in kinds) and row.kind not in kept:
                several = len([other for other in rows if other.kind == row.kind]) > 1
                kept[row.kind] = Entity(row.kind, name if several else row.name, name, score)
        return tuple(kept.values())

    def _longest(self, message: str, kinds: frozenset[str]) -> tuple[Entity, ...]:
        found: list[Entity] = []
        at = 0
        while at < len(message):
            for length in self._lengths.get(message[at : at + 2], ()):
                name = message[at : at + length]
                if len(name) == length and name in self._exact and _whole_word(message, at, length):
                    entities = self._entities(name, self._exact[name], kinds, 1.0)
                    if entities:
                        found += [entity for entity in entities if entity not in found]
                        at += length - 1
                        break
            at += 1
        return tuple(found)

    def _by_sound(self, message: str, kinds: frozenset[str]) -> tuple[Entity, ...]:
        sounds = syllables(message)
        places = [(length, at) for at in range(len(sounds)) for length in self._sound_lengths.get(sounds[at : at + 2], ())]
        for length, at in sorted(places, key=lambda place: (-place[0], place[1])):
            found: dict[tuple[str, str], Entity] = {}
            for name in self._spelt.get(sounds[at : at + length], ()):
                for entity in self._entities(name, self._exact[name], kinds, 0.9):
                    found.setdefault((entity.kind, entity.value), entity)
            if found:
                return tuple(found.values())
        return ()

    def _similar(self, message: str, kinds: frozenset[str]) -> tuple[Entity, ...]:
        best: tuple[float, str] = (0.0, "")
        for name in self._sharing(message):
            # A Latin name that stands there and was not found exactly is a piece of a longer word: "science" in "sciencedirct".
            piece = name.isascii() and name in message
            if piece or not any(not kinds or row.kind in kinds for row in self._exact[name]):
                continue
            # One wrong character in four is a quarter of a course's name; other names that short have too many neighbours.
            course = kinds == _BOOKS and not name.isascii() and len(name) <= self._SHORTEST_FUZZY + 2
            needed = self.ONE_WRONG_AT if course else self.FUZZY_AT
            score = fuzz.partial_ratio(name, message, score_cutoff=needed)
            best = max(best, (score, name))
        if not best[0]:
            return ()
        return self._entities(best[1], self._exact[best[1]], kinds, best[0] / 100)

    def _sharing(self, message: str) -> list[str]:
        """The names that share most pairs of characters with a message, and at least half of their own."""
        having = [self._grams[gram] for gram in _grams(message) if gram in self._grams]
        if not having:
            return []
        counts = np.bincount(np.concatenate(having), minlength=len(self._fuzzy))
        enough = np.flatnonzero((counts > 0) & (counts * 2 >= self._sizes - 2))
        best = enough[np.argsort(-counts[enough], kind="stable")][:_MOST_COMPARED]
        return [self._fuzzy[number] for number in best]


def _lengths_by_beginning(names: Iterable[Name]) -> dict[Name, list[int]]:
    """How long the names are that begin with two characters (or sounds), longest first."""
    lengths: dict[Name, set[int]] = defaultdict(set)
    for name in names:
        lengths[name[:2]].add(len(name))
    return {beginning: sorted(found, reverse=True) for beginning, found in lengths.items()}


def _note(rows: list[Row], row: Row) -> None:
    """Several names of a row can sound alike; the row stands once."""
    if row not in rows:
        rows.append(row)


def _grams(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _whole_word(message: str, at: int, length: int) -> bool:
    """A Latin name must not be a piece of a longer word: 'ei' is not in 'their'."""
    before, after = message[at - 1 : at], message[at + length : at + length + 1]
    first, last = message[at], message[at + length - 1]
    return not (_latin(first) and _latin(before)) and not (_latin(last) and _latin(after))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
