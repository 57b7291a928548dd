"""The benchmarks compute what they say and run end to end on little; how fast things are is not asserted."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner

from benchmarks import bare, cost, desk, figures, intake, load, measuring, probe, stories, understanding, wechat
from benchmarks.understanding import PublicSet, Result
from bot import evaluation, house, training
from bot.answering import Policy
from bot.domain import OUT_OF_SCOPE, Candidate, IntentKind, Prediction
from bot.evaluation import Labelled
from bot.messages import Address, Question
from bot.settings import Settings
from bot.store import Store
from bot.text import bare as unmarked
from tests.conftest import ROOT, FakeEngine

TINY = PublicSet(
    "tiny",
    tuple((f"{verb} my {thing}", verb) for verb in ("renew", "reserve", "return") for thing in ("book", "dvd", "map", "journal", "key"))
    + tuple((f"{far} tonight", OUT_OF_SCOPE) for far in ("pizza", "football", "rain", "cinema"))
    + (("open hours please", "hours"),),
    (("renew my atlas", "renew"), ("reserve the dvd", "reserve"), ("return a key", "return")),
    ("pizza and football", "what rain"),
)


def test_recipe_runs_on_a_public_set_with_out_of_scope() -> None:
    result = understanding.measure(TINY)
    assert result.accuracy == 1.0
    assert result.rejected is not None
    assert result.auroc is not None


def test_recipe_runs_on_a_public_set_without_out_of_scope() -> None:
    bare = understanding.without_out_of_scope(PublicSet(TINY.name, TINY.train, TINY.test))
    assert OUT_OF_SCOPE not in {intent for _, intent in bare.train}
    assert understanding.measure(bare).rejected is None


def test_single_example_of_an_intent_is_on_both_sides() -> None:
    training = understanding.as_training("tiny", TINY.train)
    assert [example.text for example in training.examples if example.intent == "hours"] == ["open hours please"] * 2


def test_best_intent_is_never_out_of_scope() -> None:
    assert understanding.best_intent(Prediction(OUT_OF_SCOPE, 0.9, (Candidate("renew", 0.1),))) == ("renew", 0.1)
    assert understanding.best_intent(Prediction(OUT_OF_SCOPE, 1.0)) == ("", 0.0)


def test_rejection_at_a_cost_and_auroc_are_those_counted_by_hand() -> None:
    sure, right = [0.9, 0.8, 0.7, 0.2], [True, True, True, False]
    # A quarter may be lost: the threshold rises to the second lowest right answer.
    assert understanding.rejected_at_cost(sure, right, [0.1, 0.75, 0.85], 0.25) == pytest.approx(2 / 3)
    assert understanding.rejected_at_cost(sure, right, [0.1, 0.75, 0.85], 0.0) == pytest.approx(1 / 3)
    assert understanding.rejected_at_cost(sure, right, [0.95], 1.0) == 1.0
    assert understanding.auroc([0.9, 0.5], [0.5, 0.1]) == pytest.approx(0.875)


def test_public_sets_are_read_as_they_are_published(tmp_path: Path) -> None:
    for folder, head, row in (("banking77", "text,category", '"a, b",card'), ("hwu64_fold1", "text,intent", "x,y")):
        for part in ("train", "test"):
            path = tmp_path / folder / f"{part}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    (tmp_path / "massive_zh_cn").mkdir()
    (tmp_path / "hint3").mkdir()
    for part in ("train", "test"):
        (tmp_path / f"massive_zh_cn/{part}.csv").write_text("id,label,text,label_text\n0,1,安静,audio\n", encoding="utf-8")
        for name in ("curekart", "powerplay11", "sofmattress"):
            lines = "sentence,label\nhi,GREET\n" + ("what,NO_NODES_DETECTED\n" if part == "test" else "")
            (tmp_path / f"hint3/v1_{name}_{part}.csv").write_text(lines, encoding="utf-8")
    (tmp_path / "clinc150").mkdir()
    data = {"train": [["a", "i"]], "test": [["b", "i"]], "oos_train": [["c", "oos"]], "oos_test": [["d", "oos"]]}
    for size in ("full", "small"):
        (tmp_path / f"clinc150/data_{size}.json").write_text(json.dumps(data), encoding="utf-8")
    found = {public.name: public for public in understanding.public_sets(tmp_path)}
    assert len(found) == 10
    assert found["CLINC150 full"] == PublicSet("CLINC150 full", (("a", "i"), ("c", OUT_OF_SCOPE)), (("b", "i"),), ("d",))
    assert found["BANKING77"].train == (("a, b", "card"),)
    assert found["MASSIVE zh-CN"].test == (("安静", "audio"),)
    assert found["HINT3 curekart"] == PublicSet("HINT3 curekart", (("hi", "GREET"),), (("hi", "GREET"),), ("what",))
    assert {row.of for row in understanding.FIGURES} <= set(found)


def test_missing_sets_are_told_with_where_they_come_from(tmp_path: Path) -> None:
    done = CliRunner().invoke(understanding.main, ["--data", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "github.com/clinc/oos-eval" in done.output


def test_published_figures_stand_under_their_set() -> None:
    shown = understanding.as_table([("BANKING77", Result(0.9, 1.0, 0.5))])
    assert "Refdesk, this run" in shown
    assert "93.66" in shown
    assert "CLINC150" not in shown


def test_tables_line_up_and_quantiles_are_values_that_occurred() -> None:
    lines = measuring.table(("what", "n"), [("图书馆", "1"), ("x", "1000")]).splitlines()
    assert lines[1] == "| ------ | ---: |"
    assert lines[2] == "| 图书馆 |    1 |"
    assert [measuring.quantile([3, 1, 2, 4], share) for share in (0, 0.5, 0.99, 1)] == [1, 2, 4, 4]
    assert measuring.quantile([float(n) for n in range(1, 101)], 0.99) == 99


def test_long_texts_have_their_length() -> None:
    assert [len(text) for text in measuring.long_texts(("知网打不开", "校外怎么用VPN"), 50, 3)] == [50]
    assert {len(text) for text in measuring.long_texts(measuring.development_texts())} == {5000}


def test_probe_measures_a_saved_model(settings: Settings, mind: house.Mind) -> None:
    found = probe.probe(settings.at(settings.understanding.model), measuring.development_texts()[:250], 20, 0.1)
    assert found.per_second > 1
    assert found.predictions == 20
    assert found.after_mb > 1


def test_circumstances_are_told() -> None:
    assert "load average" in measuring.circumstances()


def test_resident_memory_of_a_process_is_read() -> None:
    assert measuring.resident_mb(os.getpid()) > 10
    assert measuring.processor_s(os.getpid()) > 0


def test_server_is_asked_over_http_beside_a_bare_handler(mind: house.Mind) -> None:
    (level,) = intake.measure(("你好", "校外怎么用VPN"), (2,), 0.3)
    assert level.server.took
    assert level.bare.took
    assert level.server.failed == level.bare.failed == 0
    assert 0 < level.commits <= 4 * len(level.server.took) + 10
    assert level.server.within(60) == 1.0
    assert " 2 |" in intake.as_table((level,))


def test_official_account_in_safe_mode_is_asked_beside_a_handler_that_only_opens_and_seals(mind: house.Mind) -> None:
    (level,) = wechat.measure(("你好", "校外怎么用VPN"), (2,), 0.3)
    assert level.server.took
    assert level.bare.took
    assert level.server.failed == level.bare.failed == level.lost == 0
    assert level.server.within(60) == 1.0
    assert " 2 |" in wechat.as_table((level,))


def test_message_counts_as_lost_when_it_is_not_stored_or_its_answer_says_nothing(tmp_path: Path) -> None:
    def answered(number: int) -> bytes:
        message = wechat.sealed(("校外怎么用VPN",), "oAsker_", number + 1)[number]
        return bare.sealed_answer(message.body, {name: value for name, (value,) in parse_qs(message.query).items()})

    database = tmp_path / "refdesk.db"
    store = Store(database)
    for number in (0, 1):
        address = Address("wechat", f"oAsker_{number:07}")
        question = Question(str(number), address, "校外怎么用VPN")
        at = question.asked_at
        store.write(lambda s, q=question, at=at: s.add_question(s.conversation(q.address, "v"), q, None, at)).result()
    store.close()
    assert wechat.missing(database, {0: answered(0), 1: answered(1)}, "oAsker_") == 0
    assert wechat.missing(database, {0: answered(0), 2: answered(2)}, "oAsker_") == 1
    assert wechat.missing(database, {0: answered(1), 1: b"success"}, "oAsker_") == 2
    assert wechat.missing(database, {0: answered(0).replace(b"<TimeStamp>", b"<TimeStamp>1")}, "oAsker_") == 1


def test_failures_are_counted_and_are_not_in_time() -> None:
    poured = load.pour("http://127.0.0.1:9/", load.parse_body(("x",)), 2, 0.05)
    assert poured.failed > 0
    assert poured.took == ()
    assert poured.within(1) == 0.0


def test_engine_gets_the_thresholds_that_suit_it() -> None:
    kinds = {"a": IntentKind.FAQ}
    rows = [Labelled("1", "a"), Labelled("2", "a"), Labelled("3", OUT_OF_SCOPE, kind="near")]
    said = [Prediction("a", 0.9), Prediction("a", 0.4), Prediction("a", 0.3)]
    answer_at, found = cost.fitted(rows, said, Policy(), kinds, 0.0)
    assert answer_at == pytest.approx(0.305)
    assert found.in_scope_answered.value == 1.0
    assert cost.near(found).value == 0.0
    shown = cost.quality_table([("one", evaluation.figures(evaluation.judge(rows, said, Policy(), kinds)))])
    assert "near-domain ones answered" in shown


def test_cost_table_has_ratios_only_beside_rasa() -> None:
    trained, engine = cost.Trained(10, 9, 500, 20), probe.Probe(0.1, 1800, 0.5, 2, 3, 4, 3, 10, 100, 100.5)
    ours = cost.Served(load.Poured((0.002,), 0, 1.0), load.Poured((0.002,) * 400, 0, 1.0), 2.0, 100)
    theirs = cost.Served(load.Poured((0.008,), 0, 1.0), load.Poured((0.01,) * 20, 0, 1.0), 8.0, 900)
    bare = cost.cost_table(trained, engine, (ours, ours), None, None, 0.0)
    assert "+0.5" in bare
    assert not any(line.split("|")[4].strip() for line in bare.splitlines()[2:])
    beside = cost.cost_table(trained, engine, (ours, ours), theirs, cost.Alone(5, 90, 8, 12, 800), 60.0)
    ratios = {cells[1].strip(): cells[4].strip() for cells in (line.split("|") for line in beside.splitlines())}
    assert ratios["model, MB"] == "3.0"
    assert ratios["in process: messages/s"] == "20.0"
    assert ratios["in process: median ms of the processor"] == "16.0"
    assert ratios["server after all of it: resident MB"] == "9.0"
    assert ratios["/model/parse, 8 connections: messages/s"] == "20.0"
    assert ratios["/model/parse, 1 connection: median ms"] == "4.0"
    assert ratios["whole ask, 8 connections: messages/s"] == ""
    assert cost.predictions(FakeEngine(), [Labelled("1", "a")]) == (Prediction(OUT_OF_SCOPE, 0.9),)


def test_both_routes_of_a_real_server_are_asked(mind: house.Mind, settings: Settings, tmp_path: Path) -> None:
    model = settings.at(settings.understanding.model)
    parsed, whole, theirs = cost.serve_both(model, tmp_path, texts=("你好", "校外怎么用VPN"), seconds=0.2, rasa=None)
    assert theirs is None
    assert parsed.together.took
    assert whole.together.took
    assert parsed.together.failed == whole.together.failed == 0
    assert whole.resident_mb > 10


def test_what_is_compared_is_measured_by_turns_and_the_middle_round_counts() -> None:
    told: list[str] = []

    def measured(name: str, speeds: list[float]) -> Callable[[], float]:
        def one() -> float:
            told.append(name)
            return speeds.pop()

        return one

    assert cost.by_turns(measured("ours", [9, 1, 5, 0, 6]), measured("theirs", [2, 8, 3, 1, 4]), float) == (5, 3)
    assert told == ["ours", "theirs"] * 5
    assert cost.by_turns(measured("ours", [9, 1, 5, 0, 6]), None, float) == (5, None)


def test_rasa_is_measured_by_its_own_python(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text(
        """#!/bin/sh\necho loading\necho '{"load_s": 2, "took": [8, 4, 6], "per_second": '$3', "after_mb": 700}'\n""", encoding="utf-8"
    )
    fake.chmod(0o755)
    assert cost.rasa_alone(fake, Path("model"), ("a",), 0.5) == cost.Alone(2, 0.5, 6, 8, 700)


