"""The bot learns what two librarians want it to, and forgets it again when they want."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import classifier, house, training
from bot.domain import Change, DraftStatus, EntryDraft, Example, GenerationState, Prediction
from bot.errors import Defect, EngineUnavailable, NotFound, Refused
from bot.masking import redacted
from bot.settings import Settings
from bot.store import Store
from bot.teaching import Known, Likeness, Now, Teacher, edits, golden
from tests.conftest import ROOT, FakeEngine
from tests.miniature import write_intents

TODAY = date(2026, 11, 23)
NLU = """version: "3.1"
nlu:
- intent: one
  examples: |
    - 第一句
    - 第二句

- intent: two
  examples: |
    - other"""
DRAFT = EntryDraft(
    "lockers", "visiting", "lockers in the\nlibrary: who may use one", ("存包柜 ", "Lockers"),
    ("一楼有存包柜。 \n刷卡使用。", "On the ground floor."),
    ("存包柜在哪", "书包放哪里", "where are the lockers"), "anna", question=7,
)  # fmt: skip


# --- the words ---


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("我的学号是2019141460001登录不了", "我的学号是登录不了"),
        ("电话13800000000，邮箱 a.b@example.edu.cn 请回复", "电话，邮箱 请回复"),
        ("身份证 51010119900101123X 丢了", "身份证 丢了"),
        ("加我微信号: reader_2020 发我", "加我 发我"),
        ("我叫张小明，想借书", "我叫，想借书"),
        ("我是研究生，VPN连不上", "我是研究生，VPN连不上"),
        ("my name is Li Ming and I cannot log in", "my name is and I cannot log in"),
        ("2020年出版的《高等数学》第7版 ISBN 有吗", "2020年出版的《高等数学》第7版 ISBN 有吗"),
        ("3月15日 20:00 前能还吗", "3月15日 20:00 前能还吗"),
    ],
)
def test_words_are_freed_from_what_says_who_wrote_them(text: str, kept: str) -> None:
    assert redacted(text) == kept


def test_personal_values_of_a_form_are_taken_out() -> None:
    assert redacted("我是王芳，送到松园三舍，卡号 A1", ["王芳", "松园三舍", "A1", ""]) == "我是，送到，卡号"


def test_likeness_shows_what_is_known_already_and_what_contradicts() -> None:
    rows = [("校外怎么用VPN", "vpn_setup"), ("校外怎样用VPN", "vpn_setup"), ("图书馆几点开门呢今天", "opening_hours"), ("借书", "borrow")]
    known = Known([training.Example(text, intent, Path("x.yml"), 1) for text, intent in rows])
    assert [(each.text, each.likeness) for each in known.like("校外怎么用 VPN？", "vpn_setup")] == [
        ("校外怎么用VPN", Likeness.SAME), ("校外怎样用VPN", Likeness.NEAR),
    ]  # fmt: skip
    (contradiction,) = known.like("图书馆几点开门呢今天", "seat_reservation")
    assert (contradiction.intent, contradiction.likeness) == ("opening_hours", Likeness.CONTRADICTION)
    assert known.like("完全不同的一句话", "vpn_setup") == ()


# --- the files ---


def test_examples_are_added_as_lines_after_those_of_their_intent() -> None:
    assert edits.with_examples(NLU, "one", ("第三句\n[换行]",)) == NLU.replace("    - 第二句\n", "    - 第二句\n    - 第三句 （换行）\n")
    assert edits.with_examples(NLU, "two", ("more",)) == NLU + "\n    - more\n"
    assert edits.with_examples(NLU, "on", ("more",)) is None


def test_new_intent_is_added_wherever_it_must_be_known() -> None:
    nlu = yaml.safe_load(edits.with_intent(NLU, "three", DRAFT.examples))
    assert nlu["nlu"][-1] == {"intent": "three", "examples": "- 存包柜在哪\n- 书包放哪里\n- where are the lockers\n"}
    assert edits.with_domain("intents:\n  - one\n  - out_of_scope\n", "x") == "intents:\n  - one\n  - x\n  - out_of_scope\n"
    assert edits.with_domain("intents:\n- one\n", "x") == "intents:\n- one\n- x\n"
    rows = yaml.safe_load(edits.with_catalogue("intents:\n  - id: one\n    kind: faq\n", DRAFT))["intents"]
    assert rows[-1] == {"id": "lockers", "kind": "faq", "covers": "lockers in the library: who may use one"}


def test_new_entry_is_written_as_people_write_them() -> None:
    text = edits.with_entry("- id: one\n", DRAFT, TODAY)
    assert "    zh: |-\n      一楼有存包柜。\n      刷卡使用。\n" in text
    entry = yaml.safe_load(text)[-1]
    assert entry["title"] == {"zh": "存包柜", "en": "Lockers"}
    assert (entry["reviewed_on"], entry["review_by"]) == (TODAY, date(2027, 11, 23))
    assert entry["source"] == "ticket of question 7"


# --- a library that learns ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small library with its model."""
    root = tmp_path_factory.mktemp("taught")
    intents = write_intents(root / "intents")
    (intents / "nlu" / "opening_hours.yml").rename(intents / "nlu" / "visiting.yml")
    names = [row.id for row in training.read_catalogue(intents / "catalogue.yml")]
    (intents / "domain.yml").write_text("intents:\n" + "".join(f"  - {name}\n" for name in [*names, "out_of_scope"]), encoding="utf-8")
    shutil.copytree(ROOT / "knowledge", root / "knowledge")
    (root / "data").mkdir()
    classifier.fit(training.read(intents)).save(root / "data" / "model.refdesk")
    return root


