"""Plays the platform against a server: signs events with the bot's key and brings them, again if it is told to.

It shares the key with the connector, as the platform does, and nothing of the connector's reading of events.
"""

import itertools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from connectors.qq.signature import Key
from connectors.qq.standin import Rules

PATH: Final = "/webhooks/qq"
FRIEND: Final = "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"
MEMBER: Final = "E4F4AEA33253A2797FB897C50B81D7ED"
GROUP: Final = "C9F778FE6ADF9D1D1DBE395BF744A33A"
GUILD, CHANNEL, PERSON = "18700000000001", "100010", "9859283702500083161"


@dataclass
class Player:
    """The platform of one bot. `client` knows the server's address; what it brings is known to `rules` from then on."""

    client: httpx.Client
    rules: Rules
    last: dict[str, Any] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(secrets.randbelow(10**9) + 10**9))

    # --- what people do ---

    def says(self, text: str, user: str = FRIEND, number: str = "", **more: Any) -> httpx.Response:
        """A friend writes."""
        return self.bring("C2C_MESSAGE_CREATE", {**self._message(number), "author": {"user_openid": user}, "content": text, **more})

    def mentions(self, text: str, user: str = MEMBER, group: str = GROUP, number: str = "", **more: Any) -> httpx.Response:
        """A member of a group writes to the bot."""
        said = {**self._message(number), "author": {"member_openid": user}, "group_openid": group, "content": f" {text}"}
        return self.bring("GROUP_AT_MESSAGE_CREATE", {**said, **more})

    def chats(self, text: str, user: str = MEMBER, group: str = GROUP, number: str = "", **more: Any) -> httpx.Response:
        """A member of a group writes to the others."""
        said = {**self._message(number), "author": {"member_openid": user}, "group_openid": group, "content": text}
        return self.bring("GROUP_MESSAGE_CREATE", {**said, **more})

    def posts(self, text: str, user: str = PERSON, number: str = "", *, channel: str = CHANNEL, guild: str = GUILD) -> httpx.Response:
        """Somebody writes to the bot in a channel of a guild."""
        said = {**self._message(number), "author": {"id": user, "bot": False}, "channel_id": channel, "guild_id": guild}
        return self.bring("AT_MESSAGE_CREATE", {**said, "content": f"<@!123456> {_escaped(text)}"})

    def whispers(self, text: str, user: str = PERSON, number: str = "", *, guild: str = GUILD) -> httpx.Response:
        """Somebody writes to the bot privately in a guild."""
        said = {**self._message(number), "author": {"id": user, "bot": False}, "channel_id": "2", "guild_id": guild}
        return self.bring("DIRECT_MESSAGE_CREATE", {**said, "content": _escaped(text)})

    def presses(self, data: str, user: str = FRIEND, group: str = "", number: str = "") -> httpx.Response:
        """Somebody presses a button."""
        who = {"group_openid": group, "group_member_openid": user, "chat_type": 1} if group else {"user_openid": user, "chat_type": 2}
        pressed = {"type": 11, "resolved": {"button_data": data, "button_id": "1"}}
        scene = "group" if group else "c2c"
        return self.bring(
            "INTERACTION_CREATE", {"id": number or f"i-{next(self._numbers)}", "type": 11, "scene": scene, **who, "data": pressed}
        )

    def turns(self, kind: str, who: str = FRIEND, at: int = 0, number: str = "") -> httpx.Response:
        """Somebody lets the bot in or keeps it out: FRIEND_ADD, GROUP_MSG_REJECT and the like."""
        told = {"group_openid": who, "op_member_openid": MEMBER} if kind.startswith("GROUP_") else {"openid": who}
        return self.bring(kind, {**told, "timestamp": at or int(time.time())}, number)

    def _message(self, number: str) -> dict[str, Any]:
        return {"id": number or f"ROBOT1.0_{next(self._numbers)}", "timestamp": "2026-01-01T08:00:00+08:00", "message_type": 0}

    # --- how it reaches the server ---

    def bring(self, kind: str, data: Mapping[str, Any], number: str = "") -> httpx.Response:
        """An event of this kind."""
        number = number or f"{kind}:{secrets.token_hex(12)}"
        self.last = {"id": number, "op": 0, "s": 1, "t": kind, "d": dict(data)}
        self.rules.knows(number)
        self.rules.knows(str(data.get("id", "")))
        return self.post(self.last)

    def again(self) -> httpx.Response:
        """The last event once more, as when no acknowledgement was heard."""
        return self.post(self.last)

    def post(self, payload: Mapping[str, Any], **headers: str) -> httpx.Response:
        """A payload, signed now."""
        return self.put(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass"), **headers)

    def put(self, body: bytes, stamp: str = "", signature: str = "", **headers: str) -> httpx.Response:
        """A body, signed at `stamp`, or with another signature than its own."""
        stamp = stamp or str(int(time.time()))
        head = {
            "User-Agent": "QQBot-Callback", "Content-Type": "application/json", "X-Bot-Appid": self.rules.app_id,
            "X-Signature-Ed25519": signature or Key(self.rules.secret).sign(stamp, body),
            "X-Signature-Timestamp": stamp, "X-Signature-Method": "Ed25519",
        }  # fmt: skip
        return self.client.post(PATH, content=body, headers={**head, **headers})

    def validates(self, token: str = "Arq0D5A61EgUu4OxUvOp", stamp: str = "1725442341") -> str:
        """The console's check of the address; the signature that came back, '' when it was refused."""
        body = {"op": 13, "d": {"plain_token": token, "event_ts": stamp}}
        answer = self.client.post(PATH, json=body, headers={"X-Bot-Appid": self.rules.app_id})
        return str(answer.json().get("signature", "")) if answer.status_code == 200 else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
