"""WeCom customer service against a platform on loopback that enforces its own rules."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from wechatpy.enterprise.crypto import WeChatCrypto as EnterpriseCrypto

from bot import connector
from bot.connector import Delivery
from bot.domain import DeliveryStatus, TicketStatus
from bot.errors import DeliveryFailed, DeliveryRefused, WrongSetting
from bot.ledger import Ledger
from bot.messages import Address, Reply, ReplyKind
from bot.reports import Figures, Query
from connectors.shared.envelope import Key
from connectors.wecom.intake import inbox
from tests.connectors.contract import ANSWER, QUESTION, Contract
from tests.connectors.loopback import Asked, Told
from tests.connectors.wecom_platform import ACCOUNT, AES_KEY, CORP, SECRET, TOKEN, Wecom, doorbell, sealed, words
from tests.serving import Served, until

REMARK = "（未完，回复“更多”接着看）"
SECTION = {"corp_id": CORP, "secret": SECRET, "token": TOKEN, "encoding_aes_key": AES_KEY, "open_kfid": ACCOUNT}


def settle(served: Served, there: Wecom) -> None:
    """Wait until everything that happened so far is fetched, and what follows from it is delivered."""
    until(lambda: served.desk.store.read(lambda s: s.fact(f"wecom.cursor.{ACCOUNT}")) == there.cursor or not there.log)
    until(lambda: not served.desk.store.read(lambda s: s.kept(inbox(ACCOUNT))))
    served.delivered()


class WecomChannel:
    """Customers who write by the platform; what it took to be shown is what was heard."""

    name = "wecom"
    routes = frozenset({"/webhooks/wecom"})

    def __init__(self, there: Wecom) -> None:
        self.there = there
        self.section: Mapping[str, Any] = {**SECTION, "api_base": there.platform.url}

    def user(self, asker: str) -> str:
        return f"wm-{asker}"

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        self.there.says(self.user(asker), text, number)
        assert self.there.ring(served.client()).text == "success"
        settle(served, self.there)
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        while (shown := self.there.shown(self.user(asker))) and shown[-1].endswith(REMARK):
            self.send(served, asker, "更多", f"more-{len(shown)}")
        return tuple(text.removesuffix(REMARK) for text in shown)


@pytest.fixture
def there() -> Iterator[Wecom]:
    """The platform; at the end it must not have had to refuse anything."""
    there = Wecom()
    there.platform.start()
    yield there
    there.platform.stop()
    assert there.broken == []


class TestWecom(Contract):
    @pytest.fixture
    def channel(self, there: Wecom) -> WecomChannel:
        return WecomChannel(there)


@pytest.fixture
def house(serve: Callable[..., Served], there: Wecom) -> Served:
    """A server with this channel alone, whose desk takes over."""
    return serve({"wecom": {**SECTION, "api_base": there.platform.url}})


@pytest.fixture
def agents(serve: Callable[..., Served], there: Wecom) -> Served:
    """The same, but the platform's own agents take over."""
    return serve({"wecom": {**SECTION, "api_base": there.platform.url, "handover": "agents"}})


def tell(house: Served, there: Wecom, *texts: str, user: str = "wm-reader") -> None:
    """A customer writes; returns when everything that follows has happened."""
    for text in texts:
        there.says(user, text)
    there.ring(house.client())
    settle(house, there)


def outbox(house: Served) -> list[tuple[str, str]]:
    """Status and last error of every reply, oldest first."""
    found = house.desk.store.read(lambda s: s._rows("select status, error from outbox order by id"))
    return [(row["status"], row["error"]) for row in found]


def deliver(house: Served, text: str = "您好", key: str = "refdesk-900", kind: ReplyKind = ReplyKind.LIBRARIAN) -> None:
    """One try of one delivery, as the outbox would make it."""
    delivery = Delivery(key, Address("wecom", "wm-reader"), Reply(kind, text), "", None, 0)
    asyncio.run(house.connectors["wecom"].deliver(delivery))


# --- the callback ---


def wecom_at(serve: Callable[..., Served], there: Wecom, **section: str) -> httpx.Client:
    return serve({"wecom": {**SECTION, "api_base": there.platform.url, **section}}).client()


