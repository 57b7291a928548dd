"""Stands in for the platform's API: gives tokens, takes messages, and refuses what the platform would refuse.

Protocol: as in calls.py and sending.py. The rules are written down here a second time, from the documents and not from our
sending side, so that a mistake there is refused here: numbers of a message are used once, replies are counted, a message
must be known, links must be registered, markdown allowed, and the token good.
"""

import itertools
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from connectors.shared.local import LocalServer, QuietHandler

_SEND: Final = re.compile(r"/v2/(users|groups)/([^/]+)/messages|/(channels|dms)/([^/]+)/messages")
_INTERACTION: Final = re.compile(r"/interactions/([^/]+)")
_ADDRESS: Final = re.compile(r"https?://([a-z0-9.-]+)", re.IGNORECASE)
MOST_REPLIES: Final = {"users": 4, "groups": 5, "channels": 5, "dms": 5}
Answer = tuple[int, dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was taken: `place` is users, groups, channels or dms, `to` the id there, `hook` what it replies to."""

    place: str
    to: str
    hook: str
    number: int
    text: str
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    authorization: str
    body: Any


@dataclass
class Rules:
    """One bot at the platform. `planned` answers come before the rules, one a message; `expired` messages take no reply.

    `links` are the registered domains, `markdown` and `unprompted` what the bot may do, `longest` characters of a message."""

    app_id: str
    secret: str
    links: frozenset[str] = frozenset()
    markdown: bool = False
    unprompted: bool = False
    longest: int = 4000
    planned: list[Answer | Callable[[Call], Answer]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    tokens: int = 0
    gateway: str = ""
    _token: str = ""
    _known: set[str] = field(default_factory=set)
    _used: dict[str, set[int]] = field(default_factory=dict)
    _lock: "threading.RLock" = field(default_factory=threading.RLock)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def knows(self, hook: str) -> None:
        """From now on this message or event can be replied to."""
        with self._lock:
            self._known.add(hook)

    def end_token(self) -> None:
        """The token that was given out is not good any more."""
        self._token = ""

    def to(self, user: str) -> list[Sent]:
        """What was sent to a user, group, channel or guild."""
        return [each for each in self.sent if each.to == user]

    def answer(self, call: Call) -> Answer:
        """One call."""
        with self._lock:
            self.calls.append(call)
            if call.path == "/app/getAppAccessToken":
                return self._give_token(call.body)
            if call.authorization != f"QQBot {self._token}" or not self._token:
                return 401, {"err_code": 11244, "message": "token is expired", "trace_id": "t"}
            if call.path == "/gateway/bot":
                return 200, {"url": self.gateway, "shards": 1, "session_start_limit": {"total": 1000, "remaining": 999, "reset_after": 0}}
            if found := _INTERACTION.fullmatch(call.path):
                self.acknowledged.append(unquote(found[1]))
                return 204, None
            if found := _SEND.fullmatch(call.path):
                return self._take(call, found[1] or found[3], unquote(found[2] or found[4]))
            return 404, {"err_code": 11264, "message": "no such call"}

    def _give_token(self, body: Any) -> Answer:
        if body != {"appId": self.app_id, "clientSecret": self.secret}:
            return 200, {"code": 100016, "message": "invalid appid or secret"}
        self.tokens += 1
        self._token = self._token or secrets.token_hex(8)
        return 200, {"access_token": self._token, "expires_in": "7200"}

    def _take(self, call: Call, place: str, to: str) -> Answer:
        if self.planned:
            planned = self.planned.pop(0)
            return planned(call) if callable(planned) else planned
        body = call.body
        fault = self._fault(place, body)
        if fault:
            self.broken.append(f"{fault[0]} {fault[1]}")
            return 400, {"err_code": fault[0], "message": fault[1], "trace_id": "t"}
        hook, number = body.get("msg_id") or body.get("event_id") or "", body.get("msg_seq", 0)
        used = self._used.setdefault(hook, set())
        used.add(number or -len(used) - 1)
        buttons = tuple(
            (button["render_data"]["label"], button["action"]["data"])
            for row in body.get("keyboard", {}).get("content", {}).get("rows", ())
            for button in row["buttons"]
        )
        self.sent.append(Sent(place, to, hook, number, _words(body), buttons))
        return 200, {"id": f"ROBOT1.0_sent-{next(self._numbers)}", "timestamp": "2026-01-01T08:00:00+08:00"}

    def _fault(self, place: str, body: Any) -> tuple[int, str] | None:
        """Why a message is refused; None when it is not."""
        content = _words(body) if isinstance(body, Mapping) else ""
        if not content.strip():
            return 40034003, "no content"
        if "msg_id" in body and "event_id" in body:
            return 40034024, "msg_id and event_id"
        if place in ("users", "groups") and not _shaped(body):
            return 40034003, "not the shape of its msg_type"
        if body.get("msg_type") == 2 and not self.markdown:
            return 40034011, "no right to markdown"
        if len(content) > self.longest:
            return 40054007, "too long"
        hosts = {host.lower() for host in _ADDRESS.findall(content)}
        if any(not any(host == domain or host.endswith(f".{domain}") for domain in self.links) for host in hosts):
            return 40054010, "url not allowed"
        return self._misplaced(place, body)

    def _misplaced(self, place: str, body: Mapping[str, Any]) -> tuple[int, str] | None:
        hook = body.get("msg_id") or body.get("event_id") or ""
        if not hook:
            return None if self.unprompted else (40034105, "no right to send without msg_id")
        used = self._used.get(hook, set())
        if hook not in self._known:
            return 40034024, "invalid msg_id"
        if hook in self.expired:
            return 40034005, "msg expired"
        if place in ("users", "groups") and body.get("msg_seq", 1) in used:
            return 40054005, "msg_seq was used"
        if len(used) >= MOST_REPLIES[place]:
            return 40034128, "replied to often enough"
        return None


def _words(body: Mapping[str, Any]) -> str:
    """A message as it is read."""
    shown = body.get("markdown", {}).get("content", "") if body.get("msg_type") == 2 else body.get("content", "")
    if body.get("msg_type") == 2:
        shown = re.sub(r"\\([\\`*_~#>\[\]|])", r"\1", shown).replace("\n\n", "\n")
    return shown if isinstance(shown, str) else ""


def _shaped(body: Mapping[str, Any]) -> bool:
    """Text with content and nothing else, markdown without content and with at most 25 labelled buttons."""
    if body.get("msg_type") == 0:
        return "markdown" not in body and "keyboard" not in body
    rows = body.get("keyboard", {}).get("content", {}).get("rows", [])
    labels = [button["render_data"]["label"] for row in rows for button in row["buttons"]]
    fits = len(rows) <= 5 and all(len(row["buttons"]) <= 5 for row in rows) and all(0 < len(label) <= 10 for label in labels)
    return body.get("msg_type") == 2 and not body.get("content") and fits


class Standin(LocalServer):
    """The API over HTTP, at `port` of this machine; 0 is any free one."""

    def __init__(self, rules: Rules, port: int = 0) -> None:
        self.rules = rules

        class Handler(QuietHandler):
            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self.command, urlsplit(self.path).path, self.headers.get("Authorization", ""), json.loads(raw) if raw else None)
                status, answer = rules.answer(call)
                if not status:  # hang up without a word
                    return
                payload = json.dumps(answer).encode() if answer is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Tps-trace-ID", "trace-1")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = _serve

        super().__init__(Handler, port)
