"""What is wrong with the settings of an official account, in plain words.

Error numbers: developers.weixin.qq.com "全局返回码" and "获取稳定版接口调用凭据".
"""

import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from connectors.shared.api import Api, ApiError, ApiFailed, ApiRefused, stable_token
from connectors.shared.envelope import signature
from connectors.wechat.settings import Settings

_APP_ID = re.compile(r"wx[0-9a-f]{16}")
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-f:]*:[0-9a-f:]+\b")
_TOKEN_FAULTS = {
    40001: "app_secret is wrong: reset it in the console under 设置与开发 > 开发接口管理 > 基本配置 and copy it again",
    40125: "app_secret is wrong: reset it in the console under 设置与开发 > 开发接口管理 > 基本配置 and copy it again",
    40013: "app_id is wrong: copy AppID (wx...) from the console, not the gh_ number and not the account's name",
    40243: "app_secret is frozen in the console; unfreeze it there",
    41002: "app_id is missing",
    41004: "app_secret is missing",
    45009: "today's number of calls is used up; it starts anew at midnight",
    50004: "this account may not use the interface at all",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    good: bool
    what: str


async def examine(settings: Settings, public_url: str, visit: bool) -> tuple[Finding, ...]:
    """Everything that was looked at, in the order in which it is best mended."""
    found = [*_written(settings, public_url)]
    if visit and settings.token and public_url:
        found.append(await _visited(settings, public_url))
    if settings.app_id and settings.app_secret:
        found += [finding async for finding in _asked(settings)]
    return tuple(found)


def _written(settings: Settings, public_url: str) -> list[Finding]:
    """What can be told by reading."""
    return [
        Finding(
            bool(settings.token),
            "connectors.wechat.token is set"
            if settings.token
            else "connectors.wechat.token is not set: invent one and enter the same in the console",
        ),
        Finding(True, "safe mode: messages are sealed")
        if settings.encoding_aes_key
        else Finding(True, "plain mode: encoding_aes_key is not set; anybody who learns the token can forge messages, safe mode is better"),
        Finding(
            bool(_APP_ID.fullmatch(settings.app_id)),
            f"app_id {settings.app_id} looks right"
            if _APP_ID.fullmatch(settings.app_id)
            else "app_id is wx and 16 digits or letters a-f; this one is not, or is not set",
        ),
        Finding(
            bool(settings.app_secret) or not settings.verified,
            "app_secret is set"
            if settings.app_secret
            else "app_secret is not set: nothing can be pushed, replies are handed out when readers write again",
        ),
        _address(public_url),
    ]


def _address(public_url: str) -> Finding:
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return Finding(
            False, "server.public_url is not set: it is the address that you enter in the console, with /webhooks/wechat behind it"
        )
    if (parts.port or {"http": 80, "https": 443}[parts.scheme]) not in (80, 443):
        return Finding(False, f"server.public_url has port {parts.port}: WeChat calls ports 80 and 443 only")
    return Finding(True, f"the address for the console is {public_url.rstrip('/')}/webhooks/wechat")


async def _visited(settings: Settings, public_url: str) -> Finding:
    stamp, nonce, echo = str(int(time.time())), secrets.token_hex(5), secrets.token_hex(8)
    query = {"signature": signature(settings.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}
    address = f"{public_url.rstrip('/')}/webhooks/wechat"
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.get(address, params=query)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(
            False, f"{address} cannot be reached from here ({type(error).__name__}): is the server running, does the proxy pass it on?"
        )
    if answer.text == echo:
        return Finding(True, f"{address} passes the check of the console")
    if answer.status_code == 403:
        return Finding(False, f"{address} refuses the signature: the running server has another token; restart it after a change")
    return Finding(False, f"{address} answers HTTP {answer.status_code} and not the echo: does the proxy lead to Refdesk, unchanged?")


async def _asked(settings: Settings) -> AsyncIterator[Finding]:
    """What only the platform knows: secret, IP allow list, permissions."""
    api = Api(settings.api_base, stable_token(settings.app_id, settings.app_secret))
    try:
        await api.token()
    except ApiError as error:
        yield Finding(False, _no_token(error))
        return
    yield Finding(True, "app_id, app_secret and the IP allow list (IP 白名单) are right: WeChat gives a token")
    yield await _allowed(api, "/cgi-bin/menu/get", "the menu", bool(settings.menu))
    pushes = await _allowed(api, "/cgi-bin/customservice/getkflist", "customer-service messages (客服消息)", settings.verified)
    yield pushes
    if pushes.good and "may use" in pushes.what and not settings.verified:
        yield Finding(True, "this account may push replies: set connectors.wechat.verified = true")


def _no_token(error: ApiError) -> str:
    if isinstance(error, ApiRefused) and error.errcode == 40164:
        address = _IP.search(error.errmsg.lower())
        where = address[0] if address else "this server's address"
        return f"{where} is not on the IP allow list: add it in the console under 设置与开发 > 开发接口管理 > 基本配置 > IP 白名单"
    if isinstance(error, ApiRefused):
        return _TOKEN_FAULTS.get(error.errcode, f"WeChat gives no token: {error}")
    return f"WeChat cannot be asked ({error.why}): may this server reach the internet? ({error.path})"


async def _allowed(api: Api, path: str, what: str, needed: bool) -> Finding:
    try:
        await api.call(path)
    except ApiRefused as error:
        if error.errcode in (48001, 50001, 50002):
            remedy = "; it needs a verified account (微信认证)" + (", set connectors.wechat.verified = false" if needed else "")
            return Finding(not needed, f"this account has no permission for {what}{remedy}")
        return Finding(True, f"this account may use {what}")  # such as: there is no menu, there are no agents
    except ApiFailed as error:
        return Finding(False, f"{what}: WeChat gave no usable answer ({error.why})")
    return Finding(True, f"this account may use {what}")
