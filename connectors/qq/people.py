"""Who is who: a friend and a member of a group are one person where the platform says so.

Protocol: `author.user_openid` of a friend and `author.member_openid` of a member lead nowhere by themselves;
`author.union_openid`, where it is sent, is the same in both. So a member is known by it, and the house is told once whose
it is. Where it is not sent, bot.desk.pairing lets people show who they are.
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
        """The address under which an event is dealt with."""
        union = union_of(happened)
        if not union:
            return address
        if address.room:
            return replace(address, user=union)
        fact = f"{NAME}.friend.{union}"
        if await self._desk.recall(fact) != address.user:
            await self._desk.same(Address(NAME, union), address)
            await self._desk.remember(fact, address.user)
        return address
