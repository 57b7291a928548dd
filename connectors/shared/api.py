"""One small client for the APIs of chat platforms: token, time-outs, retries, circuit breaker, plain errors.

Protocol: developers.weixin.qq.com "获取稳定版接口调用凭据" (POST /cgi-bin/stable_token) and developer.work.weixin.qq.com
path 91039 (GET /cgi-bin/gettoken). Both put the token into the query as `access_token` and both answer HTTP 200 with an
`errcode` when they refuse, so the verdict is always looked up in the JSON body; a body that is no JSON object is a failure.
Other platforms say such things in other ways: a Dialect tells how.
"""

import asyncio
import json
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import httpx

DEAD_TOKEN: Final = frozenset({40001, 40014, 42001})
"""The token of the call is not, or no longer, good: fetch another and try once more."""
TRIES: Final = 3
FIRST_PAUSE: Final = 0.2
"""Seconds before the second try; doubles with each, times a random half to whole."""
TIMEOUT: Final = httpx.Timeout(5.0, connect=3.0)
BREAK_AFTER: Final = 5
"""Failures in a row after which the platform is left alone for BREAK_FOR seconds."""
BREAK_FOR: Final = 30.0

# At INFO httpx writes whole addresses, and with them tokens and secrets.
logging.getLogger("httpx").setLevel(logging.WARNING)


class ApiError(Exception):
    """A call that did not succeed; `path` is the call, never with its secrets."""

    def __init__(self, path: str, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}")


class ApiFailed(ApiError):
    """No usable verdict came back: nothing, HTML, a 500, a time-out. `perhaps_done` when it may have been carried out."""

    def __init__(self, path: str, why: str, *, perhaps_done: bool = False) -> None:
        self.perhaps_done = perhaps_done
        super().__init__(path, why)


class ApiRefused(ApiError):
    """The platform answered with an errcode; `errmsg` is its own wording."""

    def __init__(self, path: str, errcode: int, errmsg: str) -> None:
        self.errcode, self.errmsg = errcode, errmsg
        super().__init__(path, f"errcode {errcode} {errmsg}".rstrip())


@dataclass(frozen=True, slots=True, repr=False)
class TokenCall:
    """How a token is fetched. `forced` is the body to send when the platform hands out the very token it refuses."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    forced: Mapping[str, Any] | None = None


def stable_token(app_id: str, secret: str) -> TokenCall:
    """WeChat: the same token for every caller; forcing another one is allowed 20 times a day."""
    body = {"grant_type": "client_credential", "appid": app_id, "secret": secret, "force_refresh": False}
    return TokenCall("/cgi-bin/stable_token", body=body, forced={**body, "force_refresh": True})


def gettoken(corp_id: str, secret: str) -> TokenCall:
    """WeCom."""
    return TokenCall("/cgi-bin/gettoken", query={"corpid": corp_id, "corpsecret": secret})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a platform takes its token and says no.

    `codes` and `words` are the fields of a verdict, the first one present counts. A code in `dead_token` asks for another
    token, one in `busy` for another try. `margin` is how many seconds before its end a token is replaced: the platform
    renews it in these, and both are good. The token goes into the query, or as `authorization` with this word before it.
    `unauthorized` is whether HTTP 401 alone is a verdict as well, `empty` whether a success may have no body, `trace`
    the header with the number under which the platform finds a call again.
    """

    codes: tuple[str, ...] = ("errcode",)
    words: tuple[str, ...] = ("errmsg",)
    dead_token: frozenset[int] = DEAD_TOKEN
    busy: frozenset[int] = frozenset({-1})
    margin: float = 300
    authorization: str = ""
    unauthorized: bool = False
    empty: bool = False
    trace: str = ""


WEIXIN: Final = Dialect()
"""WeChat and WeCom."""


