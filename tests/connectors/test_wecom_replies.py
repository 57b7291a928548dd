"""What WeCom takes of our replies, what it refuses or loses, and what fails after it was taken."""

import asyncio
from typing import Any

import pytest

from bot.connector import Delivery
from bot.domain import DeliveryStatus
from bot.errors import DeliveryFailed, DeliveryRefused
from bot.messages import Address, Reply, ReplyKind
from tests.connectors import wecom_platform
from tests.connectors.contract import QUESTION
from tests.connectors.loopback import Asked, Told
from tests.connectors.wecom_platform import REMARK, Wecom, outbox, pulls, settle, tell
from tests.serving import Served, until

there, house = wecom_platform.there, wecom_platform.house


def deliver(house: Served, text: str = "您好", key: str = "refdesk-900", kind: ReplyKind = ReplyKind.LIBRARIAN) -> None:
    """One try of one delivery, as the outbox would make it."""
    delivery = Delivery(key, Address("wecom", "wm-reader"), Reply(kind, text), "", None, 0)
    asyncio.run(house.connectors["wecom"].deliver(delivery))


# --- five messages ---


def test_sixth_reply_waits_for_the_customers_next_message(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    ticket = house.ticket()
    house.desk.claim(ticket.id, "anna")
    for number in range(5):  # the handover was the first of five
        house.desk.reply(ticket.id, "anna", f"第{number}条")
        house.delivered()
    assert there.shown("wm-reader")[1:] == ["第0条", "第1条", "第2条", "第3条"]
    assert outbox(house)[-1][0] == DeliveryStatus.MAILBOX
    tell(house, there, "然后呢")
    assert there.shown("wm-reader")[-1] == "第4条"


def test_long_reply_says_that_it_goes_on_and_more_brings_the_rest(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    long = "".join(f"第{number}条，请看这里。" for number in range(400))
    house.answers(long)
    first = there.shown("wm-reader")[1:]
    assert len(first) == 4
    assert first[-1].endswith(REMARK)
    tell(house, there, "更多")
    assert "".join(text.removesuffix(REMARK) for text in there.shown("wm-reader")[1:]).replace("\n", "") == long
    assert there.left["wm-reader"] < 5


# --- faults while sending ---


def test_reply_arrives_when_the_token_expires_in_the_middle_of_sending(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")

    def expire(asked: Asked) -> None:
        there.good = "another program has fetched a token"

    there.fail("kf/send_msg", expire)
    house.answers("您好，在三楼。")
    assert there.shown("wm-reader")[-1] == "您好，在三楼。"
    assert len(there.shown("wm-reader")) == 2


TAKEN = {"500": Told("", 500), "HTML": Told("<html></html>"), "nothing": Told(None), "an empty body": Told("")}


@pytest.mark.parametrize("fault", TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("taken", [True, False])
def test_reply_arrives_once_when_the_platforms_answer_is_lost(house: Served, there: Wecom, fault: Told, taken: bool) -> None:
    tell(house, there, "转人工")

    def lose(asked: Asked) -> Told:
        if taken:
            there.send(asked.body)
        return fault

    there.fail("kf/send_msg", lose, fault)
    house.answers("您好，在三楼。")
    assert there.shown("wm-reader").count("您好，在三楼。") == 1
    assert outbox(house)[-1][0] == DeliveryStatus.DELIVERED


@pytest.mark.parametrize("errcode", [45009, 48002, 60020, 95017])
def test_reply_is_tried_again_later_when_the_refusal_will_pass(house: Served, there: Wecom, errcode: int) -> None:
    tell(house, there, QUESTION)
    there.fail("kf/send_msg", {"errcode": errcode, "errmsg": "not now"})
    with pytest.raises(DeliveryFailed, match=f"errcode {errcode} not now"):
        deliver(house)


@pytest.mark.parametrize("errcode", [95001, 95018, 95004, 40003])
def test_reply_waits_in_the_mailbox_when_the_platform_will_not_take_it(house: Served, there: Wecom, errcode: int) -> None:
    tell(house, there, QUESTION)
    there.fail("kf/send_msg", {"errcode": errcode, "errmsg": "never"})
    with pytest.raises(DeliveryRefused, match=f"errcode {errcode} never"):
        deliver(house)


def test_reply_is_tried_again_later_when_the_platform_is_down(house: Served, there: Wecom) -> None:
    tell(house, there, QUESTION)
    there.fail("kf/send_msg", *[Told("<html>502</html>", 502)] * 3)
    with pytest.raises(DeliveryFailed, match="not JSON"):
        deliver(house)


def test_nothing_is_sent_in_a_state_that_is_not_known(house: Served, there: Wecom) -> None:
    tell(house, there, QUESTION)
    there.fail("kf/service_state/get", {"errcode": 0, "service_state": 9}, {"errcode": 0}, {"errcode": 0, "service_state": "x"})
    for _ in range(3):
        with pytest.raises(DeliveryRefused):
            deliver(house)
    assert len(there.sent) == 1


# --- messages that fail after they were taken ---


def test_reply_that_failed_later_is_not_delivered_and_comes_with_the_next_message(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    house.answers("您好，在三楼。")
    failed = there.sent.pop()[1]["msgid"]
    there.happens("wm-reader", "msg_send_fail", fail_msgid=failed, fail_type=4)
    tell(house, there)
    assert outbox(house)[-1] == (
        DeliveryStatus.MAILBOX,
        "the platform did not deliver it: more than 48 hours after the customer's last message",
    )
    tell(house, there, "还在吗")
    assert there.shown("wm-reader")[-1] == "您好，在三楼。"
    assert there.sent[-1][1]["msgid"] not in ("", failed)


def test_failure_that_is_told_twice_is_repaired_once(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    house.answers("您好，在三楼。")
    failed = there.sent.pop()[1]["msgid"]
    there.happens("wm-reader", "msg_send_fail", "f-1", fail_msgid=failed, fail_type=5)
    tell(house, there, "还在吗")
    there.happens("wm-reader", "msg_send_fail", "f-1", fail_msgid=failed, fail_type=5)
    tell(house, there, "喂")
    assert there.shown("wm-reader").count("您好，在三楼。") == 1


def test_only_the_part_that_failed_is_sent_again(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    house.answers("".join(f"第{number}条，请看这里。" for number in range(180)))
    parts = there.shown("wm-reader")[1:]
    assert len(parts) == 3
    there.happens("wm-reader", "msg_send_fail", fail_msgid=there.sent[-2][1]["msgid"], fail_type=0)
    tell(house, there, "更多")
    assert there.shown("wm-reader")[1:] == [*parts, parts[1]]


@pytest.mark.parametrize("failed", ["refdesk-999999", "", "somebody-elses", "refdesk-1_x", "refdesk_0123456789abcdef01234567"])
def test_failure_of_a_message_that_is_not_ours_changes_nothing(house: Served, there: Wecom, failed: str) -> None:
    tell(house, there, QUESTION)
    there.happens("wm-reader", "msg_send_fail", fail_msgid=failed, fail_type=0)
    tell(house, there, "你好")
    assert {status for status, _ in outbox(house)} == {DeliveryStatus.DELIVERED}


def test_reply_waits_when_its_failure_is_told_before_it_counts_as_delivered(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    client, pulled = house.client(), len(pulls(there))

    def fail_at_once(asked: Asked) -> dict[str, Any]:
        there.happens("wm-reader", "msg_send_fail", fail_msgid=asked.body["msgid"], fail_type=10)
        there.ring(client)
        until(lambda: len(pulls(there)) > pulled)
        return {"errcode": 0, "errmsg": "ok"}

    there.fail("kf/send_msg", fail_at_once)
    house.answers("您好，在三楼。")
    until(lambda: outbox(house)[-1] == (DeliveryStatus.MAILBOX, "the platform did not deliver it: the customer refuses messages"))
    settle(house, there)
    tell(house, there, "还在吗")
    assert there.shown("wm-reader")[-1] == "您好，在三楼。"
