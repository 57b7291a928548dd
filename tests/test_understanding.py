"""A message to its parts: the whole first, then each question; what each means and what each names."""

from dataclasses import dataclass, field

import pytest

from bot import lookups
from bot.domain import OUT_OF_SCOPE, Candidate, Entity, Prediction
from bot.errors import EngineUnavailable
from bot.knowledge import Knowledge
from bot.listening import Listener
from bot.understanding import understand
from tests.conftest import FakeEngine


@dataclass
class Saying:
    """An engine that says the same about everything, and remembers what it was asked."""

    prediction: Prediction
    asked: list[str] = field(default_factory=list)

    def predict(self, text: str) -> Prediction:
        self.asked.append(text)
        return self.prediction


def named(text: str, intent: str, curated: Knowledge) -> list[tuple[str, str]]:
    """Kind and value of what a message names when it is understood as an intent."""
    (part,) = understand(text, Saying(Prediction(intent, 0.9)), curated)
    return [(entity.kind, entity.value) for entity in part.prediction.entities]


def test_a_single_question_is_one_part(curated: Knowledge) -> None:
    engine = FakeEngine().knows("校外怎么用VPN？", "vpn_setup", 0.9, ("vpn_trouble", 0.05))
    (part,) = understand("校外怎么用VPN？", engine, curated)
    assert part.text == "校外怎么用VPN？"
    assert part.prediction.candidates() == (Candidate("vpn_setup", 0.9), Candidate("vpn_trouble", 0.05))


def test_several_questions_are_the_whole_and_then_each(curated: Knowledge) -> None:
    engine = FakeEngine().knows("校外怎么用VPN", "vpn_setup").knows("知网打不开怎么办", "database_fault")
    text = "校外怎么用VPN？知网打不开怎么办？"
    parts = understand(text, engine, curated)
    assert [(part.text, part.prediction.intent) for part in parts] == [
        (text, OUT_OF_SCOPE), ("校外怎么用VPN", "vpn_setup"), ("知网打不开怎么办", "database_fault"),
    ]  # fmt: skip


def test_each_part_names_only_what_stands_in_it(curated: Knowledge) -> None:
    parts = understand("知网怎么进？万方打不开怎么办？", Saying(Prediction("database_access", 0.9)), curated)
    assert [[entity.text for entity in part.prediction.entities] for part in parts] == [["知网", "万方"], ["知网"], ["万方"]]


def test_a_part_that_is_too_short_is_no_question_of_its_own(curated: Knowledge) -> None:
    engine = Saying(Prediction("vpn_setup", 0.9))
    assert len(understand("你好！校外怎么用VPN？", engine, curated)) == 1
    assert engine.asked == ["你好！校外怎么用VPN？"]


def test_a_long_story_is_asked_as_a_whole(curated: Knowledge) -> None:
    text = "我昨天去了图书馆。今天又去了一次。明天还要再去一次。书还是没有找到。怎么办才好呢？"
    assert [part.text for part in understand(text, FakeEngine(), curated)] == [text]


@pytest.mark.parametrize("text", ["", " ", "😀", "？？？", "\ud800", "\x00\x07", "啊" * 5000, "a" * 100_000])
def test_any_text_has_a_whole(curated: Knowledge, text: str) -> None:
    parts = understand(text, FakeEngine(), curated)
    assert parts[0].text == text
    assert len(parts) == 1


def test_a_name_is_found_whatever_the_intent(curated: Knowledge) -> None:
    assert ("database", "中国知网") in named("知网打不开", "database_fault", curated)
    assert ("database", "中国知网") in named("知网打不开", "opening_hours", curated)
    assert ("database", "中国知网") in named("知网打不开", OUT_OF_SCOPE, curated)


@pytest.mark.parametrize(
    ("text", "intent", "kind", "value"),
    [
        ("只网打不开", "database_fault", "database", "中国知网"),
        ("只网怎么进", "database_access", "database", "中国知网"),
        ("ScienceDirct 打不开", "database_fault", "database", "ScienceDirect"),
        ("外国语学苑的学科馆员是谁", "subject_librarian", "college", "外国语学院"),
    ],
)
def test_a_name_with_a_typo_is_found_for_an_intent_that_looks_it_up(
    curated: Knowledge, text: str, intent: str, kind: str, value: str
) -> None:
    found = dict(named(text, intent, curated))
    assert value in found[kind]


