"""How one message hangs on those before it, as knowledge/conversation/turns.yml says: follow-ups, choices, fragments. Pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from bot.text import bare, flat

LONGEST_FOLLOW_UP = 24
"""Characters, or half as many words, of a message that can be a follow-up."""
_SHORT = 10
_LONGEST_CUE = 40
_DIGITS = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_WORDS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "zero": 0}
_HANZI_NUMBER = re.compile(
    r"(?:我|就)?(?:要|选择|选|是)?第?(\d{1,12}|[零一二两三四五六七八九])(?:个|项|条|种|号|款)?(?:选项)?(?:吧|的|呢|啊|了|谢谢)?"
)
_ENGLISH_NUMBER = re.compile(
    r"(?:i (?:choose|mean|want|pick) )?(?:the |option |number |no |nr |choice |answer )*"
    rf"(\d{{1,12}}|{'|'.join(_WORDS)})(?:st|nd|rd|th)?(?: one| option| choice)?(?: please)?"
)
_LAST = re.compile(r"(?:要|选)?最后(?:一)?(?:个|项|条)(?:吧)?|(?:the )?last(?: one)?(?: please)?")
_NEGATIVE = re.compile(r"\s*[-−－]\s*\d+\s*")
LAST = 1 << 62


@dataclass(frozen=True, slots=True)
class Topic:
    """Whom, when or where a follow-up is about: what patrons say, what answers call it too, and the facet to look in first."""

    facet: str
    words: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a follow-up asks: a facet by name, or a topic, or both."""

    facet: str
    topic: Topic | None = None


@dataclass(frozen=True)
class Turns:
    """The words and patterns of turns.yml."""

    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    topics: tuple[Topic, ...] = ()
    filler: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    asking: tuple[re.Pattern[str], ...] = ()
    trouble: tuple[re.Pattern[str], ...] = ()
    wishes: tuple[re.Pattern[str], ...] = ()
    openings: tuple[re.Pattern[str], ...] = ()
    dangling: tuple[re.Pattern[str], ...] = ()
    unhelpful: tuple[re.Pattern[str], ...] = ()

    def follow_up(self, text: str) -> FollowUp | None:
        """What a message asks about the previous answer; None when it says anything of its own."""
        rest = flat(text)
        if not rest or not _short(rest, LONGEST_FOLLOW_UP):
            return None
        linked = bool(_any_of(self.links).search(rest))
        topic, rest = self._topic(rest)
        facet, rest = self._facet(rest)
        if not (facet or (topic and linked)) or self._said(rest):
            return None
        return FollowUp(facet or (topic.facet if topic else ""), topic)

    def only(self, text: str, names: Iterable[str]) -> bool:
        """Whether a message says nothing but these names."""
        rest = flat(text)
        for name in names:
            rest = rest.replace(flat(name), " ")
        return _short(flat(text), LONGEST_FOLLOW_UP) and not self._said(rest)

    def named(self, text: str) -> str:
        """What "X 呢" or "what about X" is about; '' when it is not of that form."""
        rest = flat(text)
        if not _short(rest, LONGEST_FOLLOW_UP) or not _NAMING.search(rest):
            return ""
        said = self._said(rest)
        return said if 2 <= len(said) <= _SHORT or (" " not in said and len(said) > 2) else ""

    def asks(self, text: str) -> bool:
        """Whether a piece of a message is a question."""
        return _found(self.asking, flat(text))

    def wants(self, text: str) -> bool:
        """Whether a piece of a message wants an answer: a question, a trouble, a wish."""
        said = flat(text)
        return _found((*self.asking, *self.trouble, *self.wishes), said) and not _whole(self.openings, said)

    def opens(self, text: str) -> bool:
        """Whether a message only announces a question."""
        return _whole(self.openings, text)

    def dangles(self, text: str) -> bool:
        """Whether a message can only be understood together with others."""
        return _whole(self.dangling, text)

    def regrets(self, text: str) -> bool:
        """Whether a message says that the answer did not help."""
        return _whole(self.unhelpful, text)

    def fragment(self, text: str) -> bool:
        """Whether a message is short and asks nothing, as a piece of a longer one does."""
        said = flat(text)
        return _short(said, _SHORT) and not _found(self.asking, said)

    def questions(self, text: str) -> tuple[str, ...]:
        """The questions of a message, each with what is told beside it; one item when there are not several."""
        return self._wanted(text, _BREAK, self.wants) or (text,)

    def core(self, text: str) -> str:
        """The one sentence of a message that wants an answer, without greetings, thanks and what is told around it; else ''."""
        pieces = [piece.strip(" ,，、") for piece in _BREAK.split(text) if bare(piece)]
        wanted = [piece for piece in pieces if self.wants(piece)]
        return wanted[0] if len(wanted) == 1 < len(pieces) else ""

    def clauses(self, text: str) -> tuple[str, ...]:
        """What may be questions of their own between commas or after "and"; () when there are not several."""
        found = self._wanted(text, _COMMA, self.asks)
        return found if len(found) > 1 else ()

    def _wanted(self, text: str, breaks: re.Pattern[str], wanted: Callable[[str], bool]) -> tuple[str, ...]:
        found, waiting = list[str](), list[str]()
        for piece in filter(bare, breaks.split(text)):
            waiting.append(piece.strip(" ,，、"))
            if wanted(piece):
                found.append("，".join(waiting))
                waiting = []
        if found and waiting:
            found[-1] = "，".join((found[-1], *waiting))
        return tuple(found)

    def _topic(self, rest: str) -> tuple[Topic | None, str]:
        best, found = None, ""
        for topic in self.topics:
            match = _any_of(topic.words).search(rest)
            if match and len(match[0]) > len(found):
                best, found = topic, match[0]
        return best, (rest.replace(found, " ", 1) if found else rest)

    def _facet(self, rest: str) -> tuple[str, str]:
        best, found = "", ""
        for name, words in self.facets:
            match = _any_of(words).search(rest)
            if match and len(match[0]) > len(found):
                best, found = name, match[0]
        return best, (rest.replace(found, " ", 1) if found else rest)

    def _said(self, rest: str) -> str:
        """What is left without the words that say nothing."""
        return " ".join(self._fillers.sub(" ", rest).split())

    @cached_property
    def _fillers(self) -> re.Pattern[str]:
        return _any_of(self.filler)


