"""Understanding alone, for other programs: POST /model/parse in the shape of Rasa's HTTP interface, so that what asks a Rasa server
can ask this one. Nothing is decided, answered or stored.

In: {"text"}. Out: {"text", "intent": {"name", "confidence"}, "entities": [{"entity", "value", "confidence"}], "intent_ranking"}.
Shape: Rasa 3 documentation, HTTP API, "Parse a message using the Rasa model".
"""

import asyncio
import hmac
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sanic import Request, Sanic
from sanic.response import HTTPResponse, raw
from sanic.response import json as json_response

from bot.desk import Desk
from bot.domain import Prediction
from bot.errors import EngineUnavailable
from bot.text import clean
from bot.understanding import part_of

PATH = "/model/parse"
_LOOPBACK = ("127.0.0.1", "::1")


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    text: str


def mount(app: Sanic[Any, Any], desk: Desk, *, token: str, quick: bool) -> None:
    """Add the route. Without a token only programs of this machine are answered. `quick`: the engine never waits for anything."""
    engine, knowledge = desk.engine, desk.knowledge

    def understood(text: str) -> Prediction:
        return part_of(clean(text), engine, knowledge).prediction

    @app.post(PATH, name="parse")
    async def parse(request: Request) -> HTTPResponse:
        if not _allowed(request, token):
            return json_response({"error": "missing or wrong token, or asked from another machine"}, status=401)
        try:
            text = _Message.model_validate_json(request.body).text
        except ValidationError as error:
            fault = error.errors()[0]
            return json_response({"error": f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"}, status=400)
        try:
            said = understood(text) if quick else await asyncio.to_thread(understood, text)
        except EngineUnavailable as error:
            return json_response({"error": str(error)}, status=503)
        return raw(json.dumps(_shown(text, said), ensure_ascii=False).encode("utf-8", "backslashreplace"), content_type="application/json")


def _allowed(request: Request, token: str) -> bool:
    if not token:
        return request.ip in _LOOPBACK and "x-forwarded-for" not in request.headers
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or str(request.args.get("token", ""))
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def _shown(text: str, said: Prediction) -> dict[str, object]:
    ranking = [{"name": candidate.intent, "confidence": candidate.confidence} for candidate in said.candidates()]
    return {
        "text": text,
        "intent": ranking[0],
        "entities": [{"entity": each.kind, "value": each.value, "confidence": each.score} for each in said.entities],
        "intent_ranking": ranking,
    }