@pytest.mark.parametrize("text", ["只网打不开", "ScienceDirct 打不开", "外国语学苑的学科馆员是谁"])
@pytest.mark.parametrize("intent", ["opening_hours", "vpn_setup", OUT_OF_SCOPE, "greet"])
def test_a_name_with_a_typo_is_not_looked_for_otherwise(curated: Knowledge, text: str, intent: str) -> None:
    assert intent not in lookups.KINDS
    assert named(text, intent, curated) == []


def test_a_typo_is_read_only_as_a_kind_that_the_intent_looks_up(curated: Knowledge) -> None:
    kinds = {kind for kind, _ in named("只网打不开", "subject_librarian", curated)}
    assert kinds <= {"college"}


def test_no_typo_is_guessed_when_a_name_of_the_kind_stands_there(curated: Knowledge) -> None:
    assert named("万方和只网都打不开", "database_fault", curated) == [("database", "万方数据知识服务平台")]


def test_a_typo_is_found_beside_an_exact_name_of_another_kind(curated: Knowledge) -> None:
    found = named("外国语学院 ScienceDirct 打不开", "database_fault", curated)
    assert [kind for kind, _ in found] == ["college", "database"]


def test_what_the_engine_named_comes_first_and_is_kept(curated: Knowledge) -> None:
    told = Entity("campus", "望江")
    (part,) = understand("知网打不开", Saying(Prediction("database_fault", 0.9, (), (told,), "rasa")), curated)
    assert part.prediction.entities[0] == told
    assert [entity.kind for entity in part.prediction.entities] == ["campus", "database"]
    assert part.prediction.engine == "rasa"


class Away:
    """An engine that gives no answer."""

    def predict(self, text: str) -> Prediction:
        raise EngineUnavailable("rasa", "down")


def test_an_engine_that_is_away_is_told_to_the_caller(curated: Knowledge) -> None:
    with pytest.raises(EngineUnavailable, match="rasa: down"):
        understand("知网打不开", Away(), curated)


def test_a_sentence_that_only_tells_is_no_question_of_its_own(curated: Knowledge) -> None:
    engine = FakeEngine().knows("校外怎么用VPN", "vpn_setup", 0.9)
    text = "我刚放假回到老家。校外怎么用VPN？"
    assert [part.text for part in understand(text, engine, curated)] == [text]


def test_what_is_told_beside_a_question_does_not_make_it_doubtful(curated: Knowledge) -> None:
    text = "我刚放假回到老家。校外怎么用VPN？"
    engine = FakeEngine().knows(text, "vpn_eligibility", 0.4).knows("校外怎么用VPN", "vpn_setup", 0.98)
    (part,) = understand(text, engine, curated)
    assert (part.text, part.prediction.intent) == (text, "vpn_setup")


def test_a_second_question_nobody_understands_stays_a_question(curated: Knowledge) -> None:
    engine = FakeEngine().knows("校外怎么用VPN", "vpn_setup").knows("校外怎么用VPN？食堂几点开？", "vpn_setup")
    assert len(understand("校外怎么用VPN？食堂几点开？", engine, curated)) == 3


STORY = "开学那天下着雨，我一个人拖着箱子找了很久的宿舍楼。后来有个学长路过，帮我把东西搬了上去。" * 4


def test_a_long_story_with_one_question_is_one_part(curated: Knowledge) -> None:
    engine = FakeEngine().knows("校外怎么用VPN？", "vpn_setup", 0.99)
    parts = understand(STORY + "校外怎么用VPN？", Listener(engine), curated)
    assert [(len(part.text) > 100, part.prediction.intent) for part in parts] == [(True, "vpn_setup")]


def test_a_long_story_with_two_questions_is_the_whole_and_each(curated: Knowledge) -> None:
    engine = FakeEngine().knows("校外怎么用VPN？", "vpn_setup", 0.99).knows("知网打不开怎么办？", "database_fault", 0.99)
    parts = understand("校外怎么用VPN？" + STORY + "知网打不开怎么办？", Listener(engine), curated)
    assert [part.prediction.intent for part in parts] == [OUT_OF_SCOPE, "vpn_setup", "database_fault"]
    assert {candidate.intent for candidate in parts[0].prediction.runners_up} == {"vpn_setup", "database_fault"}
