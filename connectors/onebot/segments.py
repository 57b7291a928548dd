"""Messages as OneBot writes them: an array of segments, or one string with CQ codes. Both ways; pure.

Protocol: botuniverse/onebot-11, message/array and message/string. In text & [ ] are escaped, in the values of a code the
comma as well; & is escaped first and unescaped last. A value is everything after the first `=`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_CODE = re.compile(r"\[CQ:([A-Za-z0-9_.-]+)((?:,[^,\[\]]*)*)\]")
_TEXT = (("&", "&amp;"), ("[", "&#91;"), ("]", "&#93;"))
_VALUE = (*_TEXT, (",", "&#44;"))


class Unreadable(ValueError):
    """Something that is no OneBot message or event."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a message: its `kind` (text, at, reply, image ...) and what it is about, by name."""

    kind: str
    data: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """A value; '' where there is none."""
        return self.data.get(name, "")

    def shape(self) -> dict[str, Any]:
        """As it stands in an array."""
        return {"type": self.kind, "data": dict(self.data)}

    def code(self) -> str:
        """As it stands in a string."""
        if self.kind == "text":
            return escape(self["text"])
        return "".join((f"[CQ:{self.kind}", *(f",{name}={escape(value, in_code=True)}" for name, value in self.data.items()), "]"))


def text(words: str) -> Segment:
    """Words."""
    return Segment("text", {"text": words})


def at(account: str) -> Segment:
    """A mention."""
    return Segment("at", {"qq": account})


def reply(number: str) -> Segment:
    """What the message replies to."""
    return Segment("reply", {"id": number})


def escape(words: str, *, in_code: bool = False) -> str:
    """Words that cannot be taken for a code."""
    for sign, written in _VALUE if in_code else _TEXT:
        words = words.replace(sign, written)
    return words


def unescape(words: str) -> str:
    """Words as they were meant."""
    for sign, written in reversed(_VALUE):
        words = words.replace(written, sign)
    return words


def read(message: object) -> tuple[Segment, ...]:
    """A message in either form; Unreadable when it is neither."""
    if isinstance(message, str):
        return _from_string(message)
    if isinstance(message, dict):
        message = [message]
    if not isinstance(message, list):
        raise Unreadable("message is neither a string nor an array")
    return tuple(_segment(each) for each in message)


def write(segments: Iterable[Segment], *, as_string: bool = False) -> str | list[dict[str, Any]]:
    """A message to be sent."""
    return "".join(each.code() for each in segments) if as_string else [each.shape() for each in segments]


def _from_string(message: str) -> tuple[Segment, ...]:
    found: list[Segment] = []
    end = 0
    for code in _CODE.finditer(message):
        if before := message[end : code.start()]:
            found.append(text(unescape(before)))
        pairs = (part.partition("=") for part in code[2].split(",")[1:])
        found.append(Segment(code[1], {name.strip(): unescape(value) for name, _, value in pairs}))
        end = code.end()
    if rest := message[end:]:
        found.append(text(unescape(rest)))
    return tuple(found)


def _segment(each: object) -> Segment:
    if not isinstance(each, dict) or not isinstance(each.get("type"), str):
        raise Unreadable("a segment has no type")
    data = each.get("data")
    values = data if isinstance(data, dict) else {}
    return Segment(each["type"], {str(name): _value(value) for name, value in values.items() if value is not None})


def _value(value: object) -> str:
    """Values are strings; numbers are accepted, anything else is of no use here."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
