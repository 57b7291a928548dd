"""Text as people really type it: control characters, half emoji, traditional characters, whole stories."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import text as text_module
from bot.messages import Language, Script
from bot.text import LONGEST, bare, clean, cut, has_words, language_of, normalise, script_of, traditional


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  你好 \n", "你好"),
        ("a\x00b\x07c\x1b[0m\x7f", "abc[0m"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\ufeffVPN\u200b \u202eevil\u2069", "VPN evil"),
        ("half \ud83d an emoji", "half \ufffd an emoji"),
        ("a pair \ud83d\ude00 of halves", "a pair 😀 of halves"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_text_is_stored_without_what_cannot_be_shown(typed: str, stored: str) -> None:
    assert clean(typed) == stored


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("ＶＰＮ　怎麼裝", "vpn 怎么装"),
        ("圖書館幾點開門", "图书馆几点开门"),
        ("  CNKI \t is\n\nDOWN ", "cnki is down"),
        ("①号楼", "1号楼"),
        ("😀\x00😀", "😀😀"),
        ("\ud83d", "\ufffd"),
        ("", ""),
    ],
)
def test_text_is_compared_without_regard_to_how_it_was_typed(typed: str, compared: str) -> None:
    assert normalise(typed) == compared


@pytest.mark.parametrize("length", [LONGEST + 1, 4 * LONGEST, 5_000, 100_000])
def test_a_story_keeps_its_beginning_and_the_question_at_its_end(length: int) -> None:
    kept = normalise("老师好" + "说" * length + "VPN怎么装")
    assert len(kept) == LONGEST
    assert kept.startswith("老师好")
    assert kept.endswith("vpn怎么装")


@given(st.text(st.characters(), max_size=700))
def test_normalising_takes_any_text_and_never_exceeds_its_limit(text: str) -> None:
    assert len(normalise(text)) <= LONGEST
    clean(text).encode()


@pytest.mark.parametrize(
    ("text", "words"), [(" 知网，打不开！😀 ", "知网打不开"), ("C_N-K I", "cnki"), ("？？？", "")], ids=["hanzi", "latin", "none"]
)
def test_bare_text_has_letters_only(text: str, words: str) -> None:
    assert bare(text) == words
    assert has_words(text) is bool(words)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("校外怎么用VPN", Language.ZH),
        ("怎么用 Web of Science", Language.ZH),
        ("how do I use the VPN", Language.EN),
        ("what is 知网 please", Language.EN),
        ("hello", Language.EN),
        ("CNKI", None),
        ("vpn", None),
        ("vpn endnote", None),
        ("vpn please", Language.EN),
        ("a", None),
        ("12345", None),
        ("😀", None),
        ("", None),
    ],
)
def test_a_message_tells_its_language_or_nothing(text: str, language: Language | None) -> None:
    assert language_of(text) is language


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("short", 100, ("short", "")),
        ("第一句话。第二句话很长", 24, ("第一句话。", "第二句话很长")),
        ("a.bcdefghijklmnop", 10, ("a.bcdefghi", "jklmnop")),
        ("Yes. no more to say here", 6, ("Yes.", "no more to say here")),
        ("是。这句话没有句号可以断开的地方", 24, ("是。这句话没有句", "号可以断开的地方")),
    ],
)
def test_a_long_reply_is_cut_at_a_sentence_end_if_one_is_near(text: str, limit: int, parts: tuple[str, str]) -> None:
    assert cut(text, limit) == parts


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(min_value=4, max_value=60))
def test_a_cut_reply_fits_and_loses_nothing_but_spaces(text: str, limit: int) -> None:
    part, rest = cut(text, limit)
    assert len(part.encode()) <= limit
    assert "".join((part + rest).split()) == "".join(text.split())


def test_huge_texts_are_not_kept_in_memory_once_they_were_compared() -> None:
    tracemalloc.start()
    try:
        for number in range(40):
            normalise(f"{number}" + "书" * 250_000)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 2_000_000


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("圖書館幾點開門", Script.TRADITIONAL), ("图书馆几点开门", Script.SIMPLIFIED), ("皇后在圖書館", Script.TRADITIONAL),
        ("你好", None), ("hello", None), ("", None), ("1", None),
    ],
)  # fmt: skip
def test_message_tells_its_characters_or_nothing(text: str, script: Script | None) -> None:
    assert script_of(text) is script


def test_addresses_stay_as_they_are_in_traditional_text() -> None:
    text = "请回复 0，或打开 https://lib.example/图书馆/指南，写信到 图书馆@lib.example。软件"
    assert traditional(text) == "請回覆 0，或打開 https://lib.example/图书馆/指南，寫信到 图书馆@lib.example。軟件"


def test_what_was_turned_into_traditional_characters_once_is_remembered_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_turned", {})
    monkeypatch.setattr(text_module, "_MOST_TURNED", 1)
    assert text_module.traditional("头发，头发 a@头.cn") == "頭髮，頭髮 a@头.cn"
    assert text_module._turned == {"头发": "頭髮"}
    assert text_module.traditional("图书馆") == "圖書館"
    assert text_module.traditional("面条") == "麵條"
    assert text_module._turned == {"面条": "麵條"}


def test_what_may_be_said_is_turned_together_with_the_first_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_turned", {})
    text_module.expect(["头发很长，{number}"])
    assert text_module.traditional("图书馆") == "圖書館"
    assert text_module._turned == {"头发很长": "頭髮很長", "图书馆": "圖書館"}
