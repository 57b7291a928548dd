"""The rooms of the WeCom connector one by one: what is read, what is sent, how far a pull came, who may move a session."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import windows
from bot.connector import Desk, Kept
from bot.errors import StoreUnusable
from bot.messages import Address, Attachment, Choice, Link, Overheard, Question, Reply, ReplyKind
from connectors.shared.api import Api, ApiError, gettoken
from connectors.wecom import Wecom as WecomConnector
from connectors.wecom.intake import RING_GOOD_FOR, Intake, inbox
from connectors.wecom.payloads import Item, Unreadable, content, fields, item, overheard, question
from connectors.wecom.sessions import MOVES, OURS, Customer, Sessions, State
from tests.connectors.loopback import Asked, Platform, Told, platform
from tests.connectors.wecom_platform import ACCOUNT, CORP, SECRET, Wecom, words
from tests.serving import until

ADDRESS = Address("wecom", "wm-reader")
CUSTOMER = Customer(ACCOUNT, "wm-reader")


def recorded(kind: str, **data: Any) -> dict[str, Any]:
    """An entry of msg_list as the platform's documentation shows it."""
    return {
        "msgid": "4ySgWSfDQyTNqvWSJ", "open_kfid": ACCOUNT, "external_userid": "wm-reader", "send_time": 1615478585, "origin": 3,
        "servicer_userid": "", "msgtype": kind, kind: data,
    }  # fmt: skip


RECORDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (recorded("text", content="图书馆几点关门？"), {"text": "图书馆几点关门？"}),
    "tapped menu": (recorded("text", content="1. 借书", menu_id="intent:borrow"), {"text": "1. 借书", "choice": "intent:borrow"}),
    "menu id as number": (recorded("text", content="借书", menu_id=101), {"text": "借书", "choice": "101"}),
    "image": (recorded("image", media_id="M1"), {"attachments": (Attachment("image", "M1"),)}),
    "voice": (recorded("voice", media_id="M2"), {"attachments": (Attachment("voice", "M2"),)}),
    "video": (recorded("video", media_id="M3"), {"attachments": (Attachment("video", "M3"),)}),
    "file": (recorded("file", media_id="M4"), {"attachments": (Attachment("file", "M4"),)}),
    "location": (
        recorded("location", latitude=23.10, longitude=113.32, name="图书馆", address="大学路1号"),
        {"attachments": (Attachment("location", "23.1,113.32", "图书馆 大学路1号"),)},
    ),
    "link": (
        recorded("link", title="通知", desc="闭馆", url="https://lib.example/1", pic_url="https://lib.example/p"),
        {"attachments": (Attachment("link", "https://lib.example/1", "通知"),)},
    ),
    "business card": (recorded("business_card", userid="anna"), {"attachments": (Attachment("other", "anna", "business_card"),)}),
    "mini program": (
        recorded("miniprogram", title="座位", appid="wx1", pagepath="pages/seat", thumb_media_id="T"),
        {"attachments": (Attachment("other", "pages/seat", "miniprogram 座位"),)},
    ),
    "a kind of next year": (recorded("hologram", size=3), {"attachments": (Attachment("other", "", "hologram"),)}),
}


