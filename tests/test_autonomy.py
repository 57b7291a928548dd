"""Earned autonomy: which intents the bot answers alone, by settings, evidence and what patrons said."""

import json
import logging
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import autonomy, check, evaluation, evaluator, house, training
from bot.__main__ import cli
from bot.answering import Answering, Policy
from bot.autonomy import NOTHING, Autonomy, Doubt, Evidence, Mode, Thresholds, Why
from bot.desk import Desk
from bot.domain import OUT_OF_SCOPE, Event, EventName, IntentKind, Prediction
from bot.errors import EvidenceUnusable
from bot.evaluation import Labelled, Share
from bot.messages import Action, Address, Question, Reply
from bot.settings import Settings, read
from tests.conftest import MONDAY, ROOT, FakeEngine
from tests.sampling import sampled

KINDS = {
    "proven": IntentKind.FAQ,
    "shaky": IntentKind.LOOKUP,
    "new": IntentKind.FORM,
    "hello": IntentKind.SOCIAL,
    "person": IntentKind.HUMAN,
}
POLICY = Policy()
AT = Thresholds(POLICY.answer_at, POLICY.margin, POLICY.clarify_at)
EVIDENCE = Evidence("digest", "builtin", AT, {"proven": Share(198, 200), "shaky": Share(85, 100)})


def own(policy: Policy = POLICY, bar: float = 0.9, evidence: Evidence | None = EVIDENCE, **confirmed: Share) -> Autonomy:
    return Autonomy(policy, KINDS, bar, evidence, confirmed)


def modes(earned: Autonomy) -> dict[str, tuple[Mode, Why]]:
    return {standing.intent: (standing.mode, standing.why) for standing in earned.standings()}


# --- what the bar does ---


def test_intent_is_held_back_while_its_lower_bound_is_under_the_bar() -> None:
    assert own().in_force().suggest == {"shaky", "new"}
    assert modes(own())["proven"] == (Mode.AUTO, Why.PROVEN)
    assert modes(own())["shaky"] == (Mode.SUGGEST, Why.UNDER_BAR)


def test_the_bar_is_held_against_the_bound_and_not_the_share() -> None:
    few = Evidence("digest", "builtin", AT, {"proven": Share(20, 20)})
    assert "proven" in own(evidence=few).in_force().suggest
    assert "proven" not in own(evidence=few, bar=0.8).in_force().suggest


def test_intent_that_nobody_has_measured_is_held_back() -> None:
    (standing,) = [each for each in own().standings() if each.intent == "new"]
    assert (standing.mode, standing.crossed, standing.bound) == (Mode.SUGGEST, NOTHING, 0.0)


def test_courtesy_and_people_are_never_held_back() -> None:
    found = modes(own(replace(POLICY, shadow=True, off=frozenset({"hello"}))))
    assert found["hello"] == (Mode.AUTO, Why.COURTESY)
    assert found["person"] == (Mode.AUTO, Why.PERSON)


def test_without_a_bar_every_intent_speaks() -> None:
    assert own(bar=0.0).in_force() == POLICY
    assert modes(own(bar=0.0))["shaky"] == (Mode.AUTO, Why.NO_BAR)


def test_without_evidence_the_bar_switches_nothing() -> None:
    blind = own(evidence=None, shaky=Share(0, 50))
    assert blind.in_force() == POLICY
    assert modes(blind)["shaky"] == (Mode.AUTO, Why.NO_EVIDENCE)


def test_what_is_set_by_hand_wins() -> None:
    by_hand = own(replace(POLICY, off=frozenset({"shaky"}), suggest=frozenset({"proven"})))
    assert modes(by_hand)["shaky"] == (Mode.OFF, Why.SETTING)
    assert modes(by_hand)["proven"] == (Mode.SUGGEST, Why.SETTING)
    assert by_hand.in_force().off == {"shaky"}
    assert by_hand.in_force().suggest == {"proven", "new"}


def test_in_shadow_nothing_speaks_and_off_stays_off() -> None:
    found = modes(own(replace(POLICY, shadow=True, off=frozenset({"shaky"}))))
    assert (found["proven"], found["shaky"]) == ((Mode.SHADOW, Why.SETTING), (Mode.OFF, Why.SETTING))


