"""What is wrong with the settings of an official account, in plain words: as written, at its address, at WeChat."""

import re
import secrets
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx

from connectors.shared.api import Api, ApiError, ApiFailed, ApiRefused, stable_token
from connectors.shared.commands import Finding
from connectors.shared.envelope import signature
from connectors.wechat.payload import render
from connectors.wechat.refusals import FORBIDDEN, explained
from connectors.wechat.settings import Settings

_APP_ID = re.compile(r"wx[0-9a-f]{16}")


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
    """As the platform would come: first the check of the address, then something sealed that needs no answer."""
    address = f"{public_url.rstrip('/')}/webhooks/wechat"
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            return await _checked(settings, address, client) or await _delivered(settings, address, client)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(
            False, f"{address} cannot be reached from here ({type(error).__name__}): is the server running, does the proxy pass it on?"
        )


async def _checked(settings: Settings, address: str, client: httpx.AsyncClient) -> Finding | None:
    """What is wrong with the check of the address; None for nothing."""
    stamp, nonce, echo = str(int(time.time())), secrets.token_hex(5), secrets.token_hex(8)
    query = {"signature": signature(settings.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}
    answer = await client.get(address, params=query)
    if answer.text == echo:
        return None
    if answer.status_code == 403:
        return Finding(False, f"{address} refuses the signature: the running server has another token; restart it after a change")
    return Finding(False, f"{address} answers HTTP {answer.status_code} and not the echo: does the proxy lead to Refdesk, unchanged?")


async def _delivered(settings: Settings, address: str, client: httpx.AsyncClient) -> Finding:
    """A tap on a link of the menu, of which nothing is kept, sealed where that is set."""
    stamp, nonce = str(int(time.time())), secrets.token_hex(5)
    event = {"ToUserName": "gh_doctor", "FromUserName": "oDoctor", "CreateTime": int(stamp), "MsgType": "event", "Event": "VIEW"}
    body, query = render(event, as_json=False), {"signature": signature(settings.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
    if keys := settings.keys():
        sealed = keys[0].seal(body).decode()
        query |= {"encrypt_type": "aes", "msg_signature": signature(settings.token, stamp, nonce, sealed)}
        body = render({"ToUserName": "gh_doctor", "Encrypt": sealed}, as_json=False)
    answer = await client.post(address, params=query, content=body, headers={"Content-Type": "text/xml"})
    if answer.status_code == 200 and answer.content == b"success":
        return Finding(True, f"{address} passes the check of the console, and takes messages")
    if answer.status_code == 403:
        return Finding(False, f"{address} cannot open messages: the running server has another encoding_aes_key or app_id; restart it")
    return Finding(False, f"{address} answers a message with HTTP {answer.status_code}: does the proxy let POST through, unchanged?")


async def _asked(settings: Settings) -> AsyncIterator[Finding]:
    """What only the platform knows: secret, IP allow list, permissions."""
    api = Api(settings.api_base, stable_token(settings.app_id, settings.app_secret))
    try:
        await api.token()
    except ApiError as error:
        yield Finding(False, explained(error))
        return
    yield Finding(True, "app_id, app_secret and the IP allow list (IP 白名单) are right: WeChat gives a token")
    yield await _allowed(api, "/cgi-bin/menu/get", "the menu", needed=bool(settings.menu))
    path, remedy = "/cgi-bin/customservice/getkflist", "set connectors.wechat.verified = false"
    pushes = await _allowed(api, path, "customer-service messages (客服消息)", needed=settings.verified, remedy=remedy)
    yield pushes
    if pushes.good and "may use" in pushes.what and not settings.verified:
        yield Finding(True, "this account may push replies: set connectors.wechat.verified = true")


async def _allowed(api: Api, path: str, what: str, *, needed: bool, remedy: str = "") -> Finding:
    try:
        await api.call(path)
    except ApiRefused as error:
        if error.errcode in FORBIDDEN:
            return Finding(not needed, explained(error) + (f"; {remedy}" if needed and remedy else ""))
        return Finding(True, f"this account may use {what}")  # such as: there is no menu, there are no agents
    except ApiFailed as error:
        return Finding(False, f"{what}: WeChat gave no usable answer ({error.why})")
    return Finding(True, f"this account may use {what}")
