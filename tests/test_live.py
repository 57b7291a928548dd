"""Who waits for news is woken after each change, from any thread, and misses none."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from bot.live import EVERYTHING, Hub

LONG, SHORT = 10.0, 0.01


def heard(play: Callable[[Hub], Awaitable[list[bool]]]) -> list[bool]:
    """What each wait of a play came to, on a loop of its own: True for a change, False when the time was up."""

    async def run() -> list[bool]:
        hub = Hub()
        hub.start()
        return await play(hub)

    return asyncio.run(run())


def test_a_listener_is_woken_by_a_change_of_its_conversation() -> None:
    async def play(hub: Hub) -> list[bool]:
        with hub.listening(7) as wait:
            hub.wake(frozenset({7, 8}))
            return [await wait(LONG)]

    assert heard(play) == [True]


def test_a_listener_is_not_woken_by_a_change_of_another_conversation() -> None:
    async def play(hub: Hub) -> list[bool]:
        with hub.listening(7) as wait:
            hub.wake(frozenset({8}))
            return [await wait(SHORT)]

    assert heard(play) == [False]


def test_a_listener_to_everything_is_woken_by_any_change_and_from_any_thread() -> None:
    async def play(hub: Hub) -> list[bool]:
        with hub.listening(EVERYTHING) as wait:
            thread = threading.Thread(target=hub.wake, args=(frozenset({3}),))
            thread.start()
            changed = await wait(LONG)
            thread.join()
            return [changed]

    assert heard(play) == [True]


def test_two_listeners_to_one_conversation_are_both_woken_and_leave_apart() -> None:
    async def play(hub: Hub) -> list[bool]:
        with hub.listening(7) as first:
            with hub.listening(7) as second:
                hub.wake(frozenset({7}))
                both = [await first(LONG), await second(LONG)]
            hub.wake(frozenset({7}))
            return [*both, await first(LONG)]

    assert heard(play) == [True, True, True]


def test_a_change_is_kept_for_a_busy_listener_and_told_once() -> None:
    async def play(hub: Hub) -> list[bool]:
        with hub.listening(7) as wait:
            hub.wake(frozenset({7}))
            hub.wake(frozenset({7}))
            await asyncio.to_thread(lambda: None)
            return [await wait(LONG), await wait(SHORT)]

    assert heard(play) == [True, False]


def test_a_change_wakes_nobody_before_the_start_and_after_the_end() -> None:
    hub = Hub()
    hub.wake(frozenset({7}))

    async def run() -> None:
        hub.start()

    asyncio.run(run())
    hub.wake(frozenset({7}))
