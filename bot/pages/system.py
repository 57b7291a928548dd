"""What machines read: health, metrics, the description of the HTTP interface."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import yaml
from sanic import Request, Sanic
from sanic.response import HTTPResponse, text
from sanic.response import json as json_response

from bot.desk import Desk
from bot.pages.api import holder_of
from bot.pages.contexts import DocsPage, Operation
from bot.pages.metrics import Metrics
from bot.pages.render import HERE, Pages
from bot.tokens import Tokens


def mount(
    app: Sanic[Any, Any],
    pages: Pages,
    desk: Desk,
    engine_state: Callable[[], str],
    connectors: tuple[str, ...],
    *,
    metrics: Metrics,
    tokens: Tokens,
) -> None:
    """/health/live, /health/ready, /metrics, /docs, /docs/openapi.json."""
    description = yaml.safe_load((HERE / "openapi.yml").read_text(encoding="utf-8"))

    @app.get("/health/live", name="live")
    async def live(request: Request) -> HTTPResponse:
        return json_response({"status": "ok"})

    @app.get("/health/ready", name="ready")
    async def ready(request: Request) -> HTTPResponse:
        backlog = await asyncio.to_thread(desk.store.read, lambda s: s.backlog())
        return json_response({"status": "ok", "engine": engine_state(), "connectors": list(connectors), "outbox": backlog})

    @app.get("/metrics", name="metrics")
    async def show_metrics(request: Request) -> HTTPResponse:
        here = request.ip in ("127.0.0.1", "::1") and "x-forwarded-for" not in request.headers
        if not here and await holder_of(request, tokens) is None:
            return json_response({"error": "asked from another machine without a token"}, status=403)
        return text(await asyncio.to_thread(metrics.exposition), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/docs/openapi.json", name="openapi")
    async def openapi(request: Request) -> HTTPResponse:
        return text(json.dumps(description, ensure_ascii=False), content_type="application/json; charset=utf-8")

    @app.get("/docs", name="docs")
    async def docs(request: Request) -> HTTPResponse:
        operations = tuple(
            Operation(method.upper(), path, operation["summary"], str(operation.get("description", "")).strip())
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
        )
        return pages.render(request, DocsPage(pages.frame(request), description["info"]["version"], operations))
