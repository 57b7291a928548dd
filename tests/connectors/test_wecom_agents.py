"""Who has a WeCom customer: the bot, our desk, or the platform's own agents, whose words are stored and counted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain import DeliveryStatus, TicketStatus
from bot.ledger import Ledger
from bot.reports import Figures, Query
from tests.connectors import wecom_platform
from tests.connectors.contract import QUESTION
from tests.connectors.wecom_platform import SECTION, Wecom, outbox, tell, words
from tests.serving import Served

there, house = wecom_platform.there, wecom_platform.house


@pytest.fixture
def agents(serve: Callable[..., Served], there: Wecom) -> Served:
    """The same, but the platform's own agents take over."""
    return serve({"wecom": {**SECTION, "api_base": there.platform.url, "handover": "agents"}})


# --- who speaks ---


def test_customer_stays_with_our_desk_when_a_librarian_is_wanted(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    assert there.states["wm-reader"] == 1
    house.answers("您好，在三楼。")
    assert there.shown("wm-reader")[-1] == "您好，在三楼。"


def test_customer_still_has_our_desk_when_the_platform_does_not_change_the_session(house: Served, there: Wecom) -> None:
    there.fail("kf/service_state/trans", {"errcode": 48002, "errmsg": "api forbidden"})
    tell(house, there, "转人工")
    assert there.states["wm-reader"] == 0
    assert len(there.shown("wm-reader")) == 1


def test_customer_is_told_and_goes_to_the_pool_of_the_platforms_agents(agents: Served, there: Wecom) -> None:
    tell(agents, there, QUESTION)
    assert there.states["wm-reader"] == 0
    tell(agents, there, "转人工")
    assert there.states["wm-reader"] == 2
    assert len(there.shown("wm-reader")) == 2


@pytest.mark.parametrize(("fault", "state"), [(None, 3), ({"errcode": 95014, "errmsg": "servicer not ready"}, 2)])
def test_customer_goes_to_the_named_agent_or_to_the_pool_when_nobody_is_there(
    serve: Callable[..., Served], there: Wecom, fault: dict[str, Any] | None, state: int
) -> None:
    section = {**SECTION, "api_base": there.platform.url, "handover": "agents", "servicer_userid": "anna"}
    house = serve({"wecom": section})
    if fault:
        there.fail("kf/service_state/trans", fault)
    tell(house, there, "转人工")
    assert (there.states["wm-reader"], there.servicers["wm-reader"]) == (state, "anna" if state == 3 else "")


def test_our_desk_keeps_the_ticket_when_the_agents_cannot_be_given_a_customer(agents: Served, there: Wecom) -> None:
    there.fail("kf/service_state/trans", {"errcode": 95018, "errmsg": "session status invalid"})
    tell(agents, there, "转人工")
    agents.answers("您好，在三楼。")
    assert there.shown("wm-reader")[-1] == "您好，在三楼。"


@pytest.mark.parametrize("state", [2, 3, 4])
def test_reply_waits_while_the_session_is_not_ours_and_comes_with_the_next_message(house: Served, there: Wecom, state: int) -> None:
    tell(house, there, "转人工")
    there.states["wm-reader"] = state
    house.answers("您好，在三楼。")
    assert "您好，在三楼。" not in there.shown("wm-reader")
    assert outbox(house)[-1][0] == DeliveryStatus.MAILBOX
    there.states["wm-reader"] = 4
    tell(house, there, "还在吗")
    assert there.shown("wm-reader")[-1] == "您好，在三楼。"


def test_bot_is_silent_while_an_agent_has_taken_the_customer_and_speaks_again_afterwards(house: Served, there: Wecom) -> None:
    tell(house, there, QUESTION)
    there.states["wm-reader"] = 3
    there.happens("wm-reader", "session_status_change", change_type=1, new_servicer_userid="anna")
    tell(house, there, "您好，帮我查一下")
    assert len(there.shown("wm-reader")) == 1
    there.states["wm-reader"] = 4
    there.happens("wm-reader", "session_status_change", change_type=3, old_servicer_userid="anna")
    tell(house, there, "知网打不开")
    assert len(there.shown("wm-reader")) == 2


# --- the platform's own agents ---


def said(house: Served) -> list[tuple[str, str, str]]:
    """Who said what: the role, the name of a person of the library, the words."""
    found = house.desk.store.read(lambda s: s.messages(1))
    return [(message.who.value, message.author, message.text) for message in found]


def figures(house: Served) -> Figures:
    """All questions of these days."""
    today = datetime.now(UTC).date()
    days = Query(today - timedelta(days=1), today + timedelta(days=1))
    return Ledger(house.desk.store, house.desk.hours).grouped(days, "channel")[0]


def taken(there: Wecom, user: str = "wm-reader", agent: str = "li") -> None:
    """An agent of the platform has the customer from now on."""
    there.states[user] = 3
    there.happens(user, "session_status_change", change_type=1, new_servicer_userid=agent)


def ended(there: Wecom, user: str = "wm-reader") -> None:
    there.states[user] = 4
    there.happens(user, "session_status_change", change_type=3, old_servicer_userid="li")


def test_agents_words_are_stored_and_count_as_a_persons_answer(agents: Served, there: Wecom) -> None:
    tell(agents, there, "转人工")
    taken(there)
    there.replies("wm-reader", "您好，请说。")
    there.says("wm-reader", "书在哪里")
    there.replies("wm-reader", "在三楼。", number="agent-2")
    tell(agents, there)
    assert said(agents)[2:] == [
        ("librarian", "wecom:li", "您好，请说。"), ("patron", "", "书在哪里"), ("librarian", "wecom:li", "在三楼。"),
    ]  # fmt: skip
    (ticket,) = agents.tickets(TicketStatus.ANSWERED)
    assert (ticket.id, ticket.claimed_by) == (1, "wecom:li")
    assert agents.tickets(TicketStatus.WAITING) == ()
    ended(there)
    tell(agents, there)
    assert [ticket.id for ticket in agents.tickets(TicketStatus.CLOSED)] == [1]
    assert (figures(agents).questions, figures(agents).by_librarian) == (1, 1)
    assert len(there.shown("wm-reader")) == 1


def test_agents_words_that_come_twice_are_stored_once(agents: Served, there: Wecom) -> None:
    tell(agents, there, "转人工")
    for _ in range(2):
        there.replies("wm-reader", "在三楼。", number="agent-1")
    tell(agents, there)
    assert said(agents)[2:] == [("librarian", "wecom:li", "在三楼。")]


@pytest.mark.parametrize("handover", ["desk", "agents"])
def test_customer_whom_an_agent_took_without_us_is_that_agents_until_the_session_ends(
    serve: Callable[..., Served], there: Wecom, handover: str
) -> None:
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url, "handover": handover}})
    taken(there)
    tell(house, there, "你好", "帮我查一下馆藏")
    assert house.tickets(TicketStatus.WAITING) == ()
    (ticket,) = house.tickets(TicketStatus.CLAIMED)
    assert (ticket.reason, ticket.claimed_by) == ("agent", "wecom:li")
    assert figures(house).waiting == 1
    there.replies("wm-reader", "有两本，都在架上。")
    tell(house, there, "谢谢")
    assert there.shown("wm-reader") == []
    assert house.librarian().get(f"/desk/tickets/{ticket.id}").status_code == 200
    ended(there)
    tell(house, there)
    assert figures(house).by_librarian == figures(house).questions == 1
    tell(house, there, QUESTION)
    assert len(there.shown("wm-reader")) == 1
    assert figures(house).by_bot == 1


