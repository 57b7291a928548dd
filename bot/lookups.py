"""Answers from the curated tables: what the rows that a question names say. Pure."""

from collections.abc import Iterable

from bot.domain import Entity
from bot.knowledge import Knowledge
from bot.messages import Language, Link
from bot.tables import Row

KINDS: dict[str, frozenset[str]] = {
    "database_access": frozenset({"database"}),
    "database_fault": frozenset({"database"}),
    "textbook_find": frozenset({"textbook"}),
    "subject_librarian": frozenset({"college"}),
}
_MOST = 5


def look_up(intent: str, entities: Iterable[Entity], knowledge: Knowledge, language: Language) -> tuple[str, tuple[Link, ...]] | None:
    """The text and links for the rows that are named; None when none is, so that the general entry answers."""
    rows: dict[tuple[str, int], Row] = {}
    for entity in entities:
        if entity.kind in KINDS.get(intent, ()):
            rows |= {(row.kind, row.line): row for row in knowledge.finder.matching(entity)}
    if not rows:
        return None
    shown = list(rows.values())[:_MOST]
    lines = [_line(intent, row, knowledge, language) for row in shown]
    if len(rows) > _MOST:
        lines.append(knowledge.phrase("lookup_more", language, count=len(rows) - _MOST))
    return "\n".join(lines), tuple(Link(_name(row, language), row.get("url")) for row in shown[:3] if row.get("url"))


def _name(row: Row, language: Language) -> str:
    column = {"database": "name", "textbook": "title", "college": "college"}[row.kind]
    return (row.get(f"{column}_en") if language is Language.EN else "") or row.get(column)


def _line(intent: str, row: Row, knowledge: Knowledge, language: Language) -> str:
    values = {**dict(row.fields), "name": _name(row, language), "note": row.get(f"note_{language}")}
    if row.kind == "database":
        ways = [knowledge.phrase(f"access_{way.strip()}", language) for way in row.get("access").split("|")]
        values["access"] = ("; " if language is Language.EN else "；").join(ways)
    if row.kind == "college" and language is Language.EN:
        values["librarian"] = row.get("librarian_en")
    return knowledge.phrase(f"lookup_{intent}", language, **values).strip()
