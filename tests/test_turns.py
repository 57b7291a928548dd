"""What hangs a message on those before it: follow-ups, numbers, several questions, fragments."""

import pytest

from bot.knowledge import Knowledge
from bot.turns import LAST, ordinal


@pytest.mark.parametrize(
    ("text", "facet", "topic"),
    [
        ("博士生也这样吗", "who", "博士生"),
        ("收费不", "price", ""),
        ("那要钱吗请问", "price", ""),
        ("周日呢", "time", "周日"),
        ("and for staff?", "who", "老师"),
        ("what about PhD students?", "who", "博士生"),
        ("can alumni use it?", "who", "校友"),
        ("is it free?", "price", ""),
        ("how long does it take?", "time", ""),
        ("那江安校区呢", "where", "江安"),
        ("研究生呢", "who", "硕士生"),
    ],
)
def test_follow_up_says_which_part_of_the_answer_it_asks_for(curated: Knowledge, text: str, facet: str, topic: str) -> None:
    found = curated.turns.follow_up(text)
    assert found is not None
    assert (found.facet, found.topic.words[0] if found.topic else "") == (facet, topic)


@pytest.mark.parametrize(
    "text",
    [
        "那健身房几点开",
        "那 EI 怎么进",
        "老师",
        "老师好",
        "谢谢老师",
        "研究生可以借几本",
        "食堂呢",
        "",
        "周日",
        "what about the gym?",
        "收费" * 20,
    ],
)
def test_message_that_says_something_of_its_own_is_no_follow_up(curated: Knowledge, text: str) -> None:
    assert curated.turns.follow_up(text) is None


@pytest.mark.parametrize(("text", "about"), [("彩色呢", "彩色"), ("what about colour?", "colour"), ("彩色打印", ""), ("呢", "")])
def test_named_topic_is_what_stands_before_the_particle(curated: Knowledge, text: str, about: str) -> None:
    assert curated.turns.named(text) == about


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), ("１", 1), ("第二个", 2), ("2号", 2), ("2号吧", 2),
        ("the second one", 2), ("选3", 3), ("我选第一个", 1), ("二", 2), ("No. 2", 2),
        ("option two", 2), ("2.", 2), ("(3)", 3), ("第 2 项", 2), ("0", 0), ("零", 0), ("99999", 99999), ("1st", 1),
        ("最后一个", LAST), ("the last one", LAST),
        ("两个都要", None), ("一个问题", None), ("两本", None), ("2020年", None), ("VPN", None), ("", None), ("1 2 3", None),
    ],
)  # fmt: skip
def test_number_is_read_however_it_is_written(text: str, number: int | None) -> None:
    assert ordinal(text) == number


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("VPN怎么装？另外，教材平台在哪？", ("VPN怎么装", "教材平台在哪")),
        ("How do I borrow? And when do you close?", ("How do I borrow", "And when do you close")),
        ("你好！VPN怎么装", ("你好，VPN怎么装",)),
        ("我在出差。VPN怎么装？谢谢", ("我在出差，VPN怎么装，谢谢",)),
        ("只有一个问题", ("只有一个问题",)),
        ("怎么续借？收费吗？", ("怎么续借", "收费吗")),
        ("VPN怎么装，还有书怎么续借", ("VPN怎么装", "书怎么续借")),
    ],
)
def test_message_is_split_where_it_asks_several_things(curated: Knowledge, text: str, questions: tuple[str, ...]) -> None:
    assert curated.turns.questions(text) == questions


def test_clauses_are_split_only_where_each_asks(curated: Knowledge) -> None:
    assert curated.turns.clauses("VPN怎么装，书怎么续借") == ("VPN怎么装", "书怎么续借")
    assert curated.turns.clauses("How do I renew and where can I print") == ("How do I renew", "where can I print")
    assert curated.turns.clauses("我在校外，怎么用VPN") == ()


@pytest.mark.parametrize("text", ["我想问下", "老师好我想问一下", "请问", "在吗", "有个问题", "I have a question", "can I ask something?"])
def test_opening_announces_a_question(curated: Knowledge, text: str) -> None:
    assert curated.turns.opens(text)
    assert not curated.turns.wants(text)


@pytest.mark.parametrize("text", ["装不上", "就是那个", "一直连不上", "it doesn't work", "打不开了"])
def test_dangling_fragment_needs_more_words(curated: Knowledge, text: str) -> None:
    assert curated.turns.dangles(text)


@pytest.mark.parametrize("text", ["vpn装不上", "想问一下VPN怎么装", "知网打不开"])
def test_whole_question_is_neither_opening_nor_dangling(curated: Knowledge, text: str) -> None:
    assert not curated.turns.opens(text)
    assert not curated.turns.dangles(text)


def test_long_message_is_no_cue_and_costs_no_time(curated: Knowledge) -> None:
    for text in ("一点都" * 3000, "hello " * 1600, "还是" * 5000):
        assert not curated.turns.opens(text)
        assert not curated.turns.dangles(text)
        assert not curated.turns.regrets(text)


@pytest.mark.parametrize(
    "text",
    ["还是打不开啊", "试了还是不行", "按照步骤做了还是连不上", "完全看不懂", "这没什么用", "it still doesn't work", "not helpful at all"],
)
def test_regret_is_heard_in_many_words(curated: Knowledge, text: str) -> None:
    assert curated.turns.regrets(text)


@pytest.mark.parametrize("text", ["VPN怎么装", "不行吗", "有没有用", "it works", "我不明白怎么续借请讲讲", "怎么用知网"])
def test_question_is_no_regret(curated: Knowledge, text: str) -> None:
    assert not curated.turns.regrets(text)
