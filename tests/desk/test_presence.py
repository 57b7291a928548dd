"""Who is here and who types, as others are told of it."""

import asyncio

import pytest

from bot import presence
from bot.presence import Looker, Presence


class Watch:
    """A monotonic clock that a test moves, and the changes that were told."""

    def __init__(self) -> None:
        self.at, self.told = 100.0, list[frozenset[int]]()
        self.presence = Presence(self.told.append, lambda: self.at)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_colleague_who_has_a_ticket_open_in_two_tabs_is_shown_once(watch: Watch) -> None:
    with watch.presence.open("anna", 7), watch.presence.open("anna", 7), watch.presence.open("ben", 7), watch.presence.open("ben", 0):
        assert watch.presence.looking() == {7: (Looker("anna", False), Looker("ben", False))}
        assert watch.presence.online() == {"anna", "ben"}
    assert watch.presence.looking() == {}
    assert watch.presence.online() == frozenset()
    assert len(watch.told) == 8


def test_absence_counts_from_the_last_page_that_was_closed(watch: Watch) -> None:
    assert not watch.presence.away("anna", 60)
    watch.at += 61
    assert watch.presence.away("anna", 60)
    with watch.presence.open("anna", 0):
        watch.at += 600
        assert not watch.presence.away("anna", 60)
    assert not watch.presence.away("anna", 60)
    watch.at += 60
    assert watch.presence.away("anna", 60)


def test_typing_is_told_once_and_is_over_by_itself(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "TYPING_LASTS", 0.01)

    async def play() -> list[bool]:
        with watch.presence.open("anna", 7):
            watch.presence.type("anna", 7, 3)
            watch.presence.type("anna", 7, 3)
            told = watch.told.count(frozenset({3}))
            before = watch.presence.types_to(3)
            watch.at += 1
            over = asyncio.Event()
            asyncio.get_running_loop().call_later(0.1, over.set)
            await over.wait()
            return [told == 1, before, watch.presence.types_to(3), watch.told.count(frozenset({3})) == 2]

    assert asyncio.run(play()) == [True, True, False, True]


def test_typing_that_stops_is_told_at_once(watch: Watch) -> None:
    async def play() -> None:
        watch.presence.type("anna", 7, 3, going=False)
        assert watch.told == []
        watch.presence.type("anna", 7, 3)
        assert watch.presence.types_to(3)
        watch.presence.type("anna", 7, 3, going=False)
        assert not watch.presence.types_to(3)
        watch.presence._expire("anna", 7)

    asyncio.run(play())
    assert watch.told == [frozenset({3}), frozenset({3})]
