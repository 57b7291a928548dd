"""Libraries that most processes never need, loaded when something of theirs is asked for: a server that draws no chart carries none."""

from importlib import import_module
from typing import Any


class Late:
    """A module that is imported at the first use of anything in it; for type checkers import it under TYPE_CHECKING."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
