"""knowledge/: the right entry for a question, facts filled in, and every defect with its file and line."""

from datetime import date
from pathlib import Path

import pytest

from bot import knowledge
from bot.domain import Entity
from bot.errors import DefectsFound
from bot.messages import Language, Link
from bot.tables import SHAPES

ZH, EN = Language
TODAY = date(2026, 11, 23)

ENTRY = """- id: vpn_setup_general
  intent: vpn_setup
  title: {zh: 安装 VPN, en: Installing the VPN}
  owner: desk
  source: https://e.example/source
  reviewed_on: 2026-09-01
  review_by: 2027-09-01
  risk: low
  answer: {zh: "打开 {{vpn.url}}，电话 {{ vpn.phone }}。", en: "Open {{vpn.url}}, call {{vpn.phone}}."}
  links: [{label: {zh: 指南, en: Guide}, url: "{{vpn.url}}/guide"}]
  facets: {price: {zh: 免费。, en: Free.}}
"""
SAFETY = """- kind: emergency
  urgent: true
  say: {zh: "电话 {{vpn.phone}}", en: "Call {{vpn.phone}}"}
  always: [着火了]
  alone: [火]
  unless: [书]
"""
TURNS = """facets: {price: [收费, free]}
topics: [{facet: who, words: [学生]}]
filler: [吗, is, it]
links: [呢]
asking: ["吗|怎么"]
trouble: [打不开]
wishes: [我要]
openings: ["^请问$"]
dangling: ["^打不开$"]
unhelpful: ["^没用$"]
"""
FILES = {
    "library.yml": "vpn:\n  url: https://vpn.example\n  phone: {zh: 一二三, en: one two three}\n",
    "phrases.yml": "greeting: {zh: '您好，{name}', en: 'Hello {name}'}\n",
    "interface/chat.yml": "send: {zh: 发送, en: Send}\n",
    "cues.yml": "cancel: [取消, Cancel it]\n",
    "conversation/safety.yml": SAFETY,
    "conversation/turns.yml": TURNS,
    "remote.yml": ENTRY,
    "forms/requests.yml": """- id: purchase
  title: {zh: 荐购, en: Suggest a book}
  fields:
    - {name: title, label: {zh: 书名, en: Title}, ask: {zh: 哪本？, en: Which?}, again: {zh: 书名？, en: Title?}}
    - name: who
      label: {zh: 身份, en: You are}
      ask: {zh: 身份？, en: Who?}
      again: {zh: 数字, en: A number}
      choices: [{zh: 学生, en: student}, {zh: 教师, en: teacher}]
      optional: true
      personal: true
""",
} | {f"tables/{name}.csv": ",".join(shape.columns) + "\n" for name, shape in SHAPES.items()}


def folder(path: Path, **changed: str) -> Path:
    """A folder as knowledge/ is; `changed` gives other content by file stem."""
    for name, content in FILES.items():
        file = path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(changed.get(file.stem, content), encoding="utf-8")
    return path


def variant(name: str, *lines: str) -> str:
    """Another entry of the same intent with further lines."""
    return ENTRY.replace("vpn_setup_general", name) + "".join(f"  {line}\n" for line in lines)


def test_an_answer_is_filled_with_the_facts_of_its_language(tmp_path: Path) -> None:
    curated = knowledge.read(folder(tmp_path))
    zh, en = curated.entries
    assert zh.answer == "打开 https://vpn.example，电话 一二三。"
    assert en.answer == "Open https://vpn.example, call one two three."
    assert en.links == (Link("Guide", "https://vpn.example/guide"),)
    assert (zh.facet("price"), en.facet("price"), en.facet("time")) == ("免费。", "Free.", "")
    assert curated.places == {"vpn_setup_general": (tmp_path / "remote.yml", 1)}


ENTRIES = (
    ENTRY
    + variant("south", "campus: south")
    + variant("cnki", "entity: 中国知网")
    + variant("summer", "valid_from: 2026-07-01", "valid_until: 2026-08-31")
    + variant("november", "valid_from: 2026-11-01")
    + variant("over", "valid_until: 2026-01-01")
)


