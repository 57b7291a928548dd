"""Work in a process of its own. What it took of memory goes with it, and several use several cores.

A plain process and a pipe, not a pool: should the asking process be killed, this one finds the pipe closed and ends.
"""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from bot.errors import EndedEarly, RefdeskError

T = TypeVar("T")
Tell = Callable[[str, float], None]
_SPAWN = get_context("spawn")  # a fork of a process with threads may hang


class Apart(Generic[T]):
    """`work(tell, *given)` as it goes on elsewhere; everything given and returned is pickled. `tell` reports progress."""

    def __init__(self, work: Callable[..., T], *given: Any) -> None:
        self._what = work.__name__
        self._news, far_end = _SPAWN.Pipe(duplex=False)
        self._process = _SPAWN.Process(target=run, args=(far_end, work, given))
        self._process.start()
        far_end.close()

    def result(self, tell: Tell = lambda step, share: None) -> T:
        """What came of it, once; a RefdeskError as it was raised there, EndedEarly for any other end."""
        try:
            while True:
                news = self._news.recv()
                if isinstance(news, RefdeskError):
                    raise news
                if isinstance(news, _Done):
                    return news.value  # type: ignore[no-any-return]
                tell(*news)
        except EOFError as error:
            self._process.join()
            raise EndedEarly(self._what, self._process.exitcode or 0) from error
        finally:
            self._news.close()
            self._process.join()


class _Done:
    """Tells a result from news of progress."""

    def __init__(self, value: object) -> None:
        self.value: Any = value


def run(pipe: Connection, work: Callable[..., object], given: tuple[object, ...]) -> None:
    """The other process: do the work, say how it ended."""
    with pipe:
        try:
            pipe.send(_Done(work(lambda step, share: pipe.send((step, share)), *given)))
        except RefdeskError as error:
            pipe.send(error)
