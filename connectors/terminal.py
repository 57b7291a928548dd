"""The terminal: `refdesk chat` and `refdesk ask`. One asker, answered line by line; no HTTP route of its own."""

import secrets
from collections.abc import Mapping
from typing import Any

from sanic import Sanic

from bot.connector import Connector, Delivery, Desk, Limits, Outcome
from bot.errors import WrongSetting
from bot.messages import Address, Question, Reply


class Terminal:
    """Shows replies as plain text with numbered choices."""

    name = "terminal"
    limits = Limits(max_bytes=100_000)

    def mount(self, app: Sanic[Any, Any], desk: Desk) -> None:
        """Nothing is reachable over HTTP."""

    async def deliver(self, delivery: Delivery) -> Outcome:
        """What a librarian writes is read with the pick-up code, or when the chat is opened again."""
        return Outcome.MAILBOX


def question(text: str, user: str = "terminal") -> Question:
    """One typed line as a question."""
    return Question(secrets.token_hex(16), Address("terminal", user), text)


def shown(replies: tuple[Reply, ...]) -> str:
    """Replies as the terminal prints them."""
    return "\n\n".join(reply.plain() for reply in replies)


def build(section: Mapping[str, Any]) -> Connector | None:
    """Always there; it has no settings."""
    if section:
        raise WrongSetting(f"connectors.terminal.{sorted(section)[0]}", "no such key")
    return Terminal()
