"""The webhook of the QQ bot: who is let in, what is acknowledged, and what comes twice."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from bot import connector
from bot.connector import Kept
from bot.domain import TicketStatus
from bot.errors import StoreUnusable, TooMuch, WrongSetting
from bot.messages import Question
from connectors.qq.events import event
from connectors.qq.intake import LONGEST_PAUSE, Intake
from connectors.qq.player import FRIEND, GROUP, MEMBER, PATH, Player
from connectors.qq.settings import API, SANDBOX, settings_of
from connectors.qq.signature import Key
from connectors.qq.standin import Rules, Standin
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.qq import APP_ID, SECRET, section, settle
from tests.connectors.test_qq_signature import BODY, SIGNED
from tests.serving import Served, until

Serve = Callable[..., Served]


@pytest.fixture
def there() -> Iterator[Standin]:
    with Standin(Rules(APP_ID, SECRET)) as standin:
        yield standin


@pytest.fixture
def house(serve: Serve, there: Standin) -> Served:
    return serve({"qq": section(there)})


@pytest.fixture
def player(house: Served, there: Standin) -> Player:
    return Player(house.client(), there.rules)


def events_of(house: Served) -> list[dict[str, Any]]:
    """Everything that was kept, ever."""
    return house.desk.store.read(lambda s: s._rows("select external from inbox"))


# --- the check of the address ---


def test_console_gets_the_documented_signature(serve: Serve, there: Standin) -> None:
    house = serve({"qq": section(there, secret="DG5g3B4j9X2KOErG")})
    body = {"d": {"plain_token": "Arq0D5A61EgUu4OxUvOp", "event_ts": "1725442341"}, "op": 13}
    answer = house.client().post(PATH, json=body)
    proof = (
        "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
    )
    assert answer.json() == {"plain_token": "Arq0D5A61EgUu4OxUvOp", "signature": proof}
    body["d"]["event_ts"] = 1725442341  # type: ignore[index]  # as older documents have it
    assert house.client().post(PATH, json=body).json() == answer.json()


def test_console_may_sign_its_check_but_not_wrongly(player: Player) -> None:
    check = json.dumps({"op": 13, "d": {"plain_token": "x", "event_ts": "1"}}).encode()
    assert player.put(check).json()["plain_token"] == "x"
    assert player.put(check, signature="0" * 128).status_code == 401


ABUSE: dict[str, Any] = {
    "a whole event": {"plain_token": BODY.decode(), "event_ts": "1767225601"},
    "an event in two parts": {"plain_token": "x", "event_ts": "1767225601" + BODY.decode()},
    "nothing": {},
    "a list": ["1767225601", "x"],
    "a number": {"plain_token": 7, "event_ts": "1767225601"},
    "an object": {"plain_token": {"a": 1}, "event_ts": "1767225601"},
    "null": None,
}


@pytest.mark.parametrize("asked", ABUSE.values(), ids=ABUSE)
def test_nothing_else_is_signed_for_whoever_asks(house: Served, asked: Any) -> None:
    answer = house.client().post(PATH, json={"op": 13, "d": asked})
    assert (answer.status_code, answer.content) == (401, b"")
    assert SIGNED not in answer.text


def test_check_of_the_address_can_be_switched_off(serve: Serve, there: Standin) -> None:
    house = serve({"qq": section(there, binding=False)})
    assert Player(house.client(), there.rules).validates() == ""


# --- who is let in ---


def test_event_of_our_own_vector_is_acknowledged_and_answered(house: Served, there: Standin) -> None:
    there.rules.knows("ROBOT1.0_lib-0001")
    head = {"X-Bot-Appid": APP_ID, "X-Signature-Ed25519": SIGNED, "X-Signature-Timestamp": "1767225601"}
    answer = house.client().post(PATH, content=BODY, headers=head)
    assert (answer.status_code, answer.json()) == (200, {"op": 12})
    settle(house)
    assert house.messages("qq", "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4") == ["图书馆几点关门？"]
    assert there.rules.to("A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4")[0].hook == "ROBOT1.0_lib-0001"


FORGED: dict[str, dict[str, str]] = {
    "unsigned": {"X-Signature-Ed25519": "", "X-Signature-Timestamp": ""},
    "without a time": {"X-Signature-Timestamp": ""},
    "without a signature": {"X-Signature-Ed25519": ""},
    "at another time": {"X-Signature-Timestamp": "1767225602"},
    "with another key": {"X-Signature-Ed25519": Key("another secret").sign("1767225601", BODY)},
    "for another bot": {"X-Bot-Appid": "102000002"},
}


@pytest.mark.parametrize("changed", FORGED.values(), ids=FORGED)
def test_forged_event_is_refused_without_a_word(house: Served, changed: dict[str, str]) -> None:
    head = {"X-Bot-Appid": APP_ID, "X-Signature-Ed25519": SIGNED, "X-Signature-Timestamp": "1767225601", **changed}
    answer = house.client().post(PATH, content=BODY, headers={name: value for name, value in head.items() if value})
    assert (answer.status_code, answer.content) == (401, b"")
    assert events_of(house) == []


def test_changed_event_is_refused(house: Served) -> None:
    head = {"X-Bot-Appid": APP_ID, "X-Signature-Ed25519": SIGNED, "X-Signature-Timestamp": "1767225601"}
    for body in (BODY + b" ", BODY.replace(b"lib0001", b"lib0002"), b"", BODY[:-1]):
        assert house.client().post(PATH, content=body, headers=head).status_code == 401


def test_stale_event_is_refused_where_an_age_is_set(serve: Serve, there: Standin) -> None:
    player = Player(serve({"qq": section(there, max_age=300)}).client(), there.rules)
    payload = json.dumps({"id": "1", "op": 0, "t": "X", "d": {}}).encode()
    now = int(time.time())
    assert [player.put(payload, str(now + shift)).status_code for shift in (-299, 0, 290, -302, 400)] == [200, 200, 200, 401, 401]


def test_oversized_request_is_refused(player: Player, house: Served) -> None:
    assert player.put(b"{" + b" " * 300_000 + b"}").status_code == 413
    unsigned = json.dumps({"op": 13, "d": {"plain_token": "x", "event_ts": "1", "more": "x" * 2000}})
    assert house.client().post(PATH, content=unsigned).status_code == 401


@pytest.mark.parametrize("body", [b"[]", b"not json", b'{"op": 0}', b'{"op": 0, "t": "C2C_MESSAGE_CREATE", "id": "1", "d": {}}', b"\xff"])
def test_signed_nonsense_is_named(player: Player, house: Served, body: bytes) -> None:
    answer = player.put(body)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
    assert events_of(house) == []


def test_other_payloads_are_acknowledged(player: Player, house: Served) -> None:
    assert player.post({"op": 1, "d": 3}).json() == {"op": 11}
    assert player.post({"op": 99}).json() == {"op": 12}
    assert player.bring("HOLOGRAM_CREATE", {"id": "1"}).json() == {"op": 12}
    assert events_of(house) == []


# --- what comes twice ---


def test_event_that_comes_again_is_acknowledged_and_nothing_else(player: Player, house: Served, there: Standin) -> None:
    player.says(QUESTION)
    assert [player.again().json() for _ in range(3)] == [{"op": 12}] * 3
    settle(house)
    assert house.messages("qq", FRIEND) == [QUESTION]
    assert len(there.rules.sent) == 1


def test_recorded_request_that_is_sent_again_later_changes_nothing(player: Player, house: Served) -> None:
    player.turns("FRIEND_DEL", at=1)
    player.says("转人工")
    settle(house)
    player.bring("FRIEND_DEL", {"openid": FRIEND, "timestamp": 2}, "recorded")
    settle(house)
    player.says("转人工")
    settle(house)
    player.bring("FRIEND_DEL", {"openid": FRIEND, "timestamp": 2}, "recorded")
    settle(house)
    assert house.ticket().status is TicketStatus.WAITING


@pytest.mark.parametrize("order", [("mentions", "chats"), ("chats", "mentions")], ids=str)
def test_message_that_comes_as_two_events_is_answered_once(player: Player, house: Served, there: Standin, order: tuple[str, str]) -> None:
    for kind in order:
        getattr(player, kind)(QUESTION, number="m-1", mentions=[{"member_openid": "bot", "is_you": True}])
    settle(house)
    assert [each.hook for each in there.rules.to(GROUP)] == ["m-1"]
    assert house.messages("qq", MEMBER) == [QUESTION]


def test_mention_is_answered_even_if_it_was_overheard_before(player: Player, house: Served, there: Standin) -> None:
    player.chats(QUESTION, number="m-1")
    player.mentions(QUESTION, number="m-1")
    settle(house)
    assert len(there.rules.to(GROUP)) == 1


def test_message_that_is_delivered_again_under_another_number_is_answered_once(player: Player, house: Served, there: Standin) -> None:
    scene = {"source": "default", "ext": ["msg_idx=REFIDX_1"]}
    player.says(QUESTION, number="m-1", message_scene=scene)
    settle(house)
    player.says(QUESTION, number="m-2", message_scene=scene)
    player.says(QUESTION, user="B2", number="m-3", message_scene=scene)
    settle(house)
    assert [(each.to, each.hook) for each in there.rules.sent] == [(FRIEND, "m-1"), ("B2", "m-3")]


def test_what_members_say_to_each_other_leaves_no_trace(player: Player, house: Served, there: Standin) -> None:
    assert player.chats("今天吃什么").json() == {"op": 12}
    assert player.chats(QUESTION).json() == {"op": 12}
    player.says(QUESTION)
    settle(house)
    assert [each.place for each in there.rules.sent] == ["users"]
    assert house.messages("qq", MEMBER) == []
    assert len(events_of(house)) == 1


# --- kept first, worked on afterwards ---


def test_event_that_cannot_be_stored_is_not_acknowledged(player: Player, house: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(work: object) -> None:
        raise StoreUnusable(house.desk.store.path, "the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(house.desk.store, "write", full)
        assert player.says(QUESTION).status_code == 503
    assert player.again().json() == {"op": 12}
    settle(house)
    assert house.messages("qq", FRIEND) == [QUESTION]


def test_event_is_acknowledged_before_it_is_understood(player: Player, house: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    held, ask = list[Callable[[], Awaitable[Any]]](), house.connectors["qq"]._intake._ask  # type: ignore[attr-defined]

    async def later(question: Question) -> None:
        gate = asyncio.Event()
        held.append(lambda: house._loop.call_soon_threadsafe(gate.set))  # type: ignore[arg-type, return-value]
        await gate.wait()
        await ask(question)

    monkeypatch.setattr(house.connectors["qq"]._intake, "_ask", later)  # type: ignore[attr-defined]
    assert player.says(QUESTION).json() == {"op": 12}
    assert [kept.id for kept in house.desk.store.read(lambda s: s.kept("qq"))] == [player.last["id"]]
    until(lambda: held)
    held[0]()
    settle(house)
    assert house.messages("qq", FRIEND) == [QUESTION]


def test_event_that_a_stopped_server_did_not_get_to_is_answered_after_the_next_start(
    serve: Serve, there: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = serve({"qq": section(there)})
    with monkeypatch.context() as hung:
        hung.setattr(house.connectors["qq"]._intake, "_spawn", lambda happened: None)  # type: ignore[attr-defined]
        assert Player(house.client(), there.rules).says(QUESTION).json() == {"op": 12}
    house.desk.store.write(lambda s: s.keep("qq", "old", '{"t": 1}', house.desk.clock.now())).result()
    house.stop()
    assert there.rules.sent == []
    again = serve({"qq": section(there)}, store={"path": house.desk.store.path})
    settle(again)
    assert ANSWER in there.rules.to(FRIEND)[0].text
    assert again.messages("qq", FRIEND) == [QUESTION]


class FakeDesk:
    """What the intake asks of the house; `failures` are raised by `ask`, one a question."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.asked, self.finished = list(failures), list[Question](), list[str]()
        self.facts: dict[str, str] = {}
        self.waiting: tuple[Kept, ...] = ()

    async def ask(self, question: Question) -> tuple[()]:
        if self.failures:
            raise self.failures.pop(0)
        self.asked.append(question)
        return ()

    async def keep(self, name: str, number: str, body: str) -> bool:
        return True

    async def kept(self, name: str) -> tuple[Kept, ...]:
        return self.waiting

    async def done(self, name: str, number: str) -> None:
        self.finished.append(number)

    async def recall(self, name: str) -> str:
        return self.facts.get(name, "")

    async def remember(self, name: str, value: str) -> None:
        self.facts[name] = value


