"""Databases: how they are reached, and how they are doing."""

from bot.domain import Entity
from bot.knowledge import Knowledge
from bot.lookups.base import Found, Outlook, form_or_person, links_of, rows_of, told, unlisted_in
from bot.messages import Language
from bot.tables import Row

_MOST = 5


def access(entities: tuple[Entity, ...], knowledge: Knowledge, language: Language, outlook: Outlook) -> Found | None:
    """How the named databases are reached; what is not in the table is said so."""
    rows, other = rows_of("database", entities, knowledge), unlisted_in(entities)
    if not rows:
        return _unknown(other, knowledge, language) if other else None
    lines = [told("lookup_database_access", row, knowledge, language, access=_ways(row, knowledge, language)) for row in rows[:_MOST]]
    if len(rows) > _MOST:
        lines.append(knowledge.phrase("lookup_more", language, count=len(rows) - _MOST))
    if other:
        unknown = _unknown(other, knowledge, language)
        return Found("\n".join((*lines, unknown.text)), links_of(rows, language), unknown.options)
    return Found("\n".join(lines), links_of(rows, language))


def fault(entities: tuple[Entity, ...], knowledge: Knowledge, language: Language, outlook: Outlook) -> Found | None:
    """How the named databases are doing; each is reported as faulty."""
    rows, other = rows_of("database", entities, knowledge), unlisted_in(entities)
    if not rows:
        return _unknown(other, knowledge, language) if other else None
    lines = [_state(row, knowledge, language, outlook) for row in rows[:_MOST]]
    return Found("\n".join(lines), links_of(rows, language), faulty=tuple(row.name for row in rows[:_MOST]))


def _ways(row: Row, knowledge: Knowledge, language: Language) -> str:
    ways = (knowledge.phrase(f"access_{way.strip()}", language) for way in row.get("access").split("|"))
    return ("; " if language is Language.EN else "；").join(ways)


def _state(row: Row, knowledge: Knowledge, language: Language, outlook: Outlook) -> str:
    """The best evidence that there is: a librarian's word, the monitor, other askers; else what to try first."""
    if any(row.name in incident.databases for incident in outlook.incidents):
        return told("lookup_fault_incident", row, knowledge, language)
    seen = next((fault for fault in outlook.faults if fault.database == row.name), None)
    if seen and seen.down_since:
        return told("lookup_fault_down", row, knowledge, language, since=f"{seen.down_since.astimezone(outlook.zone):%m-%d %H:%M}")
    if seen and seen.reports:
        return told("lookup_fault_known", row, knowledge, language, reports=seen.reports)
    return told("lookup_database_fault", row, knowledge, language)


def _unknown(name: str, knowledge: Knowledge, language: Language) -> Found:
    options = form_or_person("purchase_suggestion", name, "lookup_database_suggest", knowledge, language)
    return Found(knowledge.phrase("lookup_database_none", language, name=name), options=options)
