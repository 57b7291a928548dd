"""Manners in a group, by themselves."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot import groups
from bot.domain import Conversation, Decision, Handover, Prediction
from bot.groups import Heard, Manners
from bot.messages import Action, Address, Question, Reply, ReplyKind
from bot.settings import Groups, Room

HERE = Address("onebot", "300", "200")
ASKED = Question("1", HERE, "几点关门", addressed=False)
ANSWER = Reply(ReplyKind.ANSWER, "22:30", entry="opening_hours")


def decided(confidence: float, *replies: Reply, action: Action = Action.ANSWER, handover: Handover | None = None) -> Decision:
    return Decision(action, replies, Conversation(0, HERE, ""), handover, (), Prediction("opening_hours", confidence))


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{clock}:00+08:00")


def test_a_message_to_nobody_is_chatter() -> None:
    assert groups.heed(Manners(), ASKED) == (Heard.CHATTER, ASKED)


def test_a_message_to_the_bot_is_heard() -> None:
    heard, question = groups.heed(Manners(), replace(ASKED, addressed=True))
    assert (heard, question.text) == (Heard.ADDRESSED, "几点关门")


@pytest.mark.parametrize(("text", "words"), [("问馆 几点关门", "几点关门"), ("问馆：几点关门", "几点关门"), ("问馆", "")])
def test_a_message_with_the_groups_prefix_is_heard_without_it(text: str, words: str) -> None:
    heard, question = groups.heed(Manners(prefix="问馆"), replace(ASKED, text=text))
    assert (heard, question.text, question.addressed) == (Heard.ADDRESSED, words, True)


def test_a_request_by_its_name_is_heard_whoever_it_speaks_to() -> None:
    assert groups.heed(Manners(), ASKED, calls=True)[0] is Heard.ADDRESSED


def test_a_question_to_everybody_is_considered_only_where_the_group_has_a_bar() -> None:
    assert groups.heed(Manners(bar=0.95), ASKED)[0] is Heard.OPEN


def test_nothing_is_heard_in_a_group_that_is_not_on_the_list() -> None:
    assert groups.heed(Manners(allowed=False, prefix="几点"), replace(ASKED, addressed=True))[0] is Heard.CHATTER


@pytest.mark.parametrize(
    ("decision", "clear"),
    [
        (decided(0.96, ANSWER), True),
        (decided(0.94, ANSWER), False),
        (decided(0.99, ANSWER, action=Action.CLARIFY), False),
        (decided(0.99, ANSWER, handover=Handover("unsure")), False),
        (decided(0.99, ANSWER, ANSWER), False),
        (decided(0.99, replace(ANSWER, entry="")), False),
        (replace(decided(0.99, ANSWER), prediction=None), False),
    ],
)
def test_only_one_curated_answer_beyond_the_bar_is_said_unasked(decision: Decision, clear: bool) -> None:
    assert groups.clears(Manners(bar=0.95), decision) is clear


def test_nothing_is_said_unasked_without_a_bar() -> None:
    assert not groups.clears(Manners(), decided(1.0, ANSWER))


@pytest.mark.parametrize(("clock", "speaks"), [("22:29", True), ("22:30", False), ("03:00", False), ("07:00", True), ("12:15", False)])
def test_bot_is_quiet_within_the_spans_also_over_midnight(clock: str, speaks: bool) -> None:
    manners = Manners(quiet=groups.spans(("22:30-07:00", "12:00-13:00")))
    assert manners.speaks(at(clock)) is speaks


def test_silent_group_is_never_spoken_in() -> None:
    assert not Manners(silent=True).speaks(at("12:00"))


@pytest.mark.parametrize("text", ["22:30", "25:00-07:00", "7-8", "07:00-07:00", "night"])
def test_a_span_that_is_none_is_refused_with_its_words(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        groups.spans((text,))


def test_topic_is_the_entry_with_its_very_text() -> None:
    assert groups.topic(ANSWER) == groups.topic(replace(ANSWER, links=()))
    assert groups.topic(ANSWER) != groups.topic(replace(ANSWER, text="21:30"))
    assert groups.topic(ANSWER) != groups.topic(replace(ANSWER, entry="other"))


@pytest.mark.parametrize(
    ("text", "shown", "cut"),
    [
        ("一行", "一行", False),
        ("一\n二\n三", "一\n二\n三", False),
        ("\n".join("一二三四五六七八"), "\n".join("一二三四五六"), True),
        ("短\n" + "长" * 60, "短", True),
        ("长" * 60, "长" * 49 + "…", True),
    ],
)
def test_a_long_answer_gives_its_first_lines(text: str, shown: str, cut: bool) -> None:
    assert groups.beginning(text, 50) == (shown, cut)


def test_one_groups_settings_win_over_those_for_all() -> None:
    settings = Groups(cooldown_minutes=5, bar=0.95, room={"200": Room(name="教学群", bar=0.0, silent=True)})
    one, other = settings.manners("200"), settings.manners("201")
    assert (one.name, one.bar, one.silent, one.cooldown.total_seconds()) == ("教学群", 0.0, True, 300)
    assert (other.name, other.bar, other.silent) == ("201", 0.95, False)


def test_with_a_list_only_its_groups_are_allowed() -> None:
    settings = Groups(allow=("200",))
    assert settings.manners("200").allowed
    assert not settings.manners("201").allowed
    assert Groups().manners("201").allowed
