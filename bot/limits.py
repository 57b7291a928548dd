"""How often somebody may ask: a sliding minute for each key, in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from bot.errors import TooMuch

_MINUTE = 60.0
_MOST_KEYS = 50_000


class RateLimit:
    """`per_minute` uses of each key in any 60 seconds. The longest unused keys are forgotten first."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._uses: OrderedDict[Hashable, list[float]] = OrderedDict()

    def use(self, key: Hashable, most: int = 0) -> None:
        """Count one use; TooMuch when the minute is full, with a limit of its own for this key if one is given."""
        most, now = most or self._most, self._clock()
        self._forget(now)
        uses = self._uses.setdefault(key, [])  # not a deque, which takes 700 bytes for one use
        self._uses.move_to_end(key)
        while uses and now - uses[0] >= _MINUTE:
            del uses[0]
        if len(uses) >= most:
            raise TooMuch("messages in a minute", most)
        uses.append(now)
        if len(self._uses) > _MOST_KEYS:
            self._uses.popitem(last=False)

    def _forget(self, now: float) -> None:
        """Keys that were not used for a minute: on a busy day that is nearly all who ever asked."""
        while self._uses and now - next(reversed(self._uses[next(iter(self._uses))]), 0.0) >= _MINUTE:
            self._uses.popitem(last=False)
