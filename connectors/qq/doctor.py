"""What is wrong with the settings of a QQ bot, in plain words.

Error numbers: bot.q.qq.com/wiki/develop/api-v2, access-token; ports of a webhook: event-emit/webhook.
"""

import secrets
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from connectors.qq.calls import api_of
from connectors.qq.settings import Settings
from connectors.qq.signature import Key
from connectors.shared.api import ApiFailed, ApiRefused
from connectors.shared.commands import Finding

_PORTS = (80, 443, 8080, 8443)
_FAULTS = {
    100001: "too many tokens were asked for; wait a minute",
    100007: "the bot is not known, or banned: look at it on https://q.qq.com",
    100016: "app_id or secret is wrong: copy both again from 开发 > 开发设置 of https://q.qq.com; a new secret ends the old one",
    10004: "there is no bot with this app_id",
}


async def examine(settings: Settings, public_url: str, visit: bool) -> tuple[Finding, ...]:
    """Everything that was looked at, in the order in which it is best mended."""
    if not settings.app_id:
        return (Finding(False, "connectors.qq.app_id and secret are not set: copy them from 开发 > 开发设置 of https://q.qq.com"),)
    found = [*_written(settings, public_url)]
    if visit and settings.transport == "webhook" and public_url and settings.binding:
        found.append(await _visited(settings, public_url))
    found.append(await _asked(settings))
    return tuple(found)


def _written(settings: Settings, public_url: str) -> Iterator[Finding]:
    """What can be told by reading."""
    yield Finding(True, f"events come by {settings.transport}; the API is {settings.api}")
    if settings.transport == "webhook":
        yield _address(public_url)
        if settings.binding:
            yield Finding(True, "binding is on: set connectors.qq.binding = false once the console has accepted the address")
    if not settings.link_domains:
        yield Finding(True, "link_domains is empty: replies name titles and a pick-up code instead of addresses")


def _address(public_url: str) -> Finding:
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname:
        return Finding(
            False, 'server.public_url does not begin with https://: the platform calls nothing else; or set transport = "gateway"'
        )
    if (parts.port or 443) not in _PORTS:
        return Finding(False, f"server.public_url has port {parts.port}: the platform calls ports 80, 443, 8080 and 8443 only")
    return Finding(True, f"the address for the console (回调配置) is {public_url.rstrip('/')}/webhooks/qq")


async def _visited(settings: Settings, public_url: str) -> Finding:
    token, stamp = secrets.token_hex(10), str(int(time.time()))
    address = f"{public_url.rstrip('/')}/webhooks/qq"
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.post(address, json={"op": 13, "d": {"plain_token": token, "event_ts": stamp}})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(
            False, f"{address} cannot be reached from here ({type(error).__name__}): is the server running, does the proxy pass it on?"
        )
    if answer.status_code == 200 and Key(settings.secret).prove(stamp, token) in answer.text:
        return Finding(True, f"{address} passes the check of the console")
    if answer.status_code == 200 and "signature" in answer.text:
        return Finding(False, f"{address} signs with another secret: restart the server after a change")
    return Finding(False, f"{address} answers HTTP {answer.status_code} and not the check: does the proxy lead to Refdesk, unchanged?")


async def _asked(settings: Settings) -> Finding:
    """What only the platform knows: number and secret, and whether it lets this server in."""
    api = api_of(settings)
    try:
        await api.token()
        await api.call("/gateway/bot")
    except ApiRefused as refused:
        return Finding(
            False, _FAULTS.get(refused.errcode, f"QQ refuses: {refused}; is this server's address on the IP 白名单 of the console?")
        )
    except ApiFailed as failed:
        return Finding(False, f"QQ cannot be asked ({failed.why}): may this server reach {failed.path}?")
    return Finding(True, "app_id and secret are right: QQ gives a token and lets this server in")
