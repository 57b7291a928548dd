"""Answers from the starter tables: the rows that a question names, in the asker's language."""

from pathlib import Path

import pytest

from bot import knowledge
from bot.domain import Entity
from bot.knowledge import Knowledge
from bot.lookups import look_up
from bot.messages import Language, Link
from bot.tables import Row

ZH, EN = Language
CNKI = Row(
    "database",
    ("中国知网", "CNKI"),
    (
        ("name", "中国知网"),
        ("name_en", "CNKI"),
        ("access", "vpn | free"),
        ("url", "https://cnki.example"),
        ("note_zh", "期刊"),
        ("note_en", ""),
    ),
    2,
)
PHYSICS = Row(
    "college",
    ("物理学院", "物理"),
    (("college", "物理学院"), ("college_en", ""), ("librarian", "李"), ("librarian_en", "Li"), ("phone", "1"), ("email", "l@e.example")),
    2,
)
BOOKS = tuple(
    Row("textbook", (f"高等数学{n}", "高数"), (("title", f"高等数学{n}"), ("author", "同济"), ("url", f"https://e.example/{n}")), n)
    for n in range(2, 9)
)
PHRASES = {
    "lookup_database_access": "{name}({access}){note}",
    "lookup_textbook_find": "{name} {author}",
    "lookup_subject_librarian": "{name} {librarian} {phone} {email} ",
    "lookup_more": "+{count}",
    "access_vpn": "VPN",
    "access_free": "free",
}


@pytest.fixture
def small() -> Knowledge:
    """Three tables with sentences that say what is put into them."""
    phrases = {(name, language): text for name, text in PHRASES.items() for language in Language}
    return Knowledge((), {}, phrases, {}, (CNKI, PHYSICS, *BOOKS))


@pytest.mark.parametrize(
    ("language", "text", "link"),
    [(ZH, "中国知网(VPN；free)期刊", "中国知网"), (EN, "CNKI(VPN; free)", "CNKI")],
)
def test_a_database_is_told_with_its_ways_of_access(small: Knowledge, language: Language, text: str, link: str) -> None:
    found = look_up("database_access", (Entity("database", "cnki"),), small, language)
    assert found == (text, (Link(link, "https://cnki.example"),))


@pytest.mark.parametrize(("language", "text"), [(ZH, "物理学院 李 1 l@e.example"), (EN, "物理学院 Li 1 l@e.example")])
def test_a_subject_librarian_is_told_without_link(small: Knowledge, language: Language, text: str) -> None:
    assert look_up("subject_librarian", (Entity("college", "物理"),), small, language) == (text, ())


def test_many_rows_are_told_as_the_first_five_and_a_count(small: Knowledge) -> None:
    found = look_up("textbook_find", (Entity("textbook", "高数"), Entity("textbook", "高等数学2")), small, ZH)
    assert found is not None
    text, links = found
    assert text.splitlines() == [*(f"高等数学{n} 同济" for n in range(2, 7)), "+2"]
    assert len(links) == 3


@pytest.mark.parametrize(
    ("intent", "entity"),
    [
        ("database_access", Entity("textbook", "高数")),
        ("database_access", Entity("database", "unknown")),
        ("vpn_setup", Entity("database", "CNKI")),
    ],
)
def test_the_general_entry_answers_when_no_row_is_named(small: Knowledge, intent: str, entity: Entity) -> None:
    assert look_up(intent, (entity,), small, ZH) is None


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("intent", ["database_access", "database_fault", "textbook_find", "subject_librarian"])
def test_every_row_of_the_starter_tables_can_be_told(intent: str, language: Language) -> None:
    curated = knowledge.read(Path(__file__).parent.parent / "knowledge")
    kinds = {"database_access": "database", "database_fault": "database", "textbook_find": "textbook", "subject_librarian": "college"}
    rows = [row for row in curated.rows if row.kind == kinds[intent]]
    assert rows
    assert all(look_up(intent, (Entity(row.kind, row.name),), curated, language) for row in rows)
