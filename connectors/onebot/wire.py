"""Actions and their answers: over a connection, matched by echo, or over an implementation's HTTP API.

Protocol: botuniverse/onebot-11, communication/ws-reverse and communication/http. An answer is judged by its `status`
alone: implementations disagree about what `retcode` says, and some put 200 there for a failure.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from connectors.onebot.events import opened
from connectors.onebot.segments import Unreadable

_NEVER = frozenset({1400, 1404, 400, 404, 406})  # the action, or what it was given, is not understood: no later try helps
_MOST_WAITING = 1000
_counter = itertools.count(1)

Answer = asyncio.Future[dict[str, Any]]


class CallError(Exception):
    """An action that did not succeed."""


class Gone(CallError):
    """The connection ended, or there is none: whether the action was carried out is not known, or it surely was not."""


class Unanswered(CallError):
    """No answer came in time; `answer` may still come."""

    def __init__(self, action: str, answer: Answer | None) -> None:
        self.answer = answer
        super().__init__(f"{action}: no answer came in time")


class Failed(CallError):
    """The implementation says no. `never`: it always will."""

    def __init__(self, action: str, retcode: int, words: str) -> None:
        self.never = retcode in _NEVER
        super().__init__(f"{action}: retcode {retcode} {words}".rstrip())


class Wire:
    """One connection of an account. `send` writes a frame; `online` is what the last heartbeat said."""

    def __init__(self, send: Callable[[str], Awaitable[object]], account: str, role: str) -> None:
        self._send, self.account, self.role = send, account, role
        self.online, self.interval = True, 0.0
        self._waiting: dict[str, Answer] = {}

    async def call(self, action: str, params: Mapping[str, Any], patience: float) -> dict[str, Any]:
        """Have an action carried out; the `data` of its answer. Raises Gone, Unanswered, Failed."""
        echo, answer = f"refdesk-{next(_counter)}", asyncio.get_running_loop().create_future()
        self._waiting[echo] = answer
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        try:
            async with asyncio.timeout(patience):  # a peer that does not read must not hold up who writes
                await self._send(json.dumps({"action": action, "params": params, "echo": echo}, ensure_ascii=False))
        except TimeoutError:
            raise Unanswered(action, answer) from None
        except Exception as error:  # whatever ended the connection, it ended
            self._waiting.pop(echo, None)
            raise Gone(f"{action}: the connection is gone ({type(error).__name__})") from error
        done, _ = await asyncio.wait((answer,), timeout=patience)
        if not done:
            raise Unanswered(action, answer)
        return judged(action, answer.result())

    def answered(self, frame: Mapping[str, Any]) -> bool:
        """Give an answer to who waits for it, or waited; False when nobody ever asked."""
        answer = self._waiting.pop(str(frame.get("echo")), None)
        if answer is not None and not answer.done():
            answer.set_result(dict(frame))
        return answer is not None

    def gone(self) -> None:
        """The connection ended: nobody is answered any more."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Gone("the connection ended before the answer came"))
                answer.exception()  # seen, also where nobody waits any more
        self._waiting.clear()


class Http:
    """The HTTP API of an implementation."""

    def __init__(self, base: str, token: str) -> None:
        self._base, self._token = base, token

    async def call(self, action: str, params: Mapping[str, Any], patience: float) -> dict[str, Any]:
        """As Wire.call."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        content = json.dumps(params, ensure_ascii=False).encode("utf-8", "replace")
        try:
            async with httpx.AsyncClient(timeout=patience, trust_env=False) as client:
                response = await client.post(f"{self._base}/{action}", content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Gone(f"{action}: the HTTP API cannot be reached ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Unanswered(action, None) from error
        if response.status_code in (401, 403):
            raise Gone(f"{action}: the HTTP API does not take the access token (HTTP {response.status_code})")
        if response.status_code != 200:
            raise Failed(action, response.status_code, "")
        try:
            return judged(action, opened(response.content))
        except Unreadable as error:
            raise Unanswered(action, None) from error


def judged(action: str, frame: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` of an answer; Failed when its status says so."""
    data = frame.get("data")
    if frame.get("status") not in ("ok", "async"):
        retcode = frame.get("retcode")
        words = frame.get("wording") or frame.get("message") or frame.get("msg") or ""
        raise Failed(action, retcode if isinstance(retcode, int) else 0, str(words)[:300])
    return data if isinstance(data, dict) else {}
