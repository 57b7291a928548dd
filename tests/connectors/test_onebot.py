"""OneBot against a real server: who may come in, by which paths and accounts, and what is made of their events."""

import asyncio
import zlib
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from bot import connector
from bot.connector import Delivery, Outcome
from bot.errors import DeliveryFailed, StoreUnusable, WrongSetting
from bot.messages import Address, Reply, ReplyKind
from connectors.onebot.accounts import Accounts, Ways
from connectors.onebot.player import Frame, Player
from tests.connectors import onebot
from tests.connectors.contract import ANSWER, QUESTION, Contract
from tests.connectors.onebot import GROUP, OTHER, READER, SECRET, SECTION, TOKEN, Connect, shown, tell
from tests.connectors.test_onebot_payloads import BODY, SIGNATURE
from tests.serving import Served, until

Serve = Callable[..., Served]
connect, house, peer = onebot.connect, onebot.house, onebot.peer


class OneBotChannel:
    """Askers who write to the account alone: pushed, so that a test knows when it is stored; answered by the connection."""

    name = "onebot"
    section = SECTION
    routes = frozenset({"/webhooks/onebot", "/webhooks/onebot/ws", "/webhooks/onebot/ws/api", "/webhooks/onebot/ws/event"})

    def __init__(self, connect: Connect) -> None:
        self._connect, self.player = connect, None

    def user(self, asker: str) -> str:
        return str(30000000 + zlib.crc32(asker.encode()) % 1_000_000)

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        self.player = self.player or self._connect(served)
        event = self.player.private(int(self.user(asker)), text, zlib.crc32(number.encode()) % 2**31)
        assert self.player.push({**event, "time": 1767225600}).status_code == 204
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        served.delivered()
        return tuple(sent.text for sent in self.player.sent if sent.user == self.user(asker)) if self.player else ()


class TestOneBot(Contract):
    @pytest.fixture
    def channel(self, connect: Connect) -> OneBotChannel:
        return OneBotChannel(connect)

    def test_connector_says_where_a_delivery_ended(self, house: Served, channel: OneBotChannel) -> None:  # type: ignore[override]
        """As in the contract, but on the server's own loop, to which the connection belongs."""
        channel.send(house, "reader", QUESTION, "m-1")
        delivery = Delivery("refdesk-0", Address("onebot", channel.user("reader")), Reply(ReplyKind.LIBRARIAN, "你好"), "m-1", None, 0)
        future = asyncio.run_coroutine_threadsafe(house.connectors["onebot"].deliver(delivery), house._loop)
        assert future.result(10) is Outcome.DELIVERED


def test_health_names_the_channel(house: Served) -> None:
    assert httpx.get(f"{house.url}/health/ready", trust_env=False).json()["connectors"] == ["onebot"]


# --- who may come in ---


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer wrong-token"}, 403),
        ({"Authorization": "Bearer \u00ff"}, 403),
        ({"X-Self-ID": "555"}, 403),
    ],
)
def test_stranger_is_refused_before_the_connection_is_accepted(serve: Serve, headers: dict[str, str], status: int) -> None:
    house = serve({"onebot": {**SECTION, "self_id": "10001000, 10001001"}})
    with pytest.raises(InvalidStatus) as caught:
        Player(house.url, TOKEN).connect(**headers)
    assert caught.value.response.status_code == status


@pytest.mark.parametrize("path", ["", "/", "/ws", "/ws/", "/ws/api", "/ws/api/", "/ws/event"])
def test_implementation_connects_at_every_usual_path(house: Served, connect: Connect, path: str) -> None:
    player = connect(house, path=f"/webhooks/onebot{path}")
    player.event(player.private(READER, QUESTION))
    until(lambda: house.messages("onebot", str(READER)))


def test_implementation_may_show_the_token_in_the_address(house: Served, connect: Connect) -> None:
    player = connect(house, path=f"/webhooks/onebot?access_token={TOKEN}", Authorization="")
    player.event(player.private(READER, QUESTION))
    assert ANSWER in shown(player)[0].text


