"""What the commands of several platforms have in common: the settings they are given, and how findings are told."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import click


class House(Protocol):
    """What commands need of Refdesk's settings."""

    connectors: Mapping[str, Mapping[str, Any]]
    server: Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    good: bool
    what: str


def tell(findings: Iterable[Finding]) -> None:
    """Say what was found, and end with 1 if anything is wrong."""
    told = tuple(findings)
    for finding in told:
        click.echo(f"{'ok   ' if finding.good else 'WRONG'} {finding.what}")
    sys.exit(0 if all(finding.good for finding in told) else 1)
