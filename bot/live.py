"""Who waits for news of a conversation in this process: wakes them after each commit."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Wait = Callable[[float], Awaitable[bool]]

EVERYTHING = 0


class Hub:
    """Listeners by conversation; EVERYTHING hears of every change. `wake` may be called from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Remember the loop that listeners run on."""
        self._loop = asyncio.get_running_loop()

    def wake(self, conversations: frozenset[int]) -> None:
        """Tell everyone who waits for one of these."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set, conversations)

    def _set(self, conversations: frozenset[int]) -> None:
        for number in (*conversations, EVERYTHING):
            for event in self._waiting.get(number, ()):
                event.set()

    @contextmanager
    def listening(self, conversation: int) -> Iterator[Wait]:
        """Hear of changes from now on: each call of what this yields returns True at the next one, or False after so many seconds.

        A change that comes while the listener is busy is kept for its next call, so none is missed.
        """
        event = asyncio.Event()

        async def wait(seconds: float) -> bool:
            try:
                # Not asyncio.wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
                async with asyncio.timeout(seconds):
                    await event.wait()
            except TimeoutError:
                return False
            event.clear()
            return True

        self._waiting[conversation].add(event)
        try:
            yield wait
        finally:
            self._waiting[conversation].discard(event)
            if not self._waiting[conversation]:
                del self._waiting[conversation]
