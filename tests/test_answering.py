"""Decisions at their edges; whole conversations stand in tests/dialogues."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.answering import Answering, Policy
from bot.domain import OUT_OF_SCOPE, Candidate, Conversation, Decision, Entity, FormProgress, IntentKind, Part, Prediction, Risk
from bot.knowledge import Knowledge
from bot.messages import Action, Address, Attachment, Choice, Language, Question, ReplyKind
from tests.conftest import MONDAY

TODAY = date(2026, 11, 23)
ADDRESS = Address("rest", "reader")
FRESH = Conversation(1, ADDRESS, "v")

KINDS = {
    "vpn_setup": IntentKind.FAQ,
    "vpn_trouble": IntentKind.FAQ,
    "vpn_eligibility": IntentKind.FAQ,
    "citation_report": IntentKind.FAQ,
    "novelty_search": IntentKind.FAQ,
    "database_access": IntentKind.LOOKUP,
    "purchase_suggestion": IntentKind.FORM,
    "human_agent": IntentKind.HUMAN,
    "complaint": IntentKind.HUMAN,
    "greet": IntentKind.SOCIAL,
}


def decide(
    curated: Knowledge,
    text: str,
    prediction: Prediction | None = None,
    *,
    conversation: Conversation = FRESH,
    policy: Policy | None = None,
    parts: tuple[Part, ...] = (),
    today: date = TODAY,
    question: Question | None = None,
) -> Decision:
    whole = Part(text, prediction or Prediction(OUT_OF_SCOPE, 0.9))
    asked = question or Question("m1", ADDRESS, text)
    return Answering(curated, KINDS, policy or Policy()).decide(asked, (whole, *parts), conversation, MONDAY, today)


def sure(intent: str, confidence: float = 0.9, *runners_up: Candidate) -> Prediction:
    return Prediction(intent, confidence, runners_up)


@pytest.mark.parametrize(
    ("confidence", "second", "action"),
    [
        (0.70, 0.1, Action.ANSWER),
        (0.69, 0.1, Action.CLARIFY),
        (0.72, 0.70, Action.CLARIFY),
        (0.20, 0.1, Action.CLARIFY),
        (0.19, 0.1, Action.ESCALATE),
    ],
)
def test_bot_speaks_by_the_thresholds(curated: Knowledge, confidence: float, second: float, action: Action) -> None:
    decision = decide(curated, "VPN?", sure("vpn_setup", confidence, Candidate("vpn_trouble", second)), policy=Policy(0.7, 0.05, 0.2))
    assert decision.action is action


def test_bot_offers_at_most_three_titles_and_a_person(curated: Knowledge) -> None:
    others = [Candidate(intent, 0.3) for intent in ("vpn_trouble", "greet", "human_agent", "vpn_eligibility", "novelty_search")]
    decision = decide(curated, "那个怎么弄啊", sure("vpn_setup", 0.4, *others))
    assert [choice.key for choice in decision.replies[0].choices] == ["1", "2", "3", "0"]
    assert "greet" not in " ".join(choice.value for choice in decision.replies[0].choices)


def test_bot_hands_over_when_only_courtesy_is_likely(curated: Knowledge) -> None:
    assert decide(curated, "嗯哼啊", sure("greet", 0.4)).action is Action.ESCALATE


@pytest.mark.parametrize("answer", ["1", "１", "1.", "校外访问与 VPN 设置", "intent:vpn_setup"])
def test_patron_chooses_by_number_full_width_number_or_title(curated: Knowledge, answer: str) -> None:
    asked = decide(curated, "那个怎么弄啊", sure("vpn_setup", 0.4, Candidate("vpn_trouble", 0.3))).conversation
    decision = decide(curated, answer, conversation=replace(asked, question=7))
    assert decision.action is Action.ANSWER
    assert decision.replies[0].intent == "vpn_setup"
    assert not decision.new_question


def test_button_press_counts_as_its_choice(curated: Knowledge) -> None:
    asked = decide(curated, "那个怎么弄啊", sure("vpn_setup", 0.4, Candidate("vpn_trouble", 0.3))).conversation
    pressed = Question("m2", ADDRESS, "VPN 连不上", choice="intent:vpn_trouble")
    assert decide(curated, "VPN 连不上", conversation=asked, question=pressed).replies[0].intent == "vpn_trouble"


def test_none_of_these_goes_to_a_person_with_the_first_question(curated: Knowledge) -> None:
    asked = replace(decide(curated, "那个怎么弄啊", sure("vpn_setup", 0.4, Candidate("vpn_trouble", 0.3))).conversation, question=7)
    decision = decide(curated, "0", conversation=asked)
    assert decision.handover is not None
    assert (decision.handover.reason, decision.handover.question) == ("none_of_these", 7)


def test_new_question_instead_of_a_choice_is_answered(curated: Knowledge) -> None:
    asked = decide(curated, "那个怎么弄啊", sure("vpn_setup", 0.4, Candidate("vpn_trouble", 0.3))).conversation
    assert decide(curated, "收录证明怎么开", sure("citation_report"), conversation=asked).replies[0].intent == "citation_report"


def with_entry(curated: Knowledge, **changes: object) -> Knowledge:
    return replace(curated, entries=tuple(replace(e, **changes) if e.intent == "vpn_setup" else e for e in curated.entries))


def test_high_risk_entry_past_its_review_is_not_said(curated: Knowledge) -> None:
    late = with_entry(curated, review_by=TODAY - timedelta(days=1), risk=Risk.HIGH)
    decision = decide(late, "VPN怎么装", sure("vpn_setup"))
    assert decision.handover is not None
    assert decision.handover.reason == "overdue_entry"


def test_low_risk_entry_past_its_review_is_still_said(curated: Knowledge) -> None:
    late = with_entry(curated, review_by=TODAY - timedelta(days=1), risk=Risk.LOW)
    assert decide(late, "VPN怎么装", sure("vpn_setup")).action is Action.ANSWER


def test_intent_without_an_entry_valid_today_goes_to_a_person(curated: Knowledge) -> None:
    gone = with_entry(curated, valid_until=TODAY - timedelta(days=1))
    decision = decide(gone, "VPN怎么装", sure("vpn_setup"))
    assert decision.handover is not None
    assert decision.handover.reason == "no_entry"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(shadow=True), "suggested"),
        (Policy(suggest=frozenset({"vpn_setup"})), "suggested"),
        (Policy(off=frozenset({"vpn_setup"})), "switched_off"),
    ],
)
def test_switched_intent_goes_to_a_person_as_a_draft(curated: Knowledge, policy: Policy, reason: str) -> None:
    decision = decide(curated, "VPN怎么装", sure("vpn_setup"), policy=policy)
    assert decision.handover is not None
    assert decision.handover.reason == reason


HELD_BACK = [(Policy(shadow=True), "suggested"), (Policy(off=frozenset({"vpn_setup"})), "switched_off")]


@pytest.mark.parametrize(("policy", "reason"), HELD_BACK)
@pytest.mark.parametrize("text", ["收费吗", "没用"])
def test_follow_up_on_an_answer_that_was_switched_off_since_goes_to_a_person(
    curated: Knowledge, policy: Policy, reason: str, text: str
) -> None:
    talking = replace(FRESH, intent="vpn_setup", entry="vpn_setup", question=3, last_at=MONDAY)
    decision = decide(curated, text, conversation=talking, policy=policy)
    assert decision.handover is not None
    assert (decision.handover.reason, decision.handover.intent) == ("unhelpful" if text == "没用" else reason, "vpn_setup")
    assert decision.replies == ()


def test_two_sure_questions_are_both_answered(curated: Knowledge) -> None:
    parts = (Part("VPN怎么装", sure("vpn_setup")), Part("收录证明怎么开", sure("citation_report")))
    decision = decide(curated, "VPN怎么装？收录证明怎么开？", sure("vpn_setup", 0.5), parts=parts)
    assert [reply.intent for reply in decision.replies] == ["vpn_setup", "citation_report"]
    assert decision.handover is None


def test_sure_question_is_answered_and_the_other_handed_over(curated: Knowledge) -> None:
    parts = (Part("VPN怎么装", sure("vpn_setup")), Part("食堂几点开门", Prediction(OUT_OF_SCOPE, 0.9)))
    decision = decide(curated, "VPN怎么装？食堂几点开门？", sure("vpn_setup", 0.5), parts=parts)
    assert decision.replies[0].intent == "vpn_setup"
    assert "食堂几点开门" in decision.replies[1].text
    assert decision.handover is not None
    assert decision.handover.reason == "second_question"


def test_two_sentences_of_one_question_are_one_question(curated: Knowledge) -> None:
    parts = (Part("你好啊老师", sure("greet")), Part("VPN怎么装", sure("vpn_setup")))
    decision = decide(curated, "你好啊老师？VPN怎么装？", sure("vpn_setup"), parts=parts)
    assert len(decision.replies) == 1


def test_facet_without_its_line_goes_to_a_person(curated: Knowledge) -> None:
    bare = with_entry(curated, facets=())
    talking = replace(FRESH, intent="vpn_setup", entry="vpn_setup", last_at=MONDAY)
    decision = decide(bare, "收费吗", conversation=talking)
    assert decision.handover is not None
    assert "没有写" in decision.replies[0].text


def test_helpful_is_noted_and_acknowledged(curated: Knowledge) -> None:
    talking = replace(FRESH, intent="vpn_setup", entry="vpn_setup", question=3, last_at=MONDAY)
    decision = decide(curated, "解决了", conversation=talking)
    assert decision.notes[0].question == 3
    assert decision.action is Action.SOCIAL


def test_unhelpful_without_troubleshooting_goes_straight_to_a_person(curated: Knowledge) -> None:
    talking = replace(FRESH, intent="vpn_setup", entry="vpn_setup", question=3, last_at=MONDAY)
    decision = decide(with_entry(curated, facets=()), "没用", conversation=talking)
    assert decision.handover is not None
    assert (decision.handover.reason, decision.handover.question) == ("unhelpful", 3)


def test_short_message_that_names_another_database_inherits_the_lookup(curated: Knowledge) -> None:
    talking = replace(FRESH, intent="database_access", entry="database_access", last_at=MONDAY)
    named = Prediction("vpn_setup", 0.3, (), (Entity("database", "万方数据知识服务平台"),))
    assert "万方" in decide(curated, "那万方呢", named, conversation=talking).replies[0].text


def test_long_story_does_not_inherit_the_lookup(curated: Knowledge) -> None:
    talking = replace(FRESH, intent="database_access", entry="database_access", last_at=MONDAY)
    named = Prediction("vpn_setup", 0.1, (), (Entity("database", "万方数据知识服务平台"),))
    assert decide(curated, "我" * 40, named, conversation=talking).action is Action.ESCALATE


def test_complaint_is_handed_over_even_when_unsure(curated: Knowledge) -> None:
    decision = decide(curated, "真的很失望", sure("complaint", 0.3))
    assert decision.handover is not None
    assert decision.handover.reason == "complaint"


def test_form_that_is_no_longer_there_is_left_alone(curated: Knowledge) -> None:
    filling = replace(FRESH, form=FormProgress("gone"), last_at=MONDAY)
    assert decide(curated, "收录证明怎么开", sure("citation_report"), conversation=filling).action is Action.ANSWER


def test_offer_of_a_form_that_is_gone_falls_back_to_the_answer(curated: Knowledge) -> None:
    offered = replace(FRESH, options=(Choice("1", "填写", "form:gone"),), last_at=MONDAY)
    assert decide(curated, "1", conversation=offered).action is Action.ESCALATE


def test_unconfirmed_form_shows_its_summary_again(curated: Knowledge) -> None:
    form = curated.form("purchase_suggestion", Language.ZH)
    assert form is not None
    filled = FormProgress("purchase_suggestion", tuple((field.name, "x") for field in form.fields))
    decision = decide(curated, "嗯什么", conversation=replace(FRESH, form=filled, last_at=MONDAY))
    assert "请核对" in decision.replies[0].text
    assert decision.handover is None


def test_answer_is_in_the_language_of_the_message(curated: Knowledge) -> None:
    assert decide(curated, "how do I use the VPN", sure("vpn_setup")).replies[0].language is Language.EN
    spoken = replace(FRESH, language=Language.EN)
    assert decide(curated, "VPN", sure("vpn_setup"), conversation=spoken).replies[0].language is Language.EN


def test_picture_alone_is_asked_about(curated: Knowledge) -> None:
    picture = Question("m1", ADDRESS, "", attachments=(Attachment("image", "x"),))
    decision = decide(curated, "", question=picture)
    assert decision.new_question
    assert decision.replies[0].kind is ReplyKind.NOTICE


def test_season_of_an_overdue_high_risk_entry_is_not_said(curated: Knowledge) -> None:
    talking = replace(FRESH, intent="opening_hours", entry="opening_hours", last_at=MONDAY)
    overdue = {"risk": Risk.HIGH, "review_by": TODAY - timedelta(days=1)}
    entries = tuple(replace(e, **overdue) if e.id == "opening_hours.winter" else e for e in curated.entries)  # type: ignore[arg-type]
    late = replace(curated, entries=entries)
    assert "除夕" in decide(curated, "寒假呢", conversation=talking).replies[0].text
    assert "除夕" not in decide(late, "寒假呢", conversation=talking).replies[0].text


def test_part_that_is_understood_answers_for_a_whole_that_is_not(curated: Knowledge) -> None:
    parts = (Part("VPN怎么装", sure("vpn_setup")), Part("谢谢老师", sure("greet")))
    decision = decide(curated, "VPN怎么装？谢谢老师", Prediction(OUT_OF_SCOPE, 0.4), parts=parts)
    assert [reply.intent for reply in decision.replies] == ["vpn_setup"]
    assert decision.handover is None


def test_mistyped_title_chooses_and_an_unlike_one_does_not(curated: Knowledge) -> None:
    asked = decide(curated, "那个怎么弄啊", sure("vpn_setup", 0.4, Candidate("vpn_trouble", 0.3))).conversation
    assert decide(curated, "校外方问与vpn设置", conversation=asked).replies[0].intent == "vpn_setup"
    assert decide(curated, "我要吃火锅啊", conversation=asked).replies[0].entry == ""