@pytest.mark.parametrize(("raw", "expected"), RECORDED.values(), ids=RECORDED)
def test_message_of_every_kind_becomes_a_question(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    entry = item(raw)
    assert entry is not None
    assert (entry.open_kfid, entry.user, entry.origin) == (ACCOUNT, "wm-reader", 3)
    at = datetime(2021, 3, 11, 16, 3, 5, tzinfo=UTC)
    assert question(entry, ADDRESS) == Question(raw["msgid"], ADDRESS, expected.pop("text", ""), at, **expected)


def test_message_of_an_agent_is_what_the_agent_said() -> None:
    raw = {**recorded("text", content="在三楼。"), "origin": 5, "servicer_userid": "anna"}
    entry = item(raw)
    assert entry is not None
    assert (entry.origin, entry.servicer) == (5, "anna")
    assert overheard(entry, ADDRESS, "wecom:anna") == Overheard(raw["msgid"], ADDRESS, "wecom:anna", "在三楼。")
    picture = item({**recorded("image", media_id="M1"), "origin": 5, "servicer_userid": "anna"})
    assert picture is not None
    assert overheard(picture, ADDRESS, "wecom:anna").attachments == (Attachment("image", "M1"),)


def test_event_has_its_customer_and_account_inside() -> None:
    event = {"event_type": "enter_session", "open_kfid": ACCOUNT, "external_userid": "wm-reader", "scene": "home", "welcome_code": "WC"}
    entry = item({"msgid": "e1", "send_time": 1615478585, "origin": 4, "msgtype": "event", "event": event})
    assert entry == Item("e1", "event", 4, ACCOUNT, "wm-reader", 1615478585.0, event)


@pytest.mark.parametrize("raw", [None, 7, [], "x", {}, {"msgid": ""}, {"msgid": None}])
def test_entry_without_an_id_is_none(raw: Any) -> None:
    assert item(raw) is None


@pytest.mark.parametrize(
    "body", [b"", b"x", b"<xml>", b"\xff\xfe<\x00", b"<!DOCTYPE a><a/>", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']
)
def test_callback_that_is_no_plain_xml_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        fields(body)


def test_callback_is_read_with_and_without_cdata() -> None:
    assert fields(b"<xml><A><![CDATA[a&b]]></A><B>c</B><C/><D><E>f</E></D></xml>") == {"A": "a&b", "B": "c", "C": "", "D": ""}


# --- what is sent ---


def reply(text: str = "请选择", *choices: Choice, links: tuple[Link, ...] = ()) -> Reply:
    return Reply(ReplyKind.ANSWER, text, links=links, choices=choices)


def test_reply_with_choices_is_a_menu_with_its_links_above() -> None:
    body = content(reply("请选择", Choice("1", "借书", "intent:borrow"), links=(Link("主页", "https://lib.example"),)))
    assert body["msgmenu"] == {
        "head_content": "请选择\n主页: https://lib.example",
        "list": [{"type": "click", "click": {"id": "intent:borrow", "content": "1. 借书"}}],
    }


CROWDED = {
    "eleven choices": reply("请选择", *(Choice(str(number), "借书", "x") for number in range(11))),
    "a long head": reply("长" * 342, Choice("1", "借书", "x")),
    "a long title": reply("请选择", Choice("1", "长" * 43, "x")),
}


@pytest.mark.parametrize("crowded", CROWDED.values(), ids=CROWDED)
def test_reply_that_does_not_fit_a_menu_is_numbered_text(crowded: Reply) -> None:
    assert content(crowded) == {"msgtype": "text", "text": {"content": crowded.plain()}}


def test_choice_whose_meaning_is_too_long_for_an_id_goes_by_its_number() -> None:
    assert content(reply("请选择", Choice("1", "借书", "x" * 65)))["msgmenu"]["list"][0]["click"]["id"] == "1"


def test_remark_stands_on_a_line_of_its_own() -> None:
    assert words(content(reply("第一部分\n"), "（未完）")) == "第一部分\n（未完）"


# --- the window of 48 hours and five messages ---

WROTE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pushes", "after", "left"),
    [
        (0, timedelta(0), 5),
        (4, timedelta(hours=1), 1),
        (5, timedelta(hours=1), 0),
        (6, timedelta(hours=1), 0),
        (0, timedelta(hours=48) - timedelta(seconds=1), 5),
        (0, timedelta(hours=48), 0),
    ],
)
def test_five_messages_may_be_sent_until_48_hours_after_the_customer_wrote(pushes: int, after: timedelta, left: int) -> None:
    at = [WROTE + timedelta(seconds=number) for number in range(pushes)]
    window = windows.window(WecomConnector.limits, WROTE, None, at, WROTE + after)
    assert window is not None
    assert window.left == left


# --- the sessions' state machine ---


@dataclass
class Recorder:
    """A platform that says yes to everything."""

    def __call__(self, asked: Asked) -> dict[str, Any]:
        return {"errcode": 0, "access_token": "T", "expires_in": 7200, "service_state": 1}


@pytest.fixture
def obliging() -> Iterator[Platform]:
    with platform(Recorder()) as there:
        yield there


ALLOWED = {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 3), (3, 4)}