def test_patrons_words_can_earn_autonomy_and_lose_it() -> None:
    assert "shaky" not in own(shaky=Share(300, 300)).in_force().suggest
    assert "proven" in own(proven=Share(0, 30)).in_force().suggest


def test_least_proven_intents_stand_first_and_those_without_answers_last() -> None:
    assert [each.intent for each in own().standings()] == ["new", "shaky", "proven", "hello", "person"]


# --- what patrons said ---


def said(name: EventName, intent: str = "proven", question: int = 1) -> Event:
    return Event(name, MONDAY, "web", "v", question, intent)


def test_question_counts_once_although_no_help_is_also_a_handover() -> None:
    events = (said(EventName.UNHELPFUL), said(EventName.HANDED_OVER), said(EventName.HELPFUL, question=2))
    assert autonomy.confirmed(events) == {"proven": Share(1, 2)}


def test_last_word_about_a_question_counts() -> None:
    assert autonomy.confirmed((said(EventName.UNHELPFUL), said(EventName.HELPFUL))) == {"proven": Share(1, 1)}
    assert autonomy.confirmed((said(EventName.HELPFUL), said(EventName.UNHELPFUL))) == {"proven": Share(0, 1)}


def test_words_about_no_intent_or_no_question_prove_nothing() -> None:
    assert autonomy.confirmed((said(EventName.HELPFUL, intent=""), said(EventName.HELPFUL, question=0))) == {}


# --- what cross-validation found ---


def test_evidence_is_counted_over_answers_that_would_be_sent() -> None:
    rows = (Labelled("1", "proven"), Labelled("2", OUT_OF_SCOPE), Labelled("3", "shaky"), Labelled("4", OUT_OF_SCOPE))
    predictions = (Prediction("proven", 0.95), Prediction("proven", 0.9), Prediction("shaky", 0.3), Prediction(OUT_OF_SCOPE, 0.9))
    found = autonomy.gathered(evaluation.judge(rows, predictions, POLICY, KINDS), "digest", "builtin", POLICY)
    assert found == Evidence("digest", "builtin", AT, {"proven": Share(1, 2), "shaky": NOTHING})


def test_evidence_about_something_else_is_doubted() -> None:
    assert autonomy.doubts(EVIDENCE, "digest", POLICY, "builtin") == ()
    every = autonomy.doubts(EVIDENCE, "other", replace(POLICY, answer_at=0.3), "rasa")
    assert every == (Doubt.FILES, Doubt.THRESHOLDS, Doubt.ENGINE)


def test_doubts_are_told_only_while_there_is_a_bar() -> None:
    doubted = replace(own(evidence=None), doubts=(Doubt.ABSENT,))
    (complaint,) = doubted.complaints()
    assert "there is no evidence yet" in complaint
    assert "refdesk evaluate --cross" in complaint
    assert replace(doubted, bar=0.0).complaints() == ()


# --- the file ---


def test_evidence_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "data" / "evidence.json"
    autonomy.write(path, EVIDENCE)
    assert autonomy.read(path) == EVIDENCE
    assert json.loads(path.read_text(encoding="utf-8"))["sent_right"]["shaky"] == {"hits": 85, "total": 100}


def test_no_file_is_no_evidence(tmp_path: Path) -> None:
    assert autonomy.read(tmp_path / "evidence.json") is None


