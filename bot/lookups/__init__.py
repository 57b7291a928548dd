"""Answers from the curated tables: what the rows that a question names say. Pure."""

from collections.abc import Iterable

from bot.domain import Entity
from bot.knowledge import Knowledge
from bot.lookups import books, databases, people
from bot.lookups.base import ALL_WELL, UNLISTED, Found, Outlook
from bot.lookups.books import book
from bot.lookups.unlisted import leading, unlisted
from bot.messages import Language
from bot.text import normalise

KINDS: dict[str, frozenset[str]] = {
    "database_access": frozenset({"database"}),
    "database_fault": frozenset({"database"}),
    "textbook_find": frozenset({"textbook"}),
    "subject_librarian": frozenset({"college"}),
    "free_resources": frozenset({"free_resource"}),
}
"""For each intent that is answered from a table, the kinds of rows that it is about."""
_SHARED = {"textbook_find": frozenset({"author", "unit"}), "free_resources": frozenset({"subject"})}
_MAY_BE_UNLISTED = frozenset({"database_access", "textbook_find"})
_BY_INTENT = {
    "database_access": databases.access,
    "database_fault": databases.fault,
    "textbook_find": books.find,
    "subject_librarian": people.librarian,
    "free_resources": people.resources,
}


def named(intent: str, text: str, knowledge: Knowledge, exact: Iterable[Entity]) -> tuple[Entity, ...]:
    """What else a question names beside what was found word for word: with typos, by author, unit or subject, and what no table has."""
    wanted = KINDS.get(intent, frozenset())
    found: tuple[Entity, ...] = ()
    if wanted and not any(entity.kind in wanted for entity in exact):
        found = knowledge.finder.find(text, wanted)
    if shared := _SHARED.get(intent):
        found += knowledge.traits.find(text, shared)
    if name := _unlisted(intent, text, knowledge, (*exact, *found)):
        found += (Entity(UNLISTED, name, name),)
    return found


def _unlisted(intent: str, text: str, knowledge: Knowledge, found: Iterable[Entity]) -> str:
    kinds = KINDS.get(intent, frozenset()) | _SHARED.get(intent, frozenset())
    known = tuple(entity.text for entity in found if entity.kind in kinds)
    if intent == "database_fault":  # what is said about a fault has too many words of its own
        return "" if known else leading(text)
    # A typo is a name that is not written in the message: whatever is left of it is no other name.
    written = all(name in normalise(text) for name in known)
    if intent not in _MAY_BE_UNLISTED or not written:
        return ""
    return unlisted(text, known, knowledge.cues.get("filler", frozenset()), longer=intent == "textbook_find")


def look_up(
    intent: str, entities: Iterable[Entity], knowledge: Knowledge, language: Language, *, outlook: Outlook = ALL_WELL
) -> Found | None:
    """What the tables say about what is named; None when nothing is, so that the general entry answers."""
    answer = _BY_INTENT.get(intent)
    return answer(tuple(entities), knowledge, language, outlook) if answer else None


__all__ = ["KINDS", "UNLISTED", "Found", "Outlook", "book", "look_up", "named"]
