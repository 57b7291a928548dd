"""The least that a web server can do with a message: what `intake` and `wechat` are compared with.

Beside the REST channel: read the JSON, and send it back. Beside an official account in safe mode: check the signature,
open the envelope, and seal and sign an answer of the usual size.
"""

import asyncio
import socket
import time
from typing import Any

import click
from sanic import Request, Sanic
from sanic.response import HTTPResponse, json, raw

from connectors.shared.envelope import Key, check, signature
from connectors.wechat.payload import parse, render

READY = "The bare handler is ready:"
PATH = "/webhooks/wechat"
TOKEN, AES, APP_ID = "libraryRefToken2026", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx5823bf96d3bd56c7"
ACCOUNT = "gh_0123456789ab"
_ANSWER = "校外访问请使用图书馆 VPN：下载客户端，用统一身份认证账号登录，再打开数据库页面。" * 5
_KEY = Key.from_setting(AES, APP_ID)


def create_app() -> Sanic[Any, Any]:
    """Two routes, configured as Refdesk's own server is."""
    app: Sanic[Any, Any] = Sanic("bare", configure_logging=False)
    app.config.update(AUTO_EXTEND=False, MOTD=False, ACCESS_LOG=False, KEEP_ALIVE_TIMEOUT=75, GRACEFUL_SHUTDOWN_TIMEOUT=2.0)

    @app.post("/webhooks/rest/webhook")
    async def echo(request: Request) -> HTTPResponse:
        return json(request.json)

    @app.post(PATH)
    async def unseal(request: Request) -> HTTPResponse:
        return raw(sealed_answer(request.body, {name: str(request.args.get(name)) for name in ("msg_signature", "timestamp", "nonce")}))

    return app


def sealed_answer(body: bytes, query: dict[str, str]) -> bytes:
    """Opened, and answered with the same words every time."""
    encrypted = parse(body)["Encrypt"]
    check(query["msg_signature"], TOKEN, query["timestamp"], query["nonce"], encrypted)
    asked, now = parse(_KEY.open(encrypted.encode())), int(time.time())
    answer = {"ToUserName": asked["FromUserName"], "FromUserName": asked["ToUserName"], "CreateTime": now, "MsgType": "text"}
    sealed = _KEY.seal(render({**answer, "Content": _ANSWER}, as_json=False)).decode()
    signed = signature(TOKEN, str(now), query["nonce"], sealed)
    return render({"Encrypt": sealed, "MsgSignature": signed, "TimeStamp": now, "Nonce": query["nonce"]}, as_json=False)


def main() -> None:
    """Serve on a free port of this machine until told to stop."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = create_app()

    @app.after_server_start
    async def greet(_: object) -> None:
        asyncio.get_running_loop().call_later(0.05, click.echo, f"{READY} http://127.0.0.1:{listener.getsockname()[1]}")

    app.run(sock=listener, single_process=True)


if __name__ == "__main__":
    main()
