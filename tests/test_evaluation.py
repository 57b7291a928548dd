"""Figures of an evaluation on a handful of messages that can be counted by hand, and the report made from them."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bot import evaluation, evaluation_report, evaluator, house
from bot.answering import Policy
from bot.domain import OUT_OF_SCOPE, Candidate, IntentKind, Prediction
from bot.errors import Defect, RefdeskError
from bot.evaluation import ANSWER, CLARIFY, PERSON, Evaluated, Labelled, Lesson
from bot.messages import Language
from bot.settings import Settings
from tests.browsing import PHONE, visit
from tests.miniature import library

KINDS = {"a": IntentKind.FAQ, "b": IntentKind.FAQ, "c": IntentKind.FORM, "person": IntentKind.HUMAN, "hello": IntentKind.SOCIAL}
POLICY = Policy(0.6, 0.05, 0.25)


def said(intent: str, confidence: float, *others: tuple[str, float]) -> Prediction:
    return Prediction(intent, confidence, tuple(Candidate(*other) for other in others))


COUNTED = (
    (Labelled("1", "a"), said("a", 0.9, ("b", 0.05))),  # answered, right
    (Labelled("2", "a"), said("b", 0.8, ("a", 0.1))),  # answered, wrong
    (Labelled("3", "b"), said("b", 0.4, ("a", 0.3))),  # choices, the right one among them
    (Labelled("4", "c"), said("a", 0.3, ("b", 0.2))),  # choices without it
    (Labelled("5", "person"), said("person", 0.3)),  # a person, rightly
    (Labelled("6", "hello", Language.EN), said("hello", 0.95)),  # courtesy, right
    (Labelled("7", OUT_OF_SCOPE, kind="near"), said("a", 0.7, (OUT_OF_SCOPE, 0.2))),  # answered although outside
    (Labelled("8", OUT_OF_SCOPE, kind="far"), said(OUT_OF_SCOPE, 0.99)),  # a person
    (Labelled("9", "b"), said("b", 0.62, ("a", 0.6))),  # too close: choices
    (Labelled("10", "hello"), said("hello", 0.4, ("person", 0.3))),  # nothing to offer: a person
)
ROWS = tuple(row for row, _ in COUNTED)
PREDICTIONS = tuple(prediction for _, prediction in COUNTED)


def test_each_message_is_decided_as_the_bot_would() -> None:
    cases = evaluation.judge(ROWS, PREDICTIONS, POLICY, KINDS)
    assert [case.action for case in cases] == [ANSWER, ANSWER, CLARIFY, CLARIFY, ANSWER, ANSWER, ANSWER, PERSON, CLARIFY, PERSON]


def test_figures_are_those_counted_by_hand() -> None:
    figures = evaluation.figures(evaluation.judge(ROWS, PREDICTIONS, POLICY, KINDS))
    assert (figures.sent_right.hits, figures.sent_right.total) == (3, 5)
    assert (figures.in_scope_answered.hits, figures.in_scope_answered.total) == (3, 8)
    assert (figures.out_of_scope_answered.hits, figures.out_of_scope_answered.total) == (1, 2)
    assert (figures.choice_right.hits, figures.choice_right.total) == (2, 3)
    assert {kind: share.value for kind, share in figures.by_kind} == {"far": 0.0, "near": 1.0}
    assert figures.clarified.hits == 3


def test_languages_intents_and_confusions_are_told_apart() -> None:
    cases = evaluation.judge(ROWS, PREDICTIONS, POLICY, KINDS)
    assert [(language, figures.cases) for language, figures in evaluation.by_language(cases)] == [("en", 1), ("zh", 9)]
    table = {line.intent: line for line in evaluation.by_intent(cases)}
    assert (table["a"].sent_right.hits, table["a"].sent_right.total) == (1, 2)
    assert table["a"].taken_for == (("b", 1),)
    assert table[OUT_OF_SCOPE].answered.hits == 1
    assert ("a", "b", 1) in evaluation.confusions(cases)
    assert sum(share.total for _, share in evaluation.calibration(cases)) == len(cases)


def test_bounds_hold_the_share_and_no_evidence_bounds_nothing() -> None:
    low, high = evaluation.wilson(97, 100)
    assert low < 0.97 < high
    assert low == pytest.approx(0.9155, abs=1e-3)
    assert evaluation.wilson(0, 0) == (0.0, 1.0)


def test_proposal_keeps_its_promise_at_the_lower_bound() -> None:
    rows = tuple(Labelled(str(n), "a") for n in range(400)) + tuple(Labelled(f"x{n}", OUT_OF_SCOPE) for n in range(100))
    predictions = tuple(said("a", 0.9) for _ in range(400)) + tuple(said("a", 0.5) for _ in range(100))
    policy = evaluation.propose(rows, predictions, KINDS, precision=0.97)
    point = evaluation.figures(evaluation.judge(rows, predictions, policy, KINDS))
    assert point.sent_right.bounds[0] >= 0.97
    assert point.in_scope_answered.value == 1.0
    assert policy.answer_at > 0.5


def test_proposal_answers_only_when_certain_where_nothing_is_proven() -> None:
    rows = tuple(Labelled(str(n), OUT_OF_SCOPE) for n in range(50))
    assert evaluation.propose(rows, tuple(said("a", 0.9) for _ in rows), KINDS).answer_at == 1.0


def test_curve_falls_and_unproven_intents_are_named() -> None:
    points = evaluation.curve(ROWS, PREDICTIONS, POLICY, KINDS, steps=10)
    answered = [point.in_scope_answered.hits for point in points]
    assert answered == sorted(answered, reverse=True)
    assert "a" in evaluation.unready(evaluation.judge(ROWS, PREDICTIONS, POLICY, KINDS), 0.9)


def test_changes_between_two_models_are_listed() -> None:
    before = evaluation.judge(ROWS, PREDICTIONS, POLICY, KINDS)
    after = evaluation.judge(ROWS, (said("b", 0.9), *PREDICTIONS[1:]), POLICY, KINDS)
    assert [(old.row.text, new.prediction.intent) for old, new in evaluation.changes(before, after)] == [("1", "b")]


def test_report_shows_every_picture_and_escapes_what_patrons_wrote() -> None:
    rows = (Labelled("<script>alert(1)</script>", "a"), *ROWS[1:])
    first = Evaluated("first", rows, (said("b", 0.9), *PREDICTIONS[1:]), POLICY, KINDS, tuple(float(n) for n in range(len(rows))))
    second = Evaluated("second", rows, PREDICTIONS, POLICY, KINDS)
    lesson = Lesson(1.0, 10, evaluation.figures(first.cases()))
    page = evaluation_report.as_html((first, second), (lesson,), POLICY, {"a"})
    assert page.count("<svg") == 7
    assert "<script>" not in page
    assert "What changes between the two" in page
    assert "first guess right" in page
    assert "http" not in page.replace("http://www.w3.org/", "")


@pytest.mark.browser
def test_report_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    run = Evaluated("first", ROWS, PREDICTIONS, POLICY, KINDS, tuple(float(n) for n in range(len(ROWS))))
    path = tmp_path / "report.html"
    lesson = Lesson(1.0, 10, evaluation.figures(run.cases()))
    path.write_text(evaluation_report.as_html((run, run), (lesson,), POLICY, {"a"}), encoding="utf-8")
    with visit(browser, path.as_uri(), viewport=PHONE) as page:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways on a phone"


def test_report_of_a_faultless_engine_has_no_confusions() -> None:
    run = Evaluated("right", ROWS[:1], PREDICTIONS[:1], POLICY, KINDS)
    assert evaluation_report.as_html((run,), (), None, ()).count("<svg") == 2
    assert "100.0%" in evaluation_report.as_text((run,))


def test_learning_curve_is_told_one_line_a_point() -> None:
    lesson = Lesson(0.25, 10, evaluation.figures(evaluation.judge(ROWS, PREDICTIONS, POLICY, KINDS)))
    heading, line = evaluation_report.lessons_as_text((lesson,)).splitlines()
    assert heading.split() == ["learned", "from", "examples", "sent", "right", "answered", "outside", "first", "guess"]
    expected = (lesson.figures.sent_right, lesson.figures.in_scope_answered, lesson.figures.out_of_scope_answered, lesson.figures.top_right)
    assert line.split() == ["25%", "of", "each", "intent", "10", *(f"{share.value:.1%}" for share in expected)]


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{", "expected"),
        ({"text": "x"}, "intent"),
        ({"text": "x", "intent": "tea"}, "'tea' is not in"),
        ({"text": "x", "intent": "a", "language": "fr"}, "fr"),
    ],
)
def test_wrong_line_is_named(tmp_path: Path, row: object, why: str) -> None:
    path = write(tmp_path / "set.jsonl", {"text": "ok", "intent": "a"}, row)
    with pytest.raises(Defect, match=why) as raised:
        evaluator.labelled([path], frozenset({"a"}))
    assert raised.value.line == 2


def test_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefdeskError, match="no labelled messages"):
        evaluator.labelled([write(tmp_path / "set.jsonl")], frozenset())


def test_development_set_is_met_well_enough_to_be_left_alone(settings: Settings, mind: house.Mind) -> None:
    found = evaluator.evaluate(settings, ())
    figures = evaluation.figures(found.runs[0].cases())
    assert figures.cases > 1500
    assert figures.sent_right.value >= 0.95
    assert figures.in_scope_answered.value >= 0.80
    assert figures.out_of_scope_answered.value <= 0.08


def test_two_models_are_compared_on_the_same_messages(settings: Settings, mind: house.Mind, tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", {"text": "校外怎么用VPN", "intent": "vpn_setup"}, {"text": "how to renew", "intent": "renew_loan"})
    found = evaluator.evaluate(settings, [path], compare=settings.at(settings.understanding.model))
    assert [run.name for run in found.runs] == ["set, builtin", "set, model.refdesk"]
    assert evaluation.changes(found.runs[0].cases(), found.runs[1].cases()) == ()


def test_learning_curve_grows_with_the_examples_and_cross_validation_covers_them(tmp_path: Path) -> None:
    settings = library(tmp_path)
    path = write(tmp_path / "set.jsonl", {"text": "怎么续借图书", "intent": "renew_loan"}, {"text": "你好", "intent": "greet"})
    found = evaluator.evaluate(settings, [path], cross=True, learning=True)
    sizes = [lesson.examples for lesson in found.lessons]
    assert sizes == sorted(sizes)
    assert 50 <= sizes[0] <= sizes[-1] == 60
    assert [lesson.figures.cases for lesson in found.lessons] == [2] * len(sizes)
    assert len(found.runs[-1].cases()) == 60


def test_evaluation_of_rasa_does_not_quietly_measure_something_else(settings: Settings, mind: house.Mind, tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", {"text": "校外怎么用VPN", "intent": "vpn_setup"})
    silent = settings.model_copy(update={"understanding": settings.understanding.model_copy(update={"rasa_url": "http://127.0.0.1:9"})})
    with pytest.raises(RefdeskError, match="Rasa server did not answer"):
        evaluator.evaluate(silent, [path], engine="rasa")
