"""Request forms: what each field takes, and the steps through a form."""

from dataclasses import replace
from datetime import date

import pytest

from bot import forms
from bot.domain import FormProgress
from bot.knowledge import Field, Form

TODAY = date(2026, 11, 23)
TITLE = Field("title", "书名", "哪本书？", "书名？", "text", (), optional=False, personal=False)
DAY = replace(TITLE, name="day", label="日期", check="date", optional=True)
WHO = replace(TITLE, name="who", label="身份", choices=("学生", "教师", "校外 读者"))
FORM = Form("purchase", "荐购", (TITLE, DAY, WHO))


@pytest.mark.parametrize(
    ("check", "typed", "stored"),
    [
        ("text", "  三体\x00 ", "三体"),
        ("text", "书" * 500, "书" * 500),
        ("text", "书" * 501, None),
        ("text", "书" * 5_000, None),
        ("text", " \u200b\n", None),
        ("phone", "13800000000", "13800000000"),
        ("phone", "+86 28-0000-1000", "+86 28-0000-1000"),
        ("phone", "１３８００００００００", "１３８００００００００"),
        ("phone", "1380", None),
        ("phone", "打给我", None),
        ("email", "li@e.example.cn", "li@e.example.cn"),
        ("email", "li@example", None),
        ("email", "li li@e.example", None),
        ("card", "2026B001", "2026B001"),
        ("card", "2026-001", None),
        ("card", "1" * 21, None),
        ("contact", "028-0000-1000", "028-0000-1000"),
        ("contact", "li@e.example", "li@e.example"),
        ("contact", "微信", None),
        ("date", "2026-11-23", "2026-11-23"),
        ("date", "12月1日", "2026-12-01"),
        ("date", "12/1", "2026-12-01"),
        ("date", "1月5日", "2027-01-05"),
        ("date", "２０２７年１月５日", "2027-01-05"),
        ("date", "2026-11-22", None),
        ("date", "11-22", None),
        ("date", "2026-02-30", None),
        ("date", "明天", None),
        ("date", "5", None),
        ("date", "1-2-3-4", None),
        ("date", "13800000000", None),
        ("date", "9" * 400, None),
    ],
)
def test_a_field_takes_what_its_check_allows(check: str, typed: str, stored: str | None) -> None:
    assert forms.accepted(replace(TITLE, check=check), typed, TODAY) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("1", "学生"), ("３", "校外 读者"), ("2.", "教师"), ("2、", "教师"), ("教师", "教师"), ("校外读者！", "校外 读者"),
        ("0", None), ("4", None), ("校长", None), ("😀", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_a_choice_is_taken_by_number_or_by_name(typed: str, stored: str | None) -> None:
    assert forms.accepted(WHO, typed, TODAY) == stored


def test_every_check_has_a_validator() -> None:
    assert forms.CHECKS == {"text", "phone", "email", "card", "contact", "date"}


def test_a_form_is_filled_field_by_field_to_its_summary() -> None:
    step = forms.start(FORM, 5)
    assert (step.field, step.progress.question) == (TITLE, 5)
    for typed, asked in (("三体", DAY), ("12-01", WHO), ("2", None)):
        step = forms.fill(FORM, step.progress, typed, TODAY, skipped=False)
        assert (step.field, step.refused) == (asked, False)
    assert forms.summary(FORM, step.progress) == "书名: 三体\n日期: 2026-12-01\n身份: 教师"


def test_a_wrong_value_changes_nothing_and_asks_again() -> None:
    progress = FormProgress("purchase", (("title", "三体"),))
    step = forms.fill(FORM, progress, "昨天", TODAY, skipped=False)
    assert (step.progress, step.field, step.refused) == (progress, DAY, True)


def test_skipping_leaves_an_optional_field_empty() -> None:
    step = forms.fill(FORM, FormProgress("purchase", (("title", "三体"),)), "跳过", TODAY, skipped=True)
    assert step.field == WHO
    assert forms.summary(FORM, step.progress) == "书名: 三体\n日期: -"


def test_a_required_field_takes_the_word_for_skipping_as_its_value() -> None:
    step = forms.fill(FORM, FormProgress("purchase"), "跳过", TODAY, skipped=True)
    assert step.progress.answers == (("title", "跳过"),)


def test_going_back_asks_the_field_before_again() -> None:
    full = FormProgress("purchase", (("title", "三体"), ("day", ""), ("who", "教师")))
    step = forms.back(FORM, full)
    assert (step.field, step.progress.answers) == (WHO, full.answers[:2])
    assert forms.back(FORM, FormProgress("purchase")).field == TITLE


def test_a_full_form_waits_at_its_summary() -> None:
    full = FormProgress("purchase", (("title", "三体"), ("day", ""), ("who", "教师")))
    step = forms.fill(FORM, full, "嗯", TODAY, skipped=False)
    assert (step.progress, step.field, step.refused) == (full, None, False)