def test_agent_who_takes_up_what_the_bot_could_not_settle_has_answered_it(house: Served, there: Wecom) -> None:
    tell(house, there, QUESTION)
    assert figures(house).by_bot == 1
    taken(there)
    there.replies("wm-reader", "我来帮您看。")
    tell(house, there)
    assert (figures(house).by_bot, figures(house).by_librarian) == (0, 1)
    assert said(house)[-1] == ("librarian", "wecom:li", "我来帮您看。")


def test_words_of_an_agent_to_somebody_who_asked_nothing_are_only_stored(house: Served, there: Wecom) -> None:
    there.replies("wm-reader", "您预约的书到了。")
    tell(house, there)
    assert said(house) == [("librarian", "wecom:li", "您预约的书到了。")]
    assert figures(house).questions == 0


def test_ticket_that_our_desk_has_stays_there_when_an_agents_session_ends(house: Served, there: Wecom) -> None:
    tell(house, there, "转人工")
    house.desk.claim(1, "anna")
    taken(there)
    there.replies("wm-reader", "稍等，图书馆会回复您。")
    ended(there)
    tell(house, there)
    (ticket,) = house.tickets(TicketStatus.ANSWERED)
    assert ticket.claimed_by == "anna"


EVENTS: dict[str, dict[str, Any]] = {
    "enter_session": {"scene": "123", "scene_param": "abc"},
    "msg_send_fail": {"fail_msgid": "somebody-elses", "fail_type": 4},
    "servicer_status_change": {"servicer_userid": "li", "status": 1},
    "session_status_change": {"change_type": 2, "old_servicer_userid": "li", "new_servicer_userid": "wang"},
    "user_recall_msg": {"recall_msgid": "msg-1"},
    "servicer_recall_msg": {"recall_msgid": "msg-1", "servicer_userid": "li"},
    "reject_customer_msg_switch_change": {"servicer_userid": "li", "reject_switch": 1},
    "an_event_of_next_year": {"size": "3"},
}