def test_rasa_needs_its_address_and_its_process() -> None:
    done = CliRunner().invoke(cost.main, ["--rasa", "http://127.0.0.1:5005"])
    assert done.exit_code == 2
    assert "belong together" in done.output


def test_held_out_messages_are_in_no_benchmark() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    assert "heldout" not in code


def test_no_message_that_is_reported_on_is_trained_on() -> None:
    trained = {unmarked(example.text) for example in training.read(ROOT / "intents").examples}
    reported = [line for path in (ROOT / "benchmarks").rglob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(reported) > 4_900
    assert [line for line in reported if unmarked(json.loads(line)["text"]) in trained] == []


def test_questions_in_stories_are_understood_better_when_heard_out(mind: house.Mind, settings: Settings) -> None:
    shown = stories.measure(house.engine(settings), 12)
    lines = {tuple(cell.strip() for cell in line.split("|")[1:3]): line.split("|") for line in shown.splitlines()[2:]}
    assert len(lines) == 2 * len(stories.TELLINGS)
    assert lines["question alone", "as it is"][3:] == lines["question alone", "heard out"][3:]
    rightly = {key: float(cells[5].strip(" %")) for key, cells in lines.items()}
    assert rightly["question last", "heard out"] > rightly["question last", "as it is"]


def test_story_with_a_question_has_the_length_that_is_asked_for() -> None:
    row = Labelled("知网打不开", "database_fault")
    assert [len(each.text) for each in stories.told([row], stories.TELLINGS["question last of 5,000 characters"], False)] == [4999]


# --- the desk over many tickets ---


def test_the_desk_benchmark_opens_every_page_and_every_desk_sees_the_ticket() -> None:
    pages, told = desk.measure(60, 1, 3)
    assert [page.name for page in pages] == list(desk.PAGES)
    assert len(told) == 3
    assert desk.as_table(pages).count("\n") == len(pages) + 1


def test_figures_are_measured_on_a_database_that_holds_what_it_says(tmp_path: Path) -> None:
    database = tmp_path / "figures.db"
    questions = figures.fill(database, 400)
    store = Store(database)
    rows = figures.ledger_rows(store, 1)
    assert store.read(lambda s: list(s.strays())) == []
    counted, _, peak = figures.exported(database, store, 10)
    store.close()
    assert 0 < counted <= questions + 1
    assert 10 < peak < 1000
    assert rows[-3][0] == "figures, all of it"
    assert rows[-3][-1] == f"{questions + 1:,}"
