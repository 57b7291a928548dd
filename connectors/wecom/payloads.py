"""WeCom's words and ours: the callback's XML, the messages of sync_msg, the bodies of send_msg. No network, no clock.

Protocol: developer.work.weixin.qq.com paths 94670 (接收消息和事件), 94677 (发送消息), 90930 (callback).
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bot.messages import Address, Attachment, Choice, Overheard, Question, Reply

MAX_TEXT: Final = 2048
"""Bytes of a text."""
_MAX_HEAD, _MAX_ITEM, _MAX_ITEM_ID, _MAX_ITEMS = 1024, 128, 64, 10
CUSTOMER: Final = 3
"""`origin` of what a customer sent."""
AGENT: Final = 5
"""`origin` of what one of the platform's own agents said in the client."""
RATED_WELL, RATED_ILL = "refdesk-rate-yes", "refdesk-rate-no"
"""Menu ids of the closing rating."""
DOORBELL = "kf_msg_or_event"


class Unreadable(ValueError):
    """A body that is not what the platform sends."""


def fields(body: bytes) -> dict[str, str]:
    """The children of a callback's root by name. A document type, and with it every entity, is refused."""
    try:
        text = body.decode()
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise Unreadable("a document type")
        return {child.tag: child.text or "" for child in ElementTree.fromstring(text)}
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError) as error:
        raise Unreadable(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of sync_msg's msg_list with what all have: where it belongs, and its own fields under `data`."""

    msgid: str
    kind: str
    origin: int
    open_kfid: str
    user: str
    sent_at: float
    data: Mapping[str, Any]
    servicer: str = ""

    def text(self, name: str) -> str:
        """A field of `data` as text; '' when it is missing."""
        value = self.data.get(name)
        return str(value) if isinstance(value, str | int | float) else ""


def item(raw: Any) -> Item | None:
    """An entry of msg_list; None for one without an id, or that is no object. Numbers may come as texts."""
    if not isinstance(raw, Mapping) or not raw.get("msgid"):
        return None
    kind = str(raw.get("msgtype") or "")
    data = raw.get(kind)
    data = data if isinstance(data, Mapping) else {}
    where = {**data, **{name: raw[name] for name in ("open_kfid", "external_userid") if raw.get(name)}}
    return Item(
        str(raw["msgid"]),
        kind,
        int(_number(raw.get("origin"))),
        str(where.get("open_kfid") or ""),
        str(where.get("external_userid") or ""),
        _number(raw.get("send_time")),
        data,
        str(raw.get("servicer_userid") or ""),
    )


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def question(entry: Item, address: Address) -> Question:
    """What a customer sent. A tapped menu item is its text with the item's id as choice."""
    asked_at = datetime.fromtimestamp(entry.sent_at, UTC) if 0 < entry.sent_at < 1e11 else datetime.now(UTC)
    if entry.kind == "text":
        return Question(entry.msgid, address, entry.text("content"), asked_at, choice=entry.text("menu_id"))
    return Question(entry.msgid, address, "", asked_at, attachments=(_attachment(entry),))


def overheard(entry: Item, address: Address, agent: str) -> Overheard:
    """What one of the platform's own agents said."""
    attached = () if entry.kind == "text" else (_attachment(entry),)
    return Overheard(entry.msgid, address, agent, entry.text("content"), attached)


def _attachment(entry: Item) -> Attachment:
    """Kinds that the desk has no name for are `other`, with the platform's word."""
    match entry.kind:
        case "location":
            name = " ".join(filter(None, (entry.text("name"), entry.text("address"))))
            return Attachment("location", f"{entry.text('latitude')},{entry.text('longitude')}", name)
        case "link":
            return Attachment("link", entry.text("url"), entry.text("title"))
        case "business_card":
            return Attachment("other", entry.text("userid"), "business_card")
        case "miniprogram":
            return Attachment("other", entry.text("pagepath"), " ".join(filter(None, ("miniprogram", entry.text("title")))))
        case "image" | "voice" | "video" | "file":
            return Attachment(entry.kind, entry.text("media_id"))
        case _:
            return Attachment("other", entry.text("media_id"), entry.kind[:40])


def content(reply: Reply, remark: str = "") -> dict[str, Any]:
    """The part of a send_msg body that says what: a menu where the choices fit one, else text."""
    head = "\n".join((reply.text.rstrip(), *(f"{link.title}: {link.url}" for link in reply.links)))
    if not remark and 0 < len(reply.choices) <= _MAX_ITEMS and _bytes(head) <= _MAX_HEAD and all(map(_fits, reply.choices)):
        return menu(head, tuple((_menu_id(choice), f"{choice.key}. {choice.title}") for choice in reply.choices))
    return text("\n".join(filter(None, (reply.plain(), remark))))


def text(words: str) -> dict[str, Any]:
    """A text."""
    return {"msgtype": "text", "text": {"content": words}}


def menu(head: str, items: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Items to tap, as (id, words); a tap comes back as a text with this `menu_id`."""
    clicks = [{"type": "click", "click": {"id": name, "content": words}} for name, words in items]
    return {"msgtype": "msgmenu", "msgmenu": {"head_content": head, "list": clicks}}


def _menu_id(choice: Choice) -> str:
    """What the choice stands for, which is still understood when it is tapped late; its key where that is too long."""
    return choice.value if choice.value and _bytes(choice.value) <= _MAX_ITEM_ID else choice.key


def _fits(choice: Choice) -> bool:
    return _bytes(f"{choice.key}. {choice.title}") <= _MAX_ITEM


def _bytes(words: str) -> int:
    return len(words.encode("utf-8", "replace"))
