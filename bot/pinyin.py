"""How Chinese text sounds, without tones: the ground on which homophone typos (知往, 登陆) meet what was meant."""

import os
import re
import unicodedata
from functools import cache, lru_cache

# Single characters are all we need; the dictionary of phrases costs a third of a second and 30 MB at every start.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin.constants import PINYIN_DICT  # noqa: E402

_PART = re.compile(r"[\u4e00-\u9fff]|[a-z0-9]+")


@cache
def _sound(character: str) -> str:
    """The commonest reading of one character, without tone marks; the character itself when it has none."""
    readings = PINYIN_DICT.get(ord(character), character).split(",")
    return "".join(c for c in unicodedata.normalize("NFD", readings[0]) if not unicodedata.combining(c))


@lru_cache(maxsize=4096)
def syllables(text: str) -> tuple[str, ...]:
    """Normalised text as syllables: one for each Chinese character, a Latin word or number as it stands."""
    return tuple(_sound(part) if len(part) == 1 and part >= "\u4e00" else part for part in _PART.findall(text))
