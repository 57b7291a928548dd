"""Who is who: a friend and a member of a group under one user id, as soon as the platform says that they are the same.

Protocol: `author.user_openid` of a friend and `author.member_openid` of a member lead nowhere by themselves;
`author.union_openid`, where it is sent, is the same in both. A person is called by the id under which they were first
seen, for good, since conversations hang on it.
"""

from dataclasses import replace

from bot.connector import Desk
from bot.messages import Address
from connectors.qq.events import NAME, Event, union_of


class People:
    """The askers of one bot."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def known(self, address: Address, happened: Event) -> Address:
        """The address under which we know whom an event is from."""
        union = union_of(happened)
        if address.room:
            return replace(address, user=await self._called(union, union)) if union else address
        before = await self._recall("person", address.user)
        name = before or (await self._called(union, address.user) if union else address.user)
        if name != address.user:
            await self._remember("person", address.user, name)
            await self._remember("openid", name, address.user)
        return replace(address, user=name)

    async def _called(self, union: str, new: str) -> str:
        """The name of the person with this union_openid: `new` for one never seen."""
        name = await self._recall("person", union)
        if not name:
            await self._remember("person", union, new)
        return name or new

    async def reached(self, address: Address) -> Address:
        """Where a friend is written to; rooms and guilds are reached by other ids."""
        return address if address.room else replace(address, user=await self._recall("openid", address.user) or address.user)

    async def _recall(self, what: str, key: str) -> str:
        return await self._desk.recall(f"{NAME}.{what}.{key}")

    async def _remember(self, what: str, key: str, value: str) -> None:
        if await self._recall(what, key) != value:
            await self._desk.remember(f"{NAME}.{what}.{key}", value)
