"""WeCom's side, played on loopback by the rules of its documentation, which it enforces."""

import itertools
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from connectors.shared.envelope import Key, signature
from tests.connectors.loopback import Asked, Platform, Told

CORP, SECRET, TOKEN, ACCOUNT = "ww1234567890abcdef", "corp-secret", "kfToken2026", "wkAAAAAAAAAA"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
MOVES = {0: {1, 2, 3}, 1: {2, 3}, 2: {3}, 3: {3, 4}, 4: set()}
KEY = Key.from_setting(AES_KEY, CORP)
OK = {"errcode": 0, "errmsg": "ok"}


def doorbell(account: str = ACCOUNT, token: str = "ENCtokenABC123") -> bytes:
    """What a callback holds."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><CreateTime>1767225600</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[{token}]]></Token><OpenKfId><![CDATA[{account}]]></OpenKfId></xml>"
    ).encode()


def sealed(message: bytes, key: Key = KEY) -> tuple[dict[str, str], bytes]:
    """The query and the body of a callback."""
    encrypted = key.seal(message).decode()
    query = {"timestamp": "1767225602", "nonce": "1597212914"}
    query["msg_signature"] = signature(TOKEN, query["timestamp"], query["nonce"], encrypted)
    body = f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID>0</AgentID></xml>"
    return query, body.encode()


class Wecom:
    """Accounts, customers, states and quotas. `broken` lists every rule that a caller has broken."""

    def __init__(self, page: int = 100) -> None:
        self.platform = Platform(self.answer)
        self.page = page
        self.log: list[dict[str, Any]] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.on_event: list[dict[str, Any]] = []
        self.states: dict[str, int] = {}
        self.servicers: dict[str, str] = {}
        self.left: dict[str, int] = {}
        self.codes: set[str] = set()
        self.tokens, self.good = 0, ""
        self.faults: list[tuple[str, Told | dict[str, Any] | Callable[[Asked], Any]]] = []
        self.broken: list[str] = []
        self._msgids: set[str] = set()
        self._numbers, self._lock = itertools.count(1), threading.RLock()

    # --- what happens to customers ---

    def says(self, user: str, content: str = "", number: str = "", *, kind: str = "text", **fields: Any) -> str:
        """A customer sends something; returns its msgid."""
        data = {"content": content, **fields} if kind == "text" else fields
        with self._lock:
            if self.states.get(user, 4) == 4:
                self.states[user] = 0
            self.left[user] = 5
            return self._add({"external_userid": user, "open_kfid": ACCOUNT, "origin": 3, "msgtype": kind, kind: data}, number)

    def happens(self, user: str, event: str, number: str = "", **fields: Any) -> str:
        """An event; returns its msgid."""
        data = {"event_type": event, "open_kfid": ACCOUNT, "external_userid": user, **fields}
        with self._lock:
            self.codes |= {fields[name] for name in ("welcome_code", "msg_code") if name in fields}
            return self._add({"origin": 4, "msgtype": "event", "event": data}, number)

    def replies(self, user: str, content: str = "", number: str = "", *, kind: str = "text", agent: str = "li", **fields: Any) -> str:
        """One of the enterprise's agents answers in the client; returns the msgid."""
        data = {"content": content, **fields} if kind == "text" else fields
        entry = {"external_userid": user, "open_kfid": ACCOUNT, "origin": 5, "servicer_userid": agent, "msgtype": kind, kind: data}
        with self._lock:
            return self._add(entry, number)

    def _add(self, entry: dict[str, Any], number: str) -> str:
        msgid = number or f"msg-{next(self._numbers)}"
        self.log.append({"msgid": msgid, "send_time": int(time.time()), **entry})
        return msgid

    def fail(self, path: str, *answers: Told | dict[str, Any] | Callable[[Asked], Any]) -> None:
        """The next calls of a path are answered like this."""
        self.faults += [(path, answer) for answer in answers]

    def ring(self, client: httpx.Client, account: str = ACCOUNT) -> httpx.Response:
        """The callback."""
        query, body = sealed(doorbell(account))
        return client.post("/webhooks/wecom", params=query, content=body)

    @property
    def cursor(self) -> str:
        """Where somebody is who has everything."""
        return f"c{len(self.log)}"

    # --- the API ---

    def answer(self, asked: Asked) -> Told | dict[str, Any]:
        """One call."""
        name = asked.path.removeprefix("/cgi-bin/")
        with self._lock:
            fault = next((each for each in self.faults if each[0] == name), None)
            if fault:
                self.faults.remove(fault)
        if fault:
            told: Any = fault[1](asked) if callable(fault[1]) else fault[1]
            if told is not None:
                return told
        with self._lock:
            if name == "gettoken":
                if asked.query != {"corpid": CORP, "corpsecret": SECRET}:
                    return {"errcode": 40001, "errmsg": "invalid credential"}
                self.tokens += 1
                self.good = f"T{self.tokens}"
                return {**OK, "access_token": self.good, "expires_in": 7200}
            if asked.query.get("access_token") != self.good:
                return {"errcode": 42001, "errmsg": "access_token expired"}
            return {
                "kf/sync_msg": self._sync,
                "kf/send_msg": self._send,
                "kf/send_msg_on_event": self._send_on_event,
                "kf/service_state/get": self._state,
                "kf/service_state/trans": self._trans,
            }[name](asked.body)

    def _sync(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["limit"] <= 1000
        assert len(body["cursor"].encode()) <= 64
        start = int(body["cursor"][1:] or 0) if body["cursor"] else 0
        entries = self.log[start : start + self.page]
        end = start + len(entries)
        return {**OK, "next_cursor": f"c{end}", "has_more": int(end < len(self.log)), "msg_list": entries}

    def _refuse(self, errcode: int, errmsg: str) -> dict[str, Any]:
        self.broken.append(f"{errcode} {errmsg}")
        return {"errcode": errcode, "errmsg": errmsg}

    def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        user, msgid = body["touser"], body.get("msgid", "")
        if not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", msgid):
            return self._refuse(40058, "invalid msgid")
        if msgid in self._msgids:
            return {"errcode": 40058, "errmsg": "msgid already exists"}
        if self.states.get(user, 4) not in (0, 1):
            return self._refuse(95018, "session status invalid")
        if self.left.get(user, 0) <= 0:
            return self._refuse(95001, "send msg count limit")
        if fault := self._content(body):
            return self._refuse(40033, fault)
        self.left[user] -= 1
        self._msgids.add(msgid)
        self.sent.append((user, body))
        return {**OK, "msgid": msgid}

    def _content(self, body: dict[str, Any]) -> str:
        if body["msgtype"] == "text":
            return "" if 0 < len(body["text"]["content"].encode()) <= 2048 else "text content too long"
        shown = body["msgmenu"]
        items = [item["click"] for item in shown["list"]]
        fits = len(shown["head_content"].encode()) <= 1024 and 0 < len(items) <= 10
        fits = fits and all(len(item["id"].encode()) <= 64 and len(item["content"].encode()) <= 128 for item in items)
        return "" if fits else "menu too long"

    def _send_on_event(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["code"] not in self.codes:
            return self._refuse(40058, "invalid code")
        self.codes.discard(body["code"])
        self.on_event.append(body)
        return {**OK, "msgid": body["msgid"]}

    def _state(self, body: dict[str, Any]) -> dict[str, Any]:
        return {**OK, "service_state": self.states.get(body["external_userid"], 4)}

    def _trans(self, body: dict[str, Any]) -> dict[str, Any]:
        user, new = body["external_userid"], body["service_state"]
        if new not in MOVES[self.states.get(user, 4)]:
            return self._refuse(95018, "session status invalid")
        if new == 3 and not body.get("servicer_userid"):
            return self._refuse(40058, "servicer_userid missing")
        self.states[user] = new
        self.servicers[user] = body.get("servicer_userid", "")
        return {**OK, "msg_code": "pool-code"}

    # --- what customers see ---

    def shown(self, user: str) -> list[str]:
        """Messages as text, in order."""
        return [words(body) for to, body in self.sent if to == user]


def words(body: dict[str, Any]) -> str:
    """A message as it is read."""
    if body["msgtype"] == "text":
        return str(body["text"]["content"])
    shown = body["msgmenu"]
    return "\n".join([shown["head_content"], *(item["click"]["content"] for item in shown["list"])])
