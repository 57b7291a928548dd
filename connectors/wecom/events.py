"""What an entry of sync_msg means: a question, or something that happened to a session or to a message of ours.

Protocol: developer.work.weixin.qq.com paths 94670 (event types) and 95122 (发送欢迎语等事件响应消息). A welcome_code and the
msg_code of an ended session are good for one message within 20 seconds.
"""

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from bot.connector import Desk
from bot.errors import TooMuch
from bot.messages import START, Address, Language, Question
from connectors.shared.api import ApiError
from connectors.wecom.payloads import AGENT, CUSTOMER, RATED_ILL, RATED_WELL, Item, menu, overheard, question
from connectors.wecom.sessions import Sessions

log = logging.getLogger("refdesk.wecom")

CODE_GOOD_FOR: Final = 20.0
SESSION: Final = 48 * 3600.0
"""Seconds after which an agent's session has ended, whether or not an event said so."""
FAILURES: Final = {
    "1": "the customer-service account was deleted",
    "2": "the app is closed",
    "4": "more than 48 hours after the customer's last message",
    "5": "the session is closed",
    "6": "more than 5 messages after the customer's last message",
    "7": "the enterprise has no channels account",
    "8": "the enterprise is not verified",
    "9": "the enterprise has no channels account and is not verified",
    "10": "the customer refuses messages",
}
_MSGID: Final = re.compile(r"(refdesk-\d+(?:-\d+)?)(?:_(\d+))?")
_SETTLES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def resend_fact(key: str) -> str:
    """Where it is kept how often a message has failed after it was taken: its next try needs an id of its own."""
    return f"wecom.failed.{key}"


def msgid(key: str, failed: str) -> str:
    """The id of a message: the delivery's key, and after failures their number."""
    return f"{key}_{failed}" if failed else key


class Events:
    """Handles entries for one connector. `address` says where a customer is in our terms."""

    def __init__(
        self,
        name: str,
        desk: Desk,
        sessions: Sessions,
        address: Callable[[Item], Address],
        *,
        agents: bool,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._name, self._desk, self._sessions, self._address, self._agents = name, desk, sessions, address, agents
        self._now, self._sleep = now, sleep
        self._welcomes: dict[str, tuple[str, float]] = {}

    async def take(self, entry: Item) -> None:
        """Handle one entry; returns once nothing of it can be lost."""
        if entry.kind == "event":
            await self._happened(entry)
        elif entry.origin == CUSTOMER and entry.user:
            await self._said(entry)
        elif entry.origin == AGENT and entry.user:
            await self._desk.overhear(overheard(entry, self._address(entry), self._agent(entry.servicer)))

    def welcome_code(self, asked: str) -> str:
        """The code for the answer to this question; '' when there is none or its time is over."""
        code, until = self._welcomes.get(asked, ("", 0.0))
        return code if self._now() < until else ""

    def greeted(self, asked: str) -> None:
        """The code for the answer to this question was used, and works no more."""
        self._welcomes.pop(asked, None)

    # --- what customers say ---

    async def _said(self, entry: Item) -> None:
        address = self._address(entry)
        if entry.text("menu_id") in (RATED_WELL, RATED_ILL):
            await self._desk.judge(address, entry.text("menu_id") == RATED_WELL)
            return
        # One whom an agent has without our doing is stored and left to that agent: the bot has nothing to say.
        await self._ask(replace(question(entry, address), agent=await self._holder(entry)))

    async def _ask(self, asked: Question) -> None:
        try:
            await self._desk.ask(asked)
        except TooMuch as error:  # one who floods must not hold up all the others
            log.warning("message %s was passed over: %s", asked.id, error)

    async def _holder(self, entry: Item) -> str:
        """Which of the platform's agents has this customer; '' when none has."""
        until, _, servicer = (await self._desk.recall(self._held(entry))).partition(" ")
        return self._agent(servicer) if until and self._now() < float(until) else ""

    def _agent(self, servicer: str) -> str:
        """An agent's name with us."""
        return f"{self._name}:{servicer}"

    def _held(self, entry: Item) -> str:
        return f"wecom.agents.{entry.open_kfid}.{entry.user}"

    # --- what happens ---

    async def _happened(self, entry: Item) -> None:
        match entry.text("event_type"):
            case "enter_session":
                await self._entered(entry)
            case "msg_send_fail":
                await self._failed(entry)
            case "session_status_change":
                await self._changed(entry)

    async def _entered(self, entry: Item) -> None:
        """Somebody opened the chat. They are greeted where the platform allows it: it gives a code only when they may be."""
        code, until = entry.text("welcome_code"), entry.sent_at + CODE_GOOD_FOR
        if not code or not entry.user or self._now() >= until:
            return
        self._welcomes = {key: kept for key, kept in self._welcomes.items() if self._now() < kept[1]}
        self._welcomes[entry.msgid] = code, until
        await self._ask(Question(entry.msgid, self._address(entry), "", choice=START, tap=True))

    async def _failed(self, entry: Item) -> None:
        """A message that was taken did not arrive: it waits in the mailbox, and goes out when the customer writes again."""
        found = _MSGID.fullmatch(entry.text("fail_msgid"))
        if found is None:
            return
        key, failed = found[1], found[2] or "0"
        if (await self._desk.recall(resend_fact(key)) or "0") != failed:
            return  # this failure was dealt with before
        kind = entry.text("fail_type")
        why = f"the platform did not deliver it: {FAILURES.get(kind, f'reason {kind}')}"
        for pause in _SETTLES:
            if await self._desk.undeliver(self._name, key, why):
                break
            await self._sleep(pause)  # our own side has not noted yet that it was sent
        # What is due after all that time is tried again anyway: under an id of its own, from this part on.
        await self._desk.remember(resend_fact(key), str(int(failed) + 1))

    async def _changed(self, entry: Item) -> None:
        """An agent of the platform took the customer (1, 2, 4) or ended the session (3)."""
        if entry.text("change_type") != "3":
            await self._desk.remember(self._held(entry), f"{entry.sent_at + SESSION} {entry.text('new_servicer_userid')}")
            return
        await self._desk.remember(self._held(entry), "")
        await self._desk.end(self._address(entry), "" if self._agents else self._agent(""))
        code = entry.text("msg_code")
        if code and self._now() < entry.sent_at + CODE_GOOD_FOR:
            await self._ask_for_rating(code)

    async def _ask_for_rating(self, code: str) -> None:
        say = self._desk.phrase
        items = ((RATED_WELL, say("rate_yes", Language.ZH)), (RATED_ILL, say("rate_no", Language.ZH)))
        try:
            await self._sessions.send_on_event(code, code_msgid(code), menu(say("rate_service", Language.ZH), items))
        except ApiError as error:
            log.warning("nobody could be asked for a rating: %s", error)


def code_msgid(code: str) -> str:
    """The id of the message that a code allows: the same at each try."""
    return f"refdesk_{hashlib.sha256(code.encode()).hexdigest()[:24]}"