@dataclass(slots=True)
class Breaker:
    """Leaves a platform alone that failed BREAK_AFTER times in a row; then one call at a time tries again."""

    clock: Callable[[], float]
    failures: int = 0
    shut_until: float = 0.0

    def admits(self) -> bool:
        """Whether a call may go out now; a trial call keeps others out until it has ended or as long again."""
        if self.failures < BREAK_AFTER:
            return True
        if self.clock() < self.shut_until:
            return False
        self.shut_until = self.clock() + BREAK_FOR
        return True

    def note(self, *, good: bool) -> None:
        """The end of a call."""
        self.failures = 0 if good else self.failures + 1
        if self.failures >= BREAK_AFTER:
            self.shut_until = self.clock() + BREAK_FOR


class Api:
    """Calls of one account at one platform. `opened` keeps connections for as long as the server runs.

    `clock` counts seconds, `sleep` waits them, `chance` draws from 0 to 1: tests give their own.
    """

    def __init__(
        self,
        base: str,
        token: TokenCall,
        *,
        dialect: Dialect = WEIXIN,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base, self._how, self._dialect = base.rstrip("/"), token, dialect
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._breaker = Breaker(clock)
        self._token, self._good_until, self._refused = "", 0.0, ""
        self._fetching: asyncio.Task[str] | None = None
        self._kept: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None

    # --- connections ---

    async def open(self) -> None:
        """Keep connections from now on, on the running loop."""
        self._kept = (asyncio.get_running_loop(), self._new_client())

    async def close(self) -> None:
        """Let the connections go."""
        kept, self._kept = self._kept, None
        if kept:
            await kept[1].aclose()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._base, timeout=TIMEOUT, trust_env=False, verify=_authorities())

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        """The kept client; one of its own for a caller on another loop, such as a command."""
        if self._kept and self._kept[0] is asyncio.get_running_loop():
            yield self._kept[1]
        else:
            async with self._new_client() as client:
                yield client

    # --- calls ---

    async def call(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        method: str = "",
        query: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        """POST `body`, or GET without one, or what `method` says, with the token; returns the JSON object of a success.

        Say `repeatable=False` where a second copy would be seen: then only what surely did not arrive is tried again.
        Raises ApiRefused, ApiFailed.
        """
        request = _Call(path, body, query or {}, method or ("GET" if body is None else "POST"), repeatable)
        token = await self.token()
        try:
            return await self._try(request, token)
        except ApiRefused as refused:
            if refused.errcode not in self._dialect.dead_token:
                raise
        self.forget(token)
        return await self._try(request, await self.token())

    async def token(self) -> str:
        """The token in use; fetched, once for all who wait, when there is none or its end is near."""
        if self._token and self._clock() < self._good_until:
            return self._token
        if self._fetching is None or self._fetching.get_loop() is not asyncio.get_running_loop():
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    def _fetched(self, task: "asyncio.Task[str]") -> None:
        if self._fetching is task:
            self._fetching = None
        if not task.cancelled():
            task.exception()  # who waits raises it; when nobody does any more it is no news

    def forget(self, token: str) -> None:
        """This token was refused; another that came meanwhile stays."""
        if self._token == token:
            self._token, self._refused = "", token

    async def _fetch(self) -> str:
        answer = await self._ask_for_token(self._how.body)
        if self._refused and answer.get("access_token") == self._refused and self._how.forced:
            answer = await self._ask_for_token(self._how.forced)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or len(token) > 4096:
            raise ApiFailed(self._how.path, "the answer has no access_token")
        lasts = int(seconds) if isinstance(seconds, int | str) and str(seconds).isdecimal() else 7200
        self._token, self._good_until, self._refused = token, self._clock() + max(lasts - self._dialect.margin, lasts / 10), ""
        return token

    async def _ask_for_token(self, body: Mapping[str, Any] | None) -> dict[str, Any]:
        return await self._try(_Call(self._how.path, body, self._how.query, "GET" if body is None else "POST"), "")

    async def _try(self, request: "_Call", token: str) -> dict[str, Any]:
        """Up to TRIES times, as long as another try is harmless and may help."""
        for tries in range(1, TRIES + 1):
            try:
                return await self._once(request, token)
            except ApiFailed as failed:
                if tries == TRIES or (failed.perhaps_done and not request.repeatable) or self._breaker.failures >= BREAK_AFTER:
                    raise
            except ApiRefused as refused:
                if tries == TRIES or refused.errcode not in self._dialect.busy or not request.repeatable:
                    raise
            await self._sleep(FIRST_PAUSE * 2 ** (tries - 1) * (0.5 + self._chance() / 2))
        raise AssertionError("unreachable")

    async def _once(self, request: "_Call", token: str) -> dict[str, Any]:
        if not self._breaker.admits():
            raise ApiFailed(request.path, "the platform failed several times in a row and is left alone for a while")
        good = False
        try:
            async with self._client() as client:
                response = await self._send(client, request, token)
            answer = _read(request.path, response, self._dialect)
            good = True
            return answer
        except ApiRefused:
            good = True
            raise
        finally:
            self._breaker.note(good=good)

    async def _send(self, client: httpx.AsyncClient, request: "_Call", token: str) -> httpx.Response:
        query, headers = dict(request.query), dict[str, str]()
        if token and self._dialect.authorization:
            headers["Authorization"] = f"{self._dialect.authorization} {token}"
        elif token:
            query["access_token"] = token
        content = None
        if request.body is not None:
            # As UTF-8, never \uXXXX: those have reached readers literally.
            content = json.dumps(request.body, ensure_ascii=False).encode("utf-8", "replace")
            headers["Content-Type"] = "application/json"
        try:
            return await client.request(request.method, request.path, params=query, content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ApiFailed(request.path, f"cannot be reached ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise ApiFailed(request.path, f"gave no answer ({type(error).__name__})", perhaps_done=True) from error


@dataclass(frozen=True, slots=True)
class _Call:
    """One call as it goes out, but for the token."""

    path: str
    body: Mapping[str, Any] | None
    query: Mapping[str, str]
    method: str
    repeatable: bool = True


@cache
def _authorities() -> ssl.SSLContext:
    """Whom to trust; reading them takes a tenth of a second, so once."""
    return httpx.create_ssl_context(trust_env=False)


def _read(path: str, response: httpx.Response, dialect: Dialect) -> dict[str, Any]:
    """The JSON object of an answer; the content type is not asked, WeChat says text/plain."""
    status = f"HTTP {response.status_code}"
    answer = _object(path, response, dialect)
    try:
        errcode = int(next((answer[name] for name in dialect.codes if answer.get(name)), 0))
    except (TypeError, ValueError):
        raise ApiFailed(path, f"an answer with {status} and an errcode that is no number", perhaps_done=True) from None
    if not errcode and dialect.unauthorized and response.status_code == 401:
        errcode = 401
    if errcode:
        words = str(next((answer[name] for name in dialect.words if answer.get(name)), ""))[:300]
        trace = response.headers.get(dialect.trace, "") if dialect.trace else ""
        raise ApiRefused(path, errcode, f"{words} [{trace[:100]}]" if trace else words)
    if not response.is_success:
        raise ApiFailed(path, f"an answer with {status}", perhaps_done=True)
    return answer


def _object(path: str, response: httpx.Response, dialect: Dialect) -> dict[str, Any]:
    status = f"HTTP {response.status_code}"
    if not response.content.strip():
        if dialect.empty and (response.is_success or (dialect.unauthorized and response.status_code == 401)):
            return {}
        raise ApiFailed(path, f"an empty answer with {status}", perhaps_done=True)
    try:
        answer = json.loads(response.content, strict=False)
    except ValueError:  # UnicodeDecodeError is one
        raise ApiFailed(path, f"an answer with {status} that is not JSON", perhaps_done=True) from None
    if not isinstance(answer, dict):
        raise ApiFailed(path, f"an answer with {status} that is not a JSON object", perhaps_done=True)
    return answer
