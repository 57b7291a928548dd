"""OneBot against a real server: an implementation that connects, pushes, answers late, never, or with failures."""

import asyncio
import contextlib
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot import connector
from bot.__main__ import cli
from bot.connector import Delivery, Outcome
from bot.domain import DeliveryStatus, TicketStatus
from bot.errors import DeliveryFailed, StoreUnusable, WrongSetting
from bot.messages import Address, Reply, ReplyKind
from connectors.onebot.accounts import Accounts, Ways
from connectors.onebot.player import Frame, Player, Sent
from connectors.onebot.wire import Unanswered, Wire
from tests.connectors.contract import ANSWER, QUESTION, Contract
from tests.connectors.loopback import Asked, Told, platform
from tests.connectors.test_onebot_payloads import BODY, SIGNATURE
from tests.serving import Served, until

TOKEN = "a-token-for-onebot"
SECRET = "libOneBotSecret"
SECTION: Mapping[str, Any] = {"access_token": TOKEN, "secret": SECRET}
GROUP, READER, OTHER = 20002000, 30003000, 30003001

Serve = Callable[..., Served]


@pytest.fixture
def players() -> Iterator[list[Player]]:
    """Everybody who was connected; they hang up at the end."""
    connected: list[Player] = []
    yield connected
    for each in connected:
        each.close()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox tries again at once."""
    monkeypatch.setattr("bot.outbox.FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr("bot.outbox._IDLE", 0.01)


Connect = Callable[..., Player]


@pytest.fixture
def connect(players: list[Player]) -> Connect:
    """Have an account connected."""

    def connect(served: Served, *, account: int = 10001000, path: str = "/webhooks/onebot", **headers: str) -> Player:
        player = Player(served.url, TOKEN, account=account, secret=SECRET).connect(path, **headers)
        players.append(player)
        return player

    return connect


@pytest.fixture
def house(serve: Serve) -> Served:
    """A server with this channel alone."""
    return serve({"onebot": dict(SECTION)})


@pytest.fixture
def peer(house: Served, connect: Connect) -> Player:
    """An account that is connected to it."""
    return connect(house)


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


def shown(player: Player, count: int = 1) -> list[Sent]:
    """What the account was asked to send, once there is so much of it."""
    until(lambda: len(player.sent) >= count)
    return player.sent


def tell(house: Served, player: Player, event: Frame) -> None:
    """Something happens; returns when it is stored and everything that follows is delivered."""
    answer = player.push(event)
    assert answer.status_code == 204, answer.text
    house.delivered()


def outbox(house: Served) -> list[str]:
    """Where every reply stands, oldest first."""
    return house.desk.store.read(lambda s: [row["status"] for row in s._rows("select status from outbox order by id")])


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


# --- in a group ---


def test_who_speaks_to_the_account_in_a_group_gets_an_answer_that_quotes_them(house: Served, peer: Player) -> None:
    tell(house, peer, peer.at(GROUP, READER, QUESTION, 4711))
    (sent,) = peer.sent
    assert (sent.group, sent.user, sent.quotes, sent.mentions) == (str(GROUP), "", "4711", (str(READER),))
    assert ANSWER in sent.text
    assert peer.actions[0]["params"]["group_id"] == GROUP


def test_what_is_said_among_others_leaves_no_trace(house: Served, peer: Player) -> None:
    tell(house, peer, peer.group(GROUP, READER, QUESTION))
    tell(house, peer, peer.group(GROUP, READER, [{"type": "at", "data": {"qq": "all"}}]))
    assert peer.sent == []
    assert [house.count(table) for table in ("messages", "conversations", "events", "spoken")] == [0, 0, 0, 0]
    assert house.desk.store.read(lambda s: s._rows("select name from facts where name like 'onebot%'")) == []


def test_a_reply_to_the_accounts_own_message_speaks_to_it(house: Served, peer: Player) -> None:
    tell(house, peer, peer.at(GROUP, READER, QUESTION))
    quote = {"type": "reply", "data": {"id": str(peer.sent[0].message_id)}}
    tell(house, peer, peer.group(GROUP, OTHER, [quote, {"type": "text", "data": {"text": "转人工"}}]))
    assert len(house.tickets()) == 1


def test_escalation_reaches_the_asker_alone_by_way_of_the_group(house: Served, peer: Player) -> None:
    tell(house, peer, peer.at(GROUP, READER, "转人工"))
    house.answers("您好，请讲。")
    public, private = ([sent for sent in peer.sent if bool(sent.group) is in_group] for in_group in (True, False))
    code = house.tickets(TicketStatus.ANSWERED)[0].code
    assert [code in sent.text for sent in public] == [False]
    assert code in private[0].text
    assert private[1].text == "您好，请讲。"
    assert [sent.user for sent in private] == [str(READER)] * 2
    assert peer.actions[-1]["params"] == {
        "user_id": READER,
        "group_id": GROUP,
        "message": [{"type": "text", "data": {"text": "您好，请讲。"}}],
    }


def test_two_people_in_one_group_at_once_each_get_their_own(house: Served, peer: Player) -> None:
    askers = {READER + number: ("校外怎么用VPN" if number % 2 else "VPN") for number in range(6)}
    for user, words in askers.items():
        peer.event(peer.at(GROUP, user, words))
    until(lambda: house.count("messages") == 12)
    house.delivered()
    for user, words in askers.items():
        (sent,) = (sent for sent in peer.sent if sent.mentions == (str(user),))
        assert ("请回复数字" in sent.text) is (words == "VPN")


def test_poke_is_greeted(house: Served, peer: Player) -> None:
    tell(house, peer, {"post_type": "notice", "notice_type": "notify", "sub_type": "poke", "user_id": READER, "target_id": peer.account})
    assert "问询台" in peer.sent[0].text
    assert peer.sent[0].user == str(READER)


def test_expelled_account_writes_to_that_group_no_more(house: Served, peer: Player) -> None:
    peer.answer = lambda frame: None if frame["action"] == "send_group_msg" else peer.agree(frame)
    assert peer.push(peer.at(GROUP, READER, QUESTION)).status_code == 204
    until(lambda: peer.actions)
    kicked = {"post_type": "notice", "notice_type": "group_decrease", "sub_type": "kick_me", "group_id": GROUP, "user_id": peer.account}
    assert peer.push(kicked).status_code == 204
    until(lambda: outbox(house) == [DeliveryStatus.MAILBOX])


@contextmanager
def flood(player: Player, events: list[Frame]) -> Iterator[None]:
    """Many events by one connection, while the block runs."""
    thread = threading.Thread(target=lambda: [player.event(event) for event in events])
    thread.start()
    yield
    thread.join()


def test_two_hundred_messages_at_once_from_one_group_are_bounded_and_none_is_lost(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": dict(SECTION)}, groups={"per_minute": 20, "per_account": 3})
    player = connect(house)
    with flood(player, [player.at(GROUP, READER + number % 40, QUESTION, number) for number in range(200)]):
        until(lambda: house.count("(select distinct external from messages where external is not null)") == 200)
    house.delivered()
    public = [sent for sent in player.sent if sent.group]
    assert len(public) == 21, "answers up to the limit, and one line that there were too many"
    assert len(player.sent) == 21, "nobody is written to because of a flood"
    flooded = [house.desk.consultation(ticket.id) for ticket in house.tickets()]
    assert {each.ticket.reason for each in flooded} == {"flood"}
    assert len(flooded) == 40, "one ticket an asker"
    assert sum(message.who == "patron" for each in flooded for message in each.messages) == 200, "and all that they have said is in it"


def test_two_hundred_messages_to_nobody_leave_nothing(house: Served, peer: Player) -> None:
    with flood(peer, [peer.group(GROUP, READER + number, "今晚吃什么", number) for number in range(200)]):
        pass
    peer.event(peer.private(OTHER, QUESTION))
    shown(peer)
    assert house.count("messages") == 2


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


# --- answers that are late, missing or failures ---


def quick(serve: Serve, **more: Any) -> Served:
    """A server that does not wait long for answers."""
    return serve({"onebot": {**SECTION, "answer_timeout": 0.1, **more}})


@pytest.mark.usefixtures("hurry")
def test_message_whose_answer_is_late_is_not_sent_again(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": {**SECTION, "answer_timeout": 0.5}})
    player = connect(house)
    player.answer = lambda frame: None
    assert player.push(player.private(READER, QUESTION)).status_code == 204
    until(lambda: house.desk.store.read(lambda s: s._rows("select 1 from outbox where tries = 1")))
    player.frame({**player.agree({}), "echo": player.actions[0]["echo"]})
    house.delivered()
    assert outbox(house) == [DeliveryStatus.DELIVERED]
    assert len(player.actions) == 1


@pytest.mark.usefixtures("hurry")
def test_message_that_is_never_answered_waits_until_its_asker_writes_again(serve: Serve, connect: Connect) -> None:
    house = quick(serve)
    player = connect(house)
    player.answer = lambda frame: None
    tell(house, player, player.private(READER, QUESTION))
    assert outbox(house) == [DeliveryStatus.MAILBOX]
    assert len(player.actions) == 1, "it may have been shown, so it is not repeated by itself"
    player.answer = player.agree
    tell(house, player, player.private(READER, "更多"))
    assert outbox(house) == [DeliveryStatus.DELIVERED]
    assert ANSWER in player.sent[-1].text


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        ({"status": "failed", "retcode": 1400, "data": None, "message": "bad params"}, 1),
        ({"status": "failed", "retcode": 1404, "data": None}, 1),
        ({"status": "failed", "retcode": 1200, "data": None, "wording": "you are muted"}, 3),
        ({"status": "failed", "retcode": 200, "data": None}, 3),
        ({"status": "failed", "retcode": "?", "data": []}, 3),
        ({}, 3),
    ],
)
def test_message_that_the_implementation_refuses_waits_in_the_mailbox(serve: Serve, connect: Connect, answer: Frame, tries: int) -> None:
    house = serve({"onebot": dict(SECTION)})
    player = connect(house)
    player.answer = lambda frame: dict(answer)
    tell(house, player, player.private(READER, QUESTION))
    assert outbox(house) == [DeliveryStatus.MAILBOX]
    assert len(player.actions) == tries


def test_message_that_is_taken_for_later_counts_as_sent(house: Served, peer: Player) -> None:
    peer.answer = lambda frame: {"status": "async", "retcode": 1, "data": None}
    tell(house, peer, peer.private(READER, QUESTION))
    assert outbox(house) == [DeliveryStatus.DELIVERED]


@pytest.mark.usefixtures("hurry")
def test_reply_waits_while_the_account_is_not_connected_and_goes_out_when_it_is_back(house: Served, connect: Connect) -> None:
    player = connect(house)
    tell(house, player, player.private(READER, "转人工"))
    player.close()
    ticket = house.ticket()
    house.desk.claim(ticket.id, "anna")
    house.desk.reply(ticket.id, "anna", "您好，请讲。")
    until(lambda: house.desk.store.read(lambda s: s._rows("select 1 from outbox where tries > 0 and status = 'due'")))
    back = connect(house)
    assert shown(back)[0].text == "您好，请讲。"


@pytest.mark.usefixtures("hurry")
def test_connection_that_ends_before_the_answer_does_not_lose_the_message(house: Served, connect: Connect) -> None:
    player = connect(house)
    player.answer = lambda frame: None
    assert player.push(player.private(READER, QUESTION)).status_code == 204
    until(lambda: player.actions)
    player.close()
    back = connect(house)
    assert ANSWER in shown(back)[0].text


@pytest.mark.usefixtures("hurry")
def test_reply_waits_while_the_account_is_offline(house: Served, connect: Connect) -> None:
    player = connect(house)
    beat = {"post_type": "meta_event", "meta_event_type": "heartbeat", "interval": 30000}
    player.event({**beat, "status": {"online": False, "good": True}})
    assert player.push(player.private(READER, QUESTION)).status_code == 204
    until(lambda: house.desk.store.read(lambda s: s._rows("select 1 from outbox where tries > 1 and status = 'due'")))
    assert player.actions == []
    player.event({**beat, "status": {"online": True, "good": True}})
    assert ANSWER in shown(player)[0].text


def test_connection_without_heartbeats_is_closed_once_there_were_some(house: Served, connect: Connect) -> None:
    player = connect(house)
    player.event({"post_type": "meta_event", "meta_event_type": "heartbeat", "interval": 10, "status": {"online": True}})
    until(lambda: not player._reader or not player._reader.is_alive())
    with pytest.raises(ConnectionClosed):
        player.event({"post_type": "meta_event"})


@pytest.mark.parametrize(
    "frame",
    [
        '{"echo": "nobody", "status": "ok"}',
        '{"status": "ok"}',
        "{",
        "[]",
        '{"post_type": "message"}',
        '{"post_type": "notice", "self_id": {}}',
    ],
)
def test_frame_that_makes_no_sense_does_not_end_the_connection(house: Served, peer: Player, frame: str) -> None:
    assert peer._socket
    peer._socket.send(frame)
    peer.event(peer.private(READER, QUESTION))
    assert ANSWER in shown(peer)[0].text


def test_peer_that_does_not_read_holds_up_nobody_for_long_and_one_that_never_answers_fills_no_memory() -> None:
    async def stuck(frame: str) -> None:
        await asyncio.Event().wait()

    async def ignored(frame: str) -> None:
        pass

    async def work() -> None:
        with pytest.raises(Unanswered):
            await Wire(stuck, "1", "universal").call("send_msg", {}, 0.01)
        wire = Wire(ignored, "1", "universal")
        await asyncio.gather(*(wire.call("send_msg", {}, 0.01) for _ in range(1100)), return_exceptions=True)
        assert len(wire._waiting) == 1000
        wire.gone()
        assert not wire._waiting

    asyncio.run(work())


def test_frame_that_is_far_too_large_ends_its_connection_and_nothing_else(house: Served, connect: Connect) -> None:
    vandal, other = connect(house), connect(house, account=10001001)
    assert vandal._socket
    with contextlib.suppress(ConnectionClosed):
        vandal._socket.send("x" * 2_000_000)
    until(lambda: not vandal._reader or not vandal._reader.is_alive())
    other.event(other.private(READER, QUESTION))
    assert ANSWER in shown(other)[0].text


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


# --- the HTTP API ---


@contextmanager
def api(verdict: Callable[[Asked], Told | dict[str, Any]]) -> Iterator[Any]:
    """An implementation's HTTP API."""
    with platform(verdict) as there:
        yield there


