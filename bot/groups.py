"""Manners in a group: when the bot may speak there, and how much it says. Pure.

The bot answers who speaks to it. What others say among themselves is not its business: it is neither answered nor kept,
unless the group allows a `bar` and a question clears it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from bot.domain import Decision
from bot.messages import Action, Question, Reply

_SPAN = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
_LINES = 6

Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Manners:
    """What one group has agreed to. In `quiet` hours, and always with `silent`, the bot says nothing there and answers
    privately. `cooldown`: the same answer is not given again so soon. `prefix`: a message that starts so speaks to the bot.
    `bar`: from this confidence a question that spoke to nobody may be answered; 0 is never. `per_minute` and `per_account`:
    how many messages of the group and of one account are answered in a minute. `longest`: characters of an answer."""

    name: str = ""
    allowed: bool = True
    quiet: tuple[Span, ...] = ()
    cooldown: timedelta = timedelta(minutes=10)
    prefix: str = ""
    silent: bool = False
    bar: float = 0.0
    per_minute: int = 20
    per_account: int = 6
    longest: int = 240

    def speaks(self, local: datetime) -> bool:
        """Whether the bot may say anything in the group at this local time."""
        return not self.silent and not any(_within(local.time(), span) for span in self.quiet)


class Heard(StrEnum):
    """How a message in a group was meant: for others, for anybody who knows, or for the bot."""

    CHATTER = "chatter"
    OPEN = "open"
    ADDRESSED = "addressed"


def spans(texts: Iterable[str]) -> tuple[Span, ...]:
    """Times of day such as 22:30-07:00; ValueError for anything else."""
    return tuple(_span(text) for text in texts)


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text.strip())
    try:
        start, end = (time.fromisoformat(part.zfill(5)) for part in found.groups()) if found else (time(), time())
    except ValueError:
        start = end = time()
    if start == end:
        raise ValueError(f"{text!r} is not like '22:30-07:00'")
    return start, end


def _within(at: time, span: Span) -> bool:
    start, end = span
    return start <= at < end if start < end else at >= start or at < end


def heed(manners: Manners, question: Question, *, calls: bool = False) -> tuple[Heard, Question]:
    """How a message was meant, and the message without the prefix. `calls`: it begins with a word that is always for the bot."""
    if not manners.allowed:
        return Heard.CHATTER, question
    if manners.prefix and question.text.casefold().startswith(manners.prefix.casefold()):
        words = question.text[len(manners.prefix) :].lstrip(" \t\n:：,，")
        return Heard.ADDRESSED, replace(question, text=words, addressed=True)
    if question.addressed or calls:
        return Heard.ADDRESSED, replace(question, addressed=True)
    return (Heard.OPEN if manners.bar else Heard.CHATTER), question


def clears(manners: Manners, decision: Decision) -> bool:
    """Whether the bot may say this to people who did not speak to it: one curated answer, understood beyond the bar."""
    sure = decision.prediction is not None and decision.prediction.confidence >= manners.bar > 0
    plain = decision.action is Action.ANSWER and decision.handover is None and len(decision.replies) == 1
    return sure and plain and bool(decision.replies[0].entry)


def topic(reply: Reply) -> str:
    """What an answer is about: the entry, and which of the many texts it can have."""
    return f"{reply.entry}:{hashlib.sha256(reply.text.encode()).hexdigest()[:16]}"


def beginning(text: str, longest: int) -> tuple[str, bool]:
    """The first lines of a text that fit; whether anything was left out. Never a part of a line that would still fit whole."""
    lines = text.rstrip().splitlines()
    kept: list[str] = []
    for line in lines:
        if len(kept) == _LINES or sum(map(len, kept)) + len(line) > longest:
            break
        kept.append(line)
    if not kept:
        return lines[0][: longest - 1].rstrip() + "…", True
    return "\n".join(kept).rstrip(), len(kept) < len(lines)