@pytest.mark.parametrize("new", State)
@pytest.mark.parametrize("old", State)
def test_session_makes_the_moves_that_the_platform_allows_and_no_other(obliging: Platform, old: State, new: State) -> None:
    sessions = Sessions(Api(obliging.url, gettoken("c", "s")))
    moved = asyncio.run(sessions.move(CUSTOMER, old, new, "anna" if new is State.AGENT else ""))
    calls = obliging.calls("/cgi-bin/kf/service_state/trans")
    assert moved == bool(calls) == ((int(old), int(new)) in ALLOWED)
    for call in calls:
        agent = {"servicer_userid": "anna"} if new is State.AGENT else {}
        assert call.body == {"open_kfid": ACCOUNT, "external_userid": "wm-reader", "service_state": int(new), **agent}


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State)
    assert {State.NEW, State.BOT} == OURS


# --- how far a pull came ---


@dataclass
class Notebook:
    """What a desk remembers, and in which order things happened."""

    facts: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    pages: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    waiting: dict[str, Kept] = field(default_factory=dict)

    def desk(self) -> Desk:
        async def recall(name: str) -> str:
            return self.facts.get(name, "")

        async def keep_page(connector: str, brought: tuple[Kept, ...], name: str, value: str) -> None:
            assert connector == inbox(ACCOUNT) or not brought
            self.waiting |= {each.id: each for each in brought}
            self.pages.append((tuple(each.id for each in brought), value))
            self.facts[name] = value
            self.steps.append(value)

        async def kept(connector: str) -> tuple[Kept, ...]:
            return tuple(self.waiting.values())

        async def done(connector: str, external: str) -> None:
            del self.waiting[external]

        async def nothing(*given: Any) -> Any:
            raise AssertionError("not asked for here")

        @asynccontextmanager
        async def listen(address: Address) -> Any:
            yield nothing

        return Desk(
            ask=nothing, collect=nothing, rate=nothing, history=nothing, listen=listen, loopback=True, remember=nothing, recall=recall,
            undeliver=nothing, end=nothing, judge=nothing, late=nothing, leave=nothing, phrase=lambda name, language: name,
            keep=nothing, kept=kept, done=done, pick_up=nothing, same=nothing, keep_page=keep_page, overhear=nothing,
        )  # fmt: skip


@pytest.fixture
def there() -> Iterator[Wecom]:
    there = Wecom(page=2)
    there.platform.start()
    yield there
    there.platform.stop()


@pytest.fixture
def kept() -> Notebook:
    return Notebook()


@pytest.fixture
def intake(there: Wecom, kept: Notebook) -> Callable[..., Intake]:
    def intake(take: Callable[[Item], None] = lambda entry: kept.steps.append(entry.msgid), **options: Any) -> Intake:
        async def awaited(entry: Item) -> None:
            take(entry)

        return Intake(Api(there.platform.url, gettoken(CORP, SECRET)), kept.desk(), awaited, **options)

    return intake


def test_page_is_stored_together_with_its_cursor_before_anything_is_done_about_it(
    intake: Callable[..., Intake], there: Wecom, kept: Notebook
) -> None:
    for number in range(1, 6):
        there.says("wm-reader", "x", f"m{number}")
    asyncio.run(intake().pull(ACCOUNT))
    assert kept.pages == [(("m1", "m2"), "c2"), (("m3", "m4"), "c4"), (("m5",), "c5")]
    assert kept.steps == ["c2", "c4", "c5", "m1", "m2", "m3", "m4", "m5"]
    assert kept.waiting == {}


