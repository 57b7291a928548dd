"""What a follower sent or did, as a Question.

Protocol: doc/subscription/guide/product/message/Receiving_standard_messages and Receiving_event_pushes. Messages are
known by MsgId; events have none and are known by follower, time, event and key, since two can fall into one second.
"""

import hashlib
import re
from collections.abc import Mapping

from bot.messages import INTENT, START, Address, Attachment, Question
from connectors.wechat.payload import BadPayload, Payload

NAME = "wechat"
_OPENID = re.compile(r"[\w@.-]{1,128}", re.ASCII)
_SCENE = "qrscene_"
_FOLLOWED = "（关注公众号）"


def address_of(payload: Payload) -> Address:
    """Who sent it; BadPayload when that is not an openid."""
    if not _OPENID.fullmatch(payload["FromUserName"]):
        raise BadPayload("FromUserName is no openid")
    return Address(NAME, payload["FromUserName"])


def is_event(payload: Payload, name: str) -> bool:
    """Whether it is this event; the platform writes them in several cases."""
    return payload["MsgType"].lower() == "event" and payload["Event"].lower() == name


def question_of(payload: Payload, titles: Mapping[str, str]) -> Question | None:
    """The message or event as a question; None for what nobody answers. `titles` are the menu's entries by key."""
    kind = payload["MsgType"].lower()
    if not kind:
        raise BadPayload("MsgType is missing")
    return _event(payload, titles) if kind == "event" else _message(payload, kind)


def _message(payload: Payload, kind: str) -> Question:
    text, attachment = payload["Content"], None
    if kind == "voice":
        text = payload["Recognition"]
        attachment = None if text.strip() else Attachment("voice", payload["MediaId"])
    elif kind == "image":
        attachment = Attachment("image", payload["PicUrl"] or payload["MediaId"])
    elif kind in ("video", "shortvideo"):
        attachment = Attachment("video", payload["MediaId"])
    elif kind == "location":
        attachment = Attachment("location", f"{payload['Location_X']},{payload['Location_Y']}", payload["Label"])
    elif kind == "file":
        attachment = Attachment("file", payload["MediaId"] or payload["FileKey"], payload["Title"])
    elif kind == "link":
        text = "\n".join(filter(None, (payload["Title"], payload["Description"])))
        attachment = Attachment("link", payload["Url"], payload["Title"])
    elif kind != "text":
        text, attachment = "", Attachment("other", payload["MediaId"], kind[:40])
    tapped = kind == "text" and bool(payload["bizmsgmenuid"])
    return Question(_number(payload), address_of(payload), text, attachments=(attachment,) if attachment else (), tap=tapped)


def _event(payload: Payload, titles: Mapping[str, str]) -> Question | None:
    name, key = payload["Event"].lower(), payload["EventKey"]
    if name in ("subscribe", "scan"):
        # A QR code may carry an intent as its scene: whoever scans it is answered at once.
        scene = key.removeprefix(_SCENE)
        if scene.startswith(INTENT):
            return Question(_number(payload), address_of(payload), titles.get(scene, scene.removeprefix(INTENT)), choice=scene, tap=True)
        return Question(_number(payload), address_of(payload), _FOLLOWED, choice=START, tap=True) if name == "subscribe" else None
    if name == "click":
        # An entry of an older menu, which some phones still show, is understood by its words.
        choice = key if key.startswith(INTENT) else ""
        return Question(_number(payload), address_of(payload), titles.get(key, key.removeprefix(INTENT)), choice=choice, tap=True)
    return None


def _number(payload: Payload) -> str:
    """The number under which a repetition is recognised."""
    user = payload["FromUserName"]
    if payload["MsgId"] and payload["MsgType"].lower() != "event":
        return f"{user} {payload['MsgId'][:64]}"
    told = "\0".join(payload[name] for name in ("CreateTime", "MsgType", "Event", "EventKey", "Content", "MediaId"))
    return f"{user} event {hashlib.sha256(told.encode()).hexdigest()[:32]}"