def test_account_that_pushes_is_answered_by_its_http_api(serve: Serve) -> None:
    with api(lambda asked: {"status": "ok", "retcode": 0, "data": {"message_id": 5}}) as there:
        house = serve({"onebot": {**SECTION, "api_base": there.url}})
        player = Player(house.url, TOKEN, secret=SECRET)
        tell(house, player, player.at(GROUP, READER, QUESTION))
        (asked,) = there.calls("/send_group_msg")
        assert asked.body["group_id"] == GROUP
        assert ANSWER in asked.body["message"][-1]["data"]["text"]
        quote = {"type": "reply", "data": {"id": "5"}}
        tell(house, player, player.group(GROUP, READER, [quote, {"type": "text", "data": {"text": "转人工"}}]))
        assert len(there.calls("/send_private_msg")) == 1, "what the API has sent is known as our own"


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    ("verdict", "status", "tries"),
    [
        (Told("", 401), DeliveryStatus.DUE, 2),
        (Told("", 404), DeliveryStatus.MAILBOX, 1),
        (Told("", 500), DeliveryStatus.MAILBOX, 3),
        (Told("no json"), DeliveryStatus.MAILBOX, 1),
        (Told(None), DeliveryStatus.MAILBOX, 1),
        (Told({"status": "failed", "retcode": 200}), DeliveryStatus.MAILBOX, 3),
    ],
)
def test_failure_of_the_http_api_is_tried_again_only_where_that_is_safe(
    serve: Serve, verdict: Told, status: DeliveryStatus, tries: int
) -> None:
    with api(lambda asked: verdict) as there:
        house = serve({"onebot": {**SECTION, "api_base": there.url}})
        player = Player(house.url, TOKEN, secret=SECRET)
        assert player.push(player.private(READER, QUESTION)).status_code == 204
        until(lambda: len(there.asked) >= tries and (status is DeliveryStatus.DUE or outbox(house) == [status]))
        assert outbox(house) == [status]


