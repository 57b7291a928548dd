"""Rasa's REST channel."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from bot import connector
from bot.errors import WrongSetting
from bot.messages import Address
from tests.connectors.contract import QUESTION, Contract
from tests.serving import Served

WEBHOOK = "/webhooks/rest/webhook"
TOKEN = "long-and-secret"


class RestChannel:
    """Posts Rasa's JSON. What librarians wrote comes with the answer to the next message."""

    name = "rest"
    section: Mapping[str, Any] = {}
    routes = frozenset({WEBHOOK})

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, None]] = {}

    def user(self, asker: str) -> str:
        return asker

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        answer = served.client().post(WEBHOOK, json={"sender": asker, "message": text, "message_id": number})
        assert answer.status_code == 200
        replies = tuple(reply["text"] for reply in answer.json())
        self.seen.setdefault(asker, {}).update(dict.fromkeys(replies))
        return replies

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        waiting = served.desk.collect(Address("rest", asker))
        self.seen.setdefault(asker, {}).update({reply.plain(): None for reply in waiting})
        return tuple(self.seen[asker])


class TestRest(Contract):
    @pytest.fixture
    def channel(self) -> RestChannel:
        return RestChannel()


@pytest.fixture
def post(served: Served) -> Callable[..., httpx.Response]:
    """Send a body as it is."""

    def post(body: str | bytes | None = None, **message: Any) -> httpx.Response:
        content = body if body is not None else json.dumps(message).encode()
        return served.client().post(WEBHOOK, content=content, headers={"Content-Type": "application/json"})

    return post


# --- the shape of the answer ---


def test_rest_client_gets_rasas_shape_with_metadata(post: Callable[..., httpx.Response]) -> None:
    (reply,) = post(sender="reader", message=QUESTION).json()
    assert reply["recipient_id"] == "reader"
    assert "WebVPN" in reply["text"]
    assert "buttons" not in reply
    assert reply["metadata"] == {"decision": "answer", "intent": "vpn_setup", "entry": "vpn_setup", "ticket": None, "kind": "answer"}


def test_rest_client_gets_buttons_whose_payload_can_be_sent_back(post: Callable[..., httpx.Response]) -> None:
    (reply,) = post(sender="reader", message="VPN").json()
    assert reply["metadata"]["decision"] == "clarify"
    assert [button["payload"] for button in reply["buttons"]][-1] == "0"
    assert all(f"{button['payload']}. {button['title']}" in reply["text"] for button in reply["buttons"])
    (answer,) = post(sender="reader", message=reply["buttons"][0]["payload"]).json()
    assert answer["metadata"]["intent"] == "vpn_setup"


def test_rest_client_learns_the_ticket_when_a_question_is_handed_over(post: Callable[..., httpx.Response], served: Served) -> None:
    (reply,) = post(sender="reader", message="转人工").json()
    assert reply["metadata"] == {"decision": "escalate", "intent": None, "entry": None, "ticket": "1", "kind": "handover"}
    assert f"/mailbox/{served.ticket().code}" in reply["text"]


# --- repeats, other senders, librarians ---


@pytest.mark.parametrize("number", ["m-1", 17, "", "换行\n"])
def test_rest_client_gets_the_same_replies_when_it_repeats_a_message_id(
    post: Callable[..., httpx.Response], served: Served, number: object
) -> None:
    first = post(sender="reader", message="转人工", message_id=number)
    assert post(sender="reader", message="转人工", message_id=number).json() == first.json()
    assert served.messages("rest", "reader") == ["转人工"]
    assert len(served.tickets()) == 1


def test_rest_client_is_asked_twice_when_it_sends_no_message_id(post: Callable[..., httpx.Response], served: Served) -> None:
    for number in (None, None):
        post(sender="reader", message=QUESTION, message_id=number)
    assert served.messages("rest", "reader") == [QUESTION, QUESTION]


