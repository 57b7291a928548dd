"""How often somebody may ask: a sliding minute for each key, in memory."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from bot.errors import TooMuch

_MINUTE = 60.0
_MOST_KEYS = 50_000


class RateLimit:
    """`per_minute` uses of each key in any 60 seconds. The longest unused keys are forgotten first."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._uses: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def use(self, key: Hashable, most: int = 0) -> None:
        """Count one use; TooMuch when the minute is full, with a limit of its own for this key if one is given."""
        most, now = most or self._most, self._clock()
        uses = self._uses.setdefault(key, deque())
        self._uses.move_to_end(key)
        while uses and now - uses[0] >= _MINUTE:
            uses.popleft()
        if len(uses) >= most:
            raise TooMuch("messages in a minute", most)
        uses.append(now)
        if len(self._uses) > _MOST_KEYS:
            self._uses.popitem(last=False)