@pytest.fixture
def library(trained: Path, tmp_path: Path) -> Settings:
    """A copy of it."""
    shutil.copytree(trained, tmp_path / "library")
    return Settings(root=tmp_path / "library")


class School:
    """A teacher with its store, and what was put to work."""

    def __init__(self, library: Settings, store: Store, **more: Any) -> None:
        self.library, self.store = library, store
        self.mind, self.adopted = house.mind(library), list[house.Mind]()
        now = Now(lambda: self.mind, lambda: TODAY, lambda: datetime.now(UTC))
        self.teacher = Teacher(library, store, now, self.adopt, **more)

    def adopt(self, mind: house.Mind) -> None:
        self.mind = mind
        self.adopted.append(mind)

    def wants(self, text: str, intent: str) -> None:
        """Two librarians want an example to be learned."""
        row = Example(text, intent, "librarian", status=DraftStatus.APPROVED)
        self.store.write(lambda s: s.add_example(row, 0, datetime.now(UTC))).result()

    def drafts(self, draft: EntryDraft) -> None:
        """Two librarians want an entry to be learned."""
        self.store.write(lambda s: s.add_entry_draft(replace(draft, status=DraftStatus.APPROVED), datetime.now(UTC))).result()

    def lines(self, name: str) -> str:
        return (self.library.root / name).read_text(encoding="utf-8")


@pytest.fixture
def school(library: Settings, store: Store) -> School:
    """A library that can learn; it has no golden set."""
    return School(library, store)


def test_bot_learns_an_example_and_one_step_back_forgets_it(school: School) -> None:
    before, model = school.lines("intents/nlu/vpn_setup.yml"), (school.library.root / "data/model.refdesk").read_bytes()
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    done = school.teacher.train("anna")
    assert (done.state, done.examples, done.reasons, done.files) == (GenerationState.LIVE, 1, (), ("intents/nlu/vpn_setup.yml",))
    assert school.lines("intents/nlu/vpn_setup.yml") == before + "    - 远程客户端装在笔记本上\n"
    assert school.mind is school.adopted[0]
    assert school.mind.engine.predict("远程客户端装在笔记本上").intent == "vpn_setup"
    assert house.engine(school.library).made_from == training.digest(school.library.root / "intents")
    assert school.store.read(lambda s: s.examples(DraftStatus.APPROVED)) == ()
    assert school.store.read(lambda s: s.examples(DraftStatus.TAUGHT))[0].text == "远程客户端装在笔记本上"
    undone = school.teacher.undo()
    assert undone.state is GenerationState.UNDONE
    assert school.lines("intents/nlu/vpn_setup.yml") == before
    assert (school.library.root / "data/model.refdesk").read_bytes() == model
    assert [row.text for row in school.store.read(lambda s: s.examples())] == ["远程客户端装在笔记本上"]
    with pytest.raises(NotFound):
        school.teacher.undo()