_BREAK = re.compile(
    r"[?？]+|[;；。!！\n]+|\b(?:and also|also,)\b|(?:另外|还有就是|还想问|顺便问)|[，,]\s*(?:还有|以及|然后|顺便|再就是)|还有[，,：:]"
)
_COMMA = re.compile(r"[，,]+|\band\b(?=\s+(?:how|what|where|when|who|which|can|do|is|are|does)\b)|(?:还有|以及)")
_NAMING = re.compile(r"呢$|^(and |so |ok )?(what|how) about\b|^and (for |in |at |with )?(the )?\w+( \w+)?$")


def ordinal(text: str) -> int | None:
    """The number that a message is, as 2, ２, 第二个, 2号, "the second one"; LAST for the last one; None for anything else."""
    said = flat(text)
    if _NEGATIVE.fullmatch(text):
        return -int(said)
    if _LAST.fullmatch(said):
        return LAST
    if match := _HANZI_NUMBER.fullmatch(said):
        return int(match[1]) if match[1].isascii() else _DIGITS[match[1]]
    if match := _ENGLISH_NUMBER.fullmatch(said):
        return int(match[1]) if match[1].isdigit() else _WORDS[match[1]]
    return None


def _short(text: str, most: int) -> bool:
    return len(text) <= most or (text.isascii() and len(text.split()) <= most // 2)


def _whole(patterns: Iterable[re.Pattern[str]], text: str) -> bool:
    """Whether a message is what a pattern describes. Long ones never are, and must not be tried: patterns of librarians may take
    exponential time."""
    return len(text) <= 2 * _LONGEST_CUE and len(said := flat(text)) <= _LONGEST_CUE and _found(patterns, said)


def _found(patterns: Iterable[re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)


_compiled: dict[tuple[str, ...], re.Pattern[str]] = {}


def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words, the longest first; English ones as whole words."""
    if words not in _compiled:
        flatted = sorted({flat(word) for word in words} - {""}, key=len, reverse=True)
        shapes = [rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word) for word in flatted]
        _compiled[words] = re.compile("|".join(shapes) or r"(?!)", re.ASCII)
    return _compiled[words]