def test_administrators_check_of_the_address_passes_with_the_official_sample(serve: Callable[..., Served], there: Wecom) -> None:
    there.fail("gettoken", *[{"errcode": 40013, "errmsg": "invalid corpid"}] * 50)
    key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
    client = wecom_at(serve, there, corp_id="wx5823bf96d3bd56c7", token="QDG6eK", encoding_aes_key=key)
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "timestamp": "1409659589", "nonce": "263014780",
        "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    }  # fmt: skip
    answer = client.get("/webhooks/wecom", params=query)
    assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
    unescaped = "&".join(f"{name}={value}" for name, value in query.items())
    assert client.get(f"/webhooks/wecom?{unescaped}").content == b"1616140317555161061"


ECHO = {
    "msg_signature": "5c39d69970d7de841cbf8c060d03b5a24a7ce738", "timestamp": "1767225600", "nonce": "1372623149",
    "echostr": "5ChDeO1SRNwnSTozoASVI4hVG2/79HLGHHBq8Mh7JQf+AJWy/zx+CncGR/toZd7B2fXcronLSL6wXONNSAIjsw==",
}  # fmt: skip


def test_administrators_check_of_the_address_passes_with_our_own_vector(house: Served) -> None:
    assert house.client().get("/webhooks/wecom", params=ECHO).content == b"5927782489442352469"


def test_counterpart_rings_and_the_message_is_fetched(house: Served, there: Wecom) -> None:
    there.says("wm-reader", QUESTION)
    theirs = EnterpriseCrypto(TOKEN, AES_KEY, CORP)
    body = theirs.encrypt_message(doorbell().decode(), "1597212914", "1767225602")
    signed = re.search(r"<MsgSignature><!\[CDATA\[(\w+)\]\]>", body)
    assert signed
    query = {"timestamp": "1767225602", "nonce": "1597212914", "msg_signature": signed[1]}
    assert house.client().post("/webhooks/wecom", params=query, content=body.encode()).text == "success"
    settle(house, there)
    assert len(there.shown("wm-reader")) == 1


def test_counterpart_opens_what_is_sealed_for_wecom() -> None:
    query, body = sealed(doorbell())
    opened = EnterpriseCrypto(TOKEN, AES_KEY, CORP).decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    assert opened == doorbell().decode()


WRONG = {
    "a signature off by one": {**ECHO, "msg_signature": ECHO["msg_signature"][:-1] + "9"},
    "no signature": {name: value for name, value in ECHO.items() if name != "msg_signature"},
    "another time": {**ECHO, "timestamp": "1767225601"},
    "a changed echostr": {**ECHO, "echostr": "A" + ECHO["echostr"][1:]},
    "no echostr": {name: value for name, value in ECHO.items() if name != "echostr"},
    "nothing": {},
    "odd characters": {**ECHO, "msg_signature": "ß😭"},
}


@pytest.mark.parametrize("query", WRONG.values(), ids=WRONG)
def test_check_of_the_address_fails_without_a_word(house: Served, query: dict[str, str]) -> None:
    answer = house.client().get("/webhooks/wecom", params=query)
    assert (answer.status_code, answer.content) == (403, b"")


VECTOR = (
    "5ChDeO1SRNwnSTozoASVI2giKMeaIfmWWhNjkzypnPV752ja8Z+OMsqYuyBljMxFOfigq5hsGZfRBETIEITd9fAvIL5u117y30vtiJ/+dfi/s7NxItq+f8IAZ0oez3njPO7CzY"
    "4xalDn7Pam+qvPTNpSXGhpLR+f7SQzqRs6rtU5IVnpbEtdwV0HkmXS5+sO4qQdhdQxko49YOGeY+kLRfl7UOJqI/OJrzA+1LwrqtxcZAbTd5j5jcmnzMOVvzpCm8M3NHkYEcY"
    "s2gvCzd9ni0SeqcxD6iDmRCWfkPeajvVwlobaEYhgh81l4Fr7uCAAmaiv+g6/QvQ5ZGBKgmedkNu6Ym0GN8qxGZkDHlNTHAhFc+yjQ8gz0jx8a0abcGom0Q/3fVaLDfQPCZAcm"
    "5cz7KWwYeEpG2gWbkMJoxQpiak="
)


def pulls(there: Wecom) -> list[dict[str, Any]]:
    """The bodies of every sync_msg."""
    return [asked.body for asked in there.platform.calls("/cgi-bin/kf/sync_msg")]


