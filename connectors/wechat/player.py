"""Plays the platform against a server: signs, seals, sends, asks again after no answer, opens what comes back.

It shares the envelope with the connector but not its reading of it: what comes back is judged as the platform would,
by the signature inside the reply, the receiver's id, and one complaint where readers would see a failure notice.
"""

import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree

import httpx

from connectors.shared.envelope import Key, check, signature
from connectors.wechat.payload import parse, render

PATIENCE: Final = 5.0
TRIES: Final = 3
ACCOUNT: Final = "gh_0123456789ab"


class Unavailable(Exception):
    """What readers are told as 该公众号提供的服务出现故障，请稍后再试; the message says what the platform got instead."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an asker sees: a text, or a card with title, description and address; '' for nothing."""

    text: str = ""
    articles: tuple[tuple[str, str, str], ...] = ()
    raw: bytes = b""


@dataclass
class Player:
    """One account's platform. `mode` is plain, compatible or safe; `client` knows the server's address."""

    client: httpx.Client
    token: str
    key: Key | None = None
    mode: str = "safe"
    json: bool = False
    tries: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(secrets.randbelow(10**15) + 10**16))

    # --- what followers do ---

    def check(self, echo: str = "4375120948345356249") -> str:
        """The console's check of the address; what came back, '' when it was refused."""
        stamp, nonce = _now(), secrets.token_hex(5)
        query = {"signature": signature(self.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}
        answer = self.client.get("/webhooks/wechat", params=query)
        return answer.text if answer.status_code == 200 else ""

    def text(self, user: str, content: str, number: str = "", **more: Any) -> Shown:
        """A text message."""
        return self.message(user, "text", number, Content=content, **more)

    def message(self, user: str, kind: str, number: str = "", /, **fields: Any) -> Shown:
        """A message of any kind."""
        return self.send({**self._head(user), "MsgType": kind, **fields, "MsgId": number or next(self._numbers)})

    def event(self, user: str, name: str, key: str = "", **more: Any) -> Shown:
        """An event."""
        return self.send({**self._head(user), "MsgType": "event", "Event": name, "EventKey": key, **more})

    def _head(self, user: str) -> dict[str, Any]:
        return {"ToUserName": ACCOUNT, "FromUserName": user, "CreateTime": int(_now())}

    # --- how it reaches the server ---

    def send(self, fields: Mapping[str, Any]) -> Shown:
        """Up to three times, each with a signature of its own, as long as nothing usable comes back."""
        why = ""
        for number in range(1, TRIES + 1):
            self.tries = number
            try:
                answer = self.post(fields)
            except httpx.TransportError as error:
                why = f"no answer: {type(error).__name__}"
                continue
            if answer.status_code == 200:
                return self.shown(answer)
            why = f"HTTP {answer.status_code}: {answer.text[:200]}"
        raise Unavailable(why)

    def post(self, fields: Mapping[str, Any]) -> httpx.Response:
        """One request."""
        return self.put(render(fields, as_json=self.json), fields)

    def put(self, message: bytes, fields: Mapping[str, Any] | None = None) -> httpx.Response:
        """One request with a message of these bytes."""
        stamp, nonce = _now(), secrets.token_hex(5)
        query = {"signature": signature(self.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
        body = message
        if self.mode != "plain" and self.key:
            sealed = self.key.seal(message).decode()
            query |= {"encrypt_type": "aes", "msg_signature": signature(self.token, stamp, nonce, sealed)}
            around = {**(fields or {})} if self.mode == "compatible" else {"ToUserName": ACCOUNT}
            body = render({**around, "Encrypt": sealed}, as_json=self.json)
        kind = "application/json" if self.json else "text/xml"
        return self.client.post("/webhooks/wechat", params=query, content=body, headers={"Content-Type": kind}, timeout=PATIENCE)

    def shown(self, answer: httpx.Response) -> Shown:
        """What the asker sees of an answer; Unavailable where the platform would not take it."""
        if answer.content in (b"", b"success"):
            return Shown(raw=answer.content)
        body = self._opened(answer.content)
        if len(parse(body)["Content"].encode()) > 2048:
            raise Unavailable("an answer of more than 2048 bytes")
        articles = () if self.json else _articles(body)
        return Shown(parse(body)["Content"], articles, body)

    def _opened(self, body: bytes) -> bytes:
        outer = parse(body)
        if self.mode == "plain" or not self.key:
            return body
        if not outer["Encrypt"] and self.mode == "compatible":
            return body
        check(outer["MsgSignature"], self.token, outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
        return self.key.open(outer["Encrypt"].encode())


def _articles(body: bytes) -> tuple[tuple[str, str, str], ...]:
    items = ElementTree.fromstring(body).findall("./Articles/item")
    return tuple((item.findtext("Title", ""), item.findtext("Description", ""), item.findtext("Url", "")) for item in items)


def _now() -> str:
    return str(int(time.time()))
