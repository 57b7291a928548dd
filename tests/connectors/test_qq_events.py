"""Payloads of every event as the platform's documents show them, with the Question or the switch that they mean."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Address, Attachment, Question
from connectors.qq.events import FRIENDS, ROOMS, Switch, Unreadable, event, payload, question_of, switch_of

USER, MEMBER = "E4F4AEA33253A2797FB897C50B81D7ED", "8C0C3D8B6B6D4AD3A0D6B5C9F4E0A1B2"
GROUP = "C9F778FE6ADF9D1D1DBE395BF744A33A"
TIME = "2026-07-21T10:15:30+08:00"
FRIEND = Address("qq", USER)
IN_GROUP = Address("qq", MEMBER, f"group:{GROUP}")
IN_CHANNEL = Address("qq", "dm:18700000000001:9859283702500083161", "channel:100010")
IN_DM = Address("qq", "dm:18700000000001:9859283702500083161")
NUMBER = "ROBOT1.0_.b6nx.CVryAO0nR58RXuU6SC.lsOxC5xEWiPeBXTf0SDQ!"


def happened(kind: str, **data: Any) -> dict[str, Any]:
    return {"id": f"{kind}:abc", "op": 0, "s": 42, "t": kind, "d": data}


def c2c(content: str = "图书馆几点关门？", **more: Any) -> dict[str, Any]:
    return happened(
        "C2C_MESSAGE_CREATE", id=NUMBER, author={"user_openid": USER, "id": USER, "union_openid": "u"}, content=content, timestamp=TIME,
        message_type=0, **more,
    )  # fmt: skip


def group(kind: str, content: str, **more: Any) -> dict[str, Any]:
    return happened(
        kind, id=NUMBER, author={"member_openid": MEMBER, "id": MEMBER, "member_role": "member"}, content=content,
        group_openid=GROUP, group_id=GROUP, timestamp=TIME, message_type=0, **more,
    )  # fmt: skip


def guild(kind: str, content: str, **more: Any) -> dict[str, Any]:
    return happened(
        kind, id="08ab", author={"id": "9859283702500083161", "username": "读者", "bot": False}, channel_id="100010", content=content,
        guild_id="18700000000001", member={"roles": ["1"], "joined_at": TIME}, timestamp=TIME, seq=101, **more,
    )  # fmt: skip


def pressed(**more: Any) -> dict[str, Any]:
    resolved = {"button_data": "intent:vpn_setup|VPN 怎么装", "button_id": "1"}
    return happened(
        "INTERACTION_CREATE", id="i-1", type=11, version=1, timestamp=TIME, **{"data": {"type": 11, "resolved": resolved}, **more}
    )


def asked(text: str, where: Address = FRIEND, *attachments: Attachment, **more: Any) -> Question:
    opens = FRIENDS if where == FRIEND else ROOMS
    return Question(more.pop("id", NUMBER), where, text, attachments=attachments, **{"opens": opens, **more})


PHOTO = {"url": "https://multimedia.nt.qq.com.cn/1", "filename": "a.png", "content_type": "image/png", "size": 10, "width": 1, "height": 1}
VOICE = {"url": "https://grouptalk.c2c.qq.com/2", "filename": "b.amr", "content_type": "voice", "voice_wav_url": "https://x/2.wav"}
SHOWN = Attachment("image", "https://multimedia.nt.qq.com.cn/1", "a.png")

QUESTIONS: dict[str, tuple[dict[str, Any], Question]] = {
    "friend": (c2c(), asked("图书馆几点关门？")),
    "friend, with a reference": (
        c2c(message_scene={"source": "default", "ext": ["msg_idx=REFIDX_1", "ref_msg_idx=REFIDX_0"]}),
        asked("图书馆几点关门？", also=(f"{USER} REFIDX_1",)),
    ),
    "friend who quotes": (
        {**c2c("这个还有吗", msg_elements=[{"msg_idx": "REFIDX_0", "content": "旧消息"}]), "op": 0},
        asked("这个还有吗"),
    ),
    "face": (c2c('几点关门<faceType=1,faceId="13",ext="eyJ0ZXh0Ijoi5ZGy54mZIn0=">'), asked("几点关门")),
    "markup is text": (c2c("<b>&amp;</b>"), asked("<b>&amp;</b>")),
    "picture": (c2c("", attachments=[PHOTO]), asked("", FRIEND, SHOWN)),
    "picture with words": (c2c(" 这是什么 ", attachments=[PHOTO]), asked("这是什么", FRIEND, SHOWN)),
    "voice": (c2c("", attachments=[VOICE]), asked("", FRIEND, Attachment("voice", "https://grouptalk.c2c.qq.com/2", "b.amr"))),
    "voice, understood": (c2c("", attachments=[{**VOICE, "asr_refer_text": "怎么续借"}]), asked("怎么续借")),
    "video": (
        c2c("", attachments=[{**PHOTO, "content_type": "video/mp4"}]),
        asked("", FRIEND, Attachment("video", "https://multimedia.nt.qq.com.cn/1", "a.png")),
    ),
    "file": (
        c2c("", attachments=[{"url": "https://x.example/论文.pdf", "filename": "论文.pdf", "content_type": "file"}]),
        asked("", FRIEND, Attachment("file", "https://x.example/论文.pdf", "论文.pdf")),
    ),
    "something of a kind to come": (
        c2c("", attachments=[{"url": "https://x.example/1", "content_type": "application/hologram"}, {}, "x"]),
        asked("", FRIEND, Attachment("file", "https://x.example/1")),
    ),
    "card": ({**c2c("")}, asked("", FRIEND, Attachment("other", "", "0"))),
    "group, mentioned": (group("GROUP_AT_MESSAGE_CREATE", " 几点关门？ "), asked("几点关门？", IN_GROUP)),
    "group, mentioned in all messages": (
        group("GROUP_MESSAGE_CREATE", "几点关门？", mentions=[{"member_openid": "x"}, {"member_openid": "y", "is_you": True}]),
        asked("几点关门？", IN_GROUP),
    ),
    "group, others mentioned": (
        group("GROUP_MESSAGE_CREATE", "几点关门？", mentions=[{"member_openid": "x", "is_you": False}]),
        asked("几点关门？", IN_GROUP, addressed=False),
    ),
    "group, nobody mentioned": (group("GROUP_MESSAGE_CREATE", "几点关门？"), asked("几点关门？", IN_GROUP, addressed=False)),
    "guild": (guild("AT_MESSAGE_CREATE", "<@!16100011> &lt;b&gt; &amp;amp; 几点关门"), asked("<b> &amp; 几点关门", IN_CHANNEL, id="08ab")),
    "guild, a picture": (
        guild("AT_MESSAGE_CREATE", "<@!16100011> ", attachments=[{**PHOTO, "url": "gchat.qpic.cn/1"}]),
        asked("", IN_CHANNEL, Attachment("image", "https://gchat.qpic.cn/1", "a.png"), id="08ab"),
    ),
    "guild, privately": (guild("DIRECT_MESSAGE_CREATE", "几点关门"), asked("几点关门", IN_DM, id="08ab")),
    "button": (
        pressed(scene="c2c", chat_type=2, user_openid=USER),
        asked("VPN 怎么装", id="event INTERACTION_CREATE:abc", choice="intent:vpn_setup", tap=True),
    ),
    "button in a group": (
        pressed(scene="group", chat_type=1, group_openid=GROUP, group_member_openid=MEMBER),
        asked("VPN 怎么装", IN_GROUP, id="event INTERACTION_CREATE:abc", choice="intent:vpn_setup", tap=True),
    ),
    "button in a guild": (
        pressed(
            scene="guild", chat_type=0, channel_id="100010", guild_id="18700000000001",
            data={"type": 11, "resolved": {"button_data": "human", "user_id": "9859283702500083161"}},
        ),
        asked("human", IN_CHANNEL, id="event INTERACTION_CREATE:abc", choice="human", tap=True),
    ),
    "menu": (
        pressed(scene="c2c", chat_type=2, user_openid=USER, data={"type": 12, "resolved": {"feature_id": "intent:vpn_setup"}}),
        asked("intent:vpn_setup", id="event INTERACTION_CREATE:abc", choice="intent:vpn_setup", tap=True),
    ),
    "friend added": (
        happened("FRIEND_ADD", openid=USER, timestamp=1767225600),
        asked("（添加机器人）", id="event FRIEND_ADD:abc", choice="start", tap=True),
    ),
    "group joined": (
        happened("GROUP_ADD_ROBOT", group_openid=GROUP, op_member_openid=MEMBER, timestamp=1767225600),
        asked("（添加机器人）", IN_GROUP, id="event GROUP_ADD_ROBOT:abc", choice="start", tap=True),
    ),
}  # fmt: skip

ROOM = Address("qq", "", f"group:{GROUP}")
SWITCHES: dict[str, Switch] = {
    "FRIEND_ADD": Switch(FRIEND, "here", True, 1767225600),
    "FRIEND_DEL": Switch(FRIEND, "here", False, 1767225600),
    "C2C_MSG_RECEIVE": Switch(FRIEND, "open", True, 1767225600),
    "C2C_MSG_REJECT": Switch(FRIEND, "open", False, 1767225600),
    "GROUP_ADD_ROBOT": Switch(ROOM, "here", True, 1767225600),
    "GROUP_DEL_ROBOT": Switch(ROOM, "here", False, 1767225600),
    "GROUP_MSG_RECEIVE": Switch(ROOM, "open", True, 1767225600),
    "GROUP_MSG_REJECT": Switch(ROOM, "open", False, 1767225600),
}
NOBODY_ANSWERS = {
    "another event": happened("GROUP_MEMBER_ADD", group_openid=GROUP, member_openid=MEMBER, timestamp=1767225600),
    "an event to come": happened("HOLOGRAM_CREATE", x=1),
    "an event without data": {"id": "1", "op": 0, "t": "SUBSCRIBE_MESSAGE_STATUS"},
    "a button without data": pressed(scene="c2c", user_openid=USER, data={"type": 11, "resolved": {}}),
}
UNREADABLE = {
    "no name": {"id": "1", "op": 0, "d": {}},
    "no id": {"op": 0, "t": "C2C_MESSAGE_CREATE", "d": {"content": "x"}},
    "an endless id": {"id": "x" * 513, "op": 0, "t": "C2C_MESSAGE_CREATE", "d": {}},
    "no author": happened("C2C_MESSAGE_CREATE", id="1", content="x"),
    "an author that is a path": happened("C2C_MESSAGE_CREATE", id="1", content="x", author={"user_openid": "../../gateway"}),
    "an author that is a list": happened("C2C_MESSAGE_CREATE", id="1", content="x", author=["x"]),
    "no number": happened("C2C_MESSAGE_CREATE", content="x", author={"user_openid": USER}),
    "no group": group("GROUP_AT_MESSAGE_CREATE", "x") | {"d": {"id": "1", "author": {"member_openid": MEMBER}, "content": "x"}},
    "no openid": happened("FRIEND_DEL", timestamp=1),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_event_is_read_as_its_question(name: str) -> None:
    raw, expected = QUESTIONS[name]
    found = question_of(event(raw))
    assert found is not None
    assert replace(found, asked_at=expected.asked_at) == expected


@pytest.mark.parametrize("kind", SWITCHES)
def test_event_is_read_as_who_lets_the_bot_in(kind: str) -> None:
    raw = happened(kind, openid=USER, group_openid=GROUP, op_member_openid=MEMBER, timestamp=1767225600)
    assert switch_of(event(raw)) == SWITCHES[kind]
    assert switch_of(event(happened(kind, openid=USER, group_openid=GROUP, op_member_openid=MEMBER, timestamp="x"))).at == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NOBODY_ANSWERS)
def test_event_that_nobody_answers_is_passed_over(name: str) -> None:
    found = event(NOBODY_ANSWERS[name])
    assert (question_of(found), switch_of(found)) == (None, None)


@pytest.mark.parametrize("name", UNREADABLE)
def test_event_without_what_is_needed_is_unreadable(name: str) -> None:
    with pytest.raises(Unreadable):
        read(UNREADABLE[name])


def test_event_of_an_old_gateway_is_known_by_its_message() -> None:
    raw = c2c()
    del raw["id"]
    assert event(raw).id == f"C2C_MESSAGE_CREATE:{NUMBER}"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100_000, b"{} {}"])
def test_body_that_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        payload(body)


def read(raw: dict[str, Any]) -> tuple[Question | None, Switch | None]:
    """Everything that an event can mean."""
    found = event(raw)
    return question_of(found), switch_of(found)


FIELDS = [
    "id", "author", "user_openid", "content", "attachments", "url", "mentions", "message_scene", "ext", "data", "resolved",
]  # fmt: skip
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
)


@given(st.sampled_from([*SWITCHES, "C2C_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE", "AT_MESSAGE_CREATE", "INTERACTION_CREATE"]), SHAPES)
def test_no_payload_is_an_accident(kind: str, data: Any) -> None:
    with contextlib.suppress(Unreadable):
        read({"id": "1", "op": 0, "t": kind, "d": data})
