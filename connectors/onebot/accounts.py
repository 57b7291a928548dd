"""Which accounts are connected, and by which of them somebody can be reached."""

from collections import OrderedDict
from dataclasses import replace

from bot.connector import Desk
from bot.messages import Address
from connectors.onebot.wire import Http, Wire

_MOST_SENT = 20_000
_MOST_WAYS = 50_000


class Accounts:
    """The wires of all accounts. `http` serves accounts that push and are not connected."""

    def __init__(self, http: Http | None) -> None:
        self._http = http
        self._wires: dict[tuple[str, str], Wire] = {}
        self._sent: OrderedDict[tuple[str, str], None] = OrderedDict()

    def connect(self, wire: Wire) -> Wire | None:
        """A connection came; returns the one it takes the place of."""
        before = self._wires.get((wire.account, wire.role))
        self._wires[wire.account, wire.role] = wire
        return before

    def disconnect(self, wire: Wire) -> None:
        """A connection ended."""
        if self._wires.get((wire.account, wire.role)) is wire:
            del self._wires[wire.account, wire.role]
        wire.gone()

    def rename(self, wire: Wire, account: str) -> None:
        """A connection that came without an account turns out to be this one's."""
        self._wires.pop((wire.account, wire.role), None)
        wire.account = account
        self._wires[account, wire.role] = wire

    def line(self, account: str) -> Wire | Http | None:
        """How actions reach an account; '' is the only one there is. None when it is not connected, or offline."""
        wires = [wire for wire in self._wires.values() if wire.role != "event" and (not account or wire.account == account)]
        if not account and len({wire.account for wire in wires}) > 1:
            return None
        wire = next((wire for wire in wires if wire.online), None)
        return wire or (None if wires else self._http)

    def knows(self, account: str) -> bool:
        """Whether this is one of our own accounts."""
        return any(wire.account == account for wire in self._wires.values())

    # --- what was sent by us ---

    def note_sent(self, account: str, message: str) -> None:
        """We sent this; a reply to it is meant for us."""
        self._sent[account, message] = None
        if len(self._sent) > _MOST_SENT:
            self._sent.popitem(last=False)

    def sent(self, account: str, message: str) -> bool:
        """Whether we sent this."""
        return (account, message) in self._sent


class Ways:
    """By which account, and by which group where they are no friends, an asker was heard last."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heard: OrderedDict[str, str] = OrderedDict()
        self._kept: OrderedDict[str, str] = OrderedDict()

    def hear(self, address: Address, account: str, group: str) -> None:
        """Know the way for as long as the server runs: an answer may be on its way before anything is kept."""
        for name, value in _facts(address, account, group):
            _note(self._heard, name, value)

    async def keep(self, address: Address, account: str, group: str) -> None:
        """Keep the way to somebody whose words are kept; written only when it changed."""
        for name, value in _facts(address, account, group):
            if await self._stored(name) != value:
                await self._desk.remember(name, value)
                _note(self._kept, name, value)

    async def to(self, address: Address) -> tuple[str, str]:
        """The account, and for somebody alone the group; '' where nothing is known."""
        name = _place(address)
        account, _, group = (self._heard.get(name) or await self._stored(name)).partition(" ")
        return account, group

    async def _stored(self, name: str) -> str:
        if name not in self._kept:
            _note(self._kept, name, await self._desk.recall(name))
        return self._kept[name]


def _facts(address: Address, account: str, group: str) -> tuple[tuple[str, str], ...]:
    """Who speaks in a group can be reached there by this account, and alone by way of the group."""
    alone = (_place(replace(address, room="")), f"{account} {address.room or group}".strip())
    return (alone, (_place(address), account)) if address.room else (alone,)


def _place(address: Address) -> str:
    return f"onebot.group.{address.room}" if address.room else f"onebot.user.{address.user}"


def _note(known: OrderedDict[str, str], name: str, value: str) -> None:
    known[name] = value
    known.move_to_end(name)
    if len(known) > _MOST_WAYS:
        known.popitem(last=False)
