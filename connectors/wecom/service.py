"""The connector of WeCom customer service: the callback, and replies in sessions where they are allowed.

Protocol: developer.work.weixin.qq.com paths 90930 (callback), 94677 (sending). The callback is sealed as an official
account's is, with the corpid as receiver. What it brings is only a ring: it is acknowledged at once and `intake`
fetches the messages. Replies are pushed by the outbox, which counts the five that the platform takes in 48 hours after a
customer's message and divides what is longer than 2048 bytes.
"""

import logging
from datetime import timedelta
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, text

from bot.connector import Delivery, Desk, Limits, Outcome
from bot.errors import DeliveryFailed, DeliveryRefused
from bot.messages import Address, ReplyKind
from connectors.shared.api import Api, ApiFailed, ApiRefused, gettoken
from connectors.shared.envelope import Key, SealBroken, check
from connectors.wecom.events import CODE_GOOD_FOR, Events, code_msgid, msgid, resend_fact
from connectors.wecom.intake import Intake
from connectors.wecom.payloads import DOORBELL, MAX_TEXT, Item, Unreadable, content, fields
from connectors.wecom.sessions import NOT_OURS, OURS, Customer, Sessions, State
from connectors.wecom.settings import Settings

log = logging.getLogger("refdesk.wecom")

NAME = "wecom"
PASSING = frozenset({-1, 40001, 40013, 40014, 42001, 45009, 48002, 60020, 95017})
"""errcodes that end by themselves or once an administrator has mended a setting: the reply is tried again."""


class Wecom:
    """Customers of one enterprise. With `handover = "agents"` those who need a person go to the platform's own agents."""

    name = NAME
    limits = Limits(MAX_TEXT, timedelta(hours=48), inline=False, quota=5, tap_window=timedelta(seconds=CODE_GOOD_FOR), tap_quota=1)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = Key.from_setting(settings.encoding_aes_key, settings.corp_id)
        self._api = Api(settings.api_base, gettoken(settings.corp_id, settings.secret))
        self._sessions = Sessions(self._api)

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Add /webhooks/wecom, and fetch messages for as long as the server runs."""
        self._desk = desk
        agents = self._settings.handover == "agents"
        self._events = Events(NAME, desk, self._sessions, self._address, agents=agents)
        intake = Intake(self._api, desk, self._events.take)

        @app.get("/webhooks/wecom", name="wecom_check")
        async def prove(request: Request) -> HTTPResponse:
            return self._proof(request)

        @app.post("/webhooks/wecom", name="wecom")
        async def ring(request: Request) -> HTTPResponse:
            try:
                rung = self._opened(request)
            except (SealBroken, Unreadable) as error:
                log.warning("a callback was refused: %s", error)
                return text("", status=403)
            if rung.get("Event") == DOORBELL:
                intake.ring(rung.get("OpenKfId", ""), rung.get("Token", ""))
            return text("success")

        @app.before_server_start
        async def start(app: Sanic[Any, Any]) -> None:
            await self._api.open()
            intake.start(self._settings.accounts)

        @app.before_server_stop
        async def stop(app: Sanic[Any, Any]) -> None:
            await intake.stop()
            await self._api.close()

    # --- the callback ---

    def _proof(self, request: Request) -> HTTPResponse:
        """The platform's check of the address: what is sealed in echostr, and nothing else."""
        sealed = _argument(request, "echostr").replace(" ", "+")
        try:
            self._check(request, sealed)
            return text(self._key.open(sealed.encode("utf-8", "replace")).decode())
        except (SealBroken, UnicodeDecodeError):
            log.warning("the check of the callback address failed: corp_id, token or encoding_aes_key are not those of the console")
            return text("", status=403)

    def _opened(self, request: Request) -> dict[str, str]:
        sealed = fields(request.body).get("Encrypt", "")
        self._check(request, sealed)
        return fields(self._key.open(sealed.encode("utf-8", "replace")))

    def _check(self, request: Request, sealed: str) -> None:
        check(
            _argument(request, "msg_signature"), self._settings.token, _argument(request, "timestamp"), _argument(request, "nonce"), sealed
        )

    def _address(self, entry: Item) -> Address:
        """A customer; the room is the customer-service account, unless it is the first."""
        account = entry.open_kfid or self._settings.accounts[0]
        return Address(NAME, entry.user, "" if account == self._settings.accounts[0] else account)

    # --- replies ---

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Send one message, in a session where that is allowed; a handover moves the session on."""
        try:
            return await self._deliver(delivery)
        except ApiFailed as failed:
            raise DeliveryFailed(NAME, str(failed)) from failed
        except ApiRefused as refused:
            raise (DeliveryFailed if refused.errcode in PASSING else DeliveryRefused)(NAME, str(refused)) from refused

    async def _deliver(self, delivery: Delivery) -> Outcome:
        remark = self._desk.phrase("rest_waits", delivery.reply.language) if delivery.more else ""
        body = content(delivery.reply, remark)
        if code := self._events.welcome_code(delivery.question):
            await self._sessions.send_on_event(code, code_msgid(code), body)
            self._events.greeted(delivery.question)
            return Outcome.DELIVERED
        customer = Customer(delivery.address.room or self._settings.accounts[0], delivery.address.user)
        state = await self._sessions.state(customer)
        if state not in OURS:
            raise DeliveryRefused(NAME, NOT_OURS[state])
        handover = delivery.reply.kind is ReplyKind.HANDOVER
        if handover and self._settings.handover == "desk":
            state = await self._keep(customer, state)
        await self._sessions.send(customer, msgid(delivery.key, await self._desk.recall(resend_fact(delivery.key))), body)
        if handover and self._settings.handover == "agents":
            await self._hand_on(customer, state)
        return Outcome.DELIVERED

    async def _keep(self, customer: Customer, state: State) -> State:
        """Our desk has this customer: the platform's own routing is to leave the session alone."""
        try:
            return State.BOT if await self._sessions.move(customer, state, State.BOT) else state
        except ApiRefused as refused:  # messages are allowed in NEW as well
            log.info("the session stays as it was: %s", refused)
            return state

    async def _hand_on(self, customer: Customer, state: State) -> None:
        """The platform's agents are to have this customer; when they cannot, the ticket on our desk is still there."""
        try:
            await self._sessions.to_agents(customer, state, self._settings.servicer_userid)
        except ApiRefused as refused:
            if refused.errcode in PASSING:
                raise
            log.warning("the platform's agents could not be given a customer, our desk has the ticket: %s", refused)


def _argument(request: Request, name: str) -> str:
    return str(request.args.get(name, ""))
