"""Recorded events of OneBot v11 with what each comes to beside it; messages and CQ codes both ways."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import START, Address, Attachment, Question
from connectors.onebot import segments
from connectors.onebot.events import Asked, Beat, Event, Expelled, Wanted, asked_id, event_of, opened
from connectors.onebot.segments import Segment, Unreadable

HEAD = {"time": 1767225600, "self_id": 10001000}
AT_ME = {"type": "at", "data": {"qq": "10001000"}}
IN_GROUP = Address("onebot", "30003000", "20002000")
ALONE = Address("onebot", "30003000")
OURS = "77"


def words(text: str) -> dict[str, Any]:
    return {"type": "text", "data": {"text": text}}


def group(*message: Any, **more: Any) -> dict[str, Any]:
    return {
        **HEAD,
        "post_type": "message",
        "message_type": "group",
        "sub_type": "normal",
        "message_id": 12,
        "group_id": 20002000,
        "user_id": 30003000,
        "message": list(message),
        "raw_message": "",
        "font": 0,
        "sender": {"user_id": 30003000, "nickname": "读者", "card": "", "role": "member"},
        **more,
    }


def private(*message: Any, **more: Any) -> dict[str, Any]:
    return {
        **HEAD,
        "post_type": "message",
        "message_type": "private",
        "sub_type": "friend",
        "message_id": 12,
        "user_id": 30003000,
        "message": list(message),
        "raw_message": "",
        "font": 0,
        "sender": {"user_id": 30003000, "nickname": "读者", "sex": "unknown", "age": 0},
        **more,
    }


def notice(kind: str, **more: Any) -> dict[str, Any]:
    return {**HEAD, "post_type": "notice", "notice_type": kind, **more}


def meta(**more: Any) -> dict[str, Any]:
    return {**HEAD, "post_type": "meta_event", **more}


def said(text: str, *attachments: Attachment, addressed: bool = True, **more: Any) -> Asked:
    return Asked(Question("10001000:12:1767225600", IN_GROUP, text, attachments=attachments, addressed=addressed, **more))


def wrote(text: str, *attachments: Attachment, by: str = "") -> Asked:
    return Asked(Question("10001000:12:1767225600", ALONE, text, attachments=attachments), by)


def started(text: str, address: Address, kind: str, place: str = "") -> Asked:
    return Asked(Question(f"10001000:{kind}-{place}-30003000:1767225600", address, text, choice=START, tap=True))


EVENTS: dict[str, tuple[dict[str, Any], Event | None]] = {
    "group, mentioned first": (group(AT_ME, words(" 几点关门？")), said("几点关门？")),
    "group, mentioned last": (group(words("几点关门？ "), AT_ME), said("几点关门？")),
    "group, mentioned last with a blank behind": (group(words("几点关门？"), AT_ME, words(" ")), said("几点关门？")),
    "group, mentioned after a quote": (group({"type": "reply", "data": {"id": "5"}}, AT_ME, words(" 这个呢")), said("这个呢")),
    "group, mentioned with nothing": (group(AT_ME), said("")),
    "group, mentioned by a number": (group({"type": "at", "data": {"qq": 10001000}}, words("在吗")), said("在吗")),
    "group, in passing": (group(words("问问"), AT_ME, words("就知道了")), said("问问@10001000 就知道了", addressed=False)),
    "group, to nobody": (group(words("今晚吃什么")), said("今晚吃什么", addressed=False)),
    "group, to somebody else": (
        group({"type": "at", "data": {"qq": "5", "name": "小王"}}, words("来吗")),
        said("@小王 来吗", addressed=False),
    ),
    "group, to all": (group({"type": "at", "data": {"qq": "all"}}, words("放假")), said("@all 放假", addressed=False)),
    "group, a reply to us": (group({"type": "reply", "data": {"id": OURS}}, words("没用")), said("没用")),
    "group, a reply to another": (group({"type": "reply", "data": {"id": "5"}}, words("没用")), said("没用", addressed=False)),
    "group, as a string": (group(message="[CQ:at,qq=10001000] 几点&#91;关&#93;门&amp;"), said("几点[关]门&")),
    "group, one segment without an array": (group(message=AT_ME), said("")),
    "group, a picture beside words": (
        group(AT_ME, words(" 这是什么"), {"type": "image", "data": {"file": "a.jpg", "url": "https://q.example/a"}}),
        said("这是什么", Attachment("image", "https://q.example/a")),
    ),
    "group, anonymous": (group(AT_ME, words("几点"), sub_type="anonymous", anonymous={"id": 1, "name": "n", "flag": "f"}), said("几点")),
    "group, a message of the system": (group(words("禁言"), sub_type="notice"), None),
    "group, our own message": (group(words("我说的"), user_id=10001000), None),
    "group, our own message as reported": ({**group(words("我说的")), "post_type": "message_sent"}, None),
    "private": (private(words("图书馆几点关门？")), wrote("图书馆几点关门？")),
    "private, several lines": (private(words("第一行\n第二行")), wrote("第一行\n第二行")),
    "private, by a group": (
        private(words("在吗"), sub_type="group", sender={"user_id": 30003000, "group_id": 20002000}),
        wrote("在吗", by="20002000"),
    ),
    "private, a face": (private({"type": "face", "data": {"id": "14"}}), wrote("")),
    "private, a voice message": (private({"type": "record", "data": {"file": "a.amr"}}), wrote("", Attachment("voice", "a.amr"))),
    "private, a video": (
        private({"type": "video", "data": {"file": "a.mp4", "url": "https://q.example/v"}}),
        wrote("", Attachment("video", "https://q.example/v")),
    ),
    "private, a file": (
        private({"type": "file", "data": {"file": "书单.xlsx", "file_id": "/f", "file_size": "9"}}),
        wrote("", Attachment("file", "书单.xlsx", "书单.xlsx")),
    ),
    "private, a shared page": (
        private({"type": "share", "data": {"url": "https://a.example", "title": "公告"}}),
        wrote("", Attachment("link", "https://a.example", "公告")),
    ),
    "private, a place": (
        private({"type": "location", "data": {"lat": "30.5", "lon": "104.0", "title": "图书馆"}}),
        wrote("", Attachment("location", "30.5,104.0", "图书馆")),
    ),
    "private, a card": (private({"type": "json", "data": {"data": "{}"}}), wrote("", Attachment("other", "", "json"))),
    "private, forwarded messages": (private({"type": "forward", "data": {"id": "fw"}}), wrote("", Attachment("other", "fw", "forward"))),
    "heartbeat": (meta(meta_event_type="heartbeat", status={"online": True, "good": True}, interval=30000), Beat(30.0, True)),
    "heartbeat of an account that is offline": (
        meta(meta_event_type="heartbeat", status={"online": False, "good": True}, interval=15000),
        Beat(15.0, False),
    ),
    "heartbeat that says nothing": (meta(meta_event_type="heartbeat"), Beat(0.0, True)),
    "lifecycle": (meta(meta_event_type="lifecycle", sub_type="connect"), None),
    "offline": (notice("bot_offline", user_id=10001000, tag="t", message="m"), Beat(0.0, False)),
    "friend added": (notice("friend_add", user_id=30003000), started("（加为好友）", ALONE, "friend_add")),
    "poked alone": (notice("notify", sub_type="poke", user_id=30003000, target_id=10001000), started("（戳一戳）", ALONE, "notify")),
    "poked in a group": (
        notice("notify", sub_type="poke", user_id=30003000, target_id=10001000, group_id=20002000),
        started("（戳一戳）", IN_GROUP, "notify", "20002000"),
    ),
    "another poked": (notice("notify", sub_type="poke", user_id=30003000, target_id=5, group_id=20002000), None),
    "honour": (notice("notify", sub_type="honor", user_id=30003000, group_id=20002000, honor_type="talkative"), None),
    "removed from a group": (
        notice("group_decrease", sub_type="kick_me", group_id=20002000, user_id=10001000, operator_id=5),
        Expelled("20002000"),
    ),
    "left a group": (
        notice("group_decrease", sub_type="leave", group_id=20002000, user_id=10001000, operator_id=10001000),
        Expelled("20002000"),
    ),
    "a member left": (notice("group_decrease", sub_type="leave", group_id=20002000, user_id=5, operator_id=5), None),
    "a member came": (notice("group_increase", sub_type="approve", group_id=20002000, user_id=5, operator_id=6), None),
    "a file in a group": (notice("group_upload", group_id=20002000, user_id=5, file={"id": "f", "name": "n", "size": 1, "busid": 1}), None),
    "an administrator": (notice("group_admin", sub_type="set", group_id=20002000, user_id=5), None),
    "muted": (notice("group_ban", sub_type="ban", group_id=20002000, user_id=10001000, operator_id=5, duration=60), None),
    "recalled in a group": (notice("group_recall", group_id=20002000, user_id=5, operator_id=5, message_id=12), None),
    "recalled alone": (notice("friend_recall", user_id=5, message_id=12), None),
    "a notice to come": (notice("hologram"), None),
    "a friend request": (
        {**HEAD, "post_type": "request", "request_type": "friend", "user_id": 5, "comment": "你好", "flag": "fl"},
        Wanted("friend", "fl"),
    ),
    "an invitation": (
        {**HEAD, "post_type": "request", "request_type": "group", "sub_type": "invite", "group_id": 9, "user_id": 5, "flag": "fl"},
        Wanted("group", "fl"),
    ),
    "somebody wants into a group": (
        {**HEAD, "post_type": "request", "request_type": "group", "sub_type": "add", "group_id": 9, "user_id": 5, "flag": "fl"},
        None,
    ),
    "a request to come": ({**HEAD, "post_type": "request", "request_type": "guild", "flag": "fl"}, None),
    "an event to come": ({**HEAD, "post_type": "hologram"}, None),
}


@pytest.mark.parametrize(("frame", "expected"), EVENTS.values(), ids=EVENTS)
def test_event_comes_to_what_stands_beside_it(frame: dict[str, Any], expected: Event | None) -> None:
    found = event_of(opened(json.dumps(frame)), lambda message: message == OURS)
    if isinstance(found, Asked) and isinstance(expected, Asked):
        expected = Asked(_at_the_time_of(found.question, expected.question), expected.group)
    assert found == expected


def _at_the_time_of(found: Question, expected: Question) -> Question:
    return Question(
        expected.id,
        expected.address,
        expected.text,
        found.asked_at,
        choice=expected.choice,
        attachments=expected.attachments,
        tap=expected.tap,
        addressed=expected.addressed,
    )


@pytest.mark.parametrize(
    "frame",
    [
        group(message=7),
        group(message=[7]),
        group(message=[{"data": {}}]),
        group(words("a"), user_id=None),
        group(words("a"), group_id=None),
        group(words("a"), user_id=True),
        group(words("a"), message_id=1.5),
        group(words("a"), message_id="x" * 65),
    ],
)
def test_event_that_is_none_is_unreadable(frame: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        event_of(frame, lambda message: False)


@pytest.mark.parametrize("raw", [b"", b"[]", b"7", b"{", b"\xff\xfe", "[" * 100_000, None])
def test_frame_that_is_no_object_is_unreadable(raw: str | bytes | None) -> None:
    with pytest.raises(Unreadable):
        opened(raw)


def test_question_knows_which_message_it_was() -> None:
    assert asked_id("10001000:-12:1767225600") == ("10001000", "-12")
    assert asked_id("10001000:friend_add--30003000:1767225600") == ("", "")
    assert asked_id("") == ("", "")


# --- the vectors of a signed push ---

BODY = '{"time":1767225600,"self_id":10001000,"post_type":"message","message_type":"group","sub_type":"normal","message_id":12,"group_id":20002000,"user_id":30003000,"message":[{"type":"at","data":{"qq":"10001000"}},{"type":"text","data":{"text":" 几点关门？"}}],"raw_message":"[CQ:at,qq=10001000] 几点关门？","font":0,"sender":{"user_id":30003000,"nickname":"读者","card":"","role":"member"}}'  # noqa: E501
SIGNATURE = "sha1=b839ef5896cfec19842e32321a966d9a7123b697"


def test_signature_of_the_recorded_push_is_the_recorded_one() -> None:
    assert len(BODY.encode()) == 397
    assert "sha1=" + hmac.new(b"libOneBotSecret", BODY.encode(), hashlib.sha1).hexdigest() == SIGNATURE


# --- segments and codes ---


def test_recorded_string_has_the_recorded_segments() -> None:
    code = "&#91;第一部分&#93;[CQ:at,qq=10001000][CQ:share,title=a&#44;b,url=http://x/?a=1&amp;b=2]尾"
    found = segments.read(code)
    assert found == (
        segments.text("[第一部分]"),
        segments.at("10001000"),
        Segment("share", {"title": "a,b", "url": "http://x/?a=1&b=2"}),
        segments.text("尾"),
    )
    assert segments.write(found, as_string=True) == code


def test_words_are_escaped_as_recorded() -> None:
    assert segments.escape("[a],&b") == "&#91;a&#93;,&amp;b"
    assert segments.escape("[a],&b", in_code=True) == "&#91;a&#93;&#44;&amp;b"
    assert segments.unescape("&amp;#91;") == "&#91;"


@pytest.mark.parametrize("words", ["[CQ:at,qq=all]", "[CQ:", "]", "a,b=c", "&#91;CQ:face,id=1&#93;", "[CQ:image,file=x]尾"])
def test_words_never_become_a_code(words: str) -> None:
    assert segments.read(segments.write((segments.text(words),), as_string=True)) == (segments.text(words),)


def test_code_that_is_none_stays_words() -> None:
    assert segments.read("[CQ:]x[CQ:at") == (segments.text("[CQ:]x[CQ:at"),)
    assert segments.read("") == ()


def test_segment_without_data_and_with_odd_values_is_read() -> None:
    odd = [{"type": "shake"}, {"type": "face", "data": {"id": 14, "sub": True, "raw": {}, "none": None}}, {"type": "x", "data": 7}]
    assert segments.read(odd) == (Segment("shake"), Segment("face", {"id": "14", "sub": "", "raw": ""}), Segment("x"))


_names = st.text("abcdefghij_", min_size=1, max_size=8)
_words = st.text(min_size=1, max_size=30)
_segments = st.lists(
    st.one_of(
        _words.map(segments.text),
        st.builds(Segment, _names.filter(lambda kind: kind != "text"), st.dictionaries(_names, _words, max_size=3)),
    ),
    max_size=6,
)


@given(_segments)
def test_message_survives_both_forms(message: list[Segment]) -> None:
    joined: list[Segment] = []
    for each in message:
        if joined and each.kind == joined[-1].kind == "text":
            joined[-1] = segments.text(joined[-1]["text"] + each["text"])
        else:
            joined.append(each)
    assert segments.read(segments.write(joined, as_string=True)) == tuple(joined)
    assert segments.read(segments.write(message)) == tuple(message)
