"""Text as people type it: cleaned for storage, normalised for comparison, its language told. Pure."""

import ctypes
import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import opencc

from bot.messages import Language, Script

LONGEST = 400
_HEAD = 130

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_JOINER = re.compile(r"[\u200c\u200d]")  # holds emoji together: kept in what is stored, no part of what is compared
_SPACE = re.compile(r"\s+")
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?", re.IGNORECASE)
_NAMES = frozenset(
    {"vpn", "webvpn", "carsi", "shibboleth", "wifi", "app", "pdf", "cnki", "ei", "sci", "ssci", "wos", "ieee", "acm", "opac", "doi", "isbn"}
    | {"endnote", "noteexpress", "zotero", "qq", "nstl", "calis", "cssci", "springer", "elsevier", "pubmed"}
)  # said in Chinese as in English
_LETTER = re.compile(r"[^\W_]")
_TO_SIMPLIFIED = opencc.OpenCC("t2s")
_FIXED = re.compile(r"([\w.+-]+@[\w.-]+|https?://[^\s，。；、（）《》“”]+)")
_TITLE = re.compile(r"《[^》]*》")
_APOSTROPHE = re.compile(r"['’]")
_NO_LETTER = re.compile(r"[\W_]+")
_BETWEEN_HANZI = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")


def simplified(text: str) -> str:
    """Traditional characters as simplified ones."""
    return str(_TO_SIMPLIFIED.convert(text))


def clean(text: str) -> str:
    """What may be stored and shown: no control characters, no lone surrogates, no invisible direction marks."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


def normalise(text: str) -> str:
    """The form that texts are compared in: NFKC, lower case, simplified characters, single spaces, at most LONGEST long.

    A longer text keeps its beginning and, because the question of a long story comes last, more of its end.
    """
    # Cut before it is remembered: thousands of huge messages must not stay in memory as keys.
    return _normalised(text if len(text) <= 4 * LONGEST else text[:LONGEST] + text[-3 * LONGEST :])


@lru_cache(maxsize=4096)
def _normalised(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _JOINER.sub("", clean(text))).lower()
    if _CJK.search(folded):
        folded = simplified(folded)
    folded = _SPACE.sub(" ", folded).strip()
    if len(folded) > LONGEST:
        folded = folded[:_HEAD] + " " + folded[-(LONGEST - _HEAD - 1) :]
    return folded


def bare(text: str) -> str:
    """The normalised text without spaces, punctuation and emoji: for cues, duplicates and exact titles."""
    return "".join(_LETTER.findall(normalise(text)))


def flat(text: str) -> str:
    """The whole message as cues are looked for in it: simplified, lower case, no marks, no spaces between Chinese characters."""
    folded = _TO_SIMPLIFIED.convert(unicodedata.normalize("NFKC", clean(text)).lower())
    words = _NO_LETTER.sub(" ", _APOSTROPHE.sub("", _TITLE.sub(" ", folded)))
    return _BETWEEN_HANZI.sub("", words).strip()


def has_words(text: str) -> bool:
    """Whether there is anything to understand: a letter, a digit or a Chinese character."""
    return bool(_LETTER.search(text))


def language_of(text: str) -> Language | None:
    """The language of a message; None when nothing in it tells (a number, an emoji, a lone database name)."""
    hanzi = len(_CJK.findall(text))
    words = [word for word in _WORD.findall(text) if hanzi or word.lower() not in _NAMES]
    if hanzi and not (len(words) >= 3 and len(words) > hanzi):
        return Language.ZH
    if len(words) >= 2 or (words and not hanzi and len(words[0]) > 1 and words[0].islower()):
        return Language.EN
    return None


_ASKS = re.compile(
    r"[?？]\s*$|(?:吗|呢|么|没有)\W*$|怎么|怎样|如何|能不能|可不可以|是不是|要不要|有没有|几点|多久|多少|哪里|哪儿|在哪|什么时候|为什么|谁能|谁可以"
    r"|^(?:how|what|when|where|who|why|which|can|could|do|does|is|are|may)\b.* ",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Whether a message is worded as a question rather than as a value."""
    return bool(_ASKS.search(normalise(text)))


