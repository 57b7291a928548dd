"""What an implementation reports, as values. Pure.

Protocol: botuniverse/onebot-11, event/message, event/notice, event/request, event/meta. Numbers of accounts, groups and
messages are kept as text; unknown keys and kinds are passed over, as implementations add their own.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.messages import START, Address, Attachment, Question
from connectors.onebot.segments import Segment, Unreadable, read

NAME = "onebot"
_POKED, _BEFRIENDED = "（戳一戳）", "（加为好友）"
_KINDS = {"image": "image", "mface": "image", "record": "voice", "video": "video", "file": "file", "location": "location", "share": "link"}
_WORDLESS = frozenset({"at", "reply", "face", "text", "poke", "dice", "rps", "shake", "anonymous"})


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat: how many seconds until the next, and whether the account is online."""

    interval: float
    online: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody said something. `group` is the group that a private message came by, where no friendship allows it."""

    question: Question
    group: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody wants to be a friend, or wants the account in a group: `flag` names the request."""

    kind: str
    flag: str


@dataclass(frozen=True, slots=True)
class Expelled:
    """The account is no longer in a group."""

    group: str


Event = Beat | Asked | Wanted | Expelled


def opened(raw: str | bytes | None) -> dict[str, Any]:
    """A frame or body; Unreadable unless it is a JSON object."""
    try:
        found = json.loads(raw or b"")
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("it is not a JSON object")
    return found


def number(frame: Mapping[str, Any], name: str) -> str:
    """An id as text; '' where there is none, Unreadable for what cannot be one."""
    value = frame.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > 64:
        raise Unreadable(f"{name} is no number")
    return str(value)


def event_of(frame: Mapping[str, Any], ours: Callable[[str], bool]) -> Event | None:
    """What a frame reports; None for what nobody has to do anything about. `ours`: whether a message was sent by us."""
    kind = frame.get("post_type")
    if kind == "message":
        return _message(frame, ours)
    if kind == "meta_event":
        return _meta(frame)
    if kind == "notice":
        return _notice(frame)
    if kind == "request":
        return _request(frame)
    return None


def asked_id(question: str) -> tuple[str, str]:
    """The account and the platform's message number in a question's id; '' for what has none."""
    parts = question.split(":")
    return (parts[0], parts[1]) if len(parts) == 3 and parts[1].lstrip("-").isdecimal() else ("", "")


def _message(frame: Mapping[str, Any], ours: Callable[[str], bool]) -> Asked | None:
    account, user, group = (number(frame, name) for name in ("self_id", "user_id", "group_id"))
    in_group = frame.get("message_type") == "group"
    if not account or not user or (in_group and not group):
        raise Unreadable("self_id, user_id or group_id is missing")
    if user == account or frame.get("sub_type") == "notice":
        return None
    pieces, to_us = _addressed(read(frame.get("message")), account, ours)
    words = "".join(piece["text"] if piece.kind == "text" else _mention(piece) for piece in pieces).strip(" ")
    external = f"{account}:{number(frame, 'message_id')}:{number(frame, 'time')}"
    address = Address(NAME, user, group if in_group else "")
    attachments = tuple(found for piece in pieces if (found := _attachment(piece)))
    question = Question(external, address, words, attachments=attachments, addressed=to_us or not in_group)
    sender = frame.get("sender")
    by = number(sender, "group_id") if isinstance(sender, dict) else ""
    return Asked(question, by or (group if not in_group else ""))


def _addressed(pieces: tuple[Segment, ...], account: str, ours: Callable[[str], bool]) -> tuple[tuple[Segment, ...], bool]:
    """The message without the mention of us, and whether it is meant for us: mentioned first or last, or replied to."""
    replied = bool(pieces) and pieces[0].kind == "reply" and ours(pieces[0]["id"])
    rest = tuple(piece for piece in pieces if piece.kind != "reply")
    blank = [piece for piece in rest if piece.kind != "text" or piece["text"].strip()]
    for edge in (blank[:1], blank[-1:]):
        if edge and edge[0].kind == "at" and edge[0]["qq"] == account:
            return tuple(piece for piece in rest if piece is not edge[0]), True
    return rest, replied


def _mention(piece: Segment) -> str:
    return f"@{piece['name'] or piece['qq']} " if piece.kind == "at" else ""


def _attachment(piece: Segment) -> Attachment | None:
    if piece.kind in _WORDLESS:
        return None
    reference = piece["url"] or piece["file"] or piece["file_id"] or piece["id"]
    if piece.kind == "location":
        reference = f"{piece['lat']},{piece['lon']}"
    name = piece["title"] or (piece["name"] or piece["file"] if piece.kind == "file" else "")
    known = _KINDS.get(piece.kind)
    return Attachment(known or "other", reference[:2000], (name if known else name or piece.kind)[:200])


def _meta(frame: Mapping[str, Any]) -> Beat | None:
    if frame.get("meta_event_type") != "heartbeat":
        return None
    status, interval = frame.get("status"), frame.get("interval")
    every = interval / 1000 if isinstance(interval, int | float) and not isinstance(interval, bool) and interval > 0 else 0.0
    return Beat(every, not isinstance(status, dict) or status.get("online") is not False)


def _notice(frame: Mapping[str, Any]) -> Event | None:
    account, user, group = (number(frame, name) for name in ("self_id", "user_id", "group_id"))
    kind, sub = frame.get("notice_type"), frame.get("sub_type")
    if kind == "bot_offline":
        return Beat(0.0, False)
    if kind == "group_decrease" and (sub == "kick_me" or user == account):
        return Expelled(group)
    if kind == "friend_add":
        return Asked(_started(frame, account, user, "", _BEFRIENDED))
    if kind == "notify" and sub == "poke" and number(frame, "target_id") == account and user != account:
        return Asked(_started(frame, account, user, group, _POKED))
    return None


def _started(frame: Mapping[str, Any], account: str, user: str, group: str, words: str) -> Question:
    """Somebody who has just come, or nudges us: they are greeted."""
    external = f"{account}:{frame.get('notice_type')}-{group}-{user}:{number(frame, 'time')}"
    return Question(external, Address(NAME, user, group), words, choice=START, tap=True)


def _request(frame: Mapping[str, Any]) -> Wanted | None:
    kind, flag = frame.get("request_type"), number(frame, "flag")
    if not flag or (kind == "group" and frame.get("sub_type") != "invite"):
        return None
    return Wanted(kind, flag) if kind in ("friend", "group") else None
