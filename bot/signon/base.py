"""What every way to sign on shares: who somebody is, and what the browser keeps meanwhile."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.errors import SignOnRefused

WITHIN = 8.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the university says somebody is."""

    login: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Journey:
    """What the browser keeps, sealed, while its owner is at the university's page."""

    state: str
    nonce: str
    verifier: str
    onward: str = ""

    @classmethod
    def begin(cls, onward: str) -> "Journey":
        """A new one, with secrets that nobody can guess."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), onward)


class SignOn(Protocol):
    """One way to ask the university. `back` is our own address that it sends the browser to."""

    async def away(self, journey: Journey, back: str) -> str:
        """Where to send the browser. SignOnUnavailable when the university's server cannot be asked."""

    async def prove(self, journey: Journey, back: str, answer: Mapping[str, str]) -> Identity:
        """Who came back with this query. SignOnRefused when it proves nothing, SignOnUnavailable when nobody could be asked."""


def known(login: str, name: str, email: str) -> Identity:
    """An identity, if there is a login in it; SignOnRefused."""
    if not login:
        raise SignOnRefused("the university told no login")
    return Identity(login, name, email)
