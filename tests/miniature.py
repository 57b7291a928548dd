"""intents/ in miniature for tests: its files, what is learned from them, and odd texts that a classifier must bear."""

import re
from pathlib import Path

import pytest

from bot import classifier, training
from bot.classifier import Classifier
from bot.domain import OUT_OF_SCOPE, Prediction
from bot.settings import Settings
from bot.training import Training

EXAMPLES = {
    "vpn_setup": """校外怎么用VPN|VPN客户端在哪里下载|怎么安装校园VPN|在家想连校园VPN|VPN怎么登录|校外访问要装VPN吗|手机上怎么装VPN
        VPN的地址是多少|how do I install the VPN|where do I download the VPN client|VPN setup off campus|VPN login from home""",
    "renew_loan": """怎么续借图书|图书续借在哪里办|借的书怎么续借|书快到期了想续借|续借可以续几次|网上能续借图书吗|图书到期前怎么续借
        手机能续借吗|how do I renew a book|can I renew my loan online|renew a loan before it is due|how often can I renew a book""",
    "opening_hours": """图书馆几点开门|图书馆几点关门|周末图书馆开门吗|开馆时间是几点|晚上几点闭馆|国庆节图书馆开放吗|图书馆周日几点开
        寒假开馆时间|when does the library open|library opening hours|what time does the library close|is the library open on sunday""",
    "greet": """你好|您好呀|早上好|下午好|晚上好|嗨你好|哈喽你好|在吗你好|hello|hello there|good morning|hi good morning""",
    OUT_OF_SCOPE: """今天天气怎么样|明天会下雨吗|食堂中午吃什么|食堂几点开饭|教务处电话多少|怎么选课|寝室网线坏了|寝室几点断电
        what is the weather today|where is the supermarket|tell me a joke|who won the football match""",
}
KINDS = {"vpn_setup": "faq", "renew_loan": "faq", "opening_hours": "faq", "greet": "social"}
LEXICON = """
vpn: [VPN, 虚拟专用网, '*']
renewal: [续借, renew*]
opening: [开门, 开馆, 关门, 闭馆, opening hours, what time does the lib*]
negator: [不是, 不要, not the]
"""
STORY = "我是大三的学生，上周从老家坐火车回来，路上下着雨，行李也淋湿了，到宿舍已经很晚了，室友都睡了。" * 110
ODD = {
    "empty": "",
    "spaces": " \t\n\u3000\xa0",
    "one letter": "a",
    "one character": "啊",
    "one digit": "7",
    "punctuation": "？？？!!!。。。",
    "emoji": "😀📚👨\u200d👩\u200d👧",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\u200b\u202e\ufeff",
    "control characters inside": "知\x00网\x07打\x1b[31m不\u202e开",
    "lone high surrogate": "\ud83d",
    "lone surrogates inside": "知网\udc00打不开\ud83d",
    "surrogates as bytes were read": b"\xff\xfe\x80abc".decode("utf-8", "surrogateescape"),
    "wrong encoding": "知网打不开".encode().decode("latin-1"),
    "gbk as utf-8": "知网打不开".encode("gbk").decode("utf-8", "replace"),
    "not a character": "\uffff\U0010ffff\ue000",
    "many accents": "e" + "\u0301" * 3000,
    "rare characters": "𠀀𪚥㐀㊙️㋿",
    "mixed scripts": "知网 CNKI ﾃｽﾄ тест اختبار ทดสอบ 테스트 😀 ①②③",
    "ligature that grows": "\ufdfa" * 700,
    "markup": "<script>alert(1)</script>' OR 1=1 -- {{7*7}} %s \\",
    "null word": "None null NaN undefined",
    "one long word": "a" * 50_000,
    "one long number": "9" * 50_000,
    "one character often": "借" * 50_000,
    "1 MB of Chinese": "图书馆的书怎么借，" * 116_509,
    "1 MB of English": "how do I borrow a book " * 45_591,
    "1 MB of emoji": "😀" * 262_144,
    "1 MB of line ends": "\r\n" * 524_288,
    "a long story": STORY[:4990] + "知网打不开",
}


def write_intents(folder: Path) -> Path:
    """intents/ in miniature: four intents and out_of_scope, twelve examples each."""
    (folder / "nlu").mkdir(parents=True)
    rows = "".join(f"- {{id: {intent}, kind: {kind}, covers: {intent}}}\n" for intent, kind in KINDS.items())
    (folder / "catalogue.yml").write_text("intents:\n" + rows, encoding="utf-8")
    (folder / "lexicon.yml").write_text(LEXICON, encoding="utf-8")
    for intent, texts in EXAMPLES.items():
        lines = "".join(f"    - {text.strip()}\n" for text in re.split(r"[|\n]", texts))
        (folder / "nlu" / f"{intent}.yml").write_text(f"nlu:\n- intent: {intent}\n  examples: |\n{lines}", encoding="utf-8")
    return folder


def library(root: Path) -> Settings:
    """A library with the miniature intents/."""
    write_intents(root / "intents")
    return Settings(root=root)


# Fixtures; a file of tests takes those that it needs by name: `lesson = miniature.lesson`.


@pytest.fixture(scope="module")
def intents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature intents/; not to be changed."""
    return write_intents(tmp_path_factory.mktemp("library") / "intents")


@pytest.fixture(scope="module")
def lesson(intents: Path) -> Training:
    """What is read from the miniature intents/."""
    return training.read(intents)


@pytest.fixture(scope="module")
def small(lesson: Training) -> Classifier:
    """A classifier of the miniature intents/."""
    return classifier.fit(lesson)


@pytest.fixture
def saved(small: Classifier, tmp_path: Path) -> Path:
    """Its file."""
    small.save(tmp_path / "model.refdesk")
    return tmp_path / "model.refdesk"


def is_sound(said: Prediction) -> bool:
    """An intent, confidences between 0 and 1 in falling order, no intent twice."""
    chances = [candidate.confidence for candidate in said.candidates()]
    names = [candidate.intent for candidate in said.candidates()]
    ordered = chances == sorted(chances, reverse=True) and all(0 <= chance <= 1 for chance in chances)
    return ordered and all(type(chance) is float for chance in chances) and len(set(names)) == len(names) and all(names)
