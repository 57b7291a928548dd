"""Bytes of a callback to its fields, and fields of an answer to bytes. XML and JSON, told by the first byte.

Protocol: "消息推送" (XML or JSON by the console's 数据格式) and "被动回复用户消息". Only the elements right below the root
count; deeper ones and unknown ones are passed over. A document type is refused, and with it every entity but the five
of XML itself.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

_DEEPEST: Final = 20
# XML 1.0 has no way to write these; people's keyboards do send them.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class BadPayload(Exception):
    """A body that is neither the XML nor the JSON of a callback."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The fields of a body as text, and whether it was JSON."""

    fields: Mapping[str, str]
    json: bool = False

    def __getitem__(self, name: str) -> str:
        """A field; '' when it is missing."""
        return self.fields.get(name, "")


def parse(body: bytes) -> Payload:
    """The fields of a body; BadPayload when it has none."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"{":
        return Payload(_from_json(body), json=True)
    if start == b"<":
        return Payload(_Fields().read(_CONTROL.sub(b"", body)))
    raise BadPayload("neither XML nor JSON")


def _from_json(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadPayload(f"not JSON: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise BadPayload("not a JSON object")
    kept = {name: str(value) for name, value in found.items() if isinstance(value, str | int | float) and not isinstance(value, bool)}
    return {name: value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for name, value in kept.items()}


class _Fields:
    """Reads the children of the root element."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, body: bytes) -> dict[str, str]:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise BadPayload(f"not XML: {error}") from None
        return self.found

    def _refuse(self, *_: object) -> None:
        raise BadPayload("a document type is not allowed")

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > _DEEPEST:
            raise BadPayload("nested too deeply")
        if len(self._path) == 2:
            self._text.clear()

    def _end(self, name: str) -> None:
        if len(self._path) == 2:
            self.found.setdefault(name, "".join(self._text))
        if len(self._path) > 1:
            self._text.clear()
        self._path.pop()


def render(fields: Mapping[str, Any], *, as_json: bool) -> bytes:
    """Fields as a body: numbers bare, text in CDATA, a list as `item` elements."""
    if as_json:
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
    return f"<xml>{_elements(fields)}</xml>".encode("utf-8", "replace")


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(f"<{escape(name)}>{_element(value)}</{escape(name)}>" for name, value in fields.items())


def _element(value: Any) -> str:
    if isinstance(value, list):
        return "".join(f"<item>{_elements(each)}</item>" for each in value)
    if isinstance(value, int):
        return str(value)
    # A CDATA section ends at the first ]]>, so one in the text is divided between two sections.
    text = str(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{_CONTROL.sub(b'', text.encode('utf-8', 'replace')).decode()}]]>"
