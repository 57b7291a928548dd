"""Replies as the sending API takes them: where to, hung on what, as text, or as markdown with buttons.

Protocol: bot.q.qq.com/wiki/develop/api-v2, server-inter/message and autogen/api. Friends and groups take `msg_type` 0 (text)
and 2 (markdown) with a `msg_seq`; guilds have an older shape without either. `msg_id` names the message that is replied to,
`event_id` the event; with neither, the message answers nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from bot.connector import Delivery
from bot.messages import Address, Choice
from connectors.qq.events import CHANNEL, DIRECT, EVENT, GROUP

_LABEL: Final = 10
_ROWS: Final = 5
_IN_A_ROW: Final = 5
_MARKS: Final = re.compile(r"([\\`*_~#>\[\]|])")
_END = re.compile(r"[。！？!?;；\n]|\. ")


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages to an address go; `room` where others read along, `guild` for the older shape."""

    path: str
    room: bool = False
    guild: bool = False


def target(address: Address) -> Target:
    """By the room and the user; see events.py for how they are written."""
    if address.room.startswith(GROUP):
        return Target(f"/v2/groups/{safe(address.room.removeprefix(GROUP))}/messages", room=True)
    if address.room.startswith(CHANNEL):
        return Target(f"/channels/{safe(address.room.removeprefix(CHANNEL))}/messages", room=True, guild=True)
    if address.user.startswith(DIRECT):
        return Target(f"/dms/{safe(address.user.split(':')[1])}/messages", guild=True)
    return Target(f"/v2/users/{safe(address.user)}/messages")


def safe(part: str) -> str:
    """An id as one part of an address."""
    return quote(part, safe="")


def hook(delivery: Delivery) -> dict[str, str]:
    """What a message is a reply to."""
    if delivery.hook.startswith(EVENT):
        return {"event_id": delivery.hook.removeprefix(EVENT)}
    return {"msg_id": delivery.hook} if delivery.hook else {}


def text(where: Target, delivery: Delivery, content: str) -> dict[str, Any]:
    """A text."""
    if where.guild:  # where < > & begin mentions and the like
        return {"content": content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), **hook(delivery)}
    return {"msg_type": 0, "content": content, **_numbered(delivery)}


def markdown(delivery: Delivery, content: str, choices: Sequence[Choice]) -> dict[str, Any]:
    """Markdown that shows the text as it is, with a button for each choice. In a group only the asker can press them."""
    shown = _MARKS.sub(r"\\\1", content).replace("\n", "\n\n")
    only = delivery.address.user if delivery.address.room else ""
    return {"msg_type": 2, "markdown": {"content": shown}, "keyboard": keyboard(choices, only), **_numbered(delivery)}


def _numbered(delivery: Delivery) -> dict[str, Any]:
    found = hook(delivery)
    return {**found, "msg_seq": delivery.number} if found else {}


def fits(choices: Sequence[Choice]) -> bool:
    """Whether there is a button for each."""
    return 0 < len(choices) <= _ROWS * _IN_A_ROW


def keyboard(choices: Sequence[Choice], only: str = "") -> dict[str, Any]:
    """Buttons below a message, one a row as long as there are rows; `only` this member may press them."""
    width = -(-len(choices) // _ROWS)
    buttons = [_button(number, choice, only) for number, choice in enumerate(choices, 1)]
    return {"content": {"rows": [{"buttons": buttons[at : at + width]} for at in range(0, len(buttons), width)]}}


def _button(number: int, choice: Choice, only: str) -> Mapping[str, Any]:
    label = f"{choice.key} {choice.title}"
    label = label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"
    may_press = {"type": 0, "specify_user_ids": [only]} if only else {"type": 2}
    # What comes back with a press: its value, and its title for the exchange as librarians read it.
    action = {"type": 1, "permission": may_press, "data": f"{choice.value}|{choice.title}", "unsupport_tips": choice.key}
    return {"id": str(number), "render_data": {"label": label, "visited_label": label, "style": 1}, "action": action}


def beginning(content: str, most: int) -> str:
    """The first `most` bytes of a text, up to the end of a sentence."""
    fitting = content.encode()[:most].decode("utf-8", "ignore")
    ends = [match.end() for match in _END.finditer(fitting)]
    return fitting[: ends[-1] if ends and ends[-1] > len(fitting) // 3 else len(fitting)].rstrip()
