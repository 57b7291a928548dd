"""The connector of an official QQ bot: verify, keep, acknowledge, then work; replies by the sending API.

An event is on disk before it is acknowledged, and works its way to an answer afterwards; what a stopped server did not get
to is taken up at its next start. An event that comes again, by whatever way, is acknowledged and nothing else. Replies go
through the outbox, which counts what each message takes; what the platform says about that is believed rather than the
count.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from bot.connector import Delivery, Desk, Limits, Outcome
from bot.errors import DeliveryFailed, DeliveryRefused, HookClosed, NumberTaken, RefdeskError
from bot.messages import Reply
from connectors.qq import calls, links, sending
from connectors.qq.events import FRIENDS, NAME, Op, Unreadable, event, payload
from connectors.qq.gateway import Gateway
from connectors.qq.intake import Intake
from connectors.qq.settings import Settings
from connectors.qq.signature import Key, NotSigned, WrongSignature
from connectors.shared.api import ApiFailed, ApiRefused

log = logging.getLogger("refdesk.qq")

PATH: Final = "/webhooks/qq"
_LARGEST_VALIDATION: Final = 1024
_SHORTEST: Final = 300
_FORMS: Final = 8


@dataclass(frozen=True, slots=True)
class _Form:
    """How a reply is put: simpler and simpler for as long as the platform refuses it."""

    buttons: bool
    links: bool = True
    words: bool = True
    most: int = 0


class Official:
    """One bot."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        self._settings, self._key = settings, Key(settings.secret)
        self._api = calls.api_of(settings)
        self._markdown = settings.markdown
        self.limits = Limits(
            settings.message_bytes, FRIENDS.lasts, inline=False, quota=FRIENDS.quota,
            by_message=True, unprompted=settings.unprompted, groups=True,
        )  # fmt: skip

    # --- coming in ---

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """POST /webhooks/qq, or a connection to the gateway for as long as the server runs."""
        self._desk = desk
        self._intake = intake = Intake(desk, self._api)
        gateway = Gateway(self._api, desk, intake.take, guilds=self._settings.guilds) if self._settings.transport == "gateway" else None
        if gateway is None:

            @app.post(PATH, name="qq")
            async def receive(request: Request) -> HTTPResponse:
                return await self._received(request)

        @app.before_server_start
        async def start(_: object) -> None:
            await self._api.open()
            await intake.start()
            if gateway:
                gateway.start()

        @app.before_server_stop
        async def stop(_: object) -> None:
            if gateway:
                await gateway.stop()
            await intake.stop()
            await self._api.close()

    async def _received(self, request: Request) -> HTTPResponse:
        try:
            signed = self._verified(request)
            if not signed and len(request.body) > _LARGEST_VALIDATION:
                raise WrongSignature
            found = payload(request.body)
            op = found.get("op")
            if op == Op.VALIDATION:
                return json(self._proof(found.get("d")))
            if not signed:
                raise WrongSignature
            if op == Op.EVENT:
                await self._intake.take(event(found), request.body.decode())
        except (WrongSignature, NotSigned):
            log.warning("a request was refused: it was not signed with the secret of this bot")
            return empty(status=401)
        except Unreadable as error:
            log.warning("a request was refused: %s", error)
            return json({"error": str(error)}, status=400)
        except RefdeskError:
            log.exception("an event could not be stored; the platform is to send it again")
            return json({"error": "not stored; please send it again"}, status=503)
        return json({"op": int(Op.HEARTBEAT_ACK if op == Op.HEARTBEAT else Op.CALLBACK_ACK)})

    def _verified(self, request: Request) -> bool:
        """Whether the request is signed; WrongSignature when it is, but not by this bot's platform, or too long ago."""
        head = request.headers
        if head.get("x-bot-appid", self._settings.app_id) != self._settings.app_id:
            raise WrongSignature
        signature, stamp = head.get("x-signature-ed25519", ""), head.get("x-signature-timestamp", "")
        if not signature and not stamp:
            return False
        self._key.check(signature, stamp, request.body)
        age = self._settings.age
        if age and abs(datetime.now(UTC).timestamp() - int(stamp)) > age.total_seconds():
            raise WrongSignature
        return True

    def _proof(self, asked: Any) -> dict[str, str]:
        """The answer to the console's check of the address; see signature.py for why it is one to nothing else."""
        if not self._settings.binding or not isinstance(asked, Mapping):
            raise NotSigned
        token, stamp = asked.get("plain_token"), asked.get("event_ts")
        if not isinstance(token, str) or not isinstance(stamp, str | int):
            raise NotSigned
        return {"plain_token": token, "signature": self._key.prove(str(stamp), token)}

    # --- going out ---

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Send one message, in simpler forms as long as the platform refuses its form."""
        try:
            return await self._deliver(delivery)
        except ApiFailed as failed:
            raise DeliveryFailed(NAME, calls.told(failed)) from failed
        except ApiRefused as refused:
            if refused.errcode in calls.CLOSED:
                raise HookClosed(NAME, calls.told(refused)) from refused
            if refused.errcode == calls.TAKEN:
                if delivery.again:  # it is this very message that arrived, only the answer did not
                    return Outcome.DELIVERED
                raise NumberTaken(NAME, calls.told(refused)) from refused
            raise (DeliveryFailed if refused.errcode in calls.PASSING else DeliveryRefused)(NAME, calls.told(refused)) from refused

    async def _deliver(self, delivery: Delivery) -> Outcome:
        where, choices = sending.target(delivery.address), delivery.reply.choices
        if not delivery.hook and not (self._settings.unprompted and await self._intake.may_write_first(delivery.address)):
            return Outcome.MAILBOX
        form = _Form(buttons=self._markdown and not where.guild and sending.fits(choices))
        for _ in range(_FORMS):
            content = await self._worded(delivery, where, form)
            if not content:
                raise DeliveryRefused(NAME, "the platform will not show these words")
            body = sending.markdown(delivery, content, choices) if form.buttons else sending.text(where, delivery, content)
            try:
                # Not tried again in there: only the outbox knows which second use of a number is our own.
                await self._api.call(where.path, body, repeatable=False)
            except ApiRefused as refused:
                if refused.errcode in calls.AUDITED:
                    log.info("a message is shown once the platform has looked at it: %s", calls.told(refused))
                    return Outcome.DELIVERED
                form = self._simpler(form, refused, len(content.encode()))
                continue
            return Outcome.DELIVERED
        raise DeliveryRefused(NAME, "the platform refuses it in every form")

    def _simpler(self, form: _Form, refused: ApiRefused, size: int) -> _Form:
        """The next form to try; the refusal itself when none would help."""
        if refused.errcode in calls.NO_MARKDOWN and form.buttons:
            log.warning("this bot may not send markdown (%s); choices go out as text from now on", refused.errcode)
            self._markdown = False
            return replace(form, buttons=False)
        if refused.errcode in calls.NO_LINKS and form.links:
            log.warning("the platform refused an address in a message (%s): connectors.qq.link_domains", refused.errcode)
            return replace(form, links=False)
        if refused.errcode in calls.NOT_THESE_WORDS and form.words:
            return replace(form, buttons=False, words=False)
        if refused.errcode in calls.TOO_LONG and size > _SHORTEST:
            return replace(form, most=max(size // 2, _SHORTEST))
        raise refused

    async def _worded(self, delivery: Delivery, where: sending.Target, form: _Form) -> str:
        """The words of a message: without addresses that are not allowed there, and with where to find what is left out."""
        reply, say = delivery.reply, self._desk.phrase
        if not form.words:
            return "\n".join(await self._remark("reply_in_mailbox", reply))
        domains = self._settings.link_domains if form.links and (self._settings.group_links or not where.room) else ()
        stripped = links.strip(reply.plain(), lambda host: links.below(host, domains), say("link_left_out", reply.language))
        content, remarks = stripped.text, list[str]()
        if form.most and len(content.encode()) > form.most:
            content = sending.beginning(content, form.most)
            remarks += await self._remark("text_in_mailbox", reply)
        elif stripped.missing:
            remarks += await self._remark("links_in_mailbox", reply)
        if delivery.more:
            remarks.append(say("rest_waits", reply.language))
        return "\n".join([content, *remarks])

    async def _remark(self, name: str, reply: Reply) -> list[str]:
        """Where the whole reply can be read; nothing for a reply that is not stored."""
        code = await self._desk.pick_up(reply)
        return [self._desk.phrase(name, reply.language, code=code)] if code else []
