"""WeCom customer service against a platform on loopback that enforces its own rules."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from bot import connector
from bot.errors import WrongSetting
from tests.connectors import wecom_platform
from tests.connectors.contract import ANSWER, QUESTION, Contract
from tests.connectors.loopback import Asked, Told
from tests.connectors.wecom_platform import (
    ACCOUNT,
    SECRET,
    SECTION,
    Wecom,
    WecomChannel,
    doorbell,
    pulls,
    sealed,
    settle,
    tell,
    words,
)
from tests.serving import Served, until

there, house = wecom_platform.there, wecom_platform.house


class TestWecom(Contract):
    @pytest.fixture
    def channel(self, there: Wecom) -> WecomChannel:
        return WecomChannel(there)


# --- bursts ---


def test_every_message_of_a_burst_is_answered_in_order(house: Served, there: Wecom) -> None:
    said = {f"wm-{number}": [f"第{count}问" for count in range(25)] for number in range(12)}
    for count in range(25):
        for user, texts in said.items():
            there.says(user, texts[count])
    there.ring(house.client())
    settle(house, there)
    assert {user: house.messages("wecom", user) for user in said} == said
    assert [body["cursor"] for body in pulls(there)][-3:] == ["c0", "c100", "c200"] or len(pulls(there)) >= 3


def test_messages_that_come_twice_are_answered_once(house: Served, there: Wecom) -> None:
    for _ in range(3):
        there.says("wm-reader", QUESTION, "m-1")
    there.ring(house.client())
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]
    assert len(there.shown("wm-reader")) == 1


def test_pull_goes_on_after_an_empty_page_that_says_there_is_more(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))
    there.says("wm-reader", QUESTION)
    there.fail("kf/sync_msg", {"errcode": 0, "next_cursor": "c00", "has_more": 1, "msg_list": []})
    there.ring(house.client())
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]


def test_pulls_of_one_account_never_overlap(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))
    inside, most = 0, 0

    def watch(asked: Asked) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        client.post("/webhooks/wecom", params=query, content=body)  # one more ring while this pull is under way
        inside -= 1

    client, (query, body) = house.client(), sealed(doorbell())
    there.fail("kf/sync_msg", *[watch] * 10)
    for number in range(10):
        there.says("wm-reader", f"第{number}问")
        there.ring(house.client())
    settle(house, there)
    until(lambda: not there.faults)
    assert most == 1
    assert len(house.messages("wecom", "wm-reader")) == 10


def test_message_that_comes_during_a_pull_is_fetched_by_its_own_ring(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))

    def meanwhile(asked: Asked) -> dict[str, Any]:
        page = there.sync(asked.body)
        there.says("wm-late", "迟到的问题")
        there.ring(client)
        return page

    client = house.client()
    there.fail("kf/sync_msg", meanwhile)
    tell(house, there, QUESTION)
    assert house.messages("wecom", "wm-late") == ["迟到的问题"]


BROKEN = {
    "500": Told("", 500),
    "HTML": Told("<html>busy</html>"),
    "nothing": Told(None),
    "an errcode": {"errcode": 45009, "errmsg": "api freq out of limit"},
    "a success without a list": {"errcode": 0, "errmsg": "ok"},
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_messages_are_fetched_later_when_the_platform_has_a_fault(house: Served, there: Wecom, fault: Any) -> None:
    until(lambda: pulls(there))
    there.says("wm-reader", QUESTION)
    there.fail("kf/sync_msg", *[fault] * 3)
    there.ring(house.client())
    until(lambda: there.ring(house.client()) and not there.faults)
    there.ring(house.client())
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]
    assert len(there.shown("wm-reader")) == 1


def test_server_that_was_down_fetches_what_came_meanwhile_without_a_ring(serve: Callable[..., Served], there: Wecom) -> None:
    there.says("wm-reader", QUESTION)
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url}})
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]


def test_new_server_leaves_messages_of_the_days_before_to_those_who_had_them(serve: Callable[..., Served], there: Wecom) -> None:
    there.says("wm-old", QUESTION)
    there.log[0]["send_time"] -= 3600
    there.says("wm-reader", QUESTION)
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url}})
    settle(house, there)
    assert (house.messages("wecom", "wm-old"), house.messages("wecom", "wm-reader")) == ([], [QUESTION])


def test_patron_who_floods_does_not_hold_up_the_others(serve: Callable[..., Served], there: Wecom) -> None:
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url}}, server={"asks_per_minute": 1})
    for number in range(205):
        there.says("wm-flood", "转人工" if not number else f"第{number}问")
    tell(house, there, QUESTION)
    assert house.messages("wecom", "wm-reader") == [QUESTION]
    assert len(house.messages("wecom", "wm-flood")) == 200


# --- odd entries ---


def test_odd_entries_do_not_stop_the_others(house: Served, there: Wecom) -> None:
    there.log += [
        7, None, [], {}, {"msgid": ""}, {"msgid": "a"}, {"msgid": "b", "origin": 3}, {"msgid": "c", "origin": "3", "msgtype": "text"},
        {"msgid": "d", "send_time": "soon", "origin": 3, "external_userid": "wm-x", "open_kfid": ACCOUNT, "msgtype": 7},
        {"msgid": "e", "send_time": int(time.time()), "origin": 4, "msgtype": "event", "event": "none"},
        {"msgid": "f", "send_time": int(time.time()), "origin": 4, "msgtype": "event", "event": {"event_type": "made_up_in_2031"}},
        {"msgid": "g", "send_time": int(time.time()), "origin": 5, "external_userid": "wm-reader", "open_kfid": ACCOUNT, "msgtype": "text",
         "text": {"content": "我是馆员"}, "servicer_userid": "anna"},
    ]  # fmt: skip
    there.says("wm-reader", QUESTION, unknown_field={"deep": []})
    there.log[-1] |= {"send_time": str(int(time.time())), "origin": "3", "more": 1}
    there.ring(house.client())
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]


def test_picture_is_asked_about_and_goes_to_the_librarian(house: Served, there: Wecom) -> None:
    there.says("wm-reader", kind="image", media_id="MEDIA1")
    tell(house, there)
    assert len(there.shown("wm-reader")) == 1
    assert [body["media_id"] for entry in there.log if (body := entry.get("image"))] == ["MEDIA1"]
    stored = house.desk.store.read(lambda s: s._rows("select attachments from messages where who = 'patron'"))
    assert "MEDIA1" in stored[0]["attachments"]


# --- choices ---


def test_customer_taps_one_of_the_choices(house: Served, there: Wecom) -> None:
    tell(house, there, "VPN")
    (_, body) = there.sent[-1]
    assert body["msgtype"] == "msgmenu"
    first = body["msgmenu"]["list"][0]["click"]
    there.says("wm-reader", first["content"], menu_id=first["id"])
    tell(house, there)
    assert ANSWER in there.shown("wm-reader")[-1]


def test_customer_types_the_number_of_a_choice(house: Served, there: Wecom) -> None:
    tell(house, there, "VPN")
    tell(house, there, "1")
    assert ANSWER in there.shown("wm-reader")[-1]


# --- welcome ---


def test_newcomer_is_welcomed_with_the_most_asked_questions_and_may_tap_one(house: Served, there: Wecom) -> None:
    there.happens("wm-reader", "enter_session", scene="home", welcome_code="WC1")
    tell(house, there)
    (welcome,) = there.on_event
    assert welcome["code"] == "WC1"
    assert "问询台" in words(welcome)
    first = next(item["click"] for item in welcome["msgmenu"]["list"] if "VPN" in item["click"]["content"])
    there.says("wm-reader", first["content"], menu_id=first["id"])
    tell(house, there)
    assert ANSWER in there.shown("wm-reader")[-1]


@pytest.mark.parametrize(("code", "age"), [("", 0), ("WC1", 21)])
def test_nobody_is_welcomed_without_a_code_or_too_late(house: Served, there: Wecom, code: str, age: int) -> None:
    there.happens("wm-reader", "enter_session", scene="home", **({"welcome_code": code} if code else {}))
    there.log[-1]["send_time"] -= age
    tell(house, there)
    assert (there.on_event, there.sent, house.count("messages")) == ([], [], 0)


# --- several accounts ---


def test_customers_of_another_account_are_answered_there(serve: Callable[..., Served], there: Wecom) -> None:
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url, "open_kfid": f"wkB, {ACCOUNT}"}})
    tell(house, there, QUESTION)
    assert [body["open_kfid"] for _, body in there.sent] == [ACCOUNT]
    assert {body["open_kfid"] for body in pulls(there)} == {"wkB", ACCOUNT}
    rooms = house.desk.store.read(lambda s: s._rows("select user, room from conversations"))
    assert [(row["user"], row["room"]) for row in rooms] == [("wm-reader", ACCOUNT)]


# --- settings ---


def test_wecom_is_off_by_default() -> None:
    assert connector.load("wecom", {}) is None


@pytest.mark.parametrize("missing", SECTION)
def test_wecom_names_a_key_that_is_missing_beside_others(missing: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("wecom", {name: value for name, value in SECTION.items() if name != missing})
    assert caught.value.key == f"connectors.wecom.{missing}"


@pytest.mark.parametrize(("key", "value"), [("encoding_aes_key", "short"), ("handover", "nobody"), ("api_base", "qyapi.weixin.qq.com")])
def test_wecom_names_a_setting_that_has_a_wrong_value_and_shows_no_secret(key: str, value: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("wecom", {**SECTION, key: value})
    assert caught.value.key == f"connectors.wecom.{key}"
    assert SECRET not in str(caught.value)
