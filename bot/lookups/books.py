"""Textbooks by course, title, author and teaching unit."""

from collections.abc import Iterable

from bot.domain import Entity
from bot.knowledge import Knowledge
from bot.lookups.base import Found, Outlook, form_or_person, links_of, rows_of, told, unlisted_in
from bot.messages import Choice, Language
from bot.tables import Row

MOST_LISTED = 8
_SAME = 0.9


def find(entities: tuple[Entity, ...], knowledge: Knowledge, language: Language, outlook: Outlook) -> Found | None:
    """One book is told with its address, several as a numbered list; where there is none, a request for it is offered."""
    rows, name = _narrowed(rows_of("textbook", entities, knowledge), entities, knowledge), unlisted_in(entities)
    guessed = any(entity.kind == "textbook" and entity.score < _SAME for entity in entities)
    if len(rows) == 1 and not name and not guessed:
        return Found(told("lookup_textbook_find", rows[0], knowledge, language), links_of(rows, language))
    if rows:
        head = "lookup_textbook_near" if name or guessed else "lookup_textbook_list"
        return _listed(rows, head, name, knowledge, language)
    if name:
        options = form_or_person("textbook_request", name, "lookup_textbook_request", knowledge, language)
        return Found(knowledge.phrase("lookup_textbook_none", language, name=name), options=options)
    return None


def book(key: str, knowledge: Knowledge, language: Language) -> Found | None:
    """The book that was chosen from a list; None when the table has it no more."""
    row = next((row for row in knowledge.rows if row.kind == "textbook" and _key(row) == key), None)
    return Found(told("lookup_textbook_find", row, knowledge, language), links_of((row,), language)) if row else None


def _narrowed(rows: tuple[Row, ...], entities: Iterable[Entity], knowledge: Knowledge) -> tuple[Row, ...]:
    """The named books that have the named author and unit; all named ones where none has; by these alone when no book is named."""
    for entity in entities:
        if entity.kind in ("author", "unit"):
            having = knowledge.traits.rows(entity)
            rows = tuple(row for row in rows if row in having) or rows if rows else having
    return rows


def _listed(rows: tuple[Row, ...], head: str, name: str, knowledge: Knowledge, language: Language) -> Found:
    shown = rows[:MOST_LISTED]
    text = knowledge.phrase(head, language, count=len(rows))
    if len(rows) > MOST_LISTED:
        text += "\n" + knowledge.phrase("lookup_more", language, count=len(rows) - MOST_LISTED)
    books = [
        Choice(str(number), told("lookup_textbook_title", row, knowledge, language), f"book:{_key(row)}")
        for number, row in enumerate(shown, 1)
    ]
    request = Choice(str(len(books) + 1), knowledge.phrase("lookup_other_books", language), f"form:textbook_request:{name}")
    person = Choice("0", knowledge.phrase("form_offer_human", language), "human:form")
    return Found(text, options=(*books, request, person))


def _key(row: Row) -> str:
    """What tells a book from others, whatever its line in the table."""
    return "/".join(row.get(column) for column in ("title", "author", "edition"))
