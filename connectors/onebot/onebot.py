"""The connector: its routes, and what goes out as actions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sanic import Request, Sanic, Websocket
from sanic.response import HTTPResponse, empty, json

from bot.connector import Delivery, Desk, Limits, Outcome
from bot.errors import DeliveryFailed, DeliveryRefused, RefdeskError, TooMuch
from connectors.onebot import sending
from connectors.onebot.accounts import Accounts
from connectors.onebot.doors import Doors
from connectors.onebot.events import NAME, number, opened
from connectors.onebot.intake import Intake
from connectors.onebot.segments import Unreadable
from connectors.onebot.settings import Settings
from connectors.onebot.wire import Answer, CallError, Failed, Http, Unanswered, judged

BASE = "/webhooks/onebot"
TAILS = ("", "/ws", "/ws/api", "/ws/event")
_TRIES = 3


class OneBot:
    """QQ accounts behind implementations of OneBot v11."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        self._settings, self._doors = settings, Doors(settings)
        self.limits = Limits(settings.message_bytes, inline=False, groups=True, private=True, divides=True)
        self._accounts = Accounts(Http(settings.api_base, settings.access_token) if settings.api_base else None)
        self._late: dict[str, Answer] = {}

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Reverse WebSocket at /webhooks/onebot and below, HTTP POST at /webhooks/onebot."""
        intake = self._intake = Intake(self._settings, desk, self._doors, self._accounts)

        @app.on_request
        async def guard(request: Request) -> HTTPResponse | None:
            tail = request.path.rstrip("/").removeprefix(BASE)
            ours = request.path.startswith(BASE) and tail in TAILS and request.method == "GET"
            return self._doors.connection(request) if ours else None

        async def connected(request: Request, ws: Websocket) -> None:
            await intake.listen(request, ws)

        for tail in TAILS:
            app.add_websocket_route(connected, f"{BASE}{tail}", name=f"onebot_ws{tail.replace('/', '_')}")

        @app.post(BASE, name="onebot")
        async def pushed(request: Request) -> HTTPResponse:
            return self._doors.push(request) or await _taken(intake, request.body)

        @app.before_server_stop
        async def stop(app: Sanic[Any, Any]) -> None:
            await intake.stop()

    # --- replies ---

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Send one message by the account that heard the asker; in a group as a reply to them."""
        account, group = await self._intake.ways.to(delivery.address)
        line = self._accounts.line(account)
        if line is None:
            raise DeliveryFailed(NAME, f"account {account or '?'} is not connected")
        as_string = self._settings.message_format == "string"
        action, params = sending.action(delivery.address, group, sending.pieces(delivery, account), as_string=as_string)
        try:
            data = await self._certain(delivery, lambda: line.call(action, params, self._settings.answer_timeout))
        except Failed as failed:
            raise (DeliveryRefused if failed.never or delivery.tries + 1 >= _TRIES else DeliveryFailed)(NAME, str(failed)) from failed
        except CallError as failed:
            raise DeliveryFailed(NAME, str(failed)) from failed
        if message := number(data, "message_id"):
            self._accounts.note_sent(account or getattr(line, "account", ""), message)
        return Outcome.DELIVERED

    async def _certain(self, delivery: Delivery, send: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Send, unless an earlier try is answered after all; two tries without any answer are enough."""
        answer = self._late.pop(delivery.key, None)
        if answer is not None:
            done, _ = await asyncio.wait((answer,), timeout=self._settings.answer_timeout)
            if done and answer.exception() is None:
                return judged("the earlier try", answer.result())
            if not done:
                raise DeliveryRefused(NAME, "the implementation gives no answers; the message may have been shown")
        try:
            return await send()
        except Unanswered as silent:
            if silent.answer is None:
                raise DeliveryRefused(NAME, f"{silent}; the message may have been shown") from silent
            self._late[delivery.key] = silent.answer
            raise


async def _taken(intake: Intake, body: bytes) -> HTTPResponse:
    """One pushed event, acknowledged once nothing of it can be lost."""
    try:
        await intake.take(opened(body), None)
    except Unreadable as error:
        return json({"error": str(error)}, status=400)
    except TooMuch as error:
        return json({"error": str(error)}, status=413)
    except RefdeskError:
        return json({"error": "not stored; please send it again later"}, status=503)
    return empty()