@pytest.mark.parametrize("event", EVENTS)
def test_event_of_every_type_is_dealt_with_and_holds_nobody_up(house: Served, there: Wecom, event: str) -> None:
    there.says("wm-reader", "转人工")
    there.happens("wm-reader", event, **EVENTS[event])
    there.says("wm-reader", "还在吗")
    tell(house, there)
    assert house.messages("wecom", "wm-reader") == ["转人工", "还在吗"]
    assert len(there.shown("wm-reader")) == 1


@pytest.mark.parametrize("change", [1, 2, 3, 4])
def test_agent_has_the_customer_after_every_change_but_the_end(house: Served, there: Wecom, change: int) -> None:
    there.happens("wm-reader", "session_status_change", change_type=change, old_servicer_userid="li", new_servicer_userid="wang")
    there.says("wm-reader", QUESTION)
    there.states["wm-reader"] = 0
    tell(house, there)
    claimed = [ticket.claimed_by for ticket in house.tickets(TicketStatus.CLAIMED)]
    assert (claimed, len(there.shown("wm-reader"))) == ((["wecom:wang"], 0) if change != 3 else ([], 1))


@pytest.mark.parametrize("kind", ["image", "business_card", "miniprogram", "hologram"])
def test_librarian_opens_a_ticket_with_whatever_was_sent(house: Served, there: Wecom, kind: str) -> None:
    there.says("wm-reader", kind=kind, media_id="M1", userid="zhang", title="座位", pagepath="pages/seat")
    tell(house, there, "转人工")
    there.replies("wm-reader", kind=kind, media_id="M2")
    tell(house, there)
    assert house.librarian().get("/desk/tickets/1").status_code == 200


def test_closing_rating_is_asked_for_and_counts_once(agents: Served, there: Wecom) -> None:
    tell(agents, there, "转人工")
    there.states["wm-reader"] = 4
    there.happens("wm-reader", "session_status_change", change_type=3, msg_code="MC1")
    tell(agents, there)
    assert agents.tickets(TicketStatus.CLOSED)
    (asked,) = there.on_event
    assert (asked["code"], words(asked)) == ("MC1", "本次咨询已结束，您对馆员的服务满意吗？\n满意\n不满意")
    for item in asked["msgmenu"]["list"]:
        there.says("wm-reader", item["click"]["content"], menu_id=item["click"]["id"])
    tell(agents, there)
    judged = agents.desk.store.read(lambda s: s._rows("select name, ticket from events where name in ('helpful', 'unhelpful')"))
    assert [(row["name"], row["ticket"]) for row in judged] == [("helpful", 1)]
    assert agents.messages("wecom", "wm-reader") == ["转人工"]


def test_rating_is_not_asked_for_when_its_time_is_over(agents: Served, there: Wecom) -> None:
    tell(agents, there, "转人工")
    there.happens("wm-reader", "session_status_change", change_type=3, msg_code="MC1")
    there.log[-1]["send_time"] -= 21
    tell(agents, there)
    assert there.on_event == []
