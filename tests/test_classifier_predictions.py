"""What the built-in classifier says: any text gets a prediction, and the starter library's model understands what people type."""

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from bot import house
from bot.classifier import Classifier
from bot.domain import OUT_OF_SCOPE, Prediction
from bot.pinyin import syllables
from bot.settings import Settings
from bot.text import normalise
from bot.training import Training
from tests import miniature
from tests.miniature import EXAMPLES, ODD, STORY, is_sound

intents, lesson, small = miniature.intents, miniature.lesson, miniature.small

Predict = Callable[[str], Prediction]


@pytest.fixture(scope="session")
def predict(mind: house.Mind) -> Predict:
    """The starter library's real model."""
    return mind.engine.predict


@pytest.fixture(scope="session")
def answered(predict: Predict, settings: Settings) -> Callable[[str], bool]:
    """Whether the starter library's own thresholds would let a text be answered as an intent."""
    policy = house.policy(settings)

    def answered(text: str) -> bool:
        said = predict(text)
        return said.intent != OUT_OF_SCOPE and said.confidence >= policy.answer_at

    return answered


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("知网打不开", "database_fault"),
        ("VPN连不上了", "vpn_trouble"),
        ("how do I renew a book", "renew_loan"),
        ("转人工", "human_agent"),
        ("你好", "greet"),
        ("谢谢", "thanks"),
        ("知往打不开", "database_fault"),
        ("can i renew my bok online", "renew_loan"),
        ("zhiwang dabukai", "database_fault"),
        ("知網打不開", "database_fault"),
        ("我的書借期快到了，怎麼續借", "renew_loan"),
        ("CNKI登录不了 help", "database_fault"),
        ("VPN连不上了😭😭", "vpn_trouble"),
        ("知\u200b网打\x00不开\ud800", "database_fault"),
    ],
    ids=[
        "typical", "typical-vpn", "english", "human", "greeting", "thanks", "homophone", "typo", "pinyin", "traditional",
        "traditional-long", "mixed", "emoji", "invisible",
    ],
)  # fmt: skip
def test_a_question_is_understood_however_it_is_typed(predict: Predict, text: str, intent: str) -> None:
    said = predict(text)
    assert said.intent == intent
    assert is_sound(said)
    assert said.engine == "builtin"


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_any_text_gets_a_prediction(predict: Predict, text: str) -> None:
    said = predict(text)
    assert is_sound(said)
    assert predict(text) == said


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_any_text_gets_a_prediction_from_a_small_model(small: Classifier, text: str) -> None:
    assert is_sound(small.predict(text))


@pytest.mark.parametrize("name", ["empty", "spaces", "one character", "one letter", "emoji", "control characters", "1 MB of line ends"])
def test_a_text_that_says_nothing_is_not_answered(answered: Callable[[str], bool], name: str) -> None:
    assert not answered(ODD[name])


@pytest.mark.parametrize(
    "text",
    [
        "Wie lange hat die Bibliothek heute geöffnet",
        "Onde fica a biblioteca mais próxima",
        "Во сколько закрывается библиотека",
        "도서관은 몇 시까지 열어요",
        "متى تغلق المكتبة",
        "ห้องสมุดปิดกี่โมง",
        "Η βιβλιοθήκη είναι κλειστή σήμερα",
    ],
)
def test_a_language_that_was_never_taught_is_not_answered(answered: Callable[[str], bool], text: str) -> None:
    assert not answered(text)


@pytest.mark.parametrize("mark", ["?", "!", "?!"])
@pytest.mark.parametrize("words", ["도서관은 몇 시까지 열어요", "Во сколько закрывается библиотека"])
def test_a_mark_after_unknown_words_makes_no_question_in_scope(predict: Predict, words: str, mark: str) -> None:
    assert predict(words + mark).intent == OUT_OF_SCOPE