def written(**changes: object) -> bytes:
    whole = {
        "version": 1,
        "made_from": "d",
        "engine": "builtin",
        "thresholds": {"answer_at": 0.7, "margin": 0.1, "clarify_at": 0.2},
        "sent_right": {},
    }
    return json.dumps({**whole, **changes}).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "damaged"),
        (b"\xff\xfe{}", "damaged"),
        (written()[:-9], "damaged"),
        (b"[]", "damaged"),
        (written(version=2), "version: "),
        (written(sent_right={"vpn": {"hits": 3, "total": 2}}), "vpn: 3 of 2"),
        (written(sent_right={"vpn": {"hits": -1, "total": 2}}), "sent_right.vpn.hits"),
        (written(sent_right={"vpn": {"hits": "1", "total": 2}}), "sent_right.vpn.hits"),
        (written(thresholds={"answer_at": 7, "margin": 0, "clarify_at": 0}), "thresholds.answer_at"),
        (written(more=1), "more"),
    ],
)
def test_damaged_evidence_says_what_is_wrong_and_what_to_do(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(content)
    with pytest.raises(EvidenceUnusable, match="refdesk evaluate --cross") as raised:
        autonomy.read(path)
    assert why in raised.value.why


def test_evidence_that_cannot_be_opened_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnusable, match="cannot be read"):
        autonomy.read(tmp_path)


# --- in the house ---


@pytest.fixture
def barred(tmp_path: Path) -> Settings:
    """The starter library with a bar, and with a model folder and a database of its own."""
    understanding = {"autonomy_bar": 0.9, "model": tmp_path / "model.refdesk"}
    return Settings(root=ROOT, understanding=understanding, store={"path": tmp_path / "refdesk.db"})  # type: ignore[arg-type]


def keep(settings: Settings, made_from: str | None = None, **shares: Share) -> None:
    """Evidence of today's intents/ (or of others): everything proven but what is named."""
    answered = dict.fromkeys(house.kinds(settings), Share(300, 300)) | shares
    digest = training.digest(settings.at(settings.library.intents)) if made_from is None else made_from
    autonomy.write(house.evidence_file(settings), Evidence(digest, "builtin", autonomy.thresholds(house.policy(settings)), answered))


def asked(desk: Desk, text: str, number: str = "m1") -> tuple[Reply, ...]:
    return desk.ask(Question(number, Address("rest", "reader"), text)).result()


def opened(settings: Settings, engine: FakeEngine, answering: Answering) -> Desk:
    return house.desk(settings, house.Mind(engine, answering, lambda: "fake"), {})


def test_unproven_answer_goes_to_a_librarian(barred: Settings, engine: FakeEngine, answering: Answering) -> None:
    keep(barred, vpn_setup=Share(80, 100))
    desk = opened(barred, engine, answering)
    (told,) = asked(desk, "校外怎么用VPN")
    assert told.action is Action.ESCALATE
    assert "WebVPN" not in told.text
    assert desk.consultation(1).ticket.reason == "suggested"
    desk.store.close()


def test_answers_that_helped_give_the_bot_its_voice_at_the_next_start(barred: Settings, engine: FakeEngine, answering: Answering) -> None:
    keep(barred, vpn_setup=Share(88, 94))
    desk = opened(barred, engine, answering)
    assert asked(desk, "校外怎么用VPN")[0].action is Action.ESCALATE
    for question in range(100, 160):
        event = said(EventName.HELPFUL, "vpn_setup", question)
        desk.store.write(lambda s, event=event: s.record(event)).result()
    desk.store.close()
    desk = opened(barred, engine, answering)
    assert desk.ask(Question("m9", Address("rest", "other"), "校外怎么用VPN")).result()[0].action is Action.ANSWER
    desk.store.close()


def test_verdicts_are_what_patrons_said_and_the_handovers_that_followed(desk: Desk, say) -> None:  # type: ignore[no-untyped-def]
    for text in ("校外怎么用VPN", "没用", "还是不行"):
        say(text)
    for text in ("校外怎么用VPN", "解决了"):
        say(text, user="other")
    say("转人工", user="third")
    assert autonomy.confirmed(desk.store.read(lambda s: s.verdicts())) == {"vpn_setup": Share(1, 2)}


