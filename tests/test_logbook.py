"""Consultations by phone, at a desk or by mail are written down on a page."""

from datetime import timedelta

import pytest

from bot import reports
from bot.domain import Event, EventName
from tests.serving import Colleague, Served


@pytest.fixture
def anna(served: Served) -> Colleague:
    """A librarian."""
    return served.librarian("anna")


def logged(served: Served) -> list[Event]:
    """What the log has made of it."""
    now = served.desk.clock.now()
    events = served.desk.store.read(lambda s: s.histories(now - timedelta(days=40), now + timedelta(days=1)))
    return [event for event in events if event.name is EventName.LOGGED]


def test_librarian_logs_a_phone_call_with_a_channel_and_a_topic(served: Served, anna: Colleague) -> None:
    answer = anna.post("/desk/log", channel="phone", topic="vpn_setup")
    assert answer.headers["location"] == "/desk/log?done=phone"
    assert "已登记一条电话咨询" in anna.get("/desk/log?done=phone").text
    (event,) = logged(served)
    assert (event.connector, event.intent, event.librarian) == ("phone", "vpn_setup", "anna")
    (asked,) = reports.questions(served.desk.store.read(lambda s: s.histories(event.at, event.at + timedelta(seconds=1))))
    assert asked.result is reports.Result.LIBRARIAN


def test_topic_may_be_chosen_from_the_list_instead_of_a_button(served: Served, anna: Colleague) -> None:
    anna.client.post("/desk/log", data={"csrf": anna.csrf, "channel": "desk", "topic": ["", "lost_book"], "text": "书丢了"})
    assert [event.intent for event in logged(served)] == ["lost_book"]


def test_consultation_may_have_been_earlier_and_in_english(served: Served, anna: Colleague) -> None:
    earlier = served.desk.clock.now() - timedelta(hours=3)
    local = earlier.astimezone(served.desk.hours.zone)
    anna.post("/desk/log", channel="mail", at=f"{local:%Y-%m-%dT%H:%M}", language="en")
    (event,) = logged(served)
    assert abs(event.at - earlier) < timedelta(minutes=1)
    assert (event.language, event.intent) == ("en", "")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"channel": ""}, "请选择渠道"),
        ({"channel": "web"}, "请选择渠道"),
        ({"channel": "phone", "topic": "nonsense"}, "没有这个主题"),
        ({"channel": "phone", "at": "yesterday"}, "时间写得不对"),
        ({"channel": "phone", "at": "2999-01-01T00:00"}, "不能晚于现在"),
        ({"channel": "phone", "text": "长" * 5001}, "内容太长"),
    ],
)
def test_librarian_is_told_what_is_wrong_and_nothing_typed_is_lost(
    served: Served, anna: Colleague, fields: dict[str, str], told: str
) -> None:
    answer = anna.post("/desk/log", **{"text": "写了很多", **fields})
    assert (answer.status_code, told in answer.text) == (400, True)
    assert fields.get("text", "写了很多")[:100] in answer.text
    assert logged(served) == []