def test_event_that_cannot_be_worked_on_is_tried_again_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    desk = FakeDesk(StoreUnusable("x", "full"), TooMuch("messages in a minute", 3), RuntimeError("what?"))  # type: ignore[arg-type]
    raw = {"id": "1", "op": 0, "t": "C2C_MESSAGE_CREATE", "d": {"id": "m", "author": {"user_openid": "u"}, "content": "x"}}

    async def work() -> None:
        intake = Intake(desk, None, first_pause=0)  # type: ignore[arg-type]
        await intake.take(event(raw), json.dumps(raw))
        await asyncio.gather(*intake._tasks)
        assert not intake._tasks

    with caplog.at_level(logging.CRITICAL, "refdesk.qq"):
        asyncio.run(work())
    assert ([question.id for question in desk.asked], desk.finished) == (["m"], ["1"])
    assert LONGEST_PAUSE > 0


def test_events_of_one_asker_are_worked_on_in_their_order_and_hold_up_nobody_else() -> None:
    desk = FakeDesk(StoreUnusable("x", "full"))  # type: ignore[arg-type]

    async def work() -> None:
        intake = Intake(desk, None, first_pause=0.01)  # type: ignore[arg-type]
        for number, user in enumerate(("u", "u", "other", "u"), 1):
            said = {"id": f"m-{number}", "author": {"user_openid": user}, "content": "x"}
            raw = {"id": str(number), "op": 0, "t": "C2C_MESSAGE_CREATE", "d": said}
            await intake.take(event(raw), json.dumps(raw))
        await asyncio.gather(*intake._tasks)

    asyncio.run(work())
    assert [question.id for question in desk.asked] == ["m-3", "m-1", "m-2", "m-4"]


