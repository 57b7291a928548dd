"""A reply as the action that shows it. Pure."""

from typing import Any

from bot.connector import Delivery
from bot.messages import Address
from connectors.onebot import segments
from connectors.onebot.events import asked_id
from connectors.onebot.segments import Segment


def pieces(delivery: Delivery, account: str) -> tuple[Segment, ...]:
    """What a reply consists of; in a group it mentions its asker, and its first part quotes them if this account heard them."""
    words = segments.text(delivery.reply.plain())
    if not delivery.address.room:
        return (words,)
    heard_by, message = asked_id(delivery.question)
    quoted = (segments.reply(message),) if message and heard_by == account and delivery.key.count("-") == 1 else ()
    return (*quoted, segments.at(delivery.address.user), segments.text(" "), words)


def action(address: Address, group: str, message: tuple[Segment, ...], *, as_string: bool) -> tuple[str, dict[str, Any]]:
    """The action and its params; somebody alone is written to by way of the `group` where they were heard."""
    written = segments.write(message, as_string=as_string)
    if address.room:
        return "send_group_msg", {"group_id": _numbered(address.room), "message": written}
    by = {"group_id": _numbered(group)} if group else {}
    return "send_private_msg", {"user_id": _numbered(address.user), **by, "message": written}


def _numbered(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 20 else text
