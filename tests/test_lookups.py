"""Answers from the starter tables: the rows that a question names, in the asker's language."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import knowledge
from bot.domain import Entity
from bot.incidents import Fault, Incident
from bot.knowledge import Knowledge
from bot.lookups import Found, Outlook, book, look_up, named, unlisted
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
    for n in range(2, 13)
)
PHRASES = {
    "lookup_database_access": "{name}({access}){note}",
    "lookup_textbook_find": "{name} {author}",
    "lookup_textbook_list": "{count} books",
    "lookup_textbook_near": "{count} near",
    "lookup_textbook_none": "no {name}",
    "lookup_textbook_title": "《{title}》",
    "lookup_textbook_request": "request",
    "lookup_other_books": "request",
    "lookup_database_none": "no {name}",
    "lookup_database_suggest": "buy",
    "lookup_database_fault": "{name} fine",
    "lookup_fault_known": "{name} known {reports}",
    "lookup_fault_down": "{name} down {since}",
    "lookup_fault_incident": "{name} announced",
    "form_offer_human": "person",
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
    assert found == Found(text, (Link(link, "https://cnki.example"),))


@pytest.mark.parametrize(("language", "text"), [(ZH, "物理学院 李 1 l@e.example"), (EN, "物理学院 Li 1 l@e.example")])
def test_a_subject_librarian_is_told_without_link(small: Knowledge, language: Language, text: str) -> None:
    assert look_up("subject_librarian", (Entity("college", "物理"),), small, language) == Found(text)


def test_several_books_are_a_list_to_choose_from_and_a_count_of_the_rest(small: Knowledge) -> None:
    found = look_up("textbook_find", (Entity("textbook", "高数"), Entity("textbook", "高等数学2")), small, ZH)
    assert found is not None
    assert found.text.splitlines() == ["11 books", "+3"]
    assert [(option.key, option.title) for option in found.options] == [
        *((str(number), f"《高等数学{number + 1}》") for number in range(1, 9)), ("9", "request"), ("0", "person"),
    ]  # fmt: skip
    chosen = book(found.options[1].value.removeprefix("book:"), small, ZH)
    assert chosen == Found("高等数学3 同济", (Link("高等数学3", "https://e.example/3"),))
    assert book("高等数学99/nobody/", small, ZH) is None


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


def test_one_book_is_told_with_its_address(small: Knowledge) -> None:
    found = look_up("textbook_find", (Entity("textbook", "高等数学2"),), small, ZH)
    assert found == Found("高等数学2 同济", (Link("高等数学2", "https://e.example/2"),))


@pytest.mark.parametrize(
    "near", [(Entity("textbook", "高等数学2", score=0.75),), (Entity("textbook", "高等数学2"), Entity("unlisted", "高数实验"))]
)
def test_a_book_of_nearly_that_name_is_offered_as_near(small: Knowledge, near: tuple[Entity, ...]) -> None:
    found = look_up("textbook_find", near, small, ZH)
    assert found is not None
    assert found.text == "1 near"
    assert [option.key for option in found.options] == ["1", "2", "0"]


@pytest.mark.parametrize(
    ("intent", "form"),
    [("textbook_find", "textbook_request"), ("database_access", "purchase_suggestion"), ("database_fault", "purchase_suggestion")],
)
def test_what_no_table_has_is_said_so_and_can_be_requested_by_its_name(small: Knowledge, intent: str, form: str) -> None:
    found = look_up(intent, (Entity("unlisted", "FooBase"),), small, EN)
    assert found is not None
    assert found.text == "no FooBase"
    assert [option.value for option in found.options] == [f"form:{form}:FooBase", "human:form"]


def test_one_known_and_one_unknown_database_are_both_spoken_of(small: Knowledge) -> None:
    found = look_up("database_access", (Entity("database", "cnki"), Entity("unlisted", "FooBase")), small, EN)
    assert found is not None
    assert found.text == "CNKI(VPN; free)\nno FooBase"
    assert [option.key for option in found.options] == ["1", "0"]


AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DOWN, REPORTED = Fault("中国知网", down_since=AT, reports=3), Fault("中国知网", reports=3)
ANNOUNCED = Incident(1, "知网故障", "", ("database_fault",), ("中国知网",), "mei", AT)


@pytest.mark.parametrize(
    ("outlook", "text"),
    [
        (Outlook(), "CNKI fine"),
        (Outlook((Fault("万方", AT, 9),)), "CNKI fine"),
        (Outlook((REPORTED,)), "CNKI known 3"),
        (Outlook((DOWN,)), "CNKI down 11-23 10:00"),
        (Outlook((DOWN,), (ANNOUNCED,)), "CNKI announced"),
    ],
)
def test_a_fault_is_told_by_the_best_evidence_and_reported(small: Knowledge, outlook: Outlook, text: str) -> None:
    found = look_up("database_fault", (Entity("database", "cnki"),), small, EN, outlook=outlook)
    assert found is not None
    assert (found.text, found.faulty) == (text, ("中国知网",))


FILLERS = frozenset(
    {
        "怎么进",
        "有没有",
        "电子教材",
        "电子版",
        "那个",
        "教材",
        "数据库",
        "的",
        "吗",
        "有",
        "在",
        "书",
        "how",
        "do",
        "i",
        "access",
        "is",
        "there",
        "an",
        "for",
    }
)


@pytest.mark.parametrize(
    ("text", "known", "name"),
    [
        ("瀚堂典藏怎么进", (), "瀚堂典藏"),
        ("有没有《量子场论》的电子教材", (), "量子场论"),
        ("OCLC FirstSearch怎么进", (), "OCLC FirstSearch"),
        ("How do I access FooBase", (), "FooBase"),
        ("is there an e-book for Quantum Field Theory I wonder", (), "Quantum Field Theory"),
        ("“FooBase”怎么进", (), "FooBase"),
        ("怎么进", (), ""),
        ("有没有12345的教材", (), ""),
        ("知网怎么进", ("知网",), ""),
        ("知网和FooBase怎么进", ("知网",), "FooBase"),
        ("FooBase、知网怎么进", ("知网",), "FooBase"),
        ("知网今年还续费吗", ("知网",), ""),
        ("我在江安校区的宿舍里住了三年都没有弄明白这些东西到底怎么进才好", (), ""),
        ("", (), ""),
    ],
)
def test_the_name_that_no_table_has_is_what_is_left_of_a_question(text: str, known: tuple[str, ...], name: str) -> None:
    assert unlisted(text, known, FILLERS) == name


def test_a_longer_name_than_the_known_one_is_another_book() -> None:
    assert unlisted("有没有量子场论的电子教材", ("量子",), FILLERS, longer=True) == "量子场论"
    assert unlisted("有没有量子的电子教材", ("量子",), FILLERS, longer=True) == ""
    assert unlisted("有没有量子力学教程场论的电子教材", ("量子力学教程",), FILLERS, longer=True) == ""


@pytest.mark.parametrize(
    ("intent", "text", "kind", "value"),
    [
        ("textbook_find", "同济的高数教材", "author", "同济"),
        ("textbook_find", "数学系有哪些教材", "unit", "数学学院"),
        ("textbook_find", "高等教学的教材", "textbook", "高等数学"),
        ("textbook_find", "有没有《看不见的城市》电子版", "unlisted", "看不见的城市"),
        ("free_resources", "免费的医学资源", "subject", "医学"),
        ("database_fault", "JoVE播放不了", "unlisted", "JoVE"),
        ("database_access", "怎么进瀚堂典藏", "unlisted", "瀚堂典藏"),
    ],
)
def test_questions_name_more_than_stands_in_them_word_for_word(curated: Knowledge, intent: str, text: str, kind: str, value: str) -> None:
    exact = curated.finder.find(text, typos=False)
    assert value in [entity.value for entity in named(intent, text, curated, exact) if entity.kind == kind]


@pytest.mark.parametrize(
    ("intent", "text"),
    [("database_fault", "数据库打不开"), ("database_fault", "知网打不开"), ("vpn_setup", "FooBase"), ("database_access", "知网研学怎么进")],
)
def test_a_name_is_not_made_up(curated: Knowledge, intent: str, text: str) -> None:
    exact = curated.finder.find(text, typos=False)
    assert "unlisted" not in [entity.kind for entity in named(intent, text, curated, exact)]


def test_author_and_unit_narrow_the_books_and_find_them_alone(curated: Knowledge) -> None:
    def titles(*entities: Entity) -> list[str]:
        found = look_up("textbook_find", entities, curated, ZH)
        assert found is not None
        return [option.title for option in found.options if option.value.startswith("book:")] or [found.text]

    maths = Entity("textbook", "高数")
    assert len(titles(maths)) == 4
    assert len(titles(maths, Entity("author", "同济大学数学系"))) == 2
    assert titles(maths, Entity("author", "周世勋")) == titles(maths)
    assert "C程序设计" in titles(Entity("author", "谭浩强"))[0]
    assert len(titles(Entity("unit", "数学学院"))) == 8


def test_free_resources_are_found_by_name_and_by_subject(curated: Knowledge) -> None:
    by_subject = look_up("free_resources", (Entity("subject", "医学"),), curated, ZH)
    by_name = look_up("free_resources", (Entity("free_resource", "DOAJ"), Entity("subject", "医学")), curated, EN)
    assert by_subject is not None
    assert by_name is not None
    assert "PubMed" in by_subject.text
    assert by_name.text.startswith("Directory of Open Access Journals")
    similar = look_up("free_resources", (Entity("free_resource", "DOAJ", score=0.86), Entity("subject", "医学")), curated, ZH)
    assert similar == by_subject
    assert look_up("free_resources", (), curated, ZH) is None


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("intent", ["database_access", "database_fault", "textbook_find", "subject_librarian", "free_resources"])
def test_every_row_of_the_starter_tables_can_be_told(intent: str, language: Language) -> None:
    curated = knowledge.read(Path(__file__).parent.parent / "knowledge")
    kinds = {
        "database_access": "database",
        "database_fault": "database",
        "textbook_find": "textbook",
        "subject_librarian": "college",
        "free_resources": "free_resource",
    }
    rows = [row for row in curated.rows if row.kind == kinds[intent]]
    assert rows
    assert all(look_up(intent, (Entity(row.kind, row.name),), curated, language) for row in rows)


@pytest.mark.parametrize(
    "intent", ["database_access", "database_fault", "textbook_find", "subject_librarian", "free_resources", "vpn_setup"]
)
def test_nothing_named_is_left_to_the_general_entry(curated: Knowledge, intent: str) -> None:
    assert look_up(intent, (), curated, ZH) is None


def test_many_databases_are_told_as_the_first_five_and_a_count(curated: Knowledge) -> None:
    names = [row.name for row in curated.rows if row.kind == "database"][:7]
    found = look_up("database_access", tuple(Entity("database", name) for name in names), curated, ZH)
    assert found is not None
    assert len(found.text.splitlines()) == 6
    assert "另有 2 条" in found.text
