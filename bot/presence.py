"""Who has which page of the desk open, and who is typing: in memory, for this process, forgotten with a restart."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TYPING_LASTS = 6.0
"""Seconds after the last key for which somebody counts as typing."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Somebody who has a ticket open."""

    login: str
    typing: bool


class Presence:
    """`changed` is called with the conversation concerned (0 for none) whenever what is shown to others has changed."""

    def __init__(self, changed: Callable[[frozenset[int]], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._changed, self._clock, self._lock = changed, clock, threading.Lock()
        self._open: Counter[tuple[str, int]] = Counter()
        self._typing: dict[tuple[str, int], tuple[float, int]] = {}
        self._seen: dict[str, float] = {}
        self._began = clock()

    @contextmanager
    def open(self, login: str, ticket: int) -> Iterator[None]:
        """While a page of the desk is open; `ticket` is 0 for one that shows no ticket. Several tabs count once."""
        with self._lock:
            self._open[login, ticket] += 1
        self._changed(frozenset())
        try:
            yield
        finally:
            with self._lock:
                self._open[login, ticket] -= 1
                self._open += Counter()  # what is zero goes
                self._seen[login] = self._clock()
            self._changed(frozenset())

    def type(self, login: str, ticket: int, conversation: int, *, going: bool = True) -> None:
        """Somebody writes a reply, or has stopped to. Runs in the event loop, which tells others when it is over by itself."""
        with self._lock:
            before = self._types(login, ticket)
            self._typing[login, ticket] = (self._clock() + TYPING_LASTS if going else 0.0, conversation)
        if going:
            asyncio.get_running_loop().call_later(TYPING_LASTS + 0.05, self._expire, login, ticket)
        if before != going:
            self._changed(frozenset({conversation}))

    def _expire(self, login: str, ticket: int) -> None:
        with self._lock:
            until, conversation = self._typing.get((login, ticket), (0.0, 0))
            over = until <= self._clock() and self._typing.pop((login, ticket), None) is not None and until > 0
        if over:
            self._changed(frozenset({conversation}))

    def _types(self, login: str, ticket: int) -> bool:
        return self._typing.get((login, ticket), (0.0, 0))[0] > self._clock()

    def looking(self) -> dict[int, tuple[Looker, ...]]:
        """Who has which ticket open, by login."""
        with self._lock:
            found: dict[int, tuple[Looker, ...]] = {}
            for login, ticket in sorted(self._open):
                if ticket:
                    found[ticket] = (*found.get(ticket, ()), Looker(login, self._types(login, ticket)))
            return found

    def types_to(self, conversation: int) -> bool:
        """Whether anybody is writing to the asker of a conversation."""
        with self._lock:
            now = self._clock()
            return any(until > now and to == conversation for until, to in self._typing.values())

    def online(self) -> frozenset[str]:
        """Who has any page of the desk open."""
        with self._lock:
            return frozenset(login for login, _ in self._open)

    def away(self, login: str, span: float) -> bool:
        """Whether somebody has had no page of the desk open for this many seconds, as far as this process knows."""
        with self._lock:
            if any(login == other for other, _ in self._open):
                return False
            return self._clock() - self._seen.get(login, self._began) >= span
