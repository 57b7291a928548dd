"""What OneBot sends, and implementations that answer late, never, or with failures, by the connection or by the HTTP API."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bot.domain import DeliveryStatus
from connectors.onebot.player import Frame, Player
from connectors.onebot.wire import Unanswered, Wire
from tests.connectors import onebot
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.loopback import Asked, Told, platform
from tests.connectors.onebot import GROUP, OTHER, READER, SECRET, SECTION, TOKEN, Connect, outbox, shown, tell
from tests.serving import Served, until

Serve = Callable[..., Served]
connect, house, peer = onebot.connect, onebot.house, onebot.peer


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox tries again at once."""
    monkeypatch.setattr("bot.outbox.FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr("bot.outbox._IDLE", 0.01)


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


# --- how a message is written ---


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
