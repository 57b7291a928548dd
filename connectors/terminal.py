"""The terminal: `refdesk chat` and `refdesk ask`. One asker, answered line by line; no HTTP route of its own."""

from collections.abc import Mapping
from typing import Any

from sanic import Sanic

from bot.connector import Connector, Delivery, Desk, Limits, Outcome
from bot.errors import WrongSetting


class Terminal:
    """Shows replies as plain text with numbered choices."""

    name = "terminal"
    limits = Limits(max_bytes=100_000)

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Nothing is reachable over HTTP."""

    async def deliver(self, delivery: Delivery) -> Outcome:
        """What a librarian writes is read with the pick-up code, or when the chat is opened again."""
        return Outcome.MAILBOX


def build(section: Mapping[str, Any]) -> Connector | None:
    """Always there; it has no settings."""
    if section:
        raise WrongSetting(f"connectors.terminal.{sorted(section)[0]}", "no such key")
    return Terminal()
