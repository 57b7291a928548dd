"""What a look-up comes to, and what all of them need."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.domain import Entity
from bot.incidents import Fault, Incident
from bot.knowledge import Knowledge
from bot.messages import Choice, Language, Link
from bot.tables import Row

UNLISTED = "unlisted"
"""The kind of an entity that no table has."""
_COLUMNS = {"database": "name", "textbook": "title", "college": "college", "free_resource": "name"}


@dataclass(frozen=True, slots=True)
class Found:
    """The text and links for the rows that are named, numbered `options` to choose from, and databases reported as `faulty`."""

    text: str
    links: tuple[Link, ...] = ()
    options: tuple[Choice, ...] = ()
    faulty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is out of order now; times are told in `zone`."""

    faults: tuple[Fault, ...] = ()
    incidents: tuple[Incident, ...] = ()
    zone: ZoneInfo = ZoneInfo("Asia/Shanghai")


ALL_WELL = Outlook()


def rows_of(kind: str, entities: Iterable[Entity], knowledge: Knowledge) -> tuple[Row, ...]:
    """The rows of a kind that are named, each once."""
    return tuple(dict.fromkeys(row for entity in entities if entity.kind == kind for row in knowledge.finder.matching(entity)))


def unlisted_in(entities: Iterable[Entity]) -> str:
    """What is named and stands in no table; '' when nothing is."""
    return next((entity.value for entity in entities if entity.kind == UNLISTED), "")


def name_of(row: Row, language: Language) -> str:
    """How a row is called in a language."""
    column = _COLUMNS[row.kind]
    return (row.get(f"{column}_en") if language is Language.EN else "") or row.get(column)


def links_of(rows: Iterable[Row], language: Language) -> tuple[Link, ...]:
    """The addresses of the first rows."""
    return tuple(Link(name_of(row, language), row.get("url")) for row in rows if row.get("url"))[:3]


def told(phrase: str, row: Row, knowledge: Knowledge, language: Language, **values: object) -> str:
    """A sentence about a row, with its cells filled in."""
    cells: dict[str, object] = {**dict(row.fields), "name": name_of(row, language), "note": row.get(f"note_{language}")}
    return knowledge.phrase(phrase, language, **{**cells, **values}).strip()


def form_or_person(form: str, name: str, label: str, knowledge: Knowledge, language: Language) -> tuple[Choice, ...]:
    """Where the tables have nothing: a request that knows the name already, or a person."""
    return (
        Choice("1", knowledge.phrase(label, language), f"form:{form}:{name}"),
        Choice("0", knowledge.phrase("form_offer_human", language), "human:form"),
    )
