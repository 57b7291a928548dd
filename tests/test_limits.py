"""How often somebody may ask."""

import pytest

from bot.errors import TooMuch
from bot.limits import RateLimit


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_patron_may_ask_so_often_in_a_minute_and_then_again() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    limit.use("li")
    clock.now = 30
    limit.use("li")
    with pytest.raises(TooMuch, match="the limit is 2"):
        limit.use("li")
    clock.now = 60
    limit.use("li")
    with pytest.raises(TooMuch):
        limit.use("li")
    clock.now = 500
    limit.use("li")


def test_a_refused_use_is_not_counted() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    limit.use("li")
    clock.now = 59
    with pytest.raises(TooMuch):
        limit.use("li")
    clock.now = 60
    limit.use("li")


def test_patrons_are_counted_apart() -> None:
    limit = RateLimit(1)
    limit.use(("web", "li"))
    limit.use(("web", "wu"))


def test_the_longest_unused_key_is_forgotten_when_there_are_too_many() -> None:
    limit = RateLimit(1, Clock())
    for key in range(50_001):
        limit.use(key)
    limit.use(0)
    with pytest.raises(TooMuch):
        limit.use(50_000)


def test_a_key_may_have_a_limit_of_its_own() -> None:
    limit = RateLimit(1, Clock())
    for _ in range(3):
        limit.use("a group", 3)
    with pytest.raises(TooMuch, match="the limit is 3"):
        limit.use("a group", 3)
