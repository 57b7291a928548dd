"""Request forms: what each field takes, and the steps through a form."""

from dataclasses import replace
from datetime import date, datetime, time

import pytest

from bot import forms
from bot.domain import FormProgress
from bot.hours import DutyHours
from bot.knowledge import Field, Form
from bot.messages import Language
from bot.roster import Roster, Shift, Special, SpecialKind
from bot.slots import Almanac

HOURS = DutyHours("Asia/Shanghai", (), closed=("2026-11-26",))
NOW = Almanac(datetime(2026, 11, 23, 10, 0, tzinfo=HOURS.zone), HOURS)  # a Monday
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
        ("phone", "１３８００００００００", "13800000000"),
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
        ("date", "明天", "2026-11-24"),
        ("date", "今天有空位吗", None),
        ("date", "Dec 1", "2026-12-01"),
        ("date", "下周三之前", "2026-12-02"),
        ("date", "next Wednesday", "2026-12-02"),
        ("date", "friday", "2026-11-27"),
        ("date", "12月32日", None),
        ("date", "5", None),
        ("date", "1-2-3-4", None),
        ("date", "13800000000", None),
        ("date", "9" * 400, None),
    ],
)
def test_a_field_takes_what_its_check_allows(check: str, typed: str, stored: str | None) -> None:
    assert forms.accepted(replace(TITLE, check=check), typed, NOW) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("1", "学生"), ("３", "校外 读者"), ("2.", "教师"), ("2、", "教师"), ("教师", "教师"), ("校外读者！", "校外 读者"),
        ("我是教师", "教师"), ("校外", "校外 读者"), ("外", None), ("学生或教师", None),
        ("0", None), ("4", None), ("校长", None), ("😀", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_a_choice_is_taken_by_number_or_by_name(typed: str, stored: str | None) -> None:
    assert forms.accepted(WHO, typed, NOW) == stored


def test_every_check_has_a_validator() -> None:
    assert forms.CHECKS == {"text", "phone", "email", "card", "contact", "date", "slot"}


def test_a_form_is_filled_field_by_field_to_its_summary() -> None:
    step = forms.start(FORM, 5)
    assert (step.field, step.progress.question) == (TITLE, 5)
    for typed, asked in (("三体", DAY), ("12-01", WHO), ("2", None)):
        step = forms.fill(FORM, step.progress, typed, NOW, skipped=False)
        assert (step.field, step.refused) == (asked, False)
    assert forms.summary(FORM, step.progress) == "书名: 三体\n日期: 2026-12-01\n身份: 教师"


def test_a_wrong_value_changes_nothing_and_asks_again() -> None:
    progress = FormProgress("purchase", (("title", "三体"),))
    step = forms.fill(FORM, progress, "昨天", NOW, skipped=False)
    assert (step.progress, step.field, step.refused) == (replace(progress, refusals=1), DAY, True)


def test_skipping_leaves_an_optional_field_empty() -> None:
    step = forms.fill(FORM, FormProgress("purchase", (("title", "三体"),)), "跳过", NOW, skipped=True)
    assert step.field == WHO
    assert forms.summary(FORM, step.progress) == "书名: 三体\n日期: -"


def test_a_required_field_takes_the_word_for_skipping_as_its_value() -> None:
    step = forms.fill(FORM, FormProgress("purchase"), "跳过", NOW, skipped=True)
    assert step.progress.answers == (("title", "跳过"),)


def test_going_back_asks_the_field_before_again() -> None:
    full = FormProgress("purchase", (("title", "三体"), ("day", ""), ("who", "教师")))
    step = forms.back(FORM, full)
    assert (step.field, step.progress.answers) == (WHO, full.answers[:2])
    assert forms.back(FORM, FormProgress("purchase")).field == TITLE


def test_a_full_form_waits_at_its_summary() -> None:
    full = FormProgress("purchase", (("title", "三体"), ("day", ""), ("who", "教师")))
    step = forms.fill(FORM, full, "嗯", NOW, skipped=False)
    assert (step.progress, step.field, step.refused) == (full, None, False)


SLOT = replace(TITLE, name="slot", label="时间", check="slot", slots=("mon-fri 09:30-11:30", "mon-fri 14:00-16:00"))


def test_only_times_are_offered_that_have_not_begun_and_on_days_that_are_open() -> None:
    assert forms.choices(SLOT, NOW) == (
        "11月23日 周一 14:00–16:00", "11月24日 周二 9:30–11:30", "11月24日 周二 14:00–16:00", "11月25日 周三 9:30–11:30",
        "11月25日 周三 14:00–16:00", "11月27日 周五 9:30–11:30",
    )  # fmt: skip
    assert forms.choices(replace(SLOT, language=Language.EN), NOW)[0] == "Mon 23 Nov 14:00–16:00"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("1", "11月23日 周一 14:00–16:00"), ("６", "11月27日 周五 9:30–11:30"), ("周二上午", "11月24日 周二 9:30–11:30"),
        ("今天下午", "11月23日 周一 14:00–16:00"), ("明天下午3点", "11月24日 周二 14:00–16:00"),
        ("12月1日 10:00", "12月1日 周二 9:30–11:30"), ("12-01 下午两点", "12月1日 周二 14:00–16:00"),
        ("Tuesday 2 pm", "11月24日 周二 14:00–16:00"), ("tomorrow morning", "11月24日 周二 9:30–11:30"),
        ("下周三 14:30", "12月2日 周三 14:00–16:00"),
        ("7", None), ("0", None), ("今天上午", None), ("周六上午", None), ("周四上午", None),
        ("明天晚上8点", None), ("明天", None), ("上午", None),
        ("11月20日上午", None), ("2027-11-22 10:00", None), ("明天25点", None), ("明天上午送得到吗", None), ("9" * 40, None),
    ],
)  # fmt: skip
def test_a_delivery_time_is_one_of_those_that_can_be_had(typed: str, stored: str | None) -> None:
    assert forms.accepted(SLOT, typed, NOW, forms.choices(SLOT, NOW)) == stored


