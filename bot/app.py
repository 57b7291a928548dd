"""Composition root: settings -> store, desk, connectors, pages -> Sanic."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from sanic import Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import HTTPResponse, json
from sanic.router import Router

from bot import connector, house, signon
from bot.accounts import Accounts
from bot.connector import Connector
from bot.desk import Desk
from bot.digest import Digest
from bot.errors import Refused, TooMuch
from bot.limits import RateLimit
from bot.live import EVERYTHING, Hub, Wait
from bot.mailing import Mailing
from bot.messages import Address, Exchange, Question, Reply
from bot.monitor import Monitor
from bot.outbox import Outbox
from bot.pages import (
    account,
    answers,
    api,
    blocks,
    groups,
    helping,
    intents,
    logbook,
    mailbox,
    parse,
    patron,
    people,
    requests,
    roster,
    signin,
    status,
    system,
    teaching,
)
from bot.pages import desk as desk_pages
from bot.pages import reports as report_pages
from bot.pages.desk import Workroom
from bot.pages.metrics import Metrics
from bot.pages.render import HERE, Pages
from bot.platform import Platform
from bot.presence import Presence
from bot.settings import Settings
from bot.teaching import Now, Teacher
from bot.tokens import Tokens

log = logging.getLogger("refdesk")

LARGEST_BODY = 256 * 1024
_TRUSTED_FACTOR = 200
_CAMPUS_FACTOR = 40
_TIDY_EVERY = 20.0
_HELD_EVERY = 0.5
_DIGEST_EVERY = 60.0
_MAILING_EVERY = 900.0
_FORGET_EVERY = 3600.0
_STOP_WITHIN = 5.0

P = ParamSpec("P")
T = TypeVar("T")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Doors:
    """What connectors may ask of the house (bot.connector.Desk), over one desk: rates, order for each asker, failures."""

    def __init__(
        self, desk: Desk, hub: Hub, connectors: Mapping[str, Connector], presence: Presence, asks_per_minute: int, *, metrics: Metrics
    ) -> None:
        self._desk, self._hub, self._connectors, self._presence, self._metrics = desk, hub, connectors, presence, metrics
        self._public, self._trusted = RateLimit(asks_per_minute), RateLimit(asks_per_minute * _TRUSTED_FACTOR)
        self._turns: WeakValueDictionary[Address, asyncio.Lock] = WeakValueDictionary()

    async def ask(self, question: Question) -> tuple[Reply, ...]:
        """One message of one asker at a time, in the order of arrival. A failure of the bot is a handover, never silence."""
        if not self._desk.in_group(question.address):  # groups have limits of their own, beyond which nothing is dropped
            public = self._connectors[question.address.connector].limits.public
            (self._public if public else self._trusted).use(question.address)
        turn = self._turns.setdefault(question.address, asyncio.Lock())
        async with turn:
            begun = time.perf_counter()
            try:
                replies = await asyncio.wrap_future(await asyncio.to_thread(self._desk.ask, question))
                self._metrics.decided(time.perf_counter() - begun, replies)
                return replies
            except Refused:
                raise
            except Exception:  # whatever went wrong, a person is asked
                log.exception("a question could not be decided")
                self._metrics.failed(time.perf_counter() - begun)
                return await asyncio.wrap_future(self._desk.fail(question))

    async def collect(self, address: Address, asked: str = "") -> tuple[Reply, ...]:
        """Replies that waited; see Desk.collect."""
        return await asyncio.to_thread(self._desk.collect, address, asked)

    async def rate(self, address: Address, message: int, helpful: bool) -> tuple[Reply, ...]:
        """Thumbs up or down; see Desk.feedback."""
        return await asyncio.to_thread(self._desk.feedback, address, message, helpful)

    async def history(self, address: Address, after: int) -> Exchange:
        """The exchange; see Desk.history."""
        exchange = await asyncio.to_thread(self._desk.history, address, after)
        return replace(exchange, typing=self._presence.types_to(exchange.conversation))

    @contextlib.asynccontextmanager
    async def listen(self, address: Address) -> AsyncIterator[Wait]:
        """Hear of changes of an exchange; of any change while this asker has none."""
        conversation = await asyncio.to_thread(self._desk.store.read, lambda s: s.existing_conversation(address))
        with self._hub.listening(conversation.id if conversation else EVERYTHING) as wait:
            yield wait


class _Routes(Router):
    """Whoever may GET may ask for the head alone, as proxies and monitors do; streams have no end to be told of."""

    def add(self, uri: str, methods: Iterable[str] | None, *given: Any, **named: Any) -> Any:  # type: ignore[override]
        """A route, as Sanic adds it; one without methods is a WebSocket, which begins as a GET."""
        offered = set(methods or ("GET",))
        if methods and "GET" in offered and not uri.endswith("/events"):
            offered.add("HEAD")
        return super().add(uri, offered, *given, **named)


def _beside(work: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A blocking method as connectors await it, on another thread."""

    def run(*given: P.args, **named: P.kwargs) -> Awaitable[T]:
        return asyncio.to_thread(work, *given, **named)

    return run


