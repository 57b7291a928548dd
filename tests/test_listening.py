"""Long messages: of a story with a question in it, the question is what the engine is asked."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bot import house
from bot.domain import OUT_OF_SCOPE, Candidate, Conversation, Prediction
from bot.listening import Listener, asks
from bot.messages import Action, Address, Question
from bot.understanding import understand
from tests.conftest import MONDAY

STORY = "开学那天下着雨，我一个人拖着箱子找了很久的宿舍楼。" * 5
COURTESIES = frozenset({"thanks"})


@dataclass
class Attentive:
    """An engine that knows some sentences by a word in them; a text with more than one of its words makes it think `confused`, a story as
    a whole `whole`."""

    known: dict[str, Prediction]
    whole: Prediction = Prediction(OUT_OF_SCOPE, 0.9)
    confused: Prediction = Prediction(OUT_OF_SCOPE, 0.9)
    asked: list[str] = field(default_factory=list)

    def predict(self, text: str) -> Prediction:
        """The prediction for the one word."""
        self.asked.append(text)
        if len(text) > 100:
            return self.whole
        found = [said for word, said in self.known.items() if word in text]
        return found[0] if len(found) == 1 else self.confused


@pytest.fixture
def engine() -> Attentive:
    """Knows a question, a complaint about rain, thanks, and statements of which it is more or less sure."""
    return Attentive(
        {
            "VPN": Prediction("vpn_setup", 0.9, (Candidate("vpn_trouble", 0.05),)),
            "谢谢": Prediction("thanks", 0.99),
            "知网": Prediction("database_fault", 0.97),
            "荐购": Prediction("purchase_suggestion", 0.8),
            "弄丢": Prediction("lost_book", 0.6, (Candidate(OUT_OF_SCOPE, 0.3),)),
        }
    )


@pytest.fixture
def hear(engine: Attentive) -> Callable[[str], Prediction]:
    """The engine, listening."""
    return Listener(engine, COURTESIES).predict


def test_a_short_message_is_heard_as_it_is(hear: Callable[[str], Prediction], engine: Attentive) -> None:
    text = "老师您好。我刚到学校。校外怎么用VPN？"
    assert hear(text).intent == "vpn_setup"
    assert engine.asked == [text]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        (STORY + "校外怎么用VPN？", "vpn_setup"),
        (STORY + "\n知网进不去了", "database_fault"),
        (STORY + "校外怎么用VPN？谢谢老师！", "vpn_setup"),
        (STORY + "校外怎么用VPN？字数有点多，见谅。", "vpn_setup"),
        (STORY + "知网进不去了。谢谢老师！", "database_fault"),
        ("校外怎么用VPN？" + STORY, "vpn_setup"),
        (STORY.replace("。", "，") + "校外怎么用VPN", "vpn_setup"),
        (STORY.replace("。", "").replace("，", "") + "校外怎么用VPN", "vpn_setup"),
        (STORY * 40 + "校外怎么用VPN？", "vpn_setup"),
    ],
    ids=["question", "statement", "thanks", "excuse", "told and thanked", "first", "run-on", "no marks", "5000 characters"],
)
def test_the_point_of_a_long_story_is_found(hear: Callable[[str], Prediction], text: str, intent: str) -> None:
    assert hear(text).intent == intent


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (STORY + "昨天又把校园卡弄丢了。", "lost_book"),
        (STORY + "我要荐购一本书", "purchase_suggestion"),
        (STORY + "怎么荐购一本书？", "purchase_suggestion"),
        ("我要荐购一本书。" + STORY, ""),
        ("知网进不去了。" + STORY, "database_fault"),
        (STORY + "市里的图书馆几点开门？", ""),
        ("校外怎么用VPN？" + STORY + "我该去哪里报到？", ""),
        (STORY + "谢谢老师！", ""),
        (STORY, ""),
    ],
    ids=[
        "told, unsure",
        "told, hardly sure",
        "asked, hardly sure",
        "told first, unsure",
        "told first, sure",
        "asked, out of scope",
        "asked last",
        "thanks alone",
        "story alone",
    ],
)
def test_what_is_not_surely_asked_in_a_story_is_not_answered(hear: Callable[[str], Prediction], text: str, offered: str) -> None:
    said = hear(text)
    assert said.intent == OUT_OF_SCOPE
    assert [candidate.intent for candidate in said.runners_up] == ([offered] if offered else [])
    chances = [candidate.confidence for candidate in said.candidates()]
    assert chances == sorted(chances, reverse=True)


def test_a_story_that_is_clear_as_a_whole_is_not_taken_to_pieces(hear: Callable[[str], Prediction], engine: Attentive) -> None:
    engine.whole = Prediction("entry_rules", 0.93)
    assert hear("进馆要带什么？" + STORY + "校外怎么用VPN？").intent == "entry_rules"
    assert len(engine.asked) == 1


def test_nothing_in_a_message_is_judged_twice(hear: Callable[[str], Prediction], engine: Attentive) -> None:
    assert hear(STORY + "校外怎么用VPN？").intent == "vpn_setup"
    assert sorted(engine.asked) == sorted(set(engine.asked))


@pytest.mark.parametrize("possible", [0.35, 0.7])
def test_what_the_whole_makes_possible_and_a_part_asks_is_as_sure_as_the_part(
    hear: Callable[[str], Prediction], engine: Attentive, possible: float
) -> None:
    others = (Candidate("vpn_setup", possible), Candidate("carsi_login", 0.1))
    engine.whole = Prediction(OUT_OF_SCOPE, 0.75, others)
    said = hear("校外怎么用VPN？" + STORY)
    assert (said.intent, said.confidence) == ("vpn_setup", 0.9)
    assert [candidate.intent for candidate in said.runners_up] == [OUT_OF_SCOPE, "carsi_login"]


def test_a_message_of_middle_length_is_heard_out_too_where_the_whole_leaves_doubt(engine: Attentive) -> None:
    told = "我在外地实习，住的地方离公司很远，网是最慢的那种，别的都还好，就是想家，还有点想学校的食堂。"
    engine.known = {"VPN？": Prediction("vpn_setup", 0.6, (Candidate("vpn_trouble", 0.4),))}
    heard = Listener(engine, COURTESIES)
    assert heard.predict(f"{told}校外怎么用VPN？").confidence == 0.6  # the part is as unsure as the whole
    engine.known = {"实习": Prediction(OUT_OF_SCOPE, 0.6, (Candidate("vpn_setup", 0.4),)), "校外怎么用VPN？": Prediction("vpn_setup", 0.95)}
    engine.confused = engine.known["实习"]
    said = heard.predict(f"{told}校外怎么用VPN？")
    assert (said.intent, said.confidence) == ("vpn_setup", 0.95)


@pytest.mark.parametrize("possible", [0.0, 0.7])
def test_what_a_story_asks_is_not_answered_when_another_question_in_it_is_more_surely_none_for_the_library(
    hear: Callable[[str], Prediction], engine: Attentive, possible: float
) -> None:
    text = f"市图书馆周末几点开门？{STORY}校外怎么用VPN？"
    engine.whole = Prediction(OUT_OF_SCOPE, 0.75, (Candidate("vpn_setup", possible),))
    engine.known["市图"] = Prediction(OUT_OF_SCOPE, 0.89)
    assert hear(text).intent == "vpn_setup"
    engine.known["市图"] = Prediction(OUT_OF_SCOPE, 0.98)
    said = hear(text)
    assert said.intent == OUT_OF_SCOPE
    assert [candidate.intent for candidate in said.runners_up][:1] == ["vpn_setup"]


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (Prediction("lost_book", 0.45), STORY + "校外怎么用VPN？"),
        (Prediction(OUT_OF_SCOPE, 0.9, (Candidate("lost_book", 0.2),)), "知网进不去了。" + STORY + "校外怎么用VPN？"),
        (Prediction(OUT_OF_SCOPE, 0.9), "怎么办理荐购？" + STORY + "校外怎么用VPN？"),
    ],
    ids=["the whole means something else", "something else is told", "something else is asked"],
)
def test_what_a_story_leaves_in_doubt_is_offered_and_not_answered(
    hear: Callable[[str], Prediction], engine: Attentive, whole: Prediction, text: str
) -> None:
    engine.whole = whole
    said = hear(text)
    assert said.intent == OUT_OF_SCOPE
    offered = {candidate.intent for candidate in said.runners_up}
    assert "vpn_setup" in offered
    assert offered >= {candidate.intent for candidate in whole.candidates()} - {OUT_OF_SCOPE}
    assert len(offered) <= 3


@pytest.mark.parametrize(
    "text", ["。" * 500, "？！" * 400, "1 " * 400, "啊" * 5000, "a" * 100_000, "\n" * 10_000, "😀" * 3000, "好。" * 300]
)
def test_any_long_text_is_heard(hear: Callable[[str], Prediction], text: str) -> None:
    assert hear(text).intent == OUT_OF_SCOPE


def test_the_middle_of_a_message_without_end_is_not_read(hear: Callable[[str], Prediction], engine: Attentive) -> None:
    hear(STORY * 400 + "知网。" + STORY * 400)
    assert not any("知网" in asked for asked in engine.asked)
    assert len(engine.asked) < 10


@pytest.mark.parametrize("text", ["怎么办", "能续借吗", "还开不", "which one is it", "Could you help", "在哪里？", "请问有人吗"])
def test_a_question_is_told_from_its_words(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize("text", ["我刚到学校", "怎么样都好", "a computer that does not start", "谢谢"])
def test_a_statement_asks_nothing(text: str) -> None:
    assert not asks(text)


LIFE = (
    "我是隔壁县里来的，家里就我一个孩子，爸妈在镇上开了一间修车铺。上大学那天他们关了店来送我，坐的是夜里的绿皮车，一路上谁也没睡着。"
    "到了以后才发现被子忘在车上了，头一晚是裹着外套睡的。这阵子总算都顺过来了，课也跟得上，就是有时候还挺想家的。"
)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("知网在家打不开，提示没有权限", "database_fault"),
        ("校外怎么用VPN", "vpn_setup"),
        ("借的书怎么续借", "renew_loan"),
        ("图书馆周末几点开门", "opening_hours"),
        ("书弄丢了怎么赔", "lost_book"),
        ("怎么预约座位", "seat_reservation"),
    ],
)
@pytest.mark.parametrize("long", [160, 400, 5000])
def test_the_real_engine_understands_the_question_at_the_end_of_a_story(mind: house.Mind, long: int, question: str, intent: str) -> None:
    text = (LIFE * 50)[-(long - len(question)) :] + question
    assert len(text) == long
    said = mind.engine.predict(text)
    assert said.intent == intent
    assert said.confidence >= mind.answering.policy.answer_at


@pytest.mark.parametrize("question", ["食堂几点开门", "市图书馆周末几点关", "我名下有哪些书没还", "寝室的网线口坏了"])
@pytest.mark.parametrize("long", [160, 400, 5000])
def test_the_real_engine_does_not_answer_what_is_out_of_scope_at_the_end_of_a_story(mind: house.Mind, long: int, question: str) -> None:
    said = mind.engine.predict((LIFE * 50)[-(long - len(question)) :] + question)
    assert said.intent == OUT_OF_SCOPE


@pytest.mark.parametrize(("question", "action"), [("借的书怎么续借", Action.ANSWER), ("市图书馆周末几点关", Action.ESCALATE)])
@pytest.mark.parametrize("long", [160, 1000, 5000])
def test_the_bot_answers_what_a_story_asks_and_nothing_else(mind: house.Mind, long: int, question: str, action: Action) -> None:
    text = (LIFE * 50)[-(long - len(question)) :] + question
    parts = understand(text, mind.engine, mind.answering.knowledge)
    address = Address("stub", "reader")
    decision = mind.answering.decide(Question("1", address, text), parts, Conversation(0, address, ""), MONDAY, MONDAY.date())
    assert decision.action is action
    assert decision.handover is None or decision.handover.reason == "out_of_scope"