def test_a_time_that_was_offered_and_has_begun_meanwhile_is_refused() -> None:
    offered, later = forms.choices(SLOT, NOW), replace(NOW, now=NOW.now.replace(hour=14, minute=1))
    assert forms.accepted(SLOT, "1", later, offered) is None
    assert forms.accepted(SLOT, "2", later, offered) == offered[1]


def test_a_form_that_is_begun_with_what_was_named_asks_for_the_next_field() -> None:
    step = forms.start(FORM, 5, "三体")
    assert (step.progress.answers, step.field) == ((("title", "三体"),), DAY)
    assert forms.start(FORM, 5, "书" * 900).progress.answers[0][1] == "书" * 500


def test_personal_answers_are_told_apart() -> None:
    form = Form("purchase", "荐购", (TITLE, replace(DAY, personal=True)))
    assert forms.personal(form, FormProgress("purchase", (("title", "三体"), ("day", "2026-12-01")))) == (("day", "2026-12-01"),)


def test_days_that_the_roster_closes_or_moves_count_and_the_hours_of_people_do_not() -> None:
    people = Shift(1, "mei", (0, 1, 2, 3, 4), time(8), time(9), date(2026, 1, 1))
    specials = (Special(1, date(2026, 11, 24), SpecialKind.CLOSED), Special(2, date(2026, 11, 28), SpecialKind.EXTRA))
    almanac = replace(NOW, hours=replace(HOURS, roster=Roster((people,), specials)))
    assert [title[:6] for title in forms.choices(SLOT, almanac)] == ["11月23日", "11月25日", "11月25日", "11月27日", "11月27日", "11月28日"]


FULL = FormProgress("purchase", (("title", "三体"), ("day", ""), ("who", "教师")))


@pytest.mark.parametrize(("text", "name"), [("改日期", "day"), ("身份写错了", "who"), ("书名", "title"), ("改一下书名吧", "title")])
def test_one_field_is_changed_at_the_summary_and_the_others_stay(text: str, name: str) -> None:
    step = forms.change(FORM, FULL, text)
    assert step is not None
    assert step.field is not None
    assert (step.field.name, forms.pending(FORM, step.progress)) == (name, step.field)
    value = {"day": "明天", "who": "1", "title": "活着"}[name]
    after = forms.fill(FORM, step.progress, value, NOW)
    assert after.field is None
    stored = {"day": "2026-11-24", "who": "学生", "title": "活着"}[name]
    assert after.progress.answers == tuple((each, stored if each == name else old) for each, old in FULL.answers)


def test_a_change_that_is_taken_back_leaves_the_field_as_it_was() -> None:
    step = forms.change(FORM, FULL, "改书名")
    assert step is not None
    assert forms.back(FORM, step.progress) == forms.Step(FULL, None)


def test_a_wrong_value_for_a_change_is_asked_for_again() -> None:
    step = forms.change(FORM, FULL, "改身份")
    assert step is not None
    refused = forms.fill(FORM, step.progress, "9", NOW)
    assert (refused.refused, refused.field, refused.progress.answers) == (True, WHO, FULL.answers)


@pytest.mark.parametrize("text", ["不对", "好像哪里不对但我说不上来", "这本书名是我从老师那里听来的不知道对不对", ""])
def test_a_message_that_names_no_field_in_a_few_words_changes_nothing(text: str) -> None:
    assert forms.change(FORM, FULL, text) is None