# --- settings ---


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"app_id": "1"}, "secret"),
        ({"secret": "1"}, "app_id"),
        ({"api_base": "ftp://x"}, "api_base"),
        ({"token_base": "x"}, "token_base"),
        ({"transport": "pigeon"}, "transport"),
        ({"link_domains": "lib.example.edu.cn, https://x"}, "link_domains"),
        ({"max_age": -1}, "max_age"),
        ({"message_bytes": 10}, "message_bytes"),
    ],
)
def test_wrong_setting_is_named(given: dict[str, Any], key: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("qq", given)
    assert caught.value.key == f"connectors.qq.{key}"


def test_bot_is_off_without_its_number_and_secret() -> None:
    assert connector.load("qq", {}) is None


def test_sandbox_and_production_are_a_matter_of_settings() -> None:
    assert settings_of({}).api == API
    assert settings_of({"sandbox": "true"}).api == SANDBOX
    assert settings_of({"sandbox": True, "api_base": "http://127.0.0.1:1/"}).api == "http://127.0.0.1:1"
    assert settings_of({"link_domains": "Lib.example.edu.cn, b.example.cn"}).link_domains == ("lib.example.edu.cn", "b.example.cn")


def test_secret_is_not_told_by_an_error() -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("qq", {"secret": "very-secret", "max_age": "very-secret"})
    assert "very-secret" not in str(caught.value)