def test_ring_of_our_own_vector_fetches_with_its_token(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))
    query = {"msg_signature": "3ffa0261bc5e3fa9943944ab4331b04c96887b81", "timestamp": "1767225602", "nonce": "1597212914"}
    body = f"<xml><ToUserName>{CORP}</ToUserName><AgentID>1</AgentID><Encrypt>{VECTOR}</Encrypt></xml>"
    answer = house.client().post("/webhooks/wecom", params=query, content=body)
    assert (answer.status_code, answer.content) == (200, b"success")
    until(lambda: len(pulls(there)) == 2)
    assert pulls(there)[1] == {"cursor": "c0", "limit": 1000, "voice_format": 0, "open_kfid": ACCOUNT, "token": "ENCtokenABC123"}


def forged() -> dict[str, tuple[dict[str, str], bytes]]:
    """Callbacks that are not the platform's."""
    query, body = sealed(doorbell())
    last = query["msg_signature"][-1]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    return {
        "a signature off by one": ({**query, "msg_signature": query["msg_signature"][:-1] + ("0" if last != "0" else "1")}, body),
        "no signature": ({name: value for name, value in query.items() if name != "msg_signature"}, body),
        "the signature of an official account": ({**query, "signature": query["msg_signature"], "msg_signature": ""}, body),
        "another nonce": ({**query, "nonce": "1"}, body),
        "another enterprise": sealed(doorbell(), Key.from_setting(AES_KEY, "ww0000000000000000")),
        "another key": sealed(doorbell(), Key.from_setting("A" * 43, CORP)),
        "unsealed": (query, doorbell()),
        "nothing": (query, b""),
        "no XML": (query, b"hello"),
        "cut off": (query, body[:-20]),
        "invalid UTF-8": (query, b"<xml><Encrypt>\xff\xfe</Encrypt></xml>"),
        "a document type": (query, bomb + body),
        "a document type inside": sealed(bomb + doorbell()),
        "no XML inside": sealed(b"hello"),
        "invalid UTF-8 inside": sealed(b"<xml>\xff</xml>"),
    }


@pytest.mark.parametrize("name", forged())
def test_ring_of_a_stranger_is_refused_and_fetches_nothing(house: Served, there: Wecom, name: str) -> None:
    until(lambda: pulls(there))
    query, body = forged()[name]
    answer = house.client().post("/webhooks/wecom", params=query, content=body)
    assert (answer.status_code, answer.content) == (403, b"")
    tell(house, there, QUESTION)  # whatever the stranger had rung for would have been fetched by now
    assert len(pulls(there)) == 2


def test_body_of_two_mebibytes_is_refused(house: Served) -> None:
    query, _ = sealed(doorbell())
    try:
        status = house.client().post("/webhooks/wecom", params=query, content=b"x" * 2**21).status_code
    except httpx.WriteError:  # the server need not read on once it has refused
        status = 413
    assert status == 413


@pytest.mark.parametrize("message", [doorbell("wkOther"), doorbell().replace(b"kf_msg_or_event", b"change_contact")])
def test_ring_for_others_is_acknowledged_and_fetches_nothing(house: Served, there: Wecom, message: bytes) -> None:
    until(lambda: pulls(there))
    query, body = sealed(message)
    assert house.client().post("/webhooks/wecom", params=query, content=body).text == "success"
    tell(house, there, QUESTION)
    assert len(pulls(there)) == 2


def test_ring_is_acknowledged_before_anything_is_fetched(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))
    go = threading.Event()
    there.fail("kf/sync_msg", lambda asked: go.wait(10) and None)
    there.says("wm-reader", QUESTION)
    assert there.ring(house.client()).text == "success"
    assert house.messages("wecom", "wm-reader") == []
    go.set()
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]


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


# --- several accounts ---


def test_customers_of_another_account_are_answered_there(serve: Callable[..., Served], there: Wecom) -> None:
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url, "open_kfid": f"wkB, {ACCOUNT}"}})
    tell(house, there, QUESTION)
    assert [body["open_kfid"] for _, body in there.sent] == [ACCOUNT]
    assert {body["open_kfid"] for body in pulls(there)} == {"wkB", ACCOUNT}
    rooms = house.desk.store.read(lambda s: s._rows("select user, room from conversations"))
    assert [(row["user"], row["room"]) for row in rooms] == [("wm-reader", ACCOUNT)]


def test_patron_who_floods_does_not_hold_up_the_others(serve: Callable[..., Served], there: Wecom) -> None:
    house = serve({"wecom": {**SECTION, "api_base": there.platform.url}}, server={"asks_per_minute": 1})
    for number in range(205):
        there.says("wm-flood", "转人工" if not number else f"第{number}问")
    tell(house, there, QUESTION)
    assert house.messages("wecom", "wm-reader") == [QUESTION]
    assert len(house.messages("wecom", "wm-flood")) == 200


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
