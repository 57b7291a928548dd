"""Librarians propose what the bot should learn, a second person reviews it, and the server goes on with a new mind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import house
from bot.domain import DraftStatus, Example, Generation, GenerationState, Role
from bot.errors import NotFound, Refused, TooMuch
from bot.teaching import Teacher
from tests.conftest import FakeEngine
from tests.sampling import sampled
from tests.serving import Colleague, Served, until


@pytest.fixture(scope="module")
def intents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fewer examples than the starter library's, which every new server would read."""
    return sampled(tmp_path_factory.mktemp("library")) / "intents"


@pytest.fixture
def served(serve: Callable[..., Served], intents: Path) -> Served:
    """A server with the usual channels."""
    return serve(library={"intents": intents})


@pytest.fixture
def anna(served: Served) -> Colleague:
    """A librarian."""
    return served.librarian("anna")


@pytest.fixture
def eva(served: Served) -> Colleague:
    """An editor."""
    return served.librarian("eva", Role.EDITOR)


def asks(served: Served, text: str) -> int:
    """A patron's question that goes to people; returns the ticket's number."""
    served.client().post("/webhooks/rest/webhook", json={"sender": "reader", "message": text})
    return served.ticket().id


def examples(served: Served, status: DraftStatus = DraftStatus.AWAITING) -> list[tuple[str, str, str]]:
    """What is stored to be learned."""
    return [(row.text, row.intent, row.author) for row in served.desk.store.read(lambda s: s.examples(status))]


ENTRY = {
    "intent": "lockers", "topic": "visiting", "covers": "lockers", "title_zh": "存包柜", "title_en": "Lockers",
    "answer_zh": "一楼有。", "answer_en": "On the ground floor.", "examples": "存包柜在哪\n\nwhere are the lockers",
}  # fmt: skip


def test_librarian_proposes_a_question_as_an_example_without_what_identifies_its_asker(served: Served, anna: Colleague) -> None:
    number = asks(served, "学号2019141460001的我进不去自习室")
    page = anna.get(f"/desk/tickets/{number}").text
    assert "学号的我进不去自习室" in page.partition('id="teach-text"')[2].partition("</textarea>")[0]
    answer = anna.post(f"/desk/tickets/{number}/example", text="学号2019141460001的我进不去自习室", intent="entry_rules")
    assert answer.headers["location"] == f"/desk/tickets/{number}?taught=1"
    assert "已提交" in anna.get(answer.headers["location"]).text
    assert examples(served) == [("学号的我进不去自习室", "entry_rules", "anna")]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": "", "intent": "vpn_setup"}, "有必填的内容是空的"),
        ({"text": "问题", "intent": "nonsense"}, "没有这个主题"),
        ({"text": "长" * 401, "intent": "vpn_setup"}, "太长了（上限 400 字）"),
    ],
)
def test_example_that_cannot_teach_is_refused(served: Served, anna: Colleague, fields: dict[str, str], told: str) -> None:
    number = asks(served, "进不去自习室")
    answer = anna.post(f"/desk/tickets/{number}/example", **fields)
    assert (answer.status_code, told in answer.text) == (400, True)
    assert anna.post("/desk/tickets/99/example", text="问题", intent="vpn_setup").status_code == 404
    assert examples(served) == []


def test_editor_sees_what_is_alike_corrects_and_approves(served: Served, anna: Colleague, eva: Colleague) -> None:
    number = asks(served, "想进来自习")
    anna.post(f"/desk/tickets/{number}/example", text="几点开门", intent="vpn_setup")
    page = eva.get("/desk/teach").text
    assert 'class="contradiction"' in page
    assert "anna 提议" in page
    answer = eva.post("/desk/teach/examples/1/approve", text="几点开门呀", intent="opening_hours")
    assert answer.headers["location"] == "/desk/teach"
    assert examples(served, DraftStatus.APPROVED) == [("几点开门呀", "opening_hours", "anna")]
    again = eva.post("/desk/teach/examples/1/approve")
    assert (again.status_code, "已经处理过" in again.text) == (409, True)
    assert "1 项已审核" in eva.get("/desk/teach").text


def test_nobody_approves_what_they_proposed_themselves_unless_the_library_wants_it(served: Served, eva: Colleague) -> None:
    number = asks(served, "进不去自习室")
    eva.post(f"/desk/tickets/{number}/example", text="进不去自习室", intent="entry_rules")
    refused = eva.post("/desk/teach/examples/1/approve")
    assert (refused.status_code, "另一位馆员审核" in refused.text) == (409, True)
    served.desk.second_person = False
    assert eva.post("/desk/teach/examples/1/approve").status_code == 303


def test_patrons_own_choices_are_reviewed_and_may_be_refused(served: Served, eva: Colleague) -> None:
    row = Example("vpn咋整", "vpn_setup", "choice")
    served.desk.store.write(lambda s: s.add_example(row, 0, datetime.now(UTC))).result()
    assert "读者在“您是想问”中自己选的" in eva.get("/desk/teach").text
    assert eva.post("/desk/teach/examples/1/refuse").status_code == 303
    assert examples(served, DraftStatus.REFUSED) == [("vpn咋整", "vpn_setup", "")]
    assert eva.post("/desk/teach/examples/9/refuse").status_code == 409


