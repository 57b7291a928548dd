"""From an event to what follows from it: kept first, worked on afterwards, until that has succeeded.

The webhook and the gateway both end here. The platform brings an event again when it did not hear that we have it, and
again after a resumed connection; an event is known by its id, a message by its own as well.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final
from weakref import WeakValueDictionary

from bot.connector import Desk
from bot.errors import RefdeskError, TooMuch
from bot.messages import Address, Language, Question
from connectors.qq import calls, sending
from connectors.qq.events import NAME, Event, Switch, Unreadable, event, payload, question_of, switch_of
from connectors.qq.people import People
from connectors.shared.api import Api, ApiError

log = logging.getLogger("refdesk.qq")

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds before what could not be worked on is tried again: doubling, up to this."""


class Intake:
    """The events of one bot."""

    def __init__(self, desk: Desk, api: Api, *, first_pause: float = FIRST_PAUSE) -> None:
        self._desk, self._api, self._first_pause = desk, api, first_pause
        self._people = People(desk)
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[Address, asyncio.Lock] = WeakValueDictionary()

    async def start(self) -> None:
        """Take up what was kept and not worked on when the server stopped."""
        for kept in await self._desk.kept(NAME):
            try:
                happened = event(payload(kept.body))
                question_of(happened), switch_of(happened)
                self._spawn(happened)
            except Unreadable as error:  # kept by another version
                log.warning("event %s is passed over: %s", kept.id, error)
                await self._desk.done(NAME, kept.id)

    async def stop(self) -> None:
        """Leave what is being worked on for the next start."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def take(self, happened: Event, body: str) -> None:
        """Keep an event; it is on disk when this returns, and worked on after that. Unreadable, when nobody could read it."""
        question, switch = question_of(happened), switch_of(happened)
        if question is None and switch is None:
            return
        if question and not question.addressed:  # what others say to each other is not kept
            self._hold(asyncio.create_task(self._overhear(happened, question)))
        elif await self._desk.keep(NAME, happened.id, body):
            self._spawn(happened)

    def _spawn(self, happened: Event) -> None:
        self._hold(asyncio.create_task(self._work(happened)))

    def _hold(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _overhear(self, happened: Event, question: Question) -> None:
        try:
            await self._desk.ask(replace(question, address=await self._people.known(question.address, happened)))
        except RefdeskError as error:
            log.info("something that was overheard is passed over: %s", error)

    async def _work(self, happened: Event) -> None:
        """In the order of one's events, each until it has succeeded, however long that takes: nobody else will."""
        question, switch = question_of(happened), switch_of(happened)
        whose = question.address if question else switch.address if switch else Address(NAME, "")
        turn = self._turns.setdefault(whose, asyncio.Lock())
        async with turn:
            await self._persist(happened)

    async def _persist(self, happened: Event) -> None:
        pause = self._first_pause
        while True:
            try:
                await self._handle(happened)
                await self._desk.done(NAME, happened.id)
                return
            except RefdeskError as error:
                log.warning("event %s is tried again: %s", happened.id, error)
            except Exception:  # a task that dies would be silence
                log.exception("event %s is tried again", happened.id)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _handle(self, happened: Event) -> None:
        switch, question = switch_of(happened), question_of(happened)
        if switch and not await self._turned(switch):
            return
        if happened.kind == "INTERACTION_CREATE":
            self._hold(asyncio.create_task(self._acknowledge(happened.text("id"))))
        if question:
            await self._ask(replace(question, address=await self._people.known(question.address, happened)))

    async def _ask(self, question: Question) -> None:
        try:
            await self._desk.ask(question)
        except TooMuch as error:
            if "minute" in error.what:
                raise  # it waits until there is room again
            await self._refuse(question)

    async def _refuse(self, question: Question) -> None:
        """A message that is too long to be stored is said so; nothing else replies to it, so its first number is free."""
        language = Language.EN if question.text.isascii() else Language.ZH
        where = sending.target(question.address)
        said = self._desk.phrase("refused.too_long", language)
        body = (
            {"content": said, "msg_id": question.id}
            if where.guild
            else {"msg_type": 0, "content": said, "msg_id": question.id, "msg_seq": 1}
        )
        try:
            await self._api.call(where.path, body, repeatable=False)
        except ApiError as error:
            log.warning("nobody could be told that a message was too long: %s", calls.told(error))

    async def _acknowledge(self, number: str) -> None:
        """Without it the button that was pressed shows a failure after some seconds."""
        try:
            await self._api.call(f"/interactions/{sending.safe(number)}", {"code": 0}, method="PUT")
        except ApiError as error:
            log.warning("a press of a button could not be acknowledged: %s", error)

    # --- who lets the bot in ---

    async def _turned(self, switch: Switch) -> bool:
        """Note a switch; False for one that is older than what is known, as events need not come in order."""
        name = _fact(switch.address, switch.name)
        at, _, _ = (await self._desk.recall(name)).partition(" ")
        if at and switch.at < int(at):
            return False
        await self._desk.remember(name, f"{switch.at} {'on' if switch.on else 'off'}")
        if switch.name == "here" and not switch.on:
            await self._desk.leave(switch.address)
        return True

    async def may_write_first(self, address: Address) -> bool:
        """Whether somebody may be written to without having written: a friend who has not forbidden it."""
        if address.room or sending.target(address).guild:
            return False
        told = [await self._desk.recall(_fact(address, name)) for name in ("here", "open")]
        return not any(each.endswith(" off") for each in told)


def _fact(address: Address, name: str) -> str:
    return f"{NAME}.{name}.{address.room or address.user}"
