"""Incidents and requests on the desk: announced, ended, told once; the pages and the exports."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.answering import Answering
from bot.connector import Limits
from bot.desk import Clock, Desk
from bot.domain import Role
from bot.errors import NotFound, Refused
from bot.hours import DutyHours
from bot.incidents import Incident
from bot.messages import Address, Question
from bot.store import Store
from connectors.stub import Stub
from tests.conftest import MONDAY, FakeClock, FakeEngine
from tests.serving import Served, until

Say = Callable[..., str]
VPN = Incident(0, "VPN 故障", "The VPN is down.", ("vpn_setup",), (), "mei", MONDAY)


def lines(desk: Desk, connector: str = "rest", user: str = "reader") -> list[str]:
    return [line.text for line in desk.history(Address(connector, user)).lines]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"notice_zh": " \x00", "notice_en": ""}, "empty"),
        ({"intents": ()}, "intents"),
        ({"intents": ("vpn_setup", "nonsense")}, "intents"),
        ({"databases": ("FooBase",)}, "databases"),
        ({"expected_at": MONDAY - timedelta(minutes=1)}, "past"),
        ({"notice_zh": "长" * 301}, "characters in a notice: the limit is 300"),
    ],
)
def test_an_incident_that_says_or_concerns_nothing_is_refused(desk: Desk, wrong: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=why):
        desk.announce(replace(VPN, **wrong))  # type: ignore[arg-type]
    assert desk.status().incidents == ()


def test_askers_are_counted_and_told_once(desk: Desk, say: Say) -> None:
    number = desk.announce(VPN).id
    for _ in range(2):
        assert say("校外怎么用VPN").startswith("【通知】VPN 故障\n")
    assert "[Notice] The VPN is down." in say("how do I use the VPN", "other")
    assert desk.status().askers == (2,)
    assert desk.end_incident(number, "li") == 2
    assert desk.end_incident(number, "li") == 0
    assert sum("已经恢复" in text for text in lines(desk)) == 1
    assert "is over" in lines(desk, user="other")[-1]
    ended = desk.status().ended[0]
    assert (ended.notice_zh, ended.ended_at) == ("VPN 故障", MONDAY)


def test_ending_what_never_was_is_told(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.end_incident(7, "mei")


def test_nobody_is_interrupted_while_a_librarian_speaks(desk: Desk, say: Say) -> None:
    number = desk.announce(VPN).id
    say("校外怎么用VPN")
    say("转人工")
    desk.claim(1, "mei")
    assert desk.end_incident(number, "mei") == 0


def test_the_word_that_it_is_over_goes_out_through_the_outbox_once(served: Served) -> None:
    stub = served.connectors["stub"]
    assert isinstance(stub, Stub)
    number = served.desk.announce(VPN).id
    served.desk.ask(Question("m1", Address("stub", "reader"), "校外怎么用VPN")).result()
    served.desk.end_incident(number, "mei")
    served.desk.end_incident(number, "mei")
    until(lambda: len(stub.sent) == 2)
    assert [("【通知】" in each.reply.text, "已经恢复" in each.reply.text) for each in stub.sent] == [(True, False), (False, True)]


@pytest.mark.parametrize(("hours", "told"), [(0, 1), (2, 0)])
def test_nobody_is_told_whose_channel_takes_no_message_any_more(
    store: Store, engine: FakeEngine, answering: Answering, clock: FakeClock, hours: int, told: int
) -> None:
    limits = {"push": Limits(10_000, window=timedelta(hours=1), inline=False, quota=5)}
    duty = DutyHours("Asia/Shanghai", ())
    desk = Desk(store, engine, answering, duty, limits=limits, address="http://ask.example", clock=Clock(clock), secret="s" * 64)
    number = desk.announce(VPN).id
    desk.ask(Question("m1", Address("push", "reader"), "校外怎么用VPN")).result()
    clock.pass_(hours=hours)
    assert desk.end_incident(number, "mei") == told


def test_a_group_is_not_told(served: Served) -> None:
    number = served.desk.announce(VPN).id
    served.desk.ask(Question("m1", Address("stub", "reader", "group"), "校外怎么用VPN")).result()
    assert served.desk.end_incident(number, "mei") == 0


def test_a_notice_in_one_language_is_better_than_none(desk: Desk, say: Say) -> None:
    desk.announce(replace(VPN, notice_en=""))
    assert "VPN 故障" in say("how do I use the VPN")


def test_reports_of_one_asker_count_once_and_their_own_are_not_told_to_them(desk: Desk, say: Say, clock: FakeClock) -> None:
    assert "目前没有登记" in say("知网打不开")
    assert "目前没有登记" in say("知网打不开")
    assert "今天已有 1 位读者" in say("知网打不开", "other")
    assert [(fault.database, fault.reports) for fault in desk.status().faults] == [("中国知网", 2)]
    clock.pass_(hours=25)
    assert desk.status().faults == ()


def test_librarian_announces_and_ends_on_the_page(served: Served) -> None:
    mei = served.librarian("mei")
    page = mei.get("/desk/status").text
    assert 'name="intents" value="vpn_setup"' in page
    assert "目前没有通知" in page
    sent = mei.post("/desk/status", notice_zh="VPN <b>故障</b>", intents="vpn_setup", expected="2099-01-01T16:00")
    assert sent.status_code == 303
    page = mei.get("/desk/status").text
    assert "VPN &lt;b&gt;故障&lt;/b&gt;" in page
    assert "预计 01-01 16:00 恢复" in page
    ended = mei.post("/desk/status/1/end")
    assert ended.headers["location"] == "/desk/status?told=0"
    assert "通知已结束" in mei.get("/desk/status?told=0").text
    assert mei.post("/desk/status/9/end").status_code == 404


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"notice_zh": "", "notice_en": " "}, "请写通知内容"),
        ({"intents": ""}, "请至少选一类"),
        ({"expected": "2020-01-01T10:00"}, "要在现在之后"),
        ({"expected": "soon"}, "要在现在之后"),
        ({"notice_zh": "长" * 400}, "上限 300 字"),
        ({"databases": "FooBase"}, "没有这个名称"),
    ],
)
def test_what_was_typed_is_kept_when_a_notice_is_refused(served: Served, sent: dict[str, str], told: str) -> None:
    mei = served.librarian("mei")
    typed = {"notice_zh": "VPN 故障", "notice_en": "The VPN is down.", "intents": "vpn_setup", **sent}
    response = mei.post("/desk/status", **typed)
    assert response.status_code == 400
    assert told in response.text
    assert f'value="{typed["notice_en"]}"' in response.text
    assert ('value="vpn_setup" checked' in response.text) == (typed["intents"] == "vpn_setup")


def test_only_librarians_announce(served: Served) -> None:
    boss = served.librarian("boss", Role.MANAGER)
    assert "notice-zh" not in boss.get("/desk/status").text
    assert boss.post("/desk/status", notice_zh="x", intents="vpn_setup").status_code == 403
    assert boss.post("/desk/status/1/end").status_code == 403
    assert served.browser().get("/desk/status").status_code == 303
    mei = served.librarian("mei")
    mei.csrf = "wrong"
    assert mei.post("/desk/status", notice_zh="x", intents="vpn_setup").status_code == 403
    assert served.desk.status().incidents == ()


def suggest(served: Served, contact: str = "13800001234", item: str = "三体") -> None:
    for number, text in enumerate(("我要荐购一本书", "1", item, "=1+1", contact, "1")):
        served.desk.ask(Question(f"s{number}", Address("rest", "reader"), text)).result()


def test_requests_are_shown_and_exported_with_personal_fields_covered(served: Served) -> None:
    suggest(served)
    mei = served.librarian("mei")
    page = mei.get("/desk/requests").text
    assert "#1 荐购" in page
    assert "*********34" in page
    assert "13800001234" not in page
    exported = mei.get("/desk/requests?format=csv&form=purchase_suggestion")
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(exported.text.lstrip("\ufeff"))))
    assert rows[0] == ["编号", "类型", "提交时间", "状态", "处理人", "资源", "用途", "联系方式"]
    assert rows[1][:2] + rows[1][3:] == ["1", "荐购", "等待", "", "三体", "'=1+1", "*********34"]


def test_personal_fields_are_exported_to_librarians_who_ask_for_them_and_that_is_noted(served: Served) -> None:
    suggest(served)
    mei, boss = served.librarian("mei"), served.librarian("boss", Role.MANAGER)
    assert "13800001234" in mei.get("/desk/requests?format=csv&personal=1").text
    assert "13800001234" not in boss.get("/desk/requests?format=csv&personal=1").text
    assert "personal=1" not in boss.get("/desk/requests").text
    assert served.count("audit") > 0


def test_requests_of_other_kinds_and_times_are_left_out(served: Served) -> None:
    suggest(served)
    mei = served.librarian("mei")
    assert "没有申请" in mei.get("/desk/requests?form=book_delivery").text
    assert "没有申请" in mei.get("/desk/requests?from=2020-01-01&to=2020-01-31").text
    assert mei.get("/desk/requests?from=nonsense").status_code == 400
    assert "#1" in mei.get("/desk/requests?form=nonsense").text


def test_the_ticket_shows_personal_fields_to_its_librarian(served: Served) -> None:
    suggest(served)
    assert "13800001234" in served.librarian("mei").get("/desk/tickets/1").text
