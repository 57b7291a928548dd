"""Dangers, other people's data and the bot's own insides: found in both languages, without alarm at the library's own words."""

import json
from pathlib import Path

import pytest

from bot import training
from bot.care import Danger
from bot.domain import OUT_OF_SCOPE
from bot.knowledge import Knowledge
from bot.text import flat
from tests.conftest import ROOT

CARE = Path(__file__).parent / "care"


def lines(name: str) -> list[str]:
    return (CARE / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("danger", "text"), [(danger, text) for danger in Danger for text in lines(danger)])
def test_danger_is_recognised(curated: Knowledge, danger: Danger, text: str) -> None:
    guard = curated.danger(text)
    assert guard is not None
    # A cut wrist is both; what counts is that it is one of those that cannot wait.
    assert guard.danger is danger or (guard.urgent and danger in (Danger.EMERGENCY, Danger.DISTRESS))


@pytest.mark.parametrize("text", lines("harmless"))
def test_library_question_with_a_frightening_word_is_no_danger(curated: Knowledge, text: str) -> None:
    assert curated.danger(text) is None


def test_hardly_any_question_that_the_library_answers_is_taken_for_a_danger(curated: Knowledge) -> None:
    asked = [example.text for example in training.read(ROOT / "intents").examples if example.intent != OUT_OF_SCOPE]
    for path in (*(ROOT / "benchmarks/development").glob("*.jsonl"), ROOT / "benchmarks/heldout.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        asked += [row["text"] for row in rows if row["intent"] != OUT_OF_SCOPE]
    alarms = [text for text in asked if curated.danger(text)]
    assert len(asked) > 50_000
    assert len(alarms) <= len(asked) / 1_000, alarms  # a false alarm fetches a person, no more


def test_messages_of_people_in_need_that_others_wrote_are_all_found(curated: Knowledge) -> None:
    rows = [json.loads(line) for line in (ROOT / "benchmarks/development/out_of_scope.jsonl").read_text(encoding="utf-8").splitlines()]
    care = [row["text"] for row in rows if row["kind"] == "care"]
    assert len(care) > 30
    assert [text for text in care if not curated.danger(text)] == []


def test_cues_are_found_through_spaces_marks_traditional_characters_and_length(curated: Knowledge) -> None:
    assert flat("救 命！《自杀论》 Can’t—go ON") == "救命cant go on"
    for text in (
        "着 火 了!!",
        "書庫著火了".replace("著", "着"),
        "我 真 的 不 想 活 了",
        "请问续借" * 700 + "。三楼有人晕倒了。" + "谢谢" * 500,
    ):
        guard = curated.danger(text)
        assert guard is not None, text
        assert guard.urgent