@pytest.mark.parametrize(
    ("today", "entity", "campus", "chosen"),
    [
        (date(2026, 6, 30), "", "", "vpn_setup_general"),
        (date(2026, 7, 1), "", "", "summer"),
        (date(2026, 8, 31), "", "", "summer"),
        (date(2026, 9, 1), "", "", "vpn_setup_general"),
        (TODAY, "", "", "november"),
        (TODAY, "", "south", "south"),
        (TODAY, "", "north", "november"),
        (TODAY, "中国知网", "south", "cnki"),
        (TODAY, "万方", "", "november"),
    ],
)
def test_the_most_particular_entry_valid_today_is_chosen(tmp_path: Path, today: date, entity: str, campus: str, chosen: str) -> None:
    curated = knowledge.read(folder(tmp_path, remote=ENTRIES))
    entry = curated.choose("vpn_setup", ZH, today, (Entity("database", entity),), campus)
    assert entry is not None
    assert (entry.id, entry.language) == (chosen, ZH)


def test_an_entry_is_given_in_the_language_asked_for(tmp_path: Path) -> None:
    curated = knowledge.read(folder(tmp_path))
    assert [curated.title("vpn_setup", language, TODAY) for language in Language] == ["安装 VPN", "Installing the VPN"]
    assert [curated.entry("vpn_setup_general", language) for language in Language] == list(curated.entries)


def test_an_entry_is_given_in_the_other_language_when_there_is_only_that() -> None:
    both = knowledge.read(Path(__file__).parent.parent / "knowledge").entries
    entry = next(entry for entry in both if entry.language is ZH)
    curated = knowledge.Knowledge((entry,), {}, {}, {}, ())
    assert curated.choose(entry.intent, EN, entry.reviewed_on) is entry
    assert curated.entry(entry.id, EN) is entry


def test_nothing_is_chosen_when_nothing_fits(tmp_path: Path) -> None:
    curated = knowledge.read(folder(tmp_path, remote=variant("over", "valid_until: 2026-01-01")))
    assert curated.choose("vpn_setup", ZH, TODAY) is None
    assert curated.title("vpn_setup", ZH, TODAY) == "vpn_setup"
    assert curated.entry("nothing", ZH) is None


def test_phrases_cues_and_tables_are_read(tmp_path: Path) -> None:
    curated = knowledge.read(folder(tmp_path))
    assert curated.phrase("greeting", EN, name="Li") == "Hello Li"
    assert curated.phrase("send", ZH) == "发送"
    assert [curated.cue("cancel", text) for text in ("取消！", "cancel  IT.", "取消预约")] == [True, True, False]
    assert not curated.cue("unknown", "取消")
    assert curated.finder.rows == ()


def test_forms_are_read_in_both_languages(tmp_path: Path) -> None:
    curated = knowledge.read(folder(tmp_path))
    form = curated.form("purchase", EN)
    assert form is not None
    assert (form.title, [field.ask for field in form.fields]) == ("Suggest a book", ["Which?", "Who?"])
    assert (form.fields[1].choices, form.fields[1].optional, form.fields[0].check) == (("student", "teacher"), True, "text")
    assert curated.form("nothing", ZH) is None


