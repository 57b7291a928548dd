"""Curated answers."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.messages import Language, Link


class Risk(StrEnum):
    """What a wrong answer costs: a high-risk entry past its review date is no longer said."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Entry:
    """One curated answer in one language, facts already filled in."""

    id: str
    intent: str
    language: Language
    title: str
    answer: str
    owner: str
    source: str
    reviewed_on: date
    review_by: date
    risk: Risk = Risk.LOW
    links: tuple[Link, ...] = ()
    campus: str = ""
    entity: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    facets: tuple[tuple[str, str], ...] = ()

    def facet(self, name: str) -> str:
        """The part of the answer about price, time, who, where, how or trouble; '' where it has none."""
        return dict(self.facets).get(name, "")

    def current(self, today: date) -> bool:
        """Whether its dates reach today."""
        return (self.valid_from or today) <= today <= (self.valid_until or today)
