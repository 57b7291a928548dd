"""What happened at the platform, read from its payloads: who, where, what was said. No network, no clock.

Protocol: bot.q.qq.com/wiki/develop/api-v2, event-emit/payload and autogen/event. A payload is `{id, op, t, d, s}`; `id`
is the event's, `d.id` the message's. One message of a group may come twice, as GROUP_AT_MESSAGE_CREATE and as
GROUP_MESSAGE_CREATE, and a message that is delivered again keeps its REFIDX.

Where somebody is. Friends (C2C) have an openid of their own. A member of a group has another one, the room is
`group:OPENID`; people.py finds out whether the two are one person. In a guild a private message belongs to no room, but is
answered through its guild, so the user is `dm:GUILD:USER` there and in its channels, whose room is `channel:ID`.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

from bot.messages import START, Address, Attachment, Opening, Question

NAME: Final = "qq"
EVENT: Final = "event "
"""Before the number of an event that can be replied to; a message is replied to by its own number, without this."""
GROUP, CHANNEL, DIRECT = "group:", "channel:", "dm:"
_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_LONGEST_ID: Final = 512
_MENTION: Final = re.compile(r"<@!?[0-9A-Za-z]+>")
_FACE: Final = re.compile(r"<faceType=\d+,[^<>]*>")
_ADDED: Final = "（添加机器人）"

FRIENDS: Final = Opening(timedelta(minutes=60), 4)
ROOMS: Final = Opening(timedelta(minutes=5), 5)
"""How long and how often a message, or an event, takes replies. The documents disagree with each other and change, so
this is only what is planned with: an answer of the platform that says otherwise is believed."""


class Op(IntEnum):
    """`op` of a payload."""

    EVENT = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    CALLBACK_ACK = 12
    VALIDATION = 13


class Unreadable(ValueError):
    """A payload that is not what the platform sends."""


@dataclass(frozen=True, slots=True)
class Event:
    """A payload with its parts checked: `id` of the event, `kind` its name, `data` what happened."""

    id: str
    kind: str
    data: Mapping[str, Any]

    def text(self, *path: str) -> str:
        """A field as text, found by its names from the outside in; '' when it is missing."""
        found: Any = self.data
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


@dataclass(frozen=True, slots=True)
class Switch:
    """A user or group that lets the bot in or keeps it out, from the platform's `at` (Unix seconds) on."""

    address: Address
    name: str
    on: bool
    at: int


def payload(body: bytes | str) -> dict[str, Any]:
    """The JSON object of a body; Unreadable when it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # a body that is not UTF-8 is a ValueError
        raise Unreadable("not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("not a JSON object")
    return found


def event(found: Mapping[str, Any]) -> Event:
    """The event of an op 0 payload. One without an `id` (old gateways) is known by what it says."""
    data, kind, number = found.get("d"), found.get("t"), found.get("id")
    if not isinstance(kind, str) or not kind or len(kind) > 64:
        raise Unreadable("t is missing")
    data = data if isinstance(data, dict) else {}
    own = data.get("id")
    if not number and isinstance(own, str) and own:
        number = f"{kind}:{own}"
    if not isinstance(number, str) or not 0 < len(number) <= _LONGEST_ID:
        raise Unreadable("id is missing")
    return Event(number, kind, data)


def question_of(happened: Event) -> Question | None:
    """What somebody said or tapped; None for what nobody answers. Unreadable when who or what is missing."""
    match happened.kind:
        case "C2C_MESSAGE_CREATE":
            return _said(happened, _friend(happened), FRIENDS)
        case "GROUP_AT_MESSAGE_CREATE" | "GROUP_MESSAGE_CREATE":
            member = Address(NAME, _known(happened, "author", "member_openid"), GROUP + _known(happened, "group_openid"))
            return _said(happened, member, ROOMS, addressed=happened.kind == "GROUP_AT_MESSAGE_CREATE" or _mentioned(happened))
        case "AT_MESSAGE_CREATE":
            return _in_guild(happened, CHANNEL + _known(happened, "channel_id"))
        case "DIRECT_MESSAGE_CREATE":
            return _in_guild(happened, "")
        case "INTERACTION_CREATE":
            return _tapped(happened)
        case "FRIEND_ADD":
            return Question(EVENT + happened.id, Address(NAME, _known(happened, "openid")), _ADDED, choice=START, tap=True, opens=FRIENDS)
        case "GROUP_ADD_ROBOT":
            where = Address(NAME, _known(happened, "op_member_openid"), GROUP + _known(happened, "group_openid"))
            return Question(EVENT + happened.id, where, _ADDED, choice=START, tap=True, opens=ROOMS)
    return None


_SWITCHES: Final = {
    "FRIEND_ADD": ("here", True), "FRIEND_DEL": ("here", False), "C2C_MSG_RECEIVE": ("open", True), "C2C_MSG_REJECT": ("open", False),
    "GROUP_ADD_ROBOT": ("here", True), "GROUP_DEL_ROBOT": ("here", False),
    "GROUP_MSG_RECEIVE": ("open", True), "GROUP_MSG_REJECT": ("open", False),
}  # fmt: skip


def switch_of(happened: Event) -> Switch | None:
    """Who lets the bot in or keeps it out: `here` by being a friend or a group's member, `open` to messages it was not asked for."""
    if happened.kind not in _SWITCHES:
        return None
    name, on = _SWITCHES[happened.kind]
    group = happened.kind.startswith("GROUP_")
    where = Address(NAME, "", GROUP + _known(happened, "group_openid")) if group else Address(NAME, _known(happened, "openid"))
    at = happened.text("timestamp")
    return Switch(where, name, on, int(at) if at.isdecimal() and len(at) <= 20 else 0)