@pytest.mark.parametrize(
    ("one", "other"), [(("anna", "m-1"), ("ben", "m-1")), (("a", "b\0c"), ("a\0b", "c")), (("a", "1 b"), ("a 1", "b"))]
)
def test_rest_sender_gets_replies_of_their_own_when_another_used_the_same_message_id(
    post: Callable[..., httpx.Response], served: Served, one: tuple[str, str], other: tuple[str, str]
) -> None:
    post(sender=one[0], message="转人工", message_id=one[1])
    (reply,) = post(sender=other[0], message=QUESTION, message_id=other[1]).json()
    assert (reply["recipient_id"], reply["metadata"]["kind"]) == (other[0], "answer")
    assert served.messages("rest", other[0]) == [QUESTION]


def test_rest_sender_finds_librarians_replies_first_when_they_waited(post: Callable[..., httpx.Response], served: Served) -> None:
    post(sender="reader", message="转人工")
    ticket = served.answers("第一条")
    served.desk.reply(ticket.id, "anna", "第二条")
    served.desk.close(ticket.id, "anna")
    served.delivered()
    replies = post(sender="reader", message=QUESTION).json()
    assert [reply["metadata"]["kind"] for reply in replies] == ["librarian", "librarian", "notice", "answer"]
    assert [reply["text"] for reply in replies[:2]] == ["第一条", "第二条"]
    assert [reply["metadata"]["kind"] for reply in post(sender="reader", message=QUESTION).json()] == ["answer"]


def test_rest_sender_does_not_get_what_waited_for_another(post: Callable[..., httpx.Response], served: Served) -> None:
    post(sender="reader", message="转人工")
    served.answers("只给你")
    assert "只给你" not in post(sender="other", message=QUESTION).text
    assert post(sender="reader", message="好").json()[0]["text"] == "只给你"


def test_bot_is_silent_while_a_librarian_has_the_conversation(post: Callable[..., httpx.Response], served: Served) -> None:
    post(sender="reader", message="转人工")
    assert post(sender="reader", message=QUESTION).json() == []
    assert served.messages("rest", "reader") == ["转人工", QUESTION]


def test_rest_sender_withdraws_a_waiting_question(post: Callable[..., httpx.Response], served: Served) -> None:
    post(sender="reader", message="转人工")
    (reply,) = post(sender="reader", message="取消").json()
    assert (reply["metadata"]["kind"], reply["metadata"]["ticket"]) == ("notice", "1")
    assert served.tickets() == ()
    assert post(sender="reader", message=QUESTION).json()[0]["metadata"]["kind"] == "answer"


def test_rest_sender_cannot_withdraw_what_a_librarian_has_taken(post: Callable[..., httpx.Response], served: Served) -> None:
    post(sender="reader", message="转人工")
    served.desk.claim(1, "anna")
    assert post(sender="reader", message="取消").json() == []
    assert served.ticket().claimed_by == "anna"


# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("[" * 10_000, "body"),
        (b'{"sender": "\xff", "message": "x"}', "body"),
        ('{"sender": "reader", "message": "half an emoji \\ud83d"}', "body"),
        ("{}", "sender"),
        ('{"sender": "reader"}', "message"),
        ('{"message": "hello"}', "sender"),
        ('{"sender": 5, "message": "hello"}', "sender"),
        ('{"sender": "reader", "message": null}', "message"),
        ('{"sender": "reader", "message": ["hello"]}', "message"),
        ('{"sender": "reader", "message": "hello", "message_id": {}}', "message_id"),
        ('{"sender": "reader", "message": "hello", "message_id": 1.5}', "message_id"),
        ('{"sender": "", "message": "hello"}', "sender"),
        (json.dumps({"sender": "s" * 201, "message": "hello"}), "sender"),
    ],
)
def test_rest_client_is_told_what_is_wrong_with_its_message(
    post: Callable[..., httpx.Response], served: Served, body: str | bytes, named: str
) -> None:
    answer = post(body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(named)
    assert served.count("messages") == 0


def test_rest_client_may_send_fields_that_only_rasa_knows(post: Callable[..., httpx.Response]) -> None:
    assert post(sender="reader", message=QUESTION, input_channel="rest", metadata={"a": 1}).status_code == 200


def test_rest_client_is_refused_when_the_message_is_too_long(post: Callable[..., httpx.Response], served: Served) -> None:
    assert post(sender="reader", message="长" * 10_000).status_code == 200
    answer = post(sender="reader", message="长" * 10_001)
    assert (answer.status_code, answer.json()) == (413, {"error": "characters in a message: the limit is 10000"})
    assert len(served.messages("rest", "reader")) == 1


def test_rest_client_is_refused_when_the_body_has_a_mebibyte(post: Callable[..., httpx.Response], served: Served) -> None:
    try:
        status = post(json.dumps({"sender": "reader", "message": "x" * 2**20})).status_code
    except httpx.WriteError:  # the server need not read on once it has refused
        status = 413
    assert status == 413
    assert post(sender="reader", message=QUESTION).status_code == 200


def test_rest_client_is_slowed_down_when_it_floods(serve: Callable[..., Served]) -> None:
    client = serve(server={"asks_per_minute": 1}).client()
    asked = {"sender": "reader", "message": "好", "message_id": "1"}
    statuses = [client.post(WEBHOOK, json=asked).status_code for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    assert client.post(WEBHOOK, json={**asked, "sender": "other"}).status_code == 200


def test_rest_client_is_told_when_nothing_can_be_stored(served: Served, post: Callable[..., httpx.Response]) -> None:
    served.desk.store.close()
    answer = post(sender="reader", message=QUESTION)
    assert answer.status_code == 503
    assert ".db" not in answer.text


# --- odd texts ---


@pytest.mark.parametrize("text", ["", "   ", "\n", "😭", "👨‍👩‍👧‍👦👍🏽", "？！…", "\u200b\ufeff", "\x00\x07"])
def test_rest_sender_is_asked_for_words_when_there_are_none(post: Callable[..., httpx.Response], text: str) -> None:
    (reply,) = post(sender="reader", message=text).json()
    assert (reply["metadata"]["decision"], reply["metadata"]["kind"]) == ("clarify", "notice")
    assert reply["buttons"][0]["payload"] == "0"


def test_rest_senders_control_characters_are_not_stored(post: Callable[..., httpx.Response], served: Served) -> None:
    (reply,) = post(sender="reader", message="校外\x00怎么\x1b用\u202eVPN\x7f").json()
    assert reply["metadata"]["intent"] == "vpn_setup"
    assert served.messages("rest", "reader") == [QUESTION]


# --- the token ---


def test_rest_is_closed_beyond_loopback_when_it_has_no_token(serve: Callable[..., Served]) -> None:
    house = serve({"rest": {}}, server={"host": "0.0.0.0"})
    assert house.client().post(WEBHOOK, json={"sender": "reader", "message": QUESTION}).status_code == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, 200),
        ({"params": {"token": TOKEN}}, 200),
        ({"headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"headers": {"Authorization": b"Bearer \xff"}}, 401),
        ({"params": {"token": "falsch-ß"}}, 401),
        ({}, 401),
    ],
)
def test_rest_client_needs_the_token_when_one_is_set(serve: Callable[..., Served], host: str, sent: dict[str, Any], status: int) -> None:
    house = serve({"rest": {"token": TOKEN}}, server={"host": host})
    answer = house.client().post(WEBHOOK, json={"sender": "reader", "message": QUESTION}, **sent)
    assert answer.status_code == status
    assert (answer.headers.get("www-authenticate") == "Bearer") is (status == 401)
    assert house.count("messages") == (2 if status == 200 else 0)


def test_rest_can_be_switched_off() -> None:
    assert connector.load("rest", {"enabled": "false"}) is None


def test_rest_names_the_setting_that_has_a_wrong_value() -> None:
    with pytest.raises(WrongSetting, match=r"connectors\.rest\.enabled"):
        connector.load("rest", {"enabled": "perhaps"})
