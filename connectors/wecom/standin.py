"""Stands in for WeCom: customers who write and tap, agents, session states, quotas, and the API that Refdesk calls.

By the rules of developer.work.weixin.qq.com paths 94670, 94677, 94669 and 95122, which it enforces: `broken` lists every
rule that a caller has broken. It shares the envelope with the connector, and nothing of the connector's reading.
"""

import itertools
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from connectors.shared.envelope import Key, signature
from connectors.shared.local import LocalServer, QuietHandler

OK: Final = {"errcode": 0, "errmsg": "ok"}
QUOTA: Final = 5
_MOVES: Final = {0: {1, 2, 3}, 1: {2, 3}, 2: {3}, 3: {3, 4}, 4: set()}


@dataclass(frozen=True, slots=True)
class Enterprise:
    """What WeCom's console shows of one enterprise with one customer-service account."""

    corp: str
    secret: str
    token: str
    aes_key: str
    account: str

    def sealed(self, message: bytes, key: Key | None = None) -> tuple[dict[str, str], bytes]:
        """The query and the body of a callback; with another key than its own, if one is given."""
        encrypted = (key or Key.from_setting(self.aes_key, self.corp)).seal(message).decode()
        query = {"timestamp": str(int(time.time())), "nonce": "1597212914"}
        query["msg_signature"] = signature(self.token, query["timestamp"], query["nonce"], encrypted)
        body = f"<xml><ToUserName><![CDATA[{self.corp}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID>0</AgentID></xml>"
        return query, body.encode()

    def doorbell(self, account: str = "", token: str = "ENCtokenABC123") -> bytes:
        """What a callback holds."""
        head = (
            f"<xml><ToUserName><![CDATA[{self.corp}]]></ToUserName><CreateTime>1767225600</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        )
        event = f"<Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[{token}]]></Token>"
        return f"{head}{event}<OpenKfId><![CDATA[{account or self.account}]]></OpenKfId></xml>".encode()


class Rules:
    """One enterprise's side. `page` is how many messages one sync_msg brings, `run` begins every cursor of this one."""

    def __init__(self, enterprise: Enterprise, page: int = 100, run: str = "c") -> None:
        self.enterprise, self.page, self.run = enterprise, page, run
        self.log: list[dict[str, Any]] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.on_event: list[dict[str, Any]] = []
        self.states: dict[str, int] = {}
        self.servicers: dict[str, str] = {}
        self.left: dict[str, int] = {}
        self.codes: set[str] = set()
        self.tokens, self.good = 0, ""
        self.broken: list[str] = []
        self._msgids: set[str] = set()
        self._numbers, self.lock = itertools.count(1), threading.RLock()

    # --- what happens to customers ---

    def says(self, user: str, content: str = "", number: str = "", *, kind: str = "text", **fields: Any) -> str:
        """A customer sends something; returns its msgid."""
        with self.lock:
            if self.states.get(user, 4) == 4:
                self.states[user] = 0
            self.left[user] = QUOTA
            return self._add({"external_userid": user, "origin": 3, **_content(kind, content, fields)}, number)

    def replies(self, user: str, content: str = "", number: str = "", *, kind: str = "text", agent: str = "li", **fields: Any) -> str:
        """One of the enterprise's agents answers in the client; returns the msgid."""
        with self.lock:
            return self._add({"external_userid": user, "origin": 5, "servicer_userid": agent, **_content(kind, content, fields)}, number)

    def happens(self, user: str, event: str, number: str = "", **fields: Any) -> str:
        """An event; returns its msgid."""
        data = {"event_type": event, "open_kfid": self.enterprise.account, "external_userid": user, **fields}
        with self.lock:
            self.codes |= {fields[name] for name in ("welcome_code", "msg_code") if name in fields}
            return self._add({"origin": 4, "msgtype": "event", "event": data}, number)

    def _add(self, entry: dict[str, Any], number: str) -> str:
        msgid = number or f"{self.run}msg-{next(self._numbers)}"
        where = {} if entry["msgtype"] == "event" else {"open_kfid": self.enterprise.account}
        self.log.append({"msgid": msgid, "send_time": int(time.time()), **where, **entry})
        return msgid

    def ring(self, client: httpx.Client, account: str = "") -> httpx.Response:
        """The callback."""
        query, body = self.enterprise.sealed(self.enterprise.doorbell(account))
        return client.post("/webhooks/wecom", params=query, content=body)

    @property
    def cursor(self) -> str:
        """Where somebody is who has everything."""
        return f"{self.run}{len(self.log)}"

    # --- the API ---

    def call(self, name: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        """One call, by its path below /cgi-bin/."""
        with self.lock:
            if name == "gettoken":
                return self._token(query)
            if query.get("access_token") != self.good:
                return {"errcode": 42001, "errmsg": "access_token expired"}
            known = {
                "kf/sync_msg": self.sync,
                "kf/send_msg": self.send,
                "kf/send_msg_on_event": self._send_on_event,
                "kf/service_state/get": self._state,
                "kf/service_state/trans": self._trans,
            }
            return known[name](body) if name in known else {"errcode": 40066, "errmsg": "invalid url"}

    def _token(self, query: Mapping[str, str]) -> dict[str, Any]:
        if query != {"corpid": self.enterprise.corp, "corpsecret": self.enterprise.secret}:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        self.tokens += 1
        self.good = f"T{self.tokens}"
        return {**OK, "access_token": self.good, "expires_in": 7200}

    def sync(self, body: dict[str, Any]) -> dict[str, Any]:
        """sync_msg."""
        cursor = body["cursor"]
        if body["limit"] > 1000 or len(cursor.encode()) > 64:
            return self._refuse(40058, "invalid limit or cursor")
        came = re.fullmatch(re.escape(self.run) + r"(\d+)", cursor)  # a cursor of another run is none
        start = int(came[1]) if came else 0
        entries = self.log[start : start + self.page]
        end = start + len(entries)
        return {**OK, "next_cursor": f"{self.run}{end}", "has_more": int(end < len(self.log)), "msg_list": entries}

    def _refuse(self, errcode: int, errmsg: str) -> dict[str, Any]:
        self.broken.append(f"{errcode} {errmsg}")
        return {"errcode": errcode, "errmsg": errmsg}

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        """send_msg."""
        user, msgid = body["touser"], body.get("msgid", "")
        if not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", msgid):
            return self._refuse(40058, "invalid msgid")
        if msgid in self._msgids:
            return {"errcode": 40058, "errmsg": "msgid already exists"}
        if self.states.get(user, 4) not in (0, 1):
            return self._refuse(95018, "session status invalid")
        if self.left.get(user, 0) <= 0:
            return self._refuse(95001, "send msg count limit")
        if fault := _fault(body):
            return self._refuse(40033, fault)
        self.left[user] -= 1
        self._msgids.add(msgid)
        self.sent.append((user, body))
        return {**OK, "msgid": msgid}

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
        if new not in _MOVES[self.states.get(user, 4)]:
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


def _content(kind: str, content: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"msgtype": kind, kind: {"content": content, **fields} if kind == "text" else fields}


def _fault(body: dict[str, Any]) -> str:
    """What is wrong with the content of a message; '' for nothing."""
    if body["msgtype"] == "text":
        return "" if 0 < len(body["text"]["content"].encode()) <= 2048 else "text content too long"
    shown = body["msgmenu"]
    items = [item["click"] for item in shown["list"]]
    fits = len(shown["head_content"].encode()) <= 1024 and 0 < len(items) <= 10
    fits = fits and all(len(item["id"].encode()) <= 64 and len(item["content"].encode()) <= 128 for item in items)
    return "" if fits else "menu too long"


class Standin(LocalServer):
    """The API over HTTP, at `port` of this machine; 0 is any free one. `called` is set once somebody asks for a token."""

    def __init__(self, rules: Rules, port: int = 0) -> None:
        self.called = called = threading.Event()

        class Handler(QuietHandler):
            def _serve(self) -> None:
                address = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = dict(parse_qsl(address.query, keep_blank_values=True))
                answer = rules.call(address.path.removeprefix("/cgi-bin/"), query, json.loads(raw) if raw else None)
                payload = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
                called.set()

            do_GET = do_POST = _serve

        super().__init__(Handler, port)