def create_app(settings: Settings, mind: house.Mind, connectors: Mapping[str, Connector], name: str = "refdesk") -> Sanic[Any, Any]:
    """The whole server. The store is opened here and closed when the server stops."""
    house.add_fonts(settings)
    desk = house.desk(settings, mind, {key: value.limits for key, value in connectors.items()})
    hub, clock = Hub(), desk.clock
    figures, months, tokens = house.ledger(settings, desk.store), house.months(settings, desk.store), Tokens(desk.store, clock.now)
    metrics = Metrics(desk, figures)
    outbox = Outbox(desk.store, metrics.counted(connectors), clock.now)
    accounts = Accounts(desk.store, desk.secret, clock.now)
    secure = settings.server.public_url.startswith("https://")
    university = signon.build(settings.signon)
    pages = Pages(desk.knowledge, accounts, desk.hours.zone, secure=secure, signon=university is not None)
    presence = Presence(hub.wake)
    doors = Doors(desk, hub, connectors, presence, settings.server.asks_per_minute, metrics=metrics)
    more = Platform(desk, clock.now)
    interface = connector.Desk(
        doors.ask, doors.collect, doors.rate, doors.history, doors.listen, settings.loopback,
        remember=_beside(more.remember), recall=_beside(more.recall), undeliver=_beside(more.undeliver),
        end=_beside(more.end), judge=_beside(more.judge), late=_beside(desk.late), leave=_beside(desk.leave), phrase=more.phrase,
        keep=_beside(more.keep), kept=_beside(more.kept), done=_beside(more.done), pick_up=_beside(desk.pick_up), same=_beside(desk.same),
        keep_page=_beside(more.keep_page), overhear=_beside(desk.overhear),
    )  # fmt: skip
    app: Sanic[Any, Any] = Sanic(name, configure_logging=False, router=_Routes())
    app.config.update(
        AUTO_EXTEND=False,
        REQUEST_MAX_SIZE=LARGEST_BODY, SECURE_COOKIES=secure, FALLBACK_ERROR_FORMAT="json", MOTD=False, ACCESS_LOG=False,
        PROXIES_COUNT=settings.server.proxies or None, KEEP_ALIVE_TIMEOUT=75, GRACEFUL_SHUTDOWN_TIMEOUT=2.0,
    )  # fmt: skip
    app.ctx.desk, app.ctx.accounts, app.ctx.outbox, app.ctx.tokens, app.ctx.months = desk, accounts, outbox, tokens, months
    patron.mount(app, pages, desk, interface)
    mailbox.mount(app, pages, desk)
    answers.mount(app, pages, desk)
    groups.mount(app, pages, desk)
    signin.mount(app, pages)
    if university:
        signin.mount_signon(app, pages, university, settings.signon.role, house.address(settings))
    account.mount(app, pages)
    people.mount(app, pages, house.address(settings))
    undo = timedelta(seconds=settings.desk.undo_seconds)
    room = Workroom(pages, desk, hub, presence, settings.desk.teams, undo, settings.desk.picture_hosts)
    desk_pages.mount(app, room)
    report_pages.mount(app, pages, desk, figures, months)
    api.mount(app, figures, months, tokens)

    def adopt() -> None:
        figures.duty = months.duty = desk.hours

    roster.mount(app, pages, desk, adopt)
    status.mount(app, pages, desk)
    requests.mount(app, pages, desk)
    logbook.mount(app, pages, desk)

    def think(new: house.Mind) -> None:
        nonlocal mind
        mind = new
        desk.adopt(new.engine, new.answering)
        pages.knowledge = desk.knowledge

    desk.second_person = settings.teaching.second_person
    app.ctx.teacher = Teacher(settings, desk.store, Now(lambda: mind, desk.today, clock.now), think)
    teaching.mount(app, room, app.ctx.teacher)
    helping.mount(app, room)
    blocks.mount(app, room)
    intents.mount(app, pages, desk, house.at_work(settings, desk.store, desk.answering.kinds))
    system.mount(app, pages, desk, lambda: mind.state(), tuple(connectors), metrics=metrics, tokens=tokens)
    if settings.loopback or settings.understanding.token:
        parse.mount(app, desk, token=settings.understanding.token, quick=mind.quick)
    for each in connectors.values():
        each.mount(app, interface)
    app.static("/static", HERE / "static", name="static")
    _guard(app, settings)
    _answer_errors(app, pages)
    _run_beside(app, room, outbox, settings, mailing=Mailing(settings, desk, figures, clock.now))
    return app


