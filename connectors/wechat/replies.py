"""Replies as the platform takes them: pages of text, cards, menus.

Protocol: "被动回复用户消息" (text, news) and doc/service/api/customer/message/api_sendcustommessage (text, msgmenu). The
platform names no limit for a passive text; 2048 bytes of UTF-8 is what works, beyond it readers see a failure notice.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bot.messages import Reply, ReplyKind

MOST_BYTES: Final = 2048
_CARD_CHARACTERS: Final = 120
_MENU_ENTRIES: Final = 10
_FIRST_MENU_ID: Final = 101
_END = re.compile(r"[。！？!?;；\n]|\. ")


@dataclass(frozen=True, slots=True)
class Page:
    """What one message of an asker, `by`, was answered with, and what is left of it for "更多"."""

    by: str
    text: str
    rest: str = ""

    def stored(self) -> str:
        """As a connector's note."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def restored(cls, note: str) -> "Page | None":
        """From a note; None when there is none."""
        return cls(**json.loads(note)) if note else None


def page(by: str, text: str, hint: str) -> Page:
    """As much of a text as one message takes, cut after a sentence; with the hint when something is left."""
    if len(text.encode()) <= MOST_BYTES:
        return Page(by, text)
    fitting = text.encode()[: MOST_BYTES - len(hint.encode()) - 1].decode("utf-8", "ignore")
    ends = [match.end() for match in _END.finditer(fitting)]
    at = ends[-1] if ends and ends[-1] > len(fitting) // 3 else len(fitting)
    rest = text[at:].lstrip()
    return Page(by, f"{fitting[:at].rstrip()}\n{hint}", rest) if rest else Page(by, fitting[:at].rstrip())


def passive(to: str, sender: str, at: int, content: dict[str, Any]) -> dict[str, Any]:
    """A passive reply, its fields in the documented order."""
    return {"ToUserName": to, "FromUserName": sender, "CreateTime": at, **content}


def text(content: str) -> dict[str, Any]:
    """A text."""
    return {"MsgType": "text", "Content": content}


def card(replies: Sequence[Reply]) -> dict[str, Any] | None:
    """One short answer with one link, as a card; None when it is anything else."""
    if len(replies) != 1 or replies[0].kind is not ReplyKind.ANSWER or replies[0].choices:
        return None
    (reply,) = replies
    if len(reply.links) != 1 or len(reply.text) > _CARD_CHARACTERS or not reply.links[0].url.startswith(("https://", "http://")):
        return None
    article = {"Title": reply.links[0].title, "Description": reply.text.rstrip(), "PicUrl": "", "Url": reply.links[0].url}
    return {"MsgType": "news", "ArticleCount": 1, "Articles": [article]}


def menu_fits(replies: Sequence[Reply]) -> bool:
    """Whether the choices of these replies can be shown as a menu to tap."""
    return len(replies) == 1 and 0 < len(replies[0].choices) <= _MENU_ENTRIES


def pushed_text(user: str, content: str) -> dict[str, Any]:
    """A customer-service message with text."""
    return {"touser": user, "msgtype": "text", "text": {"content": content}}


def pushed_menu(user: str, reply: Reply) -> dict[str, Any]:
    """A customer-service message with choices to tap; a tap sends the title as text, which every channel understands."""
    entries = [{"id": str(_FIRST_MENU_ID + number), "content": choice.title} for number, choice in enumerate(reply.choices)]
    head = "\n".join([reply.text.rstrip(), *(f"{link.title}: {link.url}" for link in reply.links)])
    return {"touser": user, "msgtype": "msgmenu", "msgmenu": {"head_content": head, "list": entries, "tail_content": ""}}
