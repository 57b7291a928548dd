"""The terminal."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.messages import Address, Question
from tests.connectors.contract import Contract
from tests.serving import Served


class TerminalChannel:
    """Asks the desk as `refdesk chat` does; remembers what it showed."""

    name = "terminal"
    section: Mapping[str, Any] = {}
    routes = frozenset[str]()

    def __init__(self) -> None:
        self.seen: dict[str, dict[int, str]] = {}

    def user(self, asker: str) -> str:
        return asker

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        replies = served.desk.ask(Question(number, Address("terminal", asker), text)).result()
        self.seen.setdefault(asker, {}).update({reply.id: reply.plain() for reply in replies})
        return tuple(reply.plain() for reply in replies)

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        waiting = served.desk.collect(Address("terminal", asker))
        self.seen.setdefault(asker, {}).update({reply.id: reply.plain() for reply in waiting})
        return tuple(self.seen[asker].values())


class TestTerminal(Contract):
    test_patron_is_told_and_handed_over_when_the_bot_fails = None  # the command line shows the failure itself

    @pytest.fixture
    def channel(self) -> TerminalChannel:
        return TerminalChannel()
