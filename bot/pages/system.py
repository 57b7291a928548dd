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
from bot.domain import TicketStatus
from bot.pages.contexts import DocsPage, Operation
from bot.pages.render import HERE, Pages


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, engine_state: Callable[[], str], connectors: tuple[str, ...]) -> None:
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
    async def metrics(request: Request) -> HTTPResponse:
        if request.ip not in ("127.0.0.1", "::1") or "x-forwarded-for" in request.headers:
            return json_response({"error": "asked from another machine"}, status=403)
        return text(await asyncio.to_thread(exposition, desk), content_type="text/plain; version=0.0.4; charset=utf-8")

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


def exposition(desk: Desk) -> str:
    """Counts in Prometheus' text format."""
    events, backlog = desk.store.read(lambda s: (s.event_counts(), s.backlog()))
    lines = ["# HELP refdesk_events_total What happened, by name and channel.", "# TYPE refdesk_events_total counter"]
    lines += [f'refdesk_events_total{{name="{name}",channel="{channel}"}} {count}' for name, channel, count in events]
    lines += ["# HELP refdesk_tickets Open tickets by state.", "# TYPE refdesk_tickets gauge"]
    states = (TicketStatus.WAITING, TicketStatus.CLAIMED, TicketStatus.ANSWERED)
    lines += [f'refdesk_tickets{{status="{status}"}} {desk.count((status,))}' for status in states]
    lines += [
        "# HELP refdesk_outbox_due Replies that wait to be delivered.",
        "# TYPE refdesk_outbox_due gauge",
        f"refdesk_outbox_due {backlog}",
    ]
    return "\n".join(lines) + "\n"