@pytest.mark.parametrize(
    ("file", "content", "line", "what"),
    [
        ("remote", variant("x", "campus: {zh: 江安}"), 12, "campus: Input should be a valid string"),
        ("remote", variant("x", "colour: red"), 12, "colour: Extra inputs are not permitted"),
        ("remote", ENTRY.replace(", en: Installing the VPN", ""), 3, "title.en: Field required"),
        ("remote", ENTRY.replace("  owner: desk\n", ""), 1, "owner: Field required"),
        ("remote", ENTRY.replace("en: Guide", "en: ' '"), 10, "links.0.label.en: String should have at least 1 character"),
        ("remote", ENTRY.replace("risk: low", "risk: none"), 8, "risk: Input should be 'low', 'medium' or 'high'"),
        ("remote", ENTRY.replace("2026-09-01", "last week"), 6, "reviewed_on: Input should be a valid date"),
        ("remote", ENTRY.replace("2026-09-01", "2026-02-30"), 1, "malformed value: day is out of range for month"),
        ("remote", ENTRY.replace("desk", "{{desk.name}}"), 4, "malformed value: found unhashable key"),
        ("remote", ENTRY.replace("price", "colour"), 1, "unknown facet colour; known are how, price"),
        ("remote", ENTRY.replace("price: {zh: 免费。, en: Free.}", "1: free"), 11, "facets.1.[key]: Input should be a valid string"),
        ("remote", ENTRY.replace("{{ vpn.phone }}", "{{vpn.fax}}"), 1, "unknown fact {{vpn.fax}}"),
        ("remote", ENTRY + ENTRY, 12, "entry vpn_setup_general stands in remote.yml:1 already"),
        ("remote", "id: x\n", 1, "expected a list of entries"),
        ("remote", "- id: [\n", 2, "malformed YAML"),
        ("library", FILES["library.yml"] + "  fax:\n  hours: {zh: 全天}\n", 4, "vpn.fax: needs a text, or zh and en texts"),
        ("library", FILES["library.yml"] + "  hours: {zh: 全天}\n", 4, "vpn.hours: needs a text"),
        ("library", FILES["library.yml"] + "address: 路\n", 4, "address: expected keys below it"),
        ("phrases", "greeting: {zh: 您好}\n", 1, "greeting: needs zh and en"),
        ("phrases", "greeting: {zh: '{{vpn.fax}}', en: Hello}\n", 1, "unknown fact {{vpn.fax}}"),
        ("phrases", "# one\ngreeting: {{vpn.url}}\n", 2, "malformed value: found unhashable key"),
        ("phrases", "greeting: 2026-02-30\n", 0, "malformed value: day is out of range"),
        ("chat", "- send\n", 1, "expected keys"),
        ("cues", "# one\ncancel:\n", 2, "cancel: expected a list of phrases"),
        ("cues", "confirm: [ok, yes]\n", 1, "confirm: True is no text; put it in quotes"),
        ("cues", "", 0, "the file is empty"),
        ("databases", "name\n", 1, "the header must be"),
        ("requests", FILES["forms/requests.yml"].replace("name: who", "nom: who"), 5, "fields.1.name: Field required"),
    ],
)
def test_a_broken_file_is_a_defect_with_its_line(tmp_path: Path, file: str, content: str, line: int, what: str) -> None:
    with pytest.raises(DefectsFound) as caught:
        knowledge.read(folder(tmp_path, **{file: content}))
    defect = caught.value.defects[0]
    assert (defect.path.stem, defect.line) == (file, line)
    assert what in defect.what


def test_every_defect_is_told_at_once_when_there_are_several(tmp_path: Path) -> None:
    with pytest.raises(DefectsFound) as caught:
        knowledge.read(
            folder(tmp_path, remote=ENTRY.replace("risk: low", "rsk: low"), cues="- a\n", library=FILES["library.yml"] + "a: b\n")
        )
    assert [(defect.path.name, defect.line) for defect in caught.value.defects] == [
        ("library.yml", 4), ("cues.yml", 1), ("remote.yml", 1), ("remote.yml", 8),
    ]  # fmt: skip


def test_danger_is_known_by_its_cues_and_answered_with_the_facts(tmp_path: Path) -> None:
    read = knowledge.read(folder(tmp_path))
    assert [bool(read.danger(text)) for text in ("着火了", "有 火！", "有关火的书", "书着火了", "你好")] == [True, True, False, True, False]
    assert read.phrase("safety.emergency", EN) == "Call one two three"


def test_pattern_that_cannot_be_used_is_a_defect_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DefectsFound) as caught:
        knowledge.read(folder(tmp_path, safety=SAFETY.replace("着火了", '"(着火"')))
    (defect,) = caught.value.defects
    assert (defect.path.name, defect.line) == ("safety.yml", 4)


def test_turns_that_cannot_be_used_are_defects_with_their_lines(tmp_path: Path) -> None:
    broken = TURNS.replace("facet: who", "facet: whom").replace("price:", "prize:")
    with pytest.raises(DefectsFound) as caught:
        knowledge.read(folder(tmp_path, turns=broken))
    assert [(defect.line, "prize" in defect.what or "whom" in defect.what) for defect in caught.value.defects] == [(1, True), (1, True)]
    with pytest.raises(DefectsFound) as caught:
        knowledge.read(folder(tmp_path, turns=TURNS.replace('"吗|怎么"', '"(吗"') + "more: 1\n"))
    assert sorted(defect.line for defect in caught.value.defects) == [5, 11]
