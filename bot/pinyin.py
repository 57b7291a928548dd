"""How Chinese text sounds, without tones: the ground on which homophone typos (知往, 登陆) meet what was meant."""

import re
import unicodedata
from array import array
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

_FIRST, _LAST = 0x4E00, 0x9FFF
_PART = re.compile(r"[\u4e00-\u9fff]|[a-z0-9]+")
# A line of pypinyin's table: a code point and its readings, the commonest first.
_READING = re.compile(r'"(\d+)": ?"([^",]+)')


@cache
def _sounds() -> tuple[tuple[str, ...], "array[int]"]:
    """The distinct sounds, and for every character from _FIRST to _LAST the number of its own; 0 where it has none.

    Read from pypinyin's data without its code: as a dictionary of strings the same table takes 11 MB.
    """
    found = find_spec("pypinyin")
    assert found is not None, "a dependency"
    assert found.submodule_search_locations
    table = (Path(found.submodule_search_locations[0]) / "pinyin_dict.json").read_text(encoding="utf-8")
    numbers: dict[str, int] = {"": 0}
    of_character = array("H", bytes(2 * (_LAST - _FIRST + 1)))
    for match in _READING.finditer(table):
        code = int(match[1])
        if _FIRST <= code <= _LAST:
            of_character[code - _FIRST] = numbers.setdefault(_toneless(match[2]), len(numbers))
    return tuple(numbers), of_character


def _toneless(reading: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", reading) if not unicodedata.combining(letter))


@lru_cache(maxsize=1024)
def syllables(text: str) -> tuple[str, ...]:
    """Normalised text as syllables: one for each Chinese character, a Latin word or number as it stands."""
    sounds, of_character = _sounds()
    return tuple(
        (sounds[of_character[ord(part) - _FIRST]] or part) if len(part) == 1 and part >= "\u4e00" else part for part in _PART.findall(text)
    )