@pytest.mark.parametrize(
    "text",
    [
        "市图书馆周末几点关",
        "寝室的网线口坏了",
        "我名下有哪些书没还",
        "国家图书馆怎么办证",
        "食堂几点开门",
        "教务系统密码忘了",
        "淘宝上哪里买教材便宜",
        "我的欠款还有多少",
        "when does the city library close on weekends",
        "what's the weather like tomorrow",
        "where is the nearest supermarket",
    ],
)
def test_a_near_miss_out_of_scope_is_not_answered(answered: Callable[[str], bool], text: str) -> None:
    assert not answered(text)


def test_a_message_that_asks_everything_at_once_gets_a_prediction(predict: Predict) -> None:
    assert is_sound(predict(" ".join(text.replace("|", "，") for text in EXAMPLES.values())))


@pytest.mark.parametrize("text", ["我要问的不是续借，不要VPN", "not the VPN", "what time does the libary close"])
def test_what_is_asked_by_saying_what_is_not_meant_gets_a_prediction(small: Classifier, text: str) -> None:
    assert is_sound(small.predict(text))


@pytest.mark.parametrize("question", ["知网打不开", "how do I renew a book"])
def test_only_the_beginning_and_the_end_of_a_long_story_count(predict: Predict, question: str) -> None:
    long = STORY[:4990] + question
    assert predict(long) == predict(STORY[:2600] + "中间" * 4000 + STORY[2600:4990] + question)
    assert predict(long) != predict(STORY[:4990])


@pytest.mark.parametrize(("question", "intent"), [("知网打不开", "database_fault"), ("how do I renew a book", "renew_loan")])
def test_a_question_at_the_end_of_5000_characters_is_among_the_candidates(predict: Predict, question: str, intent: str) -> None:
    text = STORY[: 5000 - len(question)] + question
    assert len(text) == 5000
    assert intent in {candidate.intent for candidate in predict(text).candidates()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("how do I renew a book", "HOW DO I RENEW A BOOK"),
        ("校外怎么用vpn", "校外怎么用ＶＰＮ"),
        ("知网打不开", "  知网打不开\r\n"),
        ("how do I renew a book", "how  do\tI renew\na book"),
        ("知网打不开", "知網打不開"),
        ("校外怎么访问数据库", "校外怎麼訪問數據庫"),
        ("图书馆几点关门?", "图书馆几点关门？"),
        ("知网打不开", "知\u200b网打不\ufeff开"),
    ],
    ids=["case", "width", "outer space", "inner space", "traditional", "traditional sentence", "question mark", "invisible"],
)
def test_how_a_question_is_written_does_not_matter(predict: Predict, one: str, other: str) -> None:
    assert predict(one) == predict(other)


@pytest.mark.parametrize(
    "other", ["知网 打不开", "知网打不开。", "知网打不开！！", "“知网”打不开", "知网，打不开", "知网打不开…", "知网打不开😭"]
)
def test_punctuation_and_spaces_do_not_change_the_intent(predict: Predict, other: str) -> None:
    assert predict(other).intent == predict("知网打不开").intent


def test_predictions_are_the_same_from_many_threads(predict: Predict, lesson: Training) -> None:
    texts = [example.text for example in lesson.examples] * 5
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(predict, texts)) == [predict(text) for text in texts]


def test_predictions_leave_memory_flat(predict: Predict) -> None:
    subjects = cycle(["知网打不开了", "how do I renew a book", "图书馆几点关门", "VPN连不上", "😀 教材在哪里找", "今天天气怎么样"])

    def texts(first: int, count: int) -> list[str]:
        return [f"{next(subjects)} {number} 号楼 room {number}" for number in range(first, first + count)]

    def ask(first: int, count: int) -> int:
        for text in texts(first, count):
            predict(text)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        for text in texts(10_000, 4_200):  # more than the caches of bot.text and bot.pinyin hold
            syllables(normalise(text))
        ask(20_000, 200)
        before = ask(30_000, 1_500)
        after = ask(40_000, 1_500)
    finally:
        tracemalloc.stop()
    assert after - before < 500_000
