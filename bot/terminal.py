"""What commands share: the progress bar, a database that is closed again, and conditions."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from bot import house, reports
from bot.errors import Refused
from bot.settings import Settings
from bot.store import Store


@contextmanager
def bar(label: str) -> Iterator[house.Progress]:
    """A progress bar on standard error; nothing where that is no terminal."""
    with click.progressbar(length=1000, label=label, file=sys.stderr, show_pos=False) as shown:
        done = 0

        def progress(stage: str, share: float) -> None:
            nonlocal done
            shown.label = f"{label}: {stage}"
            shown.update(max(0, round(share * 1000) - done))
            done = max(done, round(share * 1000))

        yield progress


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The settings' database."""
    store = house.store(settings)
    try:
        yield store
    finally:
        store.close()


def where(conditions: Iterable[str]) -> dict[str, str]:
    """The values of --where FIELD=VALUE by their fields."""
    given = {}
    for condition in conditions:
        field, found, value = condition.partition("=")
        if not (found and value) or field not in reports.FIELDS:
            raise Refused(f"--where {condition}: expected FIELD=VALUE, FIELD one of {', '.join(reports.FIELDS)}")
        given[field] = value
    return given
