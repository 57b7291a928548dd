"""A text as pieces: characters and words, what neighbours what, letters inside words, sounds, lexicon classes. Pure.

A piece is kept as a number of 64 bits that is computed from its characters, never as a string: a vocabulary of 150,000
strings would take 30 MB, its numbers take one. Two pieces share a number so seldom (about one in 10**14 pairs) that
nothing looks out for it. The numbers are the same on every machine and in every version of Python.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from zlib import crc32

import numpy as np
import numpy.typing as npt

from bot.classifier.lexicon import Lexicon
from bot.pinyin import syllables
from bot.text import normalise

Codes = npt.NDArray[np.uint64]
Kinds = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

KINDS = "ubtiwpcdef"
"""u: single characters and words; b, t: pairs and triples of them, beginning and end of the message included; i: two and three
letters inside a word; w: four and five; p: sounds, two and three syllables as one string, where zhiwang, 知网 and 知往 meet; c: lexicon
classes; d: pairs of classes anywhere in the message; e, f: pairs and triples of neighbours with phrases replaced by their
classes: "@database 打"."""

MARKS = "?!"  # the only units that are no words
_UNIT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z]+|[0-9]+|[?!]")
_MOST_CLASSES = 14
_LONGEST_WORD = 20
_LONG_WORD = 6
# Of a long story its beginning and, since the question comes last, more of its end.
_HEAD, _TAIL = 100, 220

# Odd factors that look random: one for each kind of piece, one for each place in a run.
_ODD = np.frombuffer(b"".join(sha256(b"%d" % at).digest()[:8] for at in range(len(KINDS) + 3)), "<u8") | np.uint64(1)
_OF_KIND, _APART, _PLACES = _ODD[: len(KINDS)], _ODD[len(KINDS) - 1 :: -1], _ODD[len(KINDS) :]
_LETTERS = np.uint64(257)
_WORD_BEGINS = ord("<")
_NONE = np.array([], np.uint64)
_KINDS = np.arange(len(KINDS), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The distinct pieces of a text in rising order, the kind of each (a place in KINDS) and how often it occurs; and how many
    units, pairs, Latin words and lexicon classes the text has."""

    codes: Codes
    kinds: Kinds
    counts: Counts
    units: int
    pairs: int
    latin: int
    classes: int


def pieces(text: str, lexicon: Lexicon) -> Pieces:
    """Every piece of a text."""
    message = normalise(text)
    if len(message) > _HEAD + _TAIL:
        message = message[:_HEAD] + " " + message[-_TAIL:]
    units = [f"#{min(len(unit), 5)}" if unit[0].isdigit() else unit for unit in _UNIT.findall(message)]
    words = [unit for unit in units if "a" <= unit[0] <= "z"]
    classes, sequence = lexicon.replaced(message)
    edged, told, tokens = _coded(("^", *units, "$")), _coded(sorted(classes[:_MOST_CLASSES])), _coded(("^", *sequence, "$"))
    replaced = np.array([False, *(token[0] == "@" for token in sequence), False])
    inside = _inside(words)
    neighbours = replaced[:-1] | replaced[1:]
    of_kind = (
        edged[1:-1],
        _grams(edged, 2),
        _grams(edged, 3),
        inside[0],
        inside[1],
        _sounds(message, words),
        _coded(classes),
        _pairs(told),
        _grams(tokens, 2)[neighbours],
        _grams(tokens, 3)[neighbours[:-1] | replaced[2:]],
    )
    kinds = _KINDS.repeat([len(codes) for codes in of_kind])
    codes = np.concatenate(of_kind) * _OF_KIND[kinds] + _APART[kinds]
    order = codes.argsort()
    codes = codes[order]
    new = np.ones(len(codes) + 1, np.bool_)
    np.not_equal(codes[1:], codes[:-1], out=new[1:-1])
    (bounds,) = new.nonzero()
    starts = bounds[:-1]
    return Pieces(codes[starts], kinds[order[starts]], bounds[1:] - starts, len(units), len(edged) - 1, len(words), len(classes))


def _coded(tokens: Sequence[str]) -> Codes:
    return np.array([crc32(token.encode()) for token in tokens], np.uint64)


def _grams(codes: Codes, size: int) -> Codes:
    """Every run of `size` neighbours."""
    if len(codes) < size:
        return codes[:0]
    last = len(codes) - size + 1
    grams: Codes = codes[:last] * _PLACES[0]
    for place in range(1, size):
        grams = grams + codes[place : last + place] * _PLACES[place]
    return grams


def _inside(words: Sequence[str]) -> tuple[Codes, Codes]:
    """Runs of two and three, and of four and five letters of a word, its beginning and end marked."""
    if not words:
        return _NONE, _NONE
    letters = np.frombuffer("".join(f"<{word[:_LONGEST_WORD]}>" for word in words).encode(), np.uint8)
    word = np.cumsum(letters == _WORD_BEGINS)
    codes = runs = letters.astype(np.uint64)
    found = []
    for size in range(2, 6):
        runs = runs[:-1] * _LETTERS + codes[size - 1 :]
        found.append(runs[word[: len(runs)] == word[size - 1 :]])
    return np.concatenate(found[:2]), np.concatenate(found[2:])


def _sounds(message: str, words: Sequence[str]) -> Codes:
    """Two and three syllables as one string, and long words, which may be pinyin; a checksum goes on where another one ended."""
    spoken = [syllable.encode() for syllable in syllables(message)]
    singles = [crc32(syllable) for syllable in spoken]
    pairs = [crc32(syllable, before) for syllable, before in zip(spoken[1:], singles, strict=False)]
    triples = [crc32(syllable, before) for syllable, before in zip(spoken[2:], pairs, strict=False)]
    long = [crc32(word[:_LONGEST_WORD].encode()) for word in words if len(word) > _LONG_WORD]
    return np.array(pairs + triples + long, np.uint64)


def _pairs(told: Codes) -> Codes:
    """Any two, in their order."""
    if len(told) < 2:
        return _NONE
    first, second = _any_two(len(told))
    pairs: Codes = told[first] * _PLACES[0] + told[second] * _PLACES[1]
    return pairs


@cache
def _any_two(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The places of every pair among so many; at most _MOST_CLASSES, hence few to remember."""
    return np.triu_indices(count, 1)