def test_bot_learns_an_answer_that_it_did_not_have(school: School) -> None:
    zh = ("存包柜在哪", "书包放哪里", "哪里可以存包", "有没有储物柜", "存包柜怎么用", "柜子满了怎么办")
    texts = (*zh, "where are the lockers", "can I store my bag", "is there a locker")
    school.drafts(replace(DRAFT, examples=texts))
    done = school.teacher.train("anna")
    assert (done.state, done.reasons) == (GenerationState.LIVE, ())
    assert done.entries == 1
    assert school.mind.engine.predict("存包柜在哪").intent == "lockers"
    entry = school.mind.answering.knowledge.choose("lockers", "zh", TODAY)  # type: ignore[arg-type]
    assert entry is not None
    assert entry.answer == "一楼有存包柜。\n刷卡使用。"
    assert set(done.files) == {"intents/catalogue.yml", "intents/domain.yml", "intents/nlu/visiting.yml", "knowledge/visiting.yml"}
    school.teacher.undo()
    assert "lockers" not in school.lines("knowledge/visiting.yml")


def test_nothing_is_learned_when_nothing_was_approved(school: School) -> None:
    with pytest.raises(Refused, match="nothing"):
        school.teacher.train("anna")
    assert school.teacher.progress is None


@pytest.mark.parametrize(
    ("text", "intent", "why"),
    [
        ("图书馆几点开门", "vpn_setup", "contradiction"),
        ("怎么装VPN", "no_such_intent", "has no examples yet"),
    ],
)
def test_training_is_refused_with_the_reason_and_changes_nothing(school: School, text: str, intent: str, why: str) -> None:
    before = {path: path.read_bytes() for path in school.library.root.rglob("*") if path.is_file()}
    school.wants(text, intent)
    done = school.teacher.train("anna")
    assert done.state is GenerationState.REFUSED
    assert why in done.reasons[0]
    assert {path: path.read_bytes() for path in school.library.root.rglob("*") if path.is_file()} == before
    assert school.adopted == []
    assert len(school.store.read(lambda s: s.examples(DraftStatus.APPROVED))) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [({"intent": "vpn_setup"}, "exists already"), ({"topic": "nowhere"}, "has no files"), ({"examples": ("存包柜",)}, "lockers")],
)
def test_draft_without_a_place_is_refused(school: School, change: dict[str, Any], why: str) -> None:
    school.drafts(replace(DRAFT, **change))
    assert why in school.teacher.train("anna").reasons[0]


def refusing(*_: object) -> classifier.Classifier:
    """A training that breaks down."""
    raise EngineUnavailable("training", "was killed")


def test_training_that_breaks_down_is_told(library: Settings, store: Store) -> None:
    school = School(library, store, fit=refusing)
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    assert "was killed" in school.teacher.train("anna").reasons[0]


def test_files_that_somebody_else_changed_meanwhile_are_left_alone(library: Settings, store: Store) -> None:
    path = library.root / "intents/nlu/vpn_setup.yml"

    def slowly(folder: Path, model: Path, progress: house.Progress) -> classifier.Classifier:
        path.write_text(path.read_text(encoding="utf-8") + "    - 有人手写的一行\n", encoding="utf-8")
        fitted = classifier.fit(training.read(folder))
        fitted.save(model)
        return fitted

    school = School(library, store, fit=slowly)
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    assert "changed meanwhile" in school.teacher.train("anna").reasons[0]
    assert path.read_text(encoding="utf-8").endswith("有人手写的一行\n")


def test_one_step_back_is_refused_when_the_files_were_edited_since(school: School) -> None:
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    school.teacher.train("anna")
    path = school.library.root / "intents/nlu/vpn_setup.yml"
    path.write_text(path.read_text(encoding="utf-8") + "    - 有人手写的一行\n", encoding="utf-8")
    with pytest.raises(Refused, match="changed meanwhile"):
        school.teacher.undo()
    assert len(school.adopted) == 1