def test_librarian_drafts_an_entry_and_an_editor_approves_it(served: Served, anna: Colleague, eva: Colleague) -> None:
    number = asks(served, "存包柜在哪")
    assert "存包柜在哪" in anna.get(f"/desk/teach/entry?ticket={number}").text
    assert anna.get("/desk/teach/entry?ticket=99").status_code == 200
    assert anna.post("/desk/teach/entry", **ENTRY).headers["location"] == "/desk/teach"
    assert "On the ground floor." in eva.get("/desk/teach").text
    assert eva.post("/desk/teach/entries/1/approve").status_code == 303
    (draft,) = served.desk.store.read(lambda s: s.entry_drafts(DraftStatus.APPROVED))
    assert (draft.examples, draft.author, draft.reviewer) == (("存包柜在哪", "where are the lockers"), "anna", "eva")
    anna.post("/desk/teach/entry", **ENTRY | {"intent": "lockers_two"})
    assert eva.post("/desk/teach/entries/2/refuse").status_code == 303


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"intent": "存包"}, "小写字母开头"),
        ({"intent": "vpn_setup"}, "已经有了"),
        ({"topic": "nowhere"}, "归入哪一类"),
        ({"answer_en": " "}, "是空的"),
        ({"examples": "？？"}, "是空的"),
        ({"answer_zh": "长" * 4001}, "太长了"),
    ],
)
def test_draft_that_is_not_whole_is_refused_and_nothing_typed_is_lost(
    served: Served, anna: Colleague, change: dict[str, str], told: str
) -> None:
    answer = anna.post("/desk/teach/entry", **ENTRY | change)
    assert (answer.status_code, told in answer.text) == (400, True)
    assert "Lockers" in answer.text
    assert served.desk.store.read(lambda s: s.entry_drafts()) == ()


def test_librarians_do_not_review(served: Served, anna: Colleague) -> None:
    row = Example("vpn咋整", "vpn_setup", "choice")
    served.desk.store.write(lambda s: s.add_example(row, 0, datetime.now(UTC))).result()
    for path in ("examples/1/approve", "entries/1/approve", "train", "undo"):
        assert anna.post(f"/desk/teach/{path}").status_code == 403
    assert "/desk/teach/train" not in anna.get("/desk/teach").text


# --- training ---


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who had the bot trained; the training itself is tested elsewhere."""
    asked: list[str] = []

    def train(self: Teacher, librarian: str) -> Generation:
        asked.append(librarian)
        return Generation(0, datetime.now(UTC), librarian, GenerationState.LIVE)

    monkeypatch.setattr(Teacher, "train", train)
    return asked


def test_editor_starts_a_training_when_something_waits_for_it(served: Served, eva: Colleague, taught: list[str]) -> None:
    refused = eva.post("/desk/teach/train")
    assert (refused.status_code, "没有待训练的内容" in refused.text) == (409, True)
    row = Example("vpn咋整", "vpn_setup", "choice", status=DraftStatus.APPROVED)
    served.desk.store.write(lambda s: s.add_example(row, 0, datetime.now(UTC))).result()
    assert eva.post("/desk/teach/train").status_code == 303
    until(lambda: taught == ["eva"])


def test_page_shows_how_trainings_ended(served: Served, eva: Colleague) -> None:
    refused = Generation(0, datetime.now(UTC), "eva", GenerationState.REFUSED, 2, 1, 512, (), ("nlu/x.yml:3: contradiction",))
    served.desk.store.write(lambda s: s.add_generation(refused, (), ())).result()
    page = eva.get("/desk/teach").text
    assert "未启用" in page
    assert "512 道标准题中 0 道" in page
    assert "contradiction" in page
    assert eva.get("/desk/teach/progress").json() == {"training": None}
    nothing = eva.post("/desk/teach/undo")
    assert nothing.status_code == 409


def test_server_goes_on_with_the_new_mind_and_the_old_policy(served: Served, anna: Colleague) -> None:
    new = FakeEngine().knows("新学会的问题", "opening_hours")
    served.app.ctx.teacher._adopt(house.Mind(new, served.desk.answering, lambda: "taught"))
    answer = served.client().post("/webhooks/rest/webhook", json={"sender": "r", "message": "新学会的问题"})
    assert answer.json()[0]["metadata"]["intent"] == "opening_hours"
    assert "taught" in served.client().get("/health/ready").text


def test_no_request_is_dropped_while_minds_are_changed(served: Served) -> None:
    texts = [f"第{number}个问题" for number in range(40)]
    minds = [house.Mind(FakeEngine().knows("开馆时间", "opening_hours"), served.desk.answering, lambda: "x") for _ in range(20)]

    def asks_one(number: int) -> int:
        body = {"sender": f"reader{number}", "message": texts[number] if number % 2 else "开馆时间"}
        return served.client().post("/webhooks/rest/webhook", json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(asks_one, range(40))
        for mind in minds:
            served.app.ctx.teacher._adopt(mind)
        assert set(answers) == {200}
    assert len(served.tickets()) + served.desk.store.read(lambda s: sum(n for name, _, n in s.event_counts() if name == "answered")) == 40


def test_desk_refuses_what_cannot_be_learned(served: Served) -> None:
    for wrong in ("", "？", " \n"):
        with pytest.raises(Refused):
            served.desk.propose_example(0, "anna", wrong, "vpn_setup")
    with pytest.raises(TooMuch):
        served.desk.propose_example(0, "anna", "长" * 401, "vpn_setup")
    served.desk.propose_example(0, "anna", "天气怎么样", "out_of_scope")
    with pytest.raises(NotFound):
        served.desk.review_entry(5, "eva", True)