def test_message_that_cannot_be_dealt_with_holds_up_nobody_else_and_is_taken_up_again(
    intake: Callable[..., Intake], there: Wecom, kept: Notebook
) -> None:
    full = [True]

    def take(entry: Item) -> None:
        if entry.msgid == "m2" and full:
            raise StoreUnusable(Path("refdesk.db"), "cannot be written: disk full")
        kept.steps.append(entry.msgid)

    for number in range(1, 6):
        there.says("wm-first" if number % 2 else "wm-second", "x", f"m{number}")
    puller = intake(take)
    with pytest.raises(StoreUnusable):
        asyncio.run(puller.pull(ACCOUNT))
    assert kept.facts == {f"wecom.cursor.{ACCOUNT}": "c5"}
    assert [step for step in kept.steps if step.startswith("m")] == ["m1", "m3", "m5"]
    assert list(kept.waiting) == ["m2", "m4"]
    full.clear()
    there.fail("kf/sync_msg", *[Told("<html>502</html>", 502)] * 9)
    with pytest.raises(ApiError):
        asyncio.run(puller.pull(ACCOUNT))
    assert kept.steps[-2:] == ["m2", "m4"]
    assert kept.waiting == {}


def test_pull_fails_and_does_not_turn_in_circles_when_the_cursor_does_not_move(intake: Callable[..., Intake], there: Wecom) -> None:
    there.fail("kf/sync_msg", *[{"errcode": 0, "has_more": 1, "next_cursor": "", "msg_list": []}] * 9)
    with pytest.raises(ApiError, match="does not move"):
        asyncio.run(intake().pull(ACCOUNT))
    assert len(there.platform.calls("/cgi-bin/kf/sync_msg")) == 1


@pytest.mark.parametrize("more", [1, "1", True])
def test_pull_understands_has_more_however_it_is_written(intake: Callable[..., Intake], there: Wecom, kept: Notebook, more: Any) -> None:
    there.fail("kf/sync_msg", {"errcode": "0", "has_more": more, "next_cursor": "c0"})
    there.says("wm-reader", "x", "m1")
    asyncio.run(intake().pull(ACCOUNT))
    assert kept.steps == ["c0", "c1", "m1"]


def test_token_of_a_ring_is_used_while_it_is_good(intake: Callable[..., Intake], there: Wecom) -> None:
    now = [1000.0]

    async def run() -> None:
        puller = intake(now=lambda: now[0])
        puller.start((ACCOUNT,))
        puller.ring(ACCOUNT, "ENC1")
        await puller.pull(ACCOUNT)
        now[0] += RING_GOOD_FOR
        await puller.pull(ACCOUNT)
        await puller.stop()

    asyncio.run(run())
    calls = [asked.body.get("token") for asked in there.platform.calls("/cgi-bin/kf/sync_msg")]
    assert calls[0] == "ENC1"
    assert calls[-1] is None


def test_ring_without_an_account_is_for_all_of_them(intake: Callable[..., Intake], there: Wecom) -> None:
    async def run() -> None:
        puller = intake()
        puller.start((ACCOUNT, "wkB"))
        pulled = there.platform.calls
        await asyncio.to_thread(until, lambda: len(pulled("/cgi-bin/kf/sync_msg")) == 2)
        puller.ring("", "ENC1")
        await asyncio.to_thread(until, lambda: len(pulled("/cgi-bin/kf/sync_msg")) == 4)
        await puller.stop()

    asyncio.run(run())
    bodies = [asked.body for asked in there.platform.calls("/cgi-bin/kf/sync_msg")]
    assert {body["open_kfid"] for body in bodies if body.get("token") == "ENC1"} == {ACCOUNT, "wkB"}


def test_refused_ring_token_is_not_used_again(intake: Callable[..., Intake], there: Wecom) -> None:
    there.fail("kf/sync_msg", lambda asked: Told({"errcode": 40058, "errmsg": "invalid token"}) if "token" in asked.body else None)

    async def run() -> None:
        puller = intake()
        puller.start((ACCOUNT,))
        puller.ring(ACCOUNT, "stale")
        await asyncio.to_thread(until, lambda: len(there.platform.calls("/cgi-bin/kf/sync_msg")) == 2)
        await puller.stop()

    asyncio.run(run())
    assert [("token" in asked.body) for asked in there.platform.calls("/cgi-bin/kf/sync_msg")][:2] == [True, False]
