"""Recorded payloads of every message and event type, with the Question beside each; wechatpy as counterpart both ways."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message
from wechatpy.replies import deserialize_reply

from bot.messages import Address, Attachment, Link, Question, Reply, ReplyKind
from connectors.wechat import replies as shapes
from connectors.wechat.incoming import is_event, question_of
from connectors.wechat.payload import BadPayload, Payload, parse, render

HEAD = {"ToUserName": "gh_0123456789ab", "FromUserName": "oUserOpenId0001", "CreateTime": 1767225600}
USER = Address("wechat", "oUserOpenId0001")
TITLES = {"intent:vpn_setup": "VPN"}
NUMBER = "oUserOpenId0001 24012345678901234"


def message(kind: str, **fields: Any) -> dict[str, Any]:
    return {**HEAD, "MsgType": kind, **fields, "MsgId": 24012345678901234}


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {**HEAD, "MsgType": "event", "Event": name, **fields}


def asked(text: str, *attachments: Attachment, **more: Any) -> Question:
    return Question(NUMBER, USER, text, attachments=attachments, **more)


MESSAGES: dict[str, tuple[dict[str, Any], Question]] = {
    "text": (message("text", Content="图书馆几点关门？"), asked("图书馆几点关门？")),
    "text from an article": (message("text", Content="你好", MsgDataId="9", Idx="1"), asked("你好")),
    "tap on a msgmenu": (message("text", Content="VPN 怎么装", bizmsgmenuid=101), asked("VPN 怎么装", tap=True)),
    "image": (message("image", PicUrl="https://mmbiz.qpic.cn/1", MediaId="m"), asked("", Attachment("image", "https://mmbiz.qpic.cn/1"))),
    "voice": (message("voice", MediaId="m", Format="amr"), asked("", Attachment("voice", "m"))),
    "voice, recognised": (message("voice", MediaId="m", Format="amr", Recognition="怎么续借"), asked("怎么续借")),
    "video": (message("video", MediaId="m", ThumbMediaId="t"), asked("", Attachment("video", "m"))),
    "short video": (message("shortvideo", MediaId="m", ThumbMediaId="t"), asked("", Attachment("video", "m"))),
    "location": (
        message("location", Location_X="23.134521", Location_Y="113.358803", Scale=20, Label="图书馆"),
        asked("", Attachment("location", "23.134521,113.358803", "图书馆")),
    ),
    "link": (
        message("link", Title="公告", Description="开放时间", Url="https://a.example"),
        asked("公告\n开放时间", Attachment("link", "https://a.example", "公告")),
    ),
    "file": (message("file", Title="a.pdf", FileKey="k", FileMd5="x"), asked("", Attachment("file", "k", "a.pdf"))),
    "a kind to come": (message("hologram", MediaId="m"), asked("", Attachment("other", "m", "hologram"))),
}
EVENTS: dict[str, tuple[dict[str, Any], tuple[str, str] | None]] = {
    "subscribe": (event("subscribe", EventKey=""), ("（关注公众号）", "start")),
    "subscribe by a code": (event("subscribe", EventKey="qrscene_7", Ticket="t"), ("（关注公众号）", "start")),
    "subscribe by a code with an intent": (
        event("subscribe", EventKey="qrscene_intent:vpn_setup", Ticket="t"),
        ("VPN", "intent:vpn_setup"),
    ),
    "scan": (event("SCAN", EventKey="7", Ticket="t"), None),
    "scan of an intent": (event("SCAN", EventKey="intent:vpn_setup", Ticket="t"), ("VPN", "intent:vpn_setup")),
    "tap": (event("CLICK", EventKey="intent:vpn_setup"), ("VPN", "intent:vpn_setup")),
    "tap on an old entry": (event("CLICK", EventKey="V1001"), ("V1001", "")),
    "view": (event("VIEW", EventKey="https://a.example", MenuId="1"), None),
    "location report": (event("LOCATION", Latitude="23.1", Longitude="113.3", Precision="119.3"), None),
    "template sent": (event("TEMPLATESENDJOBFINISH", MsgID="200163836", Status="success"), None),
    "agent's session": (event("kf_create_session", KfAccount="a@b"), None),
    "agent's session handed on": (event("kf_switch_session", FromKfAccount="a@b", ToKfAccount="c@b"), None),
    "agent's session over": (event("kf_close_session", KfAccount="a@b", CloseType="KF"), None),
    "mass message sent": (event("MASSSENDJOBFINISH", MsgID="1000001625", Status="send success", TotalCount=100), None),
    "published": (event("PUBLISHJOBFINISH", publish_id="2247503051"), None),
    "mini program": (event("view_miniprogram", EventKey="pages/index", MenuId="1"), None),
    "right taken back": (event("user_authorization_revoke", OpenID="oUserOpenId0001", RevokeInfo="1"), None),
    "account verified": (event("naming_verify_success", ExpiredTime=1442401156), None),
    "unsubscribe": (event("unsubscribe", EventKey=""), None),
}


def read(fields: Mapping[str, Any], as_json: bool) -> Payload:
    return parse(render(fields, as_json=as_json))


@pytest.mark.parametrize("as_json", [False, True], ids=["xml", "json"])
@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_read_as_its_question(name: str, as_json: bool) -> None:
    fields, expected = MESSAGES[name]
    found = question_of(read(fields, as_json), TITLES)
    assert found is not None
    assert (found.id, found.address, found.text, found.attachments, found.tap, found.choice) == (
        expected.id, expected.address, expected.text, expected.attachments, expected.tap, expected.choice,
    )  # fmt: skip


@pytest.mark.parametrize("as_json", [False, True], ids=["xml", "json"])
@pytest.mark.parametrize("name", EVENTS)
def test_event_is_read_as_what_it_means(name: str, as_json: bool) -> None:
    fields, expected = EVENTS[name]
    found = question_of(read(fields, as_json), TITLES)
    assert ((found.text, found.choice) if found else None) == expected
    assert found is None or found.tap


SCANNED = "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>{text}</ScanResult></ScanCodeInfo>"
PICTURES = "<SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum>{text}</PicMd5Sum></item></PicList></SendPicsInfo>"
PLACE = "<SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y><Scale>15</Scale><Label>{text}</Label></SendLocationInfo>"
INSIDE = {
    "scancode_push": SCANNED, "scancode_waitmsg": SCANNED, "pic_sysphoto": PICTURES, "pic_photo_or_album": PICTURES, "pic_weixin": PICTURES,
    "location_select": PLACE,
    "subscribe_msg_popup_event": "<SubscribeMsgPopupEvent><List><TemplateId>{text}</TemplateId></List></SubscribeMsgPopupEvent>",
    "card_pass_check": "<CardId>{text}</CardId>",
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_event_with_more_inside_is_acknowledged_and_its_inside_is_not_taken_for_words(name: str) -> None:
    head = "".join(f"<{field}><![CDATA[{value}]]></{field}>" for field, value in event(name, EventKey="6").items())
    found = parse(f"<xml>{head}{INSIDE[name].format(text='<![CDATA[<Content>转人工</Content>]]>')}</xml>".encode())
    assert (found["Event"], found["Content"]) == (name, "")
    assert question_of(found, TITLES) is None


def test_leaving_is_told_from_other_events_in_any_case() -> None:
    assert is_event(read(event("UnSubscribe"), False), "unsubscribe")
    assert not is_event(read(message("text", Content="unsubscribe", Event="unsubscribe"), False), "unsubscribe")


@pytest.mark.parametrize("name", MESSAGES)
def test_counterpart_reads_the_same_from_a_message(name: str) -> None:
    fields, expected = MESSAGES[name]
    theirs = parse_message(render(fields, as_json=False))
    assert (theirs.source, str(theirs.id)) == ("oUserOpenId0001", "24012345678901234")
    if expected.text and name.startswith("text"):
        assert theirs.content == expected.text


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"])))
def test_counterpart_reads_any_text_that_we_answer(content: str) -> None:
    reply = shapes.passive("oUserOpenId0001", "gh_0123456789ab", 1767225602, shapes.text(content))
    theirs = deserialize_reply(render(reply, as_json=False))
    assert (theirs.target, theirs.source, theirs.type) == ("oUserOpenId0001", "gh_0123456789ab", "text")
    assert (theirs.content or "").split() == content.split()  # it trims blanks


def test_counterpart_reads_the_end_of_a_cdata_section_inside_a_text() -> None:
    reply = shapes.passive("o1", "gh", 1, shapes.text("a]]>b]]>]]>c<![CDATA[d"))
    assert deserialize_reply(render(reply, as_json=False)).content == "a]]>b]]>]]>c<![CDATA[d"


def test_counterpart_reads_a_card() -> None:
    card = shapes.card((Reply(ReplyKind.ANSWER, "在线预约。", (Link("预约", "https://a.example/?x=1&y=2"),)),))
    assert card is not None
    # The counterpart stumbles over a single article, so it gets two.
    twice = {**card, "ArticleCount": 2, "Articles": card["Articles"] * 2}
    article = deserialize_reply(render(shapes.passive("o1", "gh", 1, twice), as_json=False)).articles[0]
    assert (article["title"], article["description"], article["url"]) == ("预约", "在线预约。", "https://a.example/?x=1&y=2")


def test_answer_with_choices_or_several_links_is_no_card() -> None:
    link = Link("预约", "https://a.example")
    assert shapes.card((Reply(ReplyKind.ANSWER, "x", (link, link)),)) is None
    assert shapes.card((Reply(ReplyKind.ANSWER, "x" * 200, (link,)),)) is None
    assert shapes.card((Reply(ReplyKind.CLARIFY, "x", (link,)),)) is None
    assert shapes.card((Reply(ReplyKind.ANSWER, "x", (Link("x", "javascript:alert(1)"),)),)) is None


@given(st.text(alphabet="图书馆。，a b\n😀", max_size=3000))
def test_pages_fit_and_lose_nothing_but_blanks(text: str) -> None:
    pages, rest = list[shapes.Page](), text
    while rest or not pages:
        pages.append(shapes.page("1", rest, "（更多）"))
        rest = pages[-1].rest
        assert len(pages[-1].text.encode()) <= 2048
    shown = "".join(page.text.removesuffix("\n（更多）") if page.rest else page.text for page in pages)
    assert "".join(shown.split()) == "".join(text.split())


@given(st.binary(max_size=300))
def test_no_body_is_an_accident(body: bytes) -> None:
    for given_ in (body, b"<xml>" + body, b"{" + body):
        try:
            parse(given_)
        except BadPayload:
            continue


@given(st.dictionaries(st.sampled_from(["Content", "Title", "Label"]), st.text(alphabet=st.characters(exclude_categories=["Cs"]))))
def test_fields_come_back_from_json_as_they_were(fields: dict[str, str]) -> None:
    assert parse(render(fields, as_json=True)).fields == fields
