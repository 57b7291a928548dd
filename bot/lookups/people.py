"""Subject librarians by college or discipline, and free resources by name or subject."""

from bot.domain import Entity
from bot.knowledge import Knowledge
from bot.lookups.base import Found, Outlook, links_of, rows_of, told
from bot.messages import Language

_MOST = 5
_SURE = 0.9


def librarian(entities: tuple[Entity, ...], knowledge: Knowledge, language: Language, outlook: Outlook) -> Found | None:
    """Whom to ask in the named colleges."""
    rows = rows_of("college", entities, knowledge)[:_MOST]
    if not rows:
        return None
    english = language is Language.EN
    lines = [
        told("lookup_subject_librarian", row, knowledge, language, **({"librarian": row.get("librarian_en")} if english else {}))
        for row in rows
    ]
    return Found("\n".join(lines))


def resources(entities: tuple[Entity, ...], knowledge: Knowledge, language: Language, outlook: Outlook) -> Found | None:
    """Free resources that are named, else those of the named subject."""
    subjects = [entity for entity in entities if entity.kind == "subject"]
    # A name that is merely similar says less than a subject that is named.
    rows = rows_of("free_resource", (entity for entity in entities if entity.score >= _SURE or not subjects), knowledge)
    head: list[str] = []
    if not rows and subjects:
        rows = tuple(dict.fromkeys(row for subject in subjects for row in knowledge.traits.rows(subject)))
        head = [knowledge.phrase("lookup_resources", language, subject=subjects[0].value, count=len(rows))]
    if not rows:
        return None
    lines = [told("lookup_free_resources", row, knowledge, language) for row in rows[:_MOST]]
    if len(rows) > _MOST:
        lines.append(knowledge.phrase("lookup_resources_more", language, count=len(rows) - _MOST))
    return Found("\n".join((*head, *lines)), links_of(rows[:_MOST], language))