_HAN = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
_WORDS = re.compile(r"[\w\u0300-\u036f]+")


def spaced(text: str) -> str:
    """The form that the search index keeps: NFKC, lower case, simplified, every Chinese character a word of its own.

    A run of characters is then found as a phrase, however short it is and wherever it stands."""
    folded = unicodedata.normalize("NFKC", text).lower()
    if _HAN.search(folded):
        folded = _HAN.sub(r" \1 ", simplified(folded))
    return " ".join(_WORDS.findall(folded))


@cache
def _telling() -> tuple[frozenset[str], frozenset[str]]:
    """The characters that only traditional, and those that only simplified writing has, as the dictionary of single ones says."""
    every = list(map(chr, range(0x4E00, 0xA000)))
    pairs = [(old, new) for old, new in zip(every, simplified("\n".join(every)).split("\n"), strict=True) if old != new]
    return frozenset(old for old, _ in pairs), frozenset(new for _, new in pairs)


def script_of(text: str) -> Script | None:
    """The characters that a message is written in; None when nothing in it tells."""
    hanzi, (only_old, only_new) = _CJK.findall(text[:LONGEST]), _telling()
    old, new = sum(character in only_old for character in hanzi), sum(character in only_new for character in hanzi)
    if old == new:
        return None
    return Script.TRADITIONAL if old > new else Script.SIMPLIFIED


def traditional(text: str) -> str:
    """The text in traditional characters; web and mail addresses stay as they are."""
    parts = [(part, bool(_FIXED.fullmatch(part))) for part in _FIXED.split(text)]
    runs = {run for part, fixed in parts if not fixed for run in _HANZI.findall(part)}
    with _turning:
        known = {run: _turned[run] for run in runs if run in _turned}
        if missing := runs - known.keys():
            known |= _turn(missing)
    converted = (part if fixed else _HANZI.sub(lambda run: known[run[0]], part) for part, fixed in parts)
    return "".join(converted).replace("回複", "回覆").replace("回復", "回覆")  # an answer, which the dictionary takes for a return


_HANZI = re.compile(r"[\u3400-\u9fff]+")
_MOST_TURNED = 20_000
_turned: dict[str, str] = {}
_turning = threading.Lock()


_expected: list[str] = []


def expect(texts: Iterable[str]) -> None:
    """What may have to be said in traditional characters: it is turned together with the first text that is."""
    _expected[:] = texts


def _turn(missing: Iterable[str]) -> dict[str, str]:
    """Runs of characters converted, and remembered. What the bot says repeats itself, so the dictionary of phrases, 43 MB in memory,
    is seldom needed again: it is loaded for this (a twentieth of a second of the processor) and given back to the system."""
    runs = sorted({*missing, *(run for text in _expected for run in _HANZI.findall(text))})
    _expected.clear()
    converter = opencc.OpenCC("s2tw")
    found = dict(zip(runs, converter.convert("\n".join(runs)).split("\n"), strict=True))
    del converter
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc keeps what is freed, unless it is told
        trim(0)
    if len(_turned) > _MOST_TURNED:
        _turned.clear()
    _turned.update(found)
    return found


def pieces(text: str, max_bytes: int, reserve: int = 0) -> tuple[str, ...]:
    """The text in parts that fit max_bytes; parts of a text that needs several leave `reserve` bytes free for a remark."""
    found, rest = list[str](), text
    if len(text.encode()) > max_bytes:
        while rest:
            part, rest = cut(rest, max_bytes - reserve)
            found.append(part)
    return tuple(found) or (text,)


def cut(text: str, max_bytes: int) -> tuple[str, str]:
    """Split so that the first part fits max_bytes of UTF-8, at a sentence or line end if one is near; (part, rest)."""
    data = text.encode()
    if len(data) <= max_bytes:
        return text, ""
    fitting = data[:max_bytes].decode("utf-8", "ignore")
    ends = [match.end() for match in re.finditer(r"[。！？!?;；\n]|\. ", fitting)]
    at = ends[-1] if ends and ends[-1] > len(fitting) // 3 else len(fitting)
    return fitting[:at].rstrip(), text[at:].lstrip()
