"""Plays an implementation against a server: one account that connects by WebSocket, or pushes signed POSTs.

It builds its events as NapCat does and reads what is asked of it by its own eyes: actions are remembered and answered.
"""

import hashlib
import hmac
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Frame = dict[str, Any]
Answering = Callable[[Frame], Frame | None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the account was asked to send: to a group or to somebody alone, with its pieces."""

    group: str
    user: str
    pieces: tuple[Mapping[str, Any], ...]
    message_id: int

    @property
    def text(self) -> str:
        """The words, without mentions and quotes."""
        return "".join(str(piece["data"]["text"]) for piece in self.pieces if piece["type"] == "text").lstrip(" ")

    @property
    def mentions(self) -> tuple[str, ...]:
        """Who is mentioned."""
        return tuple(str(piece["data"]["qq"]) for piece in self.pieces if piece["type"] == "at")

    @property
    def quotes(self) -> str:
        """The message that this one replies to; '' for none."""
        return next((str(piece["data"]["id"]) for piece in self.pieces if piece["type"] == "reply"), "")


class Player:
    """One account of an implementation. `answer` makes the answer to an action; None leaves it without one."""

    def __init__(self, url: str, token: str, *, account: int = 10001000, secret: str = "") -> None:
        self.url, self.token, self.account, self.secret = url.rstrip("/"), token, account, secret
        self.answer: Answering = self.agree
        self.actions: list[Frame] = []
        self.sent: list[Sent] = []
        self.news = threading.Condition()
        self._numbers = itertools.count(secrets.randbelow(2**30))
        self._stack = ExitStack()
        self._socket: ClientConnection | None = None
        self._reader: threading.Thread | None = None

    # --- the connection ---

    def connect(self, path: str = "/webhooks/onebot", **headers: str) -> "Player":
        """Connect as NapCat does, and say so; websockets.exceptions.InvalidStatus when the server refuses."""
        address = "ws" + self.url.removeprefix("http") + path
        given = {"Authorization": f"Bearer {self.token}", "X-Self-ID": str(self.account), "X-Client-Role": "Universal", **headers}
        shown = {name: value for name, value in given.items() if value}
        self._socket = self._stack.enter_context(connect(address, additional_headers=shown, open_timeout=10, proxy=None))
        self._reader = threading.Thread(target=self._read, args=(self._socket,), daemon=True)
        self._reader.start()
        self.event({"post_type": "meta_event", "meta_event_type": "lifecycle", "sub_type": "connect"})
        return self

    def close(self) -> None:
        """Hang up."""
        self._stack.close()
        if self._reader is not None:
            self._reader.join(5)

    def _read(self, socket: ClientConnection) -> None:
        try:
            for raw in socket:
                frame = json.loads(raw)
                answer = self.answer(frame)
                self.note(frame, answer)
                if answer is not None:
                    self.frame({**answer, "echo": frame.get("echo")})
        except ConnectionClosed:
            pass

    def note(self, frame: Frame, answer: Frame | None) -> None:
        """Remember an action, and the message that it shows when it is carried out."""
        params = frame.get("params", {})
        with self.news:
            self.actions.append(frame)
            if str(frame.get("action", "")).startswith("send_") and (answer or {}).get("status") != "failed":
                group, user = (str(params.get(name, "")) for name in ("group_id", "user_id"))
                in_group = frame["action"] == "send_group_msg"
                data = (answer or {}).get("data") or {}
                pieces = (
                    params["message"] if isinstance(params["message"], list) else [{"type": "text", "data": {"text": params["message"]}}]
                )
                self.sent.append(Sent(group if in_group else "", "" if in_group else user, tuple(pieces), data.get("message_id", 0)))
            self.news.notify_all()

    def agree(self, frame: Frame) -> Frame:
        """What an implementation answers to an action that it has carried out."""
        return {"status": "ok", "retcode": 0, "data": {"message_id": next(self._numbers)}, "message": "", "wording": ""}

    # --- what happens on the platform ---

    def frame(self, frame: Frame) -> None:
        """One frame."""
        assert self._socket is not None, "not connected"
        self._socket.send(json.dumps(frame, ensure_ascii=False))

    def event(self, fields: Frame) -> None:
        """One event by WebSocket."""
        self.frame(self.head(fields))

    def push(self, fields: Frame, *, signature: str | None = None) -> httpx.Response:
        """One event by HTTP POST, signed."""
        return self.put(json.dumps(self.head(fields), ensure_ascii=False).encode(), signature=signature)

    def put(self, body: bytes, *, signature: str | None = None) -> httpx.Response:
        """One POST with these bytes."""
        proper = "sha1=" + hmac.new(self.secret.encode(), body, hashlib.sha1).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Self-ID": str(self.account),
            "X-Signature": proper if signature is None else signature,
        }
        given = {name: value for name, value in headers.items() if value}
        return httpx.post(f"{self.url}/webhooks/onebot", content=body, headers=given, timeout=10, trust_env=False)

    def head(self, fields: Frame) -> Frame:
        """An event with what all of them have."""
        return {"time": int(time.time()), "self_id": self.account, **fields}

    def private(self, user: int, message: Any, number: int | None = None, **more: Any) -> Frame:
        """Somebody writes to the account alone."""
        return self._message(user, message, number, message_type="private", sub_type="friend", **more)

    def group(self, group: int, user: int, message: Any, number: int | None = None, **more: Any) -> Frame:
        """Somebody writes in a group."""
        return self._message(user, message, number, message_type="group", sub_type="normal", group_id=group, **more)

    def at(self, group: int, user: int, words: str, number: int | None = None) -> Frame:
        """Somebody speaks to the account in a group."""
        mention = {"type": "at", "data": {"qq": str(self.account)}}
        return self.group(group, user, [mention, {"type": "text", "data": {"text": f" {words}"}}], number)

    def _message(self, user: int, message: Any, number: int | None, **fields: Any) -> Frame:
        pieces = [{"type": "text", "data": {"text": message}}] if isinstance(message, str) else message
        sender = {"user_id": user, "nickname": f"读者{user}", "card": ""}
        return {
            "post_type": "message", **fields, "user_id": user, "message_id": next(self._numbers) if number is None else number,
            "message": pieces, "raw_message": "", "font": 14, "sender": sender, "message_format": "array",
        }  # fmt: skip