def _guard(app: Sanic[Any, Any], settings: Settings) -> None:
    """What every request and response has to pass."""
    crowd = RateLimit(settings.server.asks_per_minute * _CAMPUS_FACTOR)
    frames = " ".join(("'self'", *settings.server.embed_origins))
    policy = f"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"

    @app.on_request
    async def refuse(request: Request) -> HTTPResponse | None:
        if request.method in _READING or request.path.startswith("/webhooks/") or request.path == parse.PATH:
            return None
        if not _same_site(request):
            return json({"error": "requests from other sites are refused"}, status=403)
        try:
            crowd.use(request.client_ip)
        except TooMuch as error:
            return json({"error": str(error)}, status=429)
        return None

    @app.on_response  # type: ignore[untyped-decorator]
    async def harden(request: Request, response: HTTPResponse) -> None:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")


def _same_site(request: Request) -> bool:
    """Whether a state-changing request comes from our own pages, or from something that is no browser."""
    fetched = request.headers.get("sec-fetch-site")
    if fetched:
        return fetched in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _answer_errors(app: Sanic[Any, Any], pages: Pages) -> None:
    async def explain(request: Request, error: Exception) -> HTTPResponse:
        status = error.status_code if isinstance(error, SanicException) else 500
        if status >= 500:
            log.error("%s %s failed", request.method, request.path, exc_info=error)
        text = str(error) if isinstance(error, SanicException) and status < 500 else "internal error"
        if "text/html" in request.headers.get("accept", ""):
            key = f"error.{status}" if status in (403, 404, 405, 413) else "error.other"
            response = pages.notice(request, status, pages.knowledge.phrase(key, pages.frame(request).language))
        else:
            response = json({"error": text}, status=status)
        response.headers.update(getattr(error, "headers", {}))  # Allow with a 405
        return response

    app.error_handler.add(Exception, explain)


def _monitor(desk: Desk, settings: Settings) -> Monitor:
    m = settings.monitor
    return Monitor(desk.store, desk.knowledge.rows, desk.clock.now, timeout=timedelta(seconds=m.timeout_seconds), at_once=m.at_once)


def _run_beside(app: Sanic[Any, Any], room: Workroom, outbox: Outbox, settings: Settings, *, mailing: Mailing) -> None:
    """The background tasks, and the order of stopping: first the tasks, then the store."""
    tasks: list[asyncio.Task[None]] = []
    desk, hub = room.desk, room.hub
    absence = timedelta(minutes=settings.desk.away_minutes)
    digest = Digest(desk, settings.mail, house.address(settings), room.presence.online)
    release = timedelta(minutes=settings.calendar.release_after_minutes)
    keep, keep_personal = timedelta(days=settings.retention.messages_days), timedelta(days=settings.retention.personal_days)

    def away(login: str, span: timedelta) -> bool:
        return room.presence.away(login, span.total_seconds())

    async def forever(work: Callable[[], Awaitable[object]], every: float) -> None:
        while True:
            try:
                await work()
            except Exception:  # a background task that dies would be silence
                log.exception("a background task failed; it goes on")
            await asyncio.sleep(every)

    @app.before_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        hub.start()
        loop = asyncio.get_running_loop()

        def announce(conversations: frozenset[int]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have stopped while the last batch was written
                hub.wake(conversations)
                loop.call_soon_threadsafe(outbox.wake)

        desk.store.on_commit(announce)
        tasks.append(asyncio.create_task(forever(outbox.run, 1.0)))
        tasks.append(asyncio.create_task(forever(lambda: asyncio.to_thread(desk.tidy, release, away, absence), _TIDY_EVERY)))
        tasks.append(asyncio.create_task(forever(lambda: asyncio.to_thread(desk.send_held), _HELD_EVERY)))
        if settings.mail.host:
            tasks.append(asyncio.create_task(forever(lambda: asyncio.to_thread(digest.run), _DIGEST_EVERY)))
        if settings.reports.send:
            tasks.append(asyncio.create_task(forever(lambda: asyncio.to_thread(mailing.run), _MAILING_EVERY)))
        tasks.append(asyncio.create_task(forever(lambda: asyncio.to_thread(desk.forget, keep, keep_personal), _FORGET_EVERY)))
        if settings.monitor.every_minutes:
            tasks.append(asyncio.create_task(forever(_monitor(desk, settings).check_all, settings.monitor.every_minutes * 60)))

    @app.after_server_stop
    async def stop(app: Sanic[Any, Any]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_STOP_WITHIN)
        await asyncio.to_thread(desk.store.close)
