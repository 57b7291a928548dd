"""The connector of a WeChat official account: verify, open, ask, answer in the response, push what comes later.

The platform waits 5 seconds for an answer and then asks again, three times in all, with the same MsgId. Every try gets
the stored answer. The first two are left waiting for it, since an early `success` would end the tries; the third says
that the answer is to come, and it is pushed, or handed out when the asker writes again.
"""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sanic import Request, Sanic
from sanic.response import HTTPResponse, raw
from sanic.response import text as plain_text

from bot.connector import Delivery, Desk, Limits, Outcome
from bot.errors import DeliveryFailed, DeliveryRefused, RefdeskError, TooMuch
from bot.messages import Language, Question, Reply
from connectors.shared.api import DEAD_TOKEN, Api, ApiFailed, ApiRefused, stable_token
from connectors.shared.envelope import Key, SealBroken, check, open_with, signature
from connectors.wechat import replies as shapes
from connectors.wechat.incoming import NAME, address_of, is_event, question_of
from connectors.wechat.payload import BadPayload, Payload, parse, render
from connectors.wechat.settings import Settings

log = logging.getLogger("refdesk.wechat")

PATH: Final = "/webhooks/wechat"
SEND: Final = "/cgi-bin/message/custom/send"
TRIES: Final = 3
_MORE: Final = frozenset({"更多", "more"})
_PASSING: Final = frozenset({-1, 40164, 45011}) | DEAD_TOKEN
"""Refusals that end by themselves or by the administrator's hand: busy, unlisted address, too frequent, token."""
_NO_MENUS: Final = frozenset({40200, 45098})
_REMEMBERED: Final = 10_000


