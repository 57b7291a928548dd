"""The name in a question that stands in no table: what is left when the words of asking are taken away. Pure.

It errs on the side of silence: where a name is not plain to see, the general entry answers.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from bot.text import bare, clean

_TITLE = re.compile(r"《([^《》|]{2,60})》")
_QUOTES = re.compile(r"[“”\"「」『』]")
_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9.+&'’-]*")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .+&'-]*[A-Za-z0-9+]|[\u3400-\u9fff·A-Za-z0-9]+")
_CAPITALS = re.compile(r"\b[a-z]?[A-Z][\w.+&-]*(?: (?:(?:of|and|the|for|in|to) )?[a-z]?[A-Z0-9][\w.+&-]*)*", re.ASCII)
_AND = r"\s*(?:和|跟|与|及|以及|还有|、|\band\b)\s*"
_BESIDE = re.compile(rf"\|{_AND}([^|,，。？?！!；;]+)|([^|,，。？?！!；;]+?){_AND}\|", re.IGNORECASE)
_SHORTEST, _LONGEST, _MOST_WORDS, _LONG_STORY, _SHORT_NAME = 2, 30, 4, 30, 3


def unlisted(text: str, named: Iterable[str], fillers: frozenset[str], *, longer: bool = False) -> str:
    """The longest name that is not made of the words of asking; '' when there is none. Where other names are known already, only
    what is joined to one of them by an "and" can be one; with `longer` also what goes on after a short one."""
    text, named = unicodedata.normalize("NFKC", clean(text)), sorted(filter(None, named), key=len, reverse=True)
    text = _QUOTES.sub(" ", text)
    for name in named:
        text = re.sub(re.escape(name), "|", text, flags=re.IGNORECASE)
    if title := _TITLE.search(text):
        return title[1].strip()
    if longer and (whole := _longer(text, named, fillers)):
        return whole
    pieces = [first or second for first, second in _BESIDE.findall(text)] if named else [text]
    chinese, story = bool(_CJK.search(text)), len(text) > _LONG_STORY
    runs = [_name_in(run, chinese=chinese, story=story) for piece in pieces for run in _runs(piece, fillers)]
    return max((run for run in runs if _SHORTEST <= len(run) <= _LONGEST and not run.isdigit()), key=len, default="")


def _longer(text: str, named: list[str], fillers: frozenset[str]) -> str:
    """A longer Chinese name that a short one of those known begins: 量子 is known, 量子场论 is meant."""
    for name in named:
        if 1 < len(name) <= _SHORT_NAME and _CJK.search(name) and (beside := re.search(r"\|([\u3400-\u9fff]{2,8})", text)):
            rest = next(iter(_runs(beside[1], fillers)), "")
            if len(rest) >= _SHORTEST and beside[1].startswith(rest):
                return name + rest
    return ""


def leading(text: str) -> str:
    """The Latin name, with a capital letter, that a Chinese message begins with ("JoVE播放不了"); '' when it does not."""
    found = _CAPITALS.match(unicodedata.normalize("NFKC", clean(text)))
    return found[0] if found and _CJK.search(text) and len(found[0]) > 1 else ""


def _name_in(run: str, *, chinese: bool, story: bool) -> str:
    """What of a run of words is a name: between English words and in long stories only what is written with capitals."""
    capitals = max((match[0] for match in _CAPITALS.finditer(run)), key=len, default="")
    if story or (not chinese and (len(run.split()) > _MOST_WORDS or (capitals and not run.startswith(capitals)))):
        return capitals
    return run


def _runs(text: str, fillers: frozenset[str]) -> Iterator[str]:
    """What is left of a text without fillers: long ones wherever they stand, single characters at the edges only."""
    text = _LATIN.sub(lambda match: "|" if bare(re.split(r"['’]", match[0])[0]) in fillers else match[0], text)
    for word in sorted((word for word in fillers if len(word) > 1 and not word.isascii()), key=len, reverse=True):
        text = text.replace(word, "|")
    edges = "".join(word for word in fillers if len(word) == 1 and not word.isascii())
    for part in text.split("|"):
        yield from (run.strip(edges) for run in _RUN.findall(part.strip()))
