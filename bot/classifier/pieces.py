"""A text as pieces: characters and words, what neighbours what, letters inside words, sounds, lexicon classes. Pure.

A piece is kept as a number that is computed from its characters, never as a string: a vocabulary of 150,000
strings would take 30 MB, its numbers take one. Two pieces share a number so seldom that
nothing looks out for it. The numbers are the same on every machine and in every version of Python.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import combinations, pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from bot.classifier.lexicon import Lexicon
from bot.pinyin import syllables
from bot.text import normalise

Codes = npt.NDArray[np.uint64]
Kinds = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

KINDS = "ubwpcde"
"""u: single characters and words; b: pairs of them, beginning and end of the message included; w: four and five letters inside a
word; p: sounds, two and three syllables as one string, where zhiwang, 知网 and 知往 meet; c: lexicon
classes; d: pairs of classes anywhere in the message; e: pairs of neighbours with phrases replaced by their classes:
"@database 打"."""

MARKS = "?!"  # the only units that are no words
_UNIT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z]+|[0-9]+|[?!]")
_WORD, _NUMBER = re.compile("[a-z]+"), re.compile("[0-9]")
_MOST_CLASSES = 14
_LONGEST_WORD = 20
_LONG_WORD = 6
# Of a long story its beginning and, since the question comes last, more of its end.
_HEAD, _TAIL = 100, 220

_KINDS = np.arange(len(KINDS), dtype=np.uint8)
_MARKS = np.array([int.from_bytes(sha256(kind.encode()).digest()[:8], "little") for kind in KINDS], np.uint64)


class _Codes(dict[str, int]):
    """Tokens as numbers of 32 bits. Characters and lexicon classes, of which there are only so many, are remembered."""

    def __missing__(self, token: str) -> int:
        code = crc32(token.encode())
        if len(token) == 1 or token[0] == "@":
            self[token] = code
        return code


class _Sounds(dict[str, bytes]):
    """How a unit sounds. Characters are remembered."""

    def __missing__(self, unit: str) -> bytes:
        sound = "".join(syllables(unit))[:_LONGEST_WORD].encode()
        if len(unit) == 1:
            self[unit] = sound
        return sound


_code, _sound = _Codes().__getitem__, _Sounds().__getitem__
_BEGIN, _END = _code("^"), _code("$")


class Pieces(NamedTuple):
    """The distinct pieces of a text, in the order of their kinds: the kind of each (a place in KINDS), how often it occurs (None where
    none does twice), how many of each kind there are; and how many units, Latin words and lexicon classes the text has."""

    codes: Codes
    kinds: Kinds
    counts: Counts | None
    sizes: tuple[int, ...]
    units: int
    latin: int
    classes: int


def pieces(text: str, lexicon: Lexicon) -> Pieces:
    """Every piece of a text. Plain numbers, one by one: a message has a hundred, too few for arrays to be faster."""
    message = normalise(text)
    if len(message) > _HEAD + _TAIL:
        message = message[:_HEAD] + " " + message[-_TAIL:]
    units, words = _UNIT.findall(message), _WORD.findall(message)
    if _NUMBER.search(message):
        units = [f"#{min(len(unit), 5)}" if unit.isdecimal() else unit for unit in units]
    classes, sequence = lexicon.replaced(message)
    edged = [_BEGIN, *map(_code, units), _END]
    told = sorted(map(_code, classes[:_MOST_CLASSES]))
    of_kind = (
        edged[1:-1],
        [one << 32 | two for one, two in pairwise(edged)],
        [run for word in words for run in _inside(word[:_LONGEST_WORD])],
        _sounds(units),
        [*map(_code, classes)],
        [one << 32 | two for one, two in combinations(told, 2)],
        _replaced(sequence) if classes else [],
    )
    sizes = [len(set(codes)) for codes in of_kind]
    every, times = list[int](), list[int]()
    for codes, size in zip(of_kind, sizes, strict=True):
        if size == len(codes):
            every += codes
            times += [1] * size
        else:
            tally = Counter(codes)
            every += tally
            times += tally.values()
    counts = np.array(times, np.int64) if sum(times) > len(times) else None
    marked = np.array(every, np.uint64) ^ _MARKS.repeat(sizes)
    return Pieces(marked, _KINDS.repeat(sizes), counts, tuple(sizes), len(units), len(words), len(classes))


def _replaced(sequence: Sequence[str]) -> list[int]:
    """Pairs of neighbours of which at least one is a class."""
    codes = [_BEGIN, *map(_code, sequence), _END]
    marked = [False, *[token[0] == "@" for token in sequence], False]
    return [one << 32 | two for (one, first), (two, second) in pairwise(zip(codes, marked, strict=True)) if first or second]


@lru_cache(maxsize=4096)
def _inside(word: str) -> tuple[int, ...]:
    """Runs of four and five letters of a word, its beginning and end marked. Words come again, so those of some thousand are kept."""
    letters = f"<{word}>".encode()
    return tuple(crc32(letters[at : at + size]) for size in (4, 5) for at in range(len(letters) + 1 - size))


def _sounds(units: Sequence[str]) -> list[int]:
    """Two and three syllables as one string, and long words, which may be pinyin; a checksum goes on where another one ended."""
    spoken = [*map(_sound, [unit for unit in units if unit not in MARKS])]
    pairs = [crc32(two, crc32(one)) for one, two in pairwise(spoken)]
    triples = [crc32(three, before) for three, before in zip(spoken[2:], pairs, strict=False)]
    return pairs + triples + [crc32(word) for word in spoken if len(word) > _LONG_WORD]