class Official:
    """One official account. `patience` is how many seconds the last try waits for an answer."""

    name = NAME
    patience = 4.5

    def __init__(self, settings: Settings) -> None:
        self._settings, self._keys, self._titles = settings, settings.keys(), settings.titles()
        self._api = Api(settings.api_base, stable_token(settings.app_id, settings.app_secret))
        self._menus = settings.msgmenu and settings.verified
        self._work: dict[str, asyncio.Task[tuple[Reply, ...]]] = {}
        self._tries: OrderedDict[str, int] = OrderedDict()
        self._desk: Desk | None = None
        pushes = {"window": timedelta(hours=48), "quota": 5, "tap_window": timedelta(minutes=1), "tap_quota": 3}
        self.limits = Limits(shapes.MOST_BYTES, **pushes) if settings.verified else Limits(shapes.MOST_BYTES)  # type: ignore[arg-type]

    # --- coming in ---

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """GET and POST /webhooks/wechat."""
        self._desk = desk

        @app.get(PATH, name="wechat_check")
        async def verify(request: Request) -> HTTPResponse:
            try:
                return plain_text(self._echo(_query(request)))
            except SealBroken:
                return plain_text("the signature is wrong", status=403)

        @app.post(PATH, name="wechat")
        async def receive(request: Request) -> HTTPResponse:
            query = _query(request)
            try:
                payload, key = self._opened(request.body, query)
                content = await self._content(desk, payload)
            except SealBroken:
                return plain_text("the signature is wrong", status=403)
            except BadPayload as error:
                return plain_text(str(error), status=400)
            except RefdeskError:
                return plain_text("not stored; please send it again", status=503)
            return self._answer(payload, key, content, query["nonce"])

        @app.before_server_start
        async def connect(_: object) -> None:
            await self._api.open()

        @app.after_server_stop
        async def disconnect(_: object) -> None:
            await self._api.close()

    def _echo(self, query: Mapping[str, str]) -> str:
        """The check of the address: echostr as it came; opened first where the platform sealed it."""
        token, stamp, nonce, echo = self._settings.token, query["timestamp"], query["nonce"], query["echostr"]
        if query["msg_signature"] and self._keys:
            check(query["msg_signature"], token, stamp, nonce, echo)
            return open_with(self._keys, echo.encode())[0].decode("utf-8", "replace")
        check(query["signature"], token, stamp, nonce)
        return echo

    def _opened(self, body: bytes, query: Mapping[str, str]) -> tuple[Payload, Key | None]:
        """The message and the key it was sealed with. With a key set, nothing counts but what it opens."""
        token, stamp, nonce = self._settings.token, query["timestamp"], query["nonce"]
        if not self._keys:
            check(query["signature"], token, stamp, nonce)
            return parse(body), None
        outer = parse(body)
        if not query["msg_signature"] or not outer["Encrypt"]:
            raise SealBroken
        check(query["msg_signature"], token, stamp, nonce, outer["Encrypt"])
        message, key = open_with(self._keys, outer["Encrypt"].encode())
        inner = parse(message)
        return Payload(inner.fields, json=outer.json), key

    # --- answering in the response ---

    async def _content(self, desk: Desk, payload: Payload) -> dict[str, Any] | None:
        """What the asker is to see, without its envelope; None for nothing."""
        if is_event(payload, "unsubscribe"):
            await desk.leave(address_of(payload))
            return None
        question = question_of(payload, self._titles)
        if question is None:
            return None
        if question.text.strip().lower() in _MORE:
            return shapes.text(await self._more(desk, question))
        last = self._count(question) >= TRIES
        try:
            found = await self._in_time(desk, question, last)
        except TooMuch as error:
            return shapes.text(desk.phrase("refused.too_many" if "minute" in error.what else "refused.too_long", _language(question)))
        except RefdeskError:
            if not last:
                raise  # the platform asks again
            return shapes.text(desk.phrase("refused.not_stored", _language(question)))
        if found is None:
            return shapes.text(desk.phrase("late", _language(question)))
        return await self._shown(desk, question, found, payload.json)

    def _count(self, question: Question) -> int:
        """Which try this is, as far as this process knows."""
        self._tries[question.id] = self._tries.pop(question.id, 0) + 1
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)
        return self._tries[question.id]

    async def _in_time(self, desk: Desk, question: Question, last: bool) -> tuple[Reply, ...] | None:
        """The replies; None when the last try cannot wait for them any longer, and then they are pushed."""
        task = self._work.get(question.id)
        if task is None:
            # Of its own, because the platform hangs up on the first tries and the work must go on.
            task = self._work[question.id] = asyncio.create_task(self._ask(desk, question))
        done, _ = await asyncio.wait({task}, timeout=self.patience if last else None)
        if done:
            return task.result()
        task.add_done_callback(lambda _: self._keep(asyncio.create_task(desk_late(desk, question))))
        return None

    async def _ask(self, desk: Desk, question: Question) -> tuple[Reply, ...]:
        try:
            return await desk.ask(question)
        finally:
            self._work.pop(question.id, None)

    def _keep(self, task: asyncio.Task[None]) -> None:
        """A task that nobody waits for must be held, or it may vanish."""
        _held.add(task)
        task.add_done_callback(_held.discard)

    async def _shown(self, desk: Desk, question: Question, found: tuple[Reply, ...], as_json: bool) -> dict[str, Any] | None:
        waited = await desk.collect(question.address, question.id)
        if not waited and self._menus and shapes.menu_fits(found) and not question.tap:
            await desk.late(question)
            return None
        if not waited and self._settings.cards and not as_json and (card := shapes.card(found)):
            return card
        whole = "\n\n".join(reply.plain() for reply in (*waited, *found))
        if not whole:
            return None
        shown = shapes.page(question.id, whole, desk.phrase("rest_waits", (*waited, *found)[-1].language))
        if shown.rest:
            await desk.remember(_note(question), shown.stored())
        return shapes.text(shown.text)

    async def _more(self, desk: Desk, question: Question) -> str:
        """The next page of what did not fit; the same page for the same message. Librarians' replies come along."""
        before = shapes.Page.restored(await desk.recall(_note(question)))
        if before and before.by == question.id:
            return before.text
        waited = await desk.collect(question.address, question.id)
        whole = "\n\n".join(filter(None, [before.rest if before else "", *(reply.plain() for reply in waited)]))
        if not whole:
            return desk.phrase("no_more", _language(question))
        shown = shapes.page(question.id, whole, desk.phrase("rest_waits", _language(question)))
        await desk.remember(_note(question), shown.stored())
        return shown.text

    def _answer(self, payload: Payload, key: Key | None, content: dict[str, Any] | None, nonce: str) -> HTTPResponse:
        """The response: `success` for nothing to say, sealed where the message was."""
        if content is None:
            return plain_text("success")
        now = int(time.time())
        body = render(shapes.passive(payload["FromUserName"], payload["ToUserName"], now, content), as_json=payload.json)
        if key:
            sealed, nonce = key.seal(body).decode(), nonce or secrets.token_hex(8)
            signed = signature(self._settings.token, str(now), nonce, sealed)
            body = render({"Encrypt": sealed, "MsgSignature": signed, "TimeStamp": now, "Nonce": nonce}, as_json=payload.json)
        return raw(body, content_type="application/json" if payload.json else "application/xml")

    # --- pushing ---

    async def deliver(self, delivery: Delivery) -> Outcome:
        """By customer-service message where the account may; else the reply is handed out when the asker writes again."""
        if not self._settings.verified:
            return Outcome.MAILBOX
        user, reply = delivery.address.user, delivery.reply
        content = reply.plain()
        if delivery.more and self._desk:
            content = f"{content}\n{self._desk.phrase('rest_waits', reply.language)}"
        try:
            if self._menus and shapes.menu_fits((reply,)) and await self._pushed_menu(user, reply):
                return Outcome.DELIVERED
            await self._api.call(SEND, shapes.pushed_text(user, content), repeatable=False)
        except ApiFailed as error:
            raise DeliveryFailed(NAME, str(error)) from error
        except ApiRefused as error:
            kind = DeliveryFailed if error.errcode in _PASSING else DeliveryRefused
            raise kind(NAME, str(error)) from error
        return Outcome.DELIVERED

    async def _pushed_menu(self, user: str, reply: Reply) -> bool:
        """Whether the choices went out as a menu; an account that may not send menus sends text from now on."""
        try:
            await self._api.call(SEND, shapes.pushed_menu(user, reply), repeatable=False)
        except ApiRefused as error:
            if error.errcode not in _NO_MENUS:
                raise
            log.warning("this account sends no menus (%s); choices go out as text", error.errcode)
            self._menus = self._menus and error.errcode != 40200
            return False
        return True


_held: set[asyncio.Task[None]] = set()


async def desk_late(desk: Desk, question: Question) -> None:
    """Push the replies to a question whose last try could not wait."""
    try:
        await desk.late(question)
    except RefdeskError:
        log.exception("a late reply stays in the store")


def _query(request: Request) -> Mapping[str, str]:
    """What the platform puts into the address; '' for what is missing."""
    names = ("signature", "timestamp", "nonce", "echostr", "msg_signature")
    return {name: str(request.args.get(name) or "") for name in names}


def _language(question: Question) -> Language:
    """The language of a remark that is no reply: told by the words it answers, without any understanding."""
    return Language.EN if question.text.strip() and question.text.isascii() else Language.ZH


def _note(question: Question) -> str:
    return f"{NAME}.more.{question.address.user}"