def test_bar_without_evidence_is_told_at_the_start(
    barred: Settings, engine: FakeEngine, answering: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    desk = opened(barred, engine, answering)
    assert asked(desk, "校外怎么用VPN")[0].action is Action.ANSWER
    desk.store.close()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "run `refdesk evaluate --cross`" in caplog.text


def test_damaged_evidence_counts_as_none_and_is_told(barred: Settings, caplog: pytest.LogCaptureFixture) -> None:
    house.evidence_file(barred).write_text("{", encoding="utf-8")
    found = house.earned(barred, house.kinds(barred))
    assert (found.evidence, found.doubts) == (None, (Doubt.DAMAGED,))
    house.complain(found)
    house.complain(replace(found, bar=0.0))
    assert caplog.text.count("evidence.json: is damaged") == 2
    assert caplog.text.count("holds nothing back") == 1


def test_old_evidence_still_counts_and_is_told(barred: Settings) -> None:
    keep(barred, made_from="older files", vpn_setup=Share(80, 100))
    found = house.earned(barred, house.kinds(barred))
    assert found.doubts == (Doubt.FILES,)
    assert found.in_force().suggest == {"vpn_setup"}


@pytest.mark.parametrize("changed", [{"engine": "rasa"}, {"embedding": Path("models/bge")}])
def test_evidence_of_another_engine_is_doubted_and_still_counts(barred: Settings, changed: dict[str, object]) -> None:
    keep(barred, vpn_setup=Share(80, 100))
    other = barred.model_copy(update={"understanding": barred.understanding.model_copy(update=changed)})
    found = house.earned(other, house.kinds(other))
    assert found.doubts == (Doubt.ENGINE,)
    assert found.in_force().suggest == {"vpn_setup"}


def test_check_tells_that_the_bar_has_no_evidence_and_finds_no_defect_in_it(
    barred: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    smaller = barred.model_copy(update={"root": sampled(tmp_path)})
    assert check.check(smaller, date(2026, 11, 23)) == ()
    assert "there is no evidence yet" in caplog.text
    caplog.clear()
    keep(smaller)
    check.check(smaller, date(2026, 11, 23))
    assert caplog.text == ""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A library of three intents that is trained in no time; its refdesk.toml."""
    topics = {"vpn_setup": "连接校外网络", "renew_loan": "续借图书还书", OUT_OF_SCOPE: "食堂宿舍球场"}
    catalogue = "".join(f"  - {{id: {intent}, kind: faq, covers: it}}\n" for intent in topics if intent != OUT_OF_SCOPE)
    folder = tmp_path / "intents"
    (folder / "nlu").mkdir(parents=True)
    (folder / "catalogue.yml").write_text(f"intents:\n{catalogue}", encoding="utf-8")
    (folder / "lexicon.yml").write_text("vpn: [vpn]\n", encoding="utf-8")
    blocks = []
    for intent, signs in topics.items():
        lines = "".join(f"    - {one}{two}怎么弄{number}\n" for number, one in enumerate(signs) for two in signs)
        blocks.append(f"- intent: {intent}\n  examples: |\n{lines}")
    (folder / "nlu" / "all.yml").write_text('version: "3.1"\nnlu:\n' + "".join(blocks), encoding="utf-8")
    (tmp_path / "set.jsonl").write_text('{"text": "连接校外网络", "intent": "vpn_setup"}\n', encoding="utf-8")
    path = tmp_path / "refdesk.toml"
    path.write_text(f'[library]\nknowledge = "{ROOT / "knowledge"}"\n', encoding="utf-8")
    return path


def test_cross_validation_keeps_its_evidence_beside_the_model(small: Path) -> None:
    result = CliRunner().invoke(cli, ["--settings", str(small), "evaluate", "--cross", str(small.parent / "set.jsonl")])
    assert result.exit_code == 0, result.output
    kept = small.parent / "data" / "evidence.json"
    assert f"Evidence for understanding.autonomy_bar: {kept}" in result.stdout
    found = autonomy.read(kept)
    assert found is not None
    assert found.made_from == training.digest(small.parent / "intents")
    assert set(found.sent_right) == {"vpn_setup", "renew_loan"}
    assert found.thresholds == autonomy.thresholds(house.policy(read(small)))


def test_evaluation_without_cross_validation_has_no_evidence(settings: Settings, mind: house.Mind, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"text": "校外怎么用VPN", "intent": "vpn_setup"}\n', encoding="utf-8")
    assert evaluator.evaluate(settings, [path]).evidence is None
