"""A platform in memory: pushes what it is given onto a list. For tests and for trying the house out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, json

from bot.connector import Connector, Delivery, Desk, Limits, Outcome
from bot.errors import DeliveryError, RefdeskError, TooMuch, WrongSetting
from bot.messages import Address, Question


@dataclass
class Stub:
    """`sent` is what arrived; `failures` are raised, one a delivery, before anything arrives."""

    name: str = "stub"
    limits: Limits = Limits(max_bytes=100_000, inline=False)
    sent: list[Delivery] = field(default_factory=list)
    failures: list[DeliveryError] = field(default_factory=list)

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """POST /webhooks/stub {"id", "user", "text"}: acknowledged once stored, answered by push."""

        @app.post("/webhooks/stub", name="stub")
        async def receive(request: Request) -> HTTPResponse:
            try:
                body = request.json
                question = Question(str(body["id"]), Address(self.name, str(body["user"])), str(body["text"]))
            except (KeyError, TypeError):
                return json({"error": "expected id, user and text"}, status=400)
            try:
                await desk.ask(question)
            except TooMuch as error:
                return json({"error": str(error)}, status=413)
            except RefdeskError:
                return json({"error": "not stored; please send it again later"}, status=503)
            return json({"ok": True})

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Keep the delivery, unless a failure is planned."""
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(delivery)
        return Outcome.DELIVERED


def build(section: Mapping[str, Any]) -> Connector | None:
    """Off unless `connectors.stub.enabled` is true."""
    if set(section) - {"enabled"}:
        raise WrongSetting(f"connectors.stub.{sorted(set(section) - {'enabled'})[0]}", "no such key")
    return Stub() if section.get("enabled") in (True, "true", "1") else None