def test_everything_is_as_before_when_the_new_data_do_not_load(library: Settings, store: Store) -> None:
    school = School(library, store)
    before = school.lines("intents/nlu/vpn_setup.yml")

    def cannot(mind: house.Mind) -> None:
        raise Defect(Path("knowledge"), 0, "cannot be loaded")

    school.teacher._adopt = cannot
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    assert "cannot be loaded" in school.teacher.train("anna").reasons[0]
    assert school.lines("intents/nlu/vpn_setup.yml") == before
    assert house.engine(library).made_from == training.digest(library.root / "intents")


def test_one_training_at_a_time(library: Settings, store: Store) -> None:
    busy = list[str]()

    def within(folder: Path, model: Path, progress: house.Progress) -> classifier.Classifier:
        progress("learning", 0.5)
        assert school.teacher.progress is not None
        busy.append(f"{school.teacher.progress.step} {school.teacher.progress.share}")
        for again in (lambda: school.teacher.train("ben"), school.teacher.undo):
            with pytest.raises(Refused, match="busy"):
                again()
        fitted = classifier.fit(training.read(folder))
        fitted.save(model)
        return fitted

    school = School(library, store, fit=within)
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    assert school.teacher.train("anna").state is GenerationState.LIVE
    assert busy == ["learning 0.5"]


# --- the golden set ---


def judged(old: Callable[[FakeEngine], FakeEngine], new: Callable[[FakeEngine], FakeEngine], settings: Settings) -> golden.Verdict:
    """Two engines on five messages."""
    rows = tuple(
        golden.Labelled(text, intent)
        for text, intent in [("a", "vpn_setup"), ("b", "vpn_setup"), ("c", "opening_hours"), ("d", "out_of_scope"), ("e", "out_of_scope")]
    )
    usual = house.policy(settings)
    return golden.compare(rows, old(FakeEngine()), new(FakeEngine()), usual, house.kinds(settings))


def test_model_that_answers_more_rightly_may_take_over(settings: Settings) -> None:
    verdict = judged(lambda e: e.knows("a", "vpn_setup"), lambda e: e.knows("a", "vpn_setup").knows("b", "vpn_setup"), settings)
    assert (verdict.messages, verdict.reasons) == (5, ())
    assert verdict.changes == (Change("b", "vpn_setup", "person out_of_scope", "answer vpn_setup", True),)


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        (lambda e: e.knows("a", "vpn_setup").knows("b", "opening_hours").knows("c", "opening_hours"), "sent answers right: 100.0% > 66.7%"),
        (lambda e: e.knows("a", "vpn_setup"), "in-scope questions answered rightly: 100.0% > 33.3%"),
        (
            lambda e: e.knows("a", "vpn_setup").knows("b", "vpn_setup").knows("c", "opening_hours").knows("d", "vpn_setup"),
            "out-of-scope messages answered: 0.0% > 50.0%",
        ),
    ],
)
def test_model_that_is_worse_may_not(settings: Settings, worse: Callable[[FakeEngine], FakeEngine], why: str) -> None:
    verdict = judged(lambda e: e.knows("a", "vpn_setup").knows("b", "vpn_setup").knows("c", "opening_hours"), worse, settings)
    assert why in verdict.reasons
    assert any(not change.better for change in verdict.changes)


def test_golden_set_keeps_a_worse_model_out(library: Settings, store: Store) -> None:
    folder = library.root / "benchmarks/development"
    folder.mkdir(parents=True)
    rows = ["食堂几点开饭", "寝室几点断电", "食堂中午吃什么", "教务处电话多少"]
    lines = "".join(f'{{"text": "{row}", "intent": "out_of_scope", "language": "zh", "kind": "near"}}\n' for row in rows)
    (folder / "near.jsonl").write_text(lines, encoding="utf-8")
    overeager = FakeEngine({row: Prediction("opening_hours", 0.99) for row in rows})
    school = School(library, store, fit=lambda *_: overeager)
    school.wants("远程客户端装在笔记本上", "vpn_setup")
    done = school.teacher.train("anna")
    assert (done.state, done.golden, len(done.changes)) == (GenerationState.REFUSED, 4, 4)
    assert done.reasons == ("out-of-scope messages answered: 0.0% > 100.0%",)
    assert school.adopted == []
