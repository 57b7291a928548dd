"""How often and until when an asker can still be written to."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.connector import Limits
from bot.domain import Window
from bot.windows import window
from tests.conftest import MONDAY

WECHAT = Limits(2048, timedelta(hours=48), quota=5, tap_window=timedelta(minutes=1), tap_quota=3)
END = MONDAY + timedelta(hours=48)
SECOND = timedelta(seconds=1)


def test_channel_without_limits_has_no_window() -> None:
    assert window(Limits(2048), MONDAY, None, (), MONDAY) is None


def test_words_open_five_messages_for_48_hours() -> None:
    assert window(WECHAT, MONDAY, None, (), MONDAY) == Window(5, END)
    assert window(WECHAT, MONDAY, None, (), END - timedelta(microseconds=1)) == Window(5, END)
    assert window(WECHAT, MONDAY, None, (), END) == Window(0, END)


def test_fifth_message_is_the_last() -> None:
    pushes = [MONDAY + number * SECOND for number in range(1, 6)]
    assert window(WECHAT, MONDAY, None, pushes[:4], pushes[-1]) == Window(1, END)
    assert window(WECHAT, MONDAY, None, pushes, pushes[-1]) == Window(0, END)


def test_words_open_the_window_anew() -> None:
    pushes = [MONDAY + number * SECOND for number in range(5)]
    later = MONDAY + timedelta(hours=1)
    assert window(WECHAT, later, None, pushes, later) == Window(5, later + timedelta(hours=48))


def test_tap_opens_three_messages_for_a_minute() -> None:
    assert window(WECHAT, None, MONDAY, (), MONDAY) == Window(3, MONDAY + timedelta(minutes=1))
    assert window(WECHAT, None, MONDAY, (MONDAY,) * 3, MONDAY) == Window(0, MONDAY + timedelta(minutes=1))
    assert window(WECHAT, None, MONDAY, (), MONDAY + timedelta(minutes=1)) == Window(0, MONDAY + timedelta(minutes=1))


def test_tap_adds_to_the_window_of_words_and_does_not_renew_it() -> None:
    tap = MONDAY + timedelta(hours=1)
    spent = tuple(MONDAY + number * SECOND for number in range(4))
    assert window(WECHAT, MONDAY, tap, spent, tap) == Window(4, END)
    assert window(WECHAT, MONDAY, tap, (*spent, tap, tap), tap) == Window(2, END)
    assert window(WECHAT, MONDAY, tap, (*spent, tap, tap), tap + timedelta(minutes=1)) == Window(1, END)


def test_asker_who_never_wrote_cannot_be_written_to() -> None:
    assert window(WECHAT, None, None, (), MONDAY) == Window(0, None)


def test_window_without_a_quota_is_only_a_time() -> None:
    assert window(Limits(2048, timedelta(hours=48)), MONDAY, None, (MONDAY,) * 99, MONDAY) == Window(None, END)


@given(st.lists(st.integers(0, 200_000), max_size=12), st.integers(0, 200_000))
def test_never_more_is_promised_than_the_platform_takes(pushed: list[int], now: int) -> None:
    at = MONDAY + now * SECOND
    found = window(WECHAT, MONDAY, None, [MONDAY + each * SECOND for each in pushed if each <= now], at)
    assert found is not None
    assert found.left is not None
    used = sum(each <= now for each in pushed)
    assert found.left == (max(0, 5 - used) if at < END else 0)