@pytest.mark.usefixtures("hurry")
def test_reply_waits_while_the_http_api_is_down(serve: Serve) -> None:
    with api(lambda asked: {}) as there:
        gone = there.url
    house = serve({"onebot": {**SECTION, "api_base": gone}})
    player = Player(house.url, TOKEN, secret=SECRET)
    assert player.push(player.private(READER, QUESTION)).status_code == 204
    until(lambda: house.desk.store.read(lambda s: s._rows("select 1 from outbox where tries > 1 and status = 'due'")))


def test_message_as_a_string_cannot_smuggle_a_code(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": {**SECTION, "message_format": "string"}})
    player = connect(house)
    tell(house, player, player.private(READER, "转人工"))
    house.answers("[CQ:at,qq=all] 您好 & 再见")
    assert player.actions[-1]["params"]["message"] == "&#91;CQ:at,qq=all&#93; 您好 &amp; 再见"
    tell(house, player, player.at(GROUP, OTHER, QUESTION, 12))
    assert player.actions[-1]["params"]["message"].startswith(f"[CQ:reply,id=12][CQ:at,qq={OTHER}] ")


def test_only_the_first_part_of_a_long_answer_quotes(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": {**SECTION, "message_bytes": 300}})
    player = connect(house)
    tell(house, player, player.at(GROUP, READER, "", 12))
    assert [sent.quotes for sent in player.sent][:2] == ["12", ""]
    assert all(len(sent.text.encode()) <= 300 for sent in player.sent)


# --- requests ---

INVITED = {"request_type": "group", "sub_type": "invite", "flag": "g"}


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


# --- played by hand ---


def simulated(house: Served, *words: str) -> str:
    host, port = house.url.removeprefix("http://").split(":")
    environment = {
        "REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": TOKEN, "REFDESK__SERVER__HOST": host, "REFDESK__SERVER__PORT": port,
        "REFDESK__CONNECTORS__ONEBOT__SELF_ID": "10001000",
    }  # fmt: skip
    done = CliRunner().invoke(cli, ["simulate", "onebot", "--patience", "0.4", *words], env=environment)
    assert done.exit_code == 0, done.output
    return done.output


def test_librarian_can_play_a_group_and_see_what_would_be_said(house: Served) -> None:
    told = simulated(house, QUESTION, f"@{QUESTION}", "/as 7", "/private", "转人工", "/group", "/poke")
    assert told.startswith("[nothing is said]\n[group 20002000 quoting ")
    assert "@30003000]" in told
    assert ANSWER in told
    assert "[to 7 alone]" in told
    assert "问询台" in told


def test_librarian_can_play_signed_pushes_and_is_told_when_one_is_refused(house: Served) -> None:
    port = house.url.rpartition(":")[2]
    settings = {"REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": TOKEN, "REFDESK__SERVER__PORT": port}
    words = ["simulate", "onebot", "--push", "--patience", "0.4", f"@{QUESTION}"]
    done = CliRunner().invoke(cli, words, env={**settings, "REFDESK__CONNECTORS__ONEBOT__SECRET": SECRET})
    assert ANSWER in done.output
    done = CliRunner().invoke(cli, words, env={**settings, "REFDESK__CONNECTORS__ONEBOT__SECRET": "another-secret"})
    assert (done.exit_code, "HTTP 403" in done.output) == (2, True)
    done = CliRunner().invoke(cli, words, env=settings)
    assert (done.exit_code, "connectors.onebot.secret" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "is not set"),
        ({"REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": "another-token"}, "refuses the connection"),
        ({"REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": TOKEN, "REFDESK__SERVER__PORT": "1"}, "does not answer"),
    ],
)
def test_player_is_told_why_it_cannot_begin(house: Served, environment: dict[str, str], why: str) -> None:
    port = house.url.rpartition(":")[2]
    done = CliRunner().invoke(cli, ["simulate", "onebot", "x"], env={"REFDESK__SERVER__PORT": port, **environment})
    assert done.exit_code == 2
    assert why in done.output


def test_health_names_the_channel(house: Served) -> None:
    assert httpx.get(f"{house.url}/health/ready", trust_env=False).json()["connectors"] == ["onebot"]


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
