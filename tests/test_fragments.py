"""Several short messages that make one question: met at once, understood together, counted once, across a restart."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot import house, reports
from bot.desk import Desk
from bot.domain import DraftStatus, EventName, TicketStatus
from bot.messages import Address, Attachment, Question
from bot.store import Store
from tests.conftest import FakeClock, FakeEngine
from tests.server import Server

Say = Callable[..., str]
WIDE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def pieces(engine: FakeEngine) -> FakeEngine:
    """An engine that is unsure of a fragment and sure of the whole."""
    engine.knows("就是那个vpn", "vpn_setup", 0.4, ("vpn_trouble", 0.35)).knows("就是那个vpn装不上", "vpn_trouble", 0.9)
    return (
        engine.knows("装不上vpn", "vpn_trouble", 0.9)
        .knows("about the vpn", "vpn_setup", 0.4)
        .knows("about the vpn cant start", "vpn_trouble")
    )


@pytest.mark.usefixtures("pieces")
def test_fragments_are_answered_at_once_and_understood_together(desk: Desk, say: Say) -> None:
    assert "问询台" in say("你好")
    assert say("我想问下") == "请讲。"
    assert "1. " in say("就是那个vpn")
    assert "请按顺序检查" in say("装不上")
    assert desk.queue((TicketStatus.WAITING,)) == ()


@pytest.mark.usefixtures("pieces")
def test_question_in_pieces_is_counted_once(store: Store, say: Say) -> None:
    for text in ("我想问下", "就是那个vpn", "装不上"):
        say(text)
    asked = reports.questions(store.read(lambda s: s.histories(*WIDE)))
    assert [(each.intent, each.result) for each in asked] == [("vpn_trouble", reports.Result.BOT)]


@pytest.mark.usefixtures("pieces")
def test_fragment_that_named_nothing_makes_one_question_with_the_next(store: Store, say: Say) -> None:
    assert "再说详细一点" in say("装不上")
    assert "请按顺序检查" in say("vpn")
    assert len(reports.questions(store.read(lambda s: s.histories(*WIDE)))) == 1


@pytest.mark.usefixtures("pieces")
def test_english_fragments_are_joined_with_a_gap(say: Say) -> None:
    say("about the vpn")
    assert "check in this order" in say("cant start")


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize(("seconds", "joined"), [(60, True), (61, False)])
def test_pause_decides_what_belongs_together(say: Say, clock: FakeClock, seconds: int, joined: bool) -> None:
    say("就是那个vpn")
    clock.pass_(seconds=seconds)
    assert ("请按顺序检查" in say("装不上")) is joined


@pytest.mark.usefixtures("pieces")
def test_picture_and_sticker_between_fragments_break_nothing(desk: Desk, say: Say) -> None:
    say("就是那个vpn")
    picture = Question("p1", Address("rest", "reader"), "", attachments=(Attachment("image", "x"),))
    desk.ask(picture).result()
    say("😀")
    assert "请按顺序检查" in say("装不上")


@pytest.mark.usefixtures("pieces")
def test_repeated_fragment_gets_its_own_reply_and_is_not_joined_to_itself(say: Say) -> None:
    first = say("就是那个vpn", number="f1")
    assert say("就是那个vpn", number="f1") == first
    answer = say("装不上", number="f2")
    assert say("装不上", number="f2") == answer
    assert say("就是那个vpn", number="f1") == first


@pytest.mark.usefixtures("pieces")
def test_handover_of_a_question_in_pieces_is_about_its_first_counted_piece(desk: Desk, engine: FakeEngine, say: Say) -> None:
    say("就是那个vpn")
    engine.knows("就是那个vpn好几天了都那样", "complaint", 0.9)
    say("好几天了都那样")
    assert desk.consultation(1).question().text == "就是那个vpn"


@pytest.mark.usefixtures("pieces")
def test_two_askers_fragments_are_kept_apart(say: Say) -> None:
    say("就是那个vpn", user="a")
    assert "再说详细一点" in say("装不上", user="b")
    assert "请按顺序检查" in say("装不上", user="a")


def test_choice_becomes_an_example_that_awaits_review(store: Store, say: Say) -> None:
    say("VPN")
    say("第二个")
    (example,) = store.read(lambda s: s.examples())
    assert (example.text, example.intent, example.source, example.question) == ("VPN", "vpn_trouble", "choice", 1)
    store.write(lambda s: s.review_example(example.id, DraftStatus.APPROVED)).result()
    assert store.read(lambda s: s.examples()) == ()
    assert [each.id for each in store.read(lambda s: s.examples(DraftStatus.APPROVED))] == [example.id]


def test_same_choice_of_others_is_one_example(store: Store, say: Say) -> None:
    for user in ("a", "b"):
        say("VPN", user=user)
        say("1", user=user)
    assert len(store.read(lambda s: s.examples())) == 1


def test_menu_of_the_welcome_and_none_of_these_teach_nothing(desk: Desk, store: Store, say: Say) -> None:
    desk.ask(Question("s1", Address("rest", "reader"), "开始", choice="start")).result()
    say("1")
    say("VPN")
    say("都不是")
    assert store.read(lambda s: s.examples()) == ()


def test_examples_go_with_the_words_that_retention_removes(desk: Desk, store: Store, say: Say, clock: FakeClock) -> None:
    from datetime import timedelta

    say("VPN")
    say("1")
    clock.pass_(days=10)
    desk.forget(timedelta(days=9))
    assert store.read(lambda s: s.examples()) == ()


def test_example_of_an_asker_who_erases_their_records_is_gone(store: Store, say: Say) -> None:
    say("VPN")
    say("1")
    say("删除我的记录")
    say("1")
    assert store.read(lambda s: s.examples()) == ()


def test_events_tell_of_the_choice(store: Store, say: Say) -> None:
    say("VPN")
    say("2")
    names = [event.name for event in store.read(lambda s: s.histories(*WIDE))]
    assert names == [EventName.ASKED, EventName.CLARIFIED, EventName.CHOSEN, EventName.ANSWERED]


def test_question_in_pieces_survives_a_kill_between_them(tmp_path: Path, mind: house.Mind) -> None:
    """The first pieces are acknowledged, the server is killed, and the last piece is still understood with them."""
    database = tmp_path / "refdesk.db"

    def post(server: Server, number: str, text: str) -> list[str]:
        body = {"sender": "reader", "message": text, "message_id": number}
        answer = httpx.post(f"{server.address}/webhooks/rest/webhook", json=body, timeout=20)
        assert answer.status_code == 200
        return [reply["text"] for reply in answer.json()]

    server = Server(database)
    try:
        assert post(server, "1", "我想问下") == ["请讲。"]
        offered = post(server, "2", "校外vpn")
    finally:
        server.kill()
    server = Server(database)
    try:
        assert post(server, "2", "校外vpn") == offered
        (answer,) = post(server, "3", "装不上")
    finally:
        assert server.stop() == 0
    assert "VPN" in answer
    assert "内容核对于" in answer
