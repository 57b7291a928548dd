"""The least that a web server can do with a message: read the JSON, and send it back. What `intake` is compared with."""

import asyncio
import socket
from typing import Any

import click
from sanic import Request, Sanic
from sanic.response import HTTPResponse, json

READY = "The bare handler is ready:"


def create_app() -> Sanic[Any, Any]:
    """One route, configured as Refdesk's own server is."""
    app: Sanic[Any, Any] = Sanic("bare", configure_logging=False)
    app.config.update(AUTO_EXTEND=False, MOTD=False, ACCESS_LOG=False, KEEP_ALIVE_TIMEOUT=75, GRACEFUL_SHUTDOWN_TIMEOUT=2.0)

    @app.post("/webhooks/rest/webhook")
    async def echo(request: Request) -> HTTPResponse:
        return json(request.json)

    return app


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