# --- messages ---


def union_of(happened: Event) -> str:
    """The id that somebody has among friends and in every group alike; '' where the platform does not tell it."""
    found = happened.text("author", "union_openid")
    return found if _OPENID.fullmatch(found) else ""


def _friend(happened: Event) -> Address:
    return Address(NAME, _known(happened, "author", "user_openid"))


def _said(happened: Event, address: Address, opens: Opening, *, addressed: bool = True) -> Question:
    number = happened.text("id")
    if not 0 < len(number) <= _LONGEST_ID:
        raise Unreadable("d.id is missing")
    attachments = tuple(filter(None, map(_attachment, _objects(happened.data.get("attachments")))))
    text = _FACE.sub("", happened.text("content")).strip()
    spoken = next((each.get("asr_refer_text") for each in _objects(happened.data.get("attachments")) if each.get("asr_refer_text")), None)
    if not text and isinstance(spoken, str):
        text, attachments = spoken.strip(), ()
    if not text and not attachments:
        attachments = (Attachment("other", "", happened.text("message_type")[:40]),)
    return Question(number, address, text, attachments=attachments, also=_references(happened, address), addressed=addressed, opens=opens)


def _references(happened: Event, address: Address) -> tuple[str, ...]:
    """The REFIDX by which an asker's message is known when it is delivered again, under whatever number."""
    scene = happened.data.get("message_scene")
    ext = scene.get("ext") if isinstance(scene, Mapping) else None
    found = (
        (each.removeprefix("msg_idx=") for each in ext if isinstance(each, str) and each.startswith("msg_idx="))
        if isinstance(ext, list)
        else ()
    )
    return tuple(f"{address.room or address.user} {each}" for each in found if 0 < len(each) <= _LONGEST_ID)


def _mentioned(happened: Event) -> bool:
    return any(each.get("is_you") is True for each in _objects(happened.data.get("mentions")))


def _person(happened: Event, *path: str) -> str:
    return f"{DIRECT}{_known(happened, 'guild_id')}:{_known(happened, *path)}"


def _in_guild(happened: Event, room: str) -> Question:
    """In guilds text is escaped, and mentions are part of it."""
    address = Address(NAME, _person(happened, "author", "id"), room)
    said = html.unescape(_MENTION.sub("", happened.text("content"))).strip()
    return _said(Event(happened.id, happened.kind, {**happened.data, "content": said}), address, ROOMS)


def _attachment(raw: Mapping[str, Any]) -> Attachment | None:
    kind, url, name = (str(raw.get(key) or "") for key in ("content_type", "url", "filename"))
    plain = kind.split("/")[0].lower()
    if not url:
        return None
    # Guilds send addresses without a scheme.
    url = url if "://" in url else f"https://{url}"
    return Attachment(plain if plain in ("image", "voice", "video", "file") else "file", url[:2000], name[:200])


# --- buttons ---


def _tapped(happened: Event) -> Question | None:
    """A button or an entry of the bot's menu; its data is `value`, or `value|title`."""
    group = happened.text("group_openid")
    if group:
        address = Address(NAME, _known(happened, "group_member_openid"), GROUP + _known(happened, "group_openid"))
    elif happened.text("user_openid"):
        address = Address(NAME, _known(happened, "user_openid"))
    else:
        address = Address(NAME, _person(happened, "data", "resolved", "user_id"), CHANNEL + _known(happened, "channel_id"))
    resolved = ("data", "resolved")
    value, _, title = (happened.text(*resolved, "button_data") or happened.text(*resolved, "feature_id")).partition("|")
    if not value:
        return None
    return Question(EVENT + happened.id, address, title or value, choice=value, tap=True, opens=ROOMS if address.room else FRIENDS)


# --- small things ---


def _known(happened: Event, *path: str) -> str:
    """An id that is safe to stand in an address."""
    found = happened.text(*path)
    if not _OPENID.fullmatch(found):
        raise Unreadable(f"{'.'.join(path)} is no id")
    return found


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
