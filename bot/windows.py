"""How often and until when an asker can still be written to, by what they did and what was pushed. Pure."""

from collections.abc import Iterable
from datetime import datetime

from bot.connector import Limits
from bot.domain import Window


def window(limits: Limits, words: datetime | None, tap: datetime | None, pushes: Iterable[datetime], now: datetime) -> Window | None:
    """The open window of an asker whose last words and last tap came at these times; None on a channel without any.

    A push is counted against the short window of a tap while that is open and not used up, else against that of words.
    """
    if limits.window is None and not limits.quota:
        return None
    shuts = words + limits.window if words and limits.window else None
    tap_shuts = tap + limits.tap_window if tap and limits.tap_window else None
    left, tap_left = limits.quota, limits.tap_quota
    for at in sorted(pushes):
        if tap and tap_shuts and tap <= at < tap_shuts and tap_left:
            tap_left -= 1
        elif words and at >= words:
            left -= 1
    tapped = tap_left if tap_shuts and now < tap_shuts else 0
    spoken = bool(words) and (shuts is None or now < shuts) and (not limits.quota or left > 0)
    if spoken:
        return Window(left + tapped if limits.quota else None, shuts)
    return Window(tapped, tap_shuts if tapped else max(filter(None, (shuts, tap_shuts)), default=None))
