"""Rasa's REST channel, so that Rasa clients work unchanged: POST /webhooks/rest/webhook.

In: {"sender", "message", "message_id"?}. Out: a list of {"recipient_id", "text", "buttons"?, "metadata"}; replies of
librarians that waited for this sender come first. Shape: Rasa 3 documentation, "Your own website", REST channel.
"""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sanic import Request, Sanic
from sanic.response import HTTPResponse, json

from bot.connector import Connector, Delivery, Desk, Limits, Outcome
from bot.errors import RefdeskError, TooMuch, WrongSetting
from bot.messages import Address, Question, Reply

_LONGEST_SENDER = 200


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    enabled: bool = True
    token: str = ""


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    sender: str
    message: str
    message_id: str | int | None = None


class Rest:
    """Answers in the response; what librarians write waits until the sender writes again."""

    name = "rest"
    limits = Limits(max_bytes=1_000_000)

    def __init__(self, settings: _Settings) -> None:
        self._token = settings.token

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Add the webhook. Without a token it exists only on a server that listens on loopback."""
        if not self._token and not desk.loopback:
            return

        @app.post("/webhooks/rest/webhook", name="rest")
        async def receive(request: Request) -> HTTPResponse:
            if not self._allowed(request):
                return json({"error": "missing or wrong token"}, status=401, headers={"WWW-Authenticate": "Bearer"})
            try:
                message = _Message.model_validate_json(request.body)
            except ValidationError as error:
                fault = error.errors()[0]
                where = ".".join(map(str, fault["loc"])) or "body"
                return json({"error": f"{where}: {fault['msg']}"}, status=400)
            if not message.sender or len(message.sender) > _LONGEST_SENDER:
                return json({"error": f"sender: 1 to {_LONGEST_SENDER} characters"}, status=400)
            return await _answer(message, desk)

    def _allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or str(request.args.get("token", ""))
        return not self._token or hmac.compare_digest(given.encode(errors="surrogateescape"), self._token.encode())

    async def deliver(self, delivery: Delivery) -> Outcome:
        """There is nowhere to push to."""
        return Outcome.MAILBOX


async def _answer(message: _Message, desk: Desk) -> HTTPResponse:
    address = Address("rest", message.sender)
    number = str(message.message_id) if message.message_id is not None else secrets.token_hex(16)
    number = f"{len(message.sender)} {message.sender}\0{number}"  # the length keeps one sender's numbers from being another's
    try:
        replies = await desk.ask(Question(number, address, message.message))
        waiting = await desk.collect(address)
    except TooMuch as error:
        return json({"error": str(error)}, status=429 if "minute" in error.what else 413)
    except RefdeskError:
        return json({"error": "not stored; please send it again later"}, status=503)
    return json([_shape(message.sender, reply) for reply in (*waiting, *replies)])


def _shape(sender: str, reply: Reply) -> dict[str, Any]:
    metadata = {
        "decision": reply.action.value if reply.action else None,
        "intent": reply.intent or None,
        "entry": reply.entry or None,
        "ticket": reply.ticket or None,
        "kind": reply.kind.value,
    }
    shape: dict[str, Any] = {"recipient_id": sender, "text": reply.plain(), "metadata": metadata}
    if reply.choices:
        shape["buttons"] = [{"title": choice.title, "payload": choice.key} for choice in reply.choices]
    return shape


def build(section: Mapping[str, Any]) -> Connector | None:
    """On by default; `connectors.rest.token` is needed once the server listens beyond loopback."""
    try:
        settings = _Settings.model_validate(section)
    except ValidationError as error:
        fault = error.errors()[0]
        raise WrongSetting(f"connectors.rest.{'.'.join(map(str, fault['loc']))}", fault["msg"]) from error
    return Rest(settings) if settings.enabled else None
