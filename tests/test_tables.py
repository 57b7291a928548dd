"""The curated tables: what a message names, and what is wrong with a file."""

from pathlib import Path

import pytest

from bot.domain import Entity
from bot.tables import SHAPES, Finder, Row, read

ROWS = (
    Row("database", ("中国知网", "知网", "CNKI"), (("name", "中国知网"),), 2),
    Row("database", ("Engineering Village", "EI"), (), 3),
    Row("textbook", ("大学物理", "大物"), (), 2),
    Row("textbook", ("大学物理实验", "大物"), (), 3),
    Row("textbook", ("线性代数", "x"), (), 4),
    Row("college", ("物理学院", "大学物理"), (), 2),
)
FINDER = Finder(ROWS)


def named(text: str, *kinds: str, typos: bool = True) -> list[tuple[str, str]]:
    """Kind and value of what a text names."""
    return [(entity.kind, entity.value) for entity in FINDER.find(text, frozenset(kinds), typos)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("中国知网打不开", [("database", "中国知网")]),
        ("校外怎么上知网", [("database", "中国知网")]),
        ("cnki和EI怎么进", [("database", "中国知网"), ("database", "Engineering Village")]),
        ("知网、知网还是知网", [("database", "中国知网")]),
        ("大学物理教材", [("textbook", "大学物理"), ("college", "物理学院")]),
        ("大学物理实验教材", [("textbook", "大学物理实验")]),
        ("食堂在哪", []),
        ("", []),
    ],
)
def test_finder_finds_what_is_named_exactly(text: str, found: list[tuple[str, str]]) -> None:
    assert named(text) == found


@pytest.mark.parametrize(("text", "found"), [("EI会议", True), ("ei", True), ("their books", False), ("eight", False), ("x-ei-y", True)])
def test_finder_takes_a_latin_name_only_as_a_whole_word(text: str, found: bool) -> None:
    assert bool(FINDER.find(text, typos=False)) is found


@pytest.mark.parametrize(
    ("text", "value", "score"),
    [("智网打不开", "中国知网", 0.9), ("线形代树的教材", "线性代数", 0.9), ("zhongguozhiwang", "中国知网", 1.0)],
)
def test_finder_hears_a_homophone(text: str, value: str, score: float) -> None:
    (entity,) = FINDER.find(text)
    assert (entity.value, entity.score) == (value, score)


def test_finder_forgives_a_typo() -> None:
    (entity,) = FINDER.find("enginering village login")
    assert entity.value == "Engineering Village"
    assert 0.85 <= entity.score < 1


@pytest.mark.parametrize("text", ["智网打不开", "enginering village"])
def test_finder_guesses_nothing_when_told_not_to(text: str) -> None:
    assert named(text, typos=False) == []


def test_finder_looks_only_for_the_kinds_asked_for() -> None:
    assert named("大学物理和知网", "college") == [("college", "物理学院")]
    assert named("大学物理", "database") == []
    assert named("大雪物理", "database") == []
    assert named("enginering village", "textbook") == []


@pytest.mark.parametrize("text", ["大物教材", "大雾教材"], ids=["exact", "homophone"])
def test_finder_names_an_alias_that_several_rows_share(text: str) -> None:
    (entity,) = FINDER.find(text)
    assert entity.value == "大物"
    assert FINDER.matching(entity) == ROWS[2:4]


def test_finder_names_every_row_that_sounds_alike() -> None:
    finder = Finder((Row("database", ("法意",), (), 2), Row("database", ("法易",), (), 3)))
    assert [entity.value for entity in finder.find("发义怎么用")] == ["法意", "法易"]


def test_finder_gives_a_row_once_when_two_of_its_names_sound_alike() -> None:
    finder = Finder((Row("database", ("知网", "智网"), (), 2),))
    assert [entity.value for entity in finder.find("值网")] == ["知网"]


@pytest.mark.parametrize("entity", [Entity("database", "CNKI"), Entity("database", "中国知网")])
def test_matching_gives_the_rows_that_carry_a_name(entity: Entity) -> None:
    assert FINDER.matching(entity) == ROWS[:1]


def test_matching_gives_nothing_for_another_kind_or_an_unknown_name() -> None:
    assert FINDER.matching(Entity("college", "知网")) == FINDER.matching(Entity("database", "?")) == ()


def test_row_tells_its_cells() -> None:
    assert (ROWS[0].name, ROWS[0].get("name"), ROWS[0].get("note_zh")) == ("中国知网", "中国知网", "")


GOOD = {
    "databases": "中国知网,CNKI,知网 | |CNKI,综合,campus_ip|vpn,https://www.cnki.net,,",
    "textbooks": "高等数学,微积分,高数,数学学院,同济,7,高教,https://e.example/1",
    "free_resources": "国家哲学社会科学文献中心,NCPSSD,,社科,social,https://www.ncpssd.cn,,",
    "subject_librarians": "物理学院,Physics,,物理|天文,李,Li,,li@e.example,",
}


def tables(folder: Path, **changed: str | bytes) -> Path:
    """The four tables with a line each, some of them with other content."""
    for name, shape in SHAPES.items():
        (folder / f"{name}.csv").write_text(f"{','.join(shape.columns)}\n{GOOD[name]}\n", encoding="utf-8")
    for name, content in changed.items():
        (folder / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_tables_are_read_with_every_name_of_a_row(tmp_path: Path) -> None:
    rows, defects = read(tables(tmp_path))
    assert defects == ()
    assert [row.kind for row in rows] == ["database", "textbook", "free_resource", "college"]
    assert rows[0].names == ("中国知网", "CNKI", "知网")
    assert rows[0].line == 2


HEAD = ",".join(SHAPES["databases"].columns)
ROW = GOOD["databases"]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("", 1, "header must be name,name_en"),
        ("名称,url\n", 1, "header must be name,name_en"),
        (f"{HEAD}\n{ROW},more", 2, "9 cells, expected 8"),
        (f"{HEAD}\n{ROW}\n\n ,CNKI,,,vpn,https://e.example,,", 4, "name is empty"),
        (f"{HEAD}\n{ROW.replace('campus_ip', 'telepathy')}", 2, "access 'telepathy' is not one of"),
        (f"{HEAD}\n{ROW.replace('https://', '')}", 2, "url 'www.cnki.net' does not start with"),
        (f"{HEAD}\n{ROW}\n{ROW}", 3, "'中国知网' stands in line 2 already"),
        (f'{HEAD}\n"unclosed', 2, "cannot be read as UTF-8 CSV"),
        (f"{HEAD}\n{ROW}".encode("gbk"), 0, "cannot be read as UTF-8 CSV"),
    ],
)
def test_a_broken_table_is_a_defect_with_its_line(tmp_path: Path, content: str | bytes, line: int, what: str) -> None:
    _, (defect,) = read(tables(tmp_path, databases=content))
    assert (defect.path, defect.line) == (tmp_path / "databases.csv", line)
    assert what in defect.what


def test_a_broken_row_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    rows, defects = read(tables(tmp_path, databases=f"\ufeff{HEAD}\n,,,\n,,,,,,,\n{ROW}"))
    assert [row.line for row in rows if row.kind == "database"] == [4]
    assert [defect.line for defect in defects] == []


def test_an_unknown_or_missing_table_is_a_defect(tmp_path: Path) -> None:
    tables(tmp_path, journals="a,b\n")
    (tmp_path / "textbooks.csv").unlink()
    _, defects = read(tmp_path)
    assert [defect.path.name for defect in defects] == ["textbooks.csv", "journals.csv"]
    assert "unknown table" in defects[1].what
