"""Who speaks in a customer's session, and what may be sent in it: the platform's state machine, never against it.

Protocol: developer.work.weixin.qq.com paths 94669 (分配客服会话) and 94677 (发送消息). A message is allowed in the states
NEW and BOT only; in any other the platform would answer 95018, so the state is looked up before each message.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from connectors.shared.api import Api, ApiRefused

log = logging.getLogger("refdesk.wecom")

NOT_READY: Final = 95014
"""The agent has not activated WeCom or takes nobody at the moment."""


class State(IntEnum):
    """`service_state`: nobody yet, us, the pool of waiting customers, one of the platform's agents, over."""

    NEW = 0
    BOT = 1
    POOL = 2
    AGENT = 3
    OVER = 4


MOVES: Final[Mapping[State, frozenset[State]]] = {
    State.NEW: frozenset({State.BOT, State.POOL, State.AGENT}),
    State.BOT: frozenset({State.POOL, State.AGENT}),
    State.POOL: frozenset({State.AGENT}),
    State.AGENT: frozenset({State.AGENT, State.OVER}),
    State.OVER: frozenset(),
}
"""What an API call may change; OVER becomes NEW by the customer's next message only."""
OURS: Final = frozenset({State.NEW, State.BOT})
"""Where send_msg is allowed."""
NOT_OURS: Final[Mapping[State, str]] = {
    State.POOL: "the customer waits in the platform's own pool",
    State.AGENT: "one of the platform's own agents has this conversation",
    State.OVER: "the session is over; the customer has to write first",
}


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer at one customer-service account."""

    open_kfid: str
    user: str

    def body(self) -> dict[str, Any]:
        """As the service_state calls name them."""
        return {"open_kfid": self.open_kfid, "external_userid": self.user}


class Sessions:
    """The sessions of one enterprise. Every method may raise ApiError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def state(self, customer: Customer) -> State:
        """Who speaks now; a number that is not known yet counts as OVER, where nothing is sent."""
        answer = await self._api.call("/cgi-bin/kf/service_state/get", customer.body())
        try:
            return State(int(answer.get("service_state", State.OVER)))
        except (TypeError, ValueError):
            return State.OVER

    async def move(self, customer: Customer, old: State, new: State, servicer: str = "") -> bool:
        """Change who speaks; False, without a call, for a move that the platform does not allow."""
        if new not in MOVES[old]:
            return False
        body = {**customer.body(), "service_state": int(new), **({"servicer_userid": servicer} if servicer else {})}
        await self._api.call("/cgi-bin/kf/service_state/trans", body)
        return True

    async def to_agents(self, customer: Customer, old: State, servicer: str) -> bool:
        """Hand the customer to this agent, or to the pool when none is named or the agent is not there."""
        if servicer:
            try:
                return await self.move(customer, old, State.AGENT, servicer)
            except ApiRefused as refused:
                if refused.errcode != NOT_READY:
                    raise
                log.warning("agent %s is not there, the customer goes to the pool: %s", servicer, refused)
        return await self.move(customer, old, State.POOL)

    async def send(self, customer: Customer, msgid: str, content: Mapping[str, Any]) -> None:
        """One message. `msgid` makes a second try harmless: the platform takes each id once."""
        body = {"touser": customer.user, "open_kfid": customer.open_kfid, "msgid": msgid, **content}
        try:
            await self._api.call("/cgi-bin/kf/send_msg", body)
        except ApiRefused as refused:
            if not _seen_before(refused):
                raise

    async def send_on_event(self, code: str, msgid: str, content: Mapping[str, Any]) -> None:
        """The one message that an event's code allows, within 20 seconds and outside the count of five."""
        await self._api.call("/cgi-bin/kf/send_msg_on_event", {"code": code, "msgid": msgid, **content})


def _seen_before(refused: ApiRefused) -> bool:
    """Whether a refusal means that this msgid was taken already. Its errcode is not documented, so by its words."""
    words = refused.errmsg.lower()
    return "msgid" in words and any(sign in words for sign in ("repeat", "exist", "duplicate", "used"))