def test_visitor_without_a_connection_is_told_to_connect(house: Served) -> None:
    client = house.client()
    assert client.get("/webhooks/onebot").status_code == 401
    answer = client.get("/webhooks/onebot", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


def test_recorded_push_is_taken_and_another_signature_is_not(serve: Serve) -> None:
    house = serve({"onebot": dict(SECTION)})
    player = Player(house.url, TOKEN, secret=SECRET)
    assert player.put(BODY.encode(), signature="").status_code == 401
    assert player.put(BODY.encode(), signature="sha1=" + "0" * 40).status_code == 403
    assert player.put(BODY.encode() + b" ", signature=SIGNATURE).status_code == 403
    assert house.count("messages") == 0
    assert player.put(BODY.encode(), signature=SIGNATURE).status_code == 204
    assert house.messages("onebot", "30003000") == ["几点关门？"]


def test_push_is_refused_where_no_secret_is_set(serve: Serve) -> None:
    house = serve({"onebot": {"access_token": TOKEN}})
    assert Player(house.url, TOKEN, secret="").push({"post_type": "message"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'{"post_type": "message"}', 400), (b"{}", 204), (b"x" * 300_000, 413)]
)
def test_push_that_cannot_be_read_is_refused(house: Served, body: bytes, status: int) -> None:
    assert Player(house.url, TOKEN, secret=SECRET).put(body).status_code == status
    assert house.count("messages") == 0


def test_event_of_an_account_that_is_not_listed_is_passed_over(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": {**SECTION, "self_id": ["10001000"]}})
    player = connect(house)
    tell(house, player, {**player.private(READER, QUESTION), "self_id": 666})
    assert house.count("messages") == 0


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"secret": SECRET}, "access_token"),
        ({"access_token": "short"}, "access_token"),
        ({"access_token": "三个字的秘密令牌啊"}, "access_token"),
        ({**SECTION, "self_id": "me"}, "self_id"),
        ({**SECTION, "api_base": "napcat:3000"}, "api_base"),
        ({**SECTION, "answer_timeout": 0}, "answer_timeout"),
        ({**SECTION, "friend_requests": "maybe"}, "friend_requests"),
    ],
)
def test_setting_that_does_not_fit_is_named_without_its_value(section: dict[str, Any], key: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("onebot", section)
    assert caught.value.key == f"connectors.onebot.{key}"
    assert "short" not in str(caught.value).removeprefix("connectors")


def test_account_number_may_be_written_as_a_number() -> None:
    built = connector.load("onebot", {**SECTION, "self_id": 10001000})
    assert built is not None
    assert connector.load("onebot", {}) is None


# --- several accounts ---


def test_each_asker_is_answered_by_the_account_they_wrote_to(house: Served, connect: Connect) -> None:
    one, two = connect(house), connect(house, account=10001001)
    one.event(one.private(READER, QUESTION))
    two.event(two.private(OTHER, QUESTION))
    two.event(two.at(GROUP, OTHER, QUESTION))
    assert [sent.user for sent in shown(one)] == [str(READER)]
    assert sorted((sent.group, sent.user) for sent in shown(two, 2)) == [("", str(OTHER)), (str(GROUP), "")]


def test_the_way_to_an_asker_is_known_after_a_restart(house: Served, connect: Connect) -> None:
    one, two = connect(house), connect(house, account=10001001)
    tell(house, two, two.at(GROUP, READER, "转人工"))
    ways = house.connectors["onebot"]._intake.ways
    ways._heard.clear()
    ways._kept.clear()
    house.answers("您好")
    assert one.sent == []
    assert [sent.text for sent in two.sent if sent.user][-1] == "您好"


def test_own_accounts_do_not_talk_to_each_other(house: Served, connect: Connect) -> None:
    one, two = connect(house), connect(house, account=10001001)
    tell(house, one, one.at(GROUP, two.account, QUESTION))
    assert house.count("messages") == 0


def test_second_connection_of_an_account_takes_the_place_of_the_first(house: Served, connect: Connect) -> None:
    first, second = connect(house), connect(house)
    tell(house, second, second.private(READER, QUESTION))
    first.close()
    tell(house, second, second.private(READER, "how do I use the VPN"))
    assert (len(first.sent), len(second.sent)) == (0, 2)


def test_account_is_learned_from_its_events_where_the_header_is_missing(house: Served, connect: Connect) -> None:
    named, nameless = connect(house), connect(house, account=10001001, **{"X-Self-ID": ""})
    nameless.event(nameless.private(READER, QUESTION))
    assert ANSWER in shown(nameless)[0].text
    assert named.sent == []


def test_events_and_actions_may_have_a_connection_each(house: Served, connect: Connect) -> None:
    api = connect(house, path="/webhooks/onebot/ws/api", **{"X-Client-Role": "API"})
    events = connect(house, path="/webhooks/onebot/ws/event", **{"X-Client-Role": "Event"})
    events.event(events.private(READER, QUESTION))
    assert ANSWER in shown(api)[0].text
    assert events.actions == []


def test_reply_waits_where_it_is_not_known_which_of_several_accounts_can_reach_the_asker(house: Served, connect: Connect) -> None:
    connect(house)
    connect(house, account=10001001)
    until(lambda: len(house.connectors["onebot"]._accounts._wires) == 2)
    delivery = Delivery("refdesk-0", Address("onebot", "nobody-knows"), Reply(ReplyKind.LIBRARIAN, "你好"), "", None, 0)
    future = asyncio.run_coroutine_threadsafe(house.connectors["onebot"].deliver(delivery), house._loop)
    with pytest.raises(DeliveryFailed):
        future.result(10)


def test_memory_of_what_was_sent_and_who_was_heard_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.onebot.accounts._MOST_SENT", 2)
    monkeypatch.setattr("connectors.onebot.accounts._MOST_WAYS", 2)
    accounts = Accounts(None)
    for number in ("1", "2", "3"):
        accounts.note_sent("10001000", number)
    assert [accounts.sent("10001000", number) for number in ("1", "2", "3")] == [False, True, True]
    ways = Ways(cast(connector.Desk, None))
    for user in ("1", "2", "3"):
        ways.hear(Address("onebot", user), "10001000", "")
    assert len(ways._heard) == 2


# --- what cannot be stored ---


def test_asker_of_a_message_that_is_too_long_is_told(house: Served, peer: Player) -> None:
    peer.event(peer.private(READER, "长" * 10_001))
    assert "消息太长" in shown(peer)[0].text
    assert peer.push(peer.private(READER, "长" * 10_001)).status_code == 413
    assert house.count("messages") == 0


def test_asker_is_told_when_nothing_can_be_stored(house: Served, peer: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(question: object) -> None:
        raise StoreUnusable(house.desk.store.path, "the disk is full")

    monkeypatch.setattr(house.desk, "ask", full)
    monkeypatch.setattr(house.desk, "fail", full)
    assert peer.push(peer.private(READER, QUESTION)).status_code == 503
    peer.event(peer.private(READER, QUESTION))
    assert "暂时" in shown(peer)[0].text
    peer.event(peer.group(GROUP, READER, QUESTION))
    peer.answer = lambda frame: {"status": "failed", "retcode": 1}
    peer.event(peer.at(GROUP, READER, QUESTION))
    until(lambda: len(peer.actions) == 2)


# --- requests ---


@pytest.mark.parametrize(
    ("policy", "request_", "action"),
    [
        ("leave", {"request_type": "friend", "flag": "f"}, None),
        ("approve", {"request_type": "friend", "flag": "f"}, ("set_friend_add_request", {"flag": "f", "approve": True})),
        ("reject", {"request_type": "friend", "flag": "f"}, ("set_friend_add_request", {"flag": "f", "approve": False})),
        (
            "approve",
            {"request_type": "group", "sub_type": "invite", "flag": "g"},
            ("set_group_add_request", {"flag": "g", "approve": True, "sub_type": "invite"}),
        ),
        ("approve", {"request_type": "group", "sub_type": "add", "flag": "g"}, None),
    ],
)
def test_request_is_dealt_with_as_the_settings_say(
    serve: Serve, connect: Connect, policy: str, request_: Frame, action: tuple[str, Frame] | None
) -> None:
    house = serve({"onebot": {**SECTION, "friend_requests": policy, "group_invites": policy}})
    player = connect(house)
    assert player.push({"post_type": "request", "user_id": 5, **request_}).status_code == 204
    assert [(frame["action"], frame["params"]) for frame in player.actions] == ([action] if action else [])


def test_request_that_cannot_be_answered_is_left(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": {**SECTION, "friend_requests": "approve"}})
    wanted = {"post_type": "request", "request_type": "friend", "user_id": 5, "flag": "f"}
    assert Player(house.url, TOKEN, secret=SECRET).push(wanted).status_code == 204
    player = connect(house)
    player.answer = lambda frame: {"status": "failed", "retcode": 1}
    assert player.push(wanted).status_code == 204
    assert len(player.actions) == 1
