"""The WeChat official account over HTTP, played by the platform's player with real keys and signatures."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import deserialize_reply

from bot import connector
from bot.domain import ConversationState
from bot.errors import WrongSetting
from bot.messages import Address, Link, Reply, ReplyKind
from connectors.shared.envelope import Key, signature
from connectors.wechat.official import Official
from connectors.wechat.payload import parse, render
from connectors.wechat.player import Player, Shown, Unavailable
from tests.conftest import FakeEngine
from tests.connectors.contract import ANSWER, QUESTION, Contract
from tests.connectors.loopback import Platform, Told, platform
from tests.connectors.wechat import (
    AES,
    APP_ID,
    HINT,
    NO_MORE,
    OLD_AES,
    SAFE,
    SEND,
    TOKEN,
    AccountApi,
    WechatChannel,
    player,
    verified,
)
from tests.serving import Served, until

READER = "oTestFollower_reader_0000001"
Serve = Callable[..., Served]


class TestPlainMode(Contract):
    @pytest.fixture
    def channel(self) -> WechatChannel:
        return WechatChannel({"token": TOKEN}, "plain")


class TestSafeMode(Contract):
    @pytest.fixture
    def channel(self) -> WechatChannel:
        return WechatChannel(SAFE, "safe")


class TestCompatibleMode(Contract):
    @pytest.fixture
    def channel(self) -> WechatChannel:
        return WechatChannel(SAFE, "compatible")


class TestSafeModeInJson(Contract):
    @pytest.fixture
    def channel(self) -> WechatChannel:
        return WechatChannel(SAFE, "safe", json=True)


@pytest.fixture
def account() -> AccountApi:
    return AccountApi()


@pytest.fixture
def api(account: AccountApi) -> Iterator[Platform]:
    with platform(account) as started:
        yield started


class TestVerifiedAccount(Contract):
    @pytest.fixture
    def channel(self, api: Platform, account: AccountApi) -> WechatChannel:
        return WechatChannel(verified(api), "safe", api=account)


@pytest.fixture
def house(serve: Serve) -> Served:
    """A server with an unverified account in safe mode."""
    return serve({"wechat": dict(SAFE)})


@pytest.fixture
def wechat(house: Served) -> Player:
    return player(house)


# --- the check of the address ---


def test_console_finds_its_echo_when_it_checks_the_address(wechat: Player) -> None:
    assert wechat.check("4375120948345356249") == "4375120948345356249"


def test_console_with_another_token_is_refused(house: Served) -> None:
    assert Player(house.client(), "anotherToken").check() == ""


@pytest.mark.parametrize(
    ("stamp", "nonce", "signed"),
    [
        ("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
    ],
)
def test_console_samples_of_the_official_page_are_accepted(serve: Serve, stamp: str, nonce: str, signed: str) -> None:
    client = serve({"wechat": {"token": "AAAAA"}}).client()
    query = {"signature": signed, "timestamp": stamp, "nonce": nonce, "echostr": "4375120948345356249"}
    assert client.get("/webhooks/wechat", params=query).text == "4375120948345356249"
    off_by_one = f"{signed[:-1]}{'0' if signed[-1] != '0' else '1'}"
    assert client.get("/webhooks/wechat", params={**query, "signature": off_by_one}).status_code == 403


def test_console_may_seal_its_echo(house: Served) -> None:
    sealed = Key.from_setting(AES, APP_ID).seal(b"5927782489442352469").decode()
    query = {"timestamp": "1", "nonce": "2", "echostr": sealed, "msg_signature": signature(TOKEN, "1", "2", sealed)}
    assert house.client().get("/webhooks/wechat", params=query).content == b"5927782489442352469"


# --- what is let in ---


def test_stranger_is_refused_when_one_letter_of_the_signature_is_wrong(house: Served, wechat: Player) -> None:
    wechat.text(READER, QUESTION)
    sealed = Key.from_setting(AES, APP_ID).seal(render({"FromUserName": READER, "MsgType": "text"}, as_json=False)).decode()
    right = signature(TOKEN, "1", "2", sealed)
    wrong = [right[:at] + ("0" if letter != "0" else "1") + right[at + 1 :] for at, letter in enumerate(right)]
    body = render({"ToUserName": "gh", "Encrypt": sealed}, as_json=False)
    for signed in (*wrong, "", right.upper(), right + "0"):
        query = {"timestamp": "1", "nonce": "2", "msg_signature": signed, "signature": signature(TOKEN, "1", "2")}
        assert house.client().post("/webhooks/wechat", params=query, content=body).status_code == 403
    assert house.count("messages") == 2


def test_stranger_is_refused_in_safe_mode_when_the_message_is_not_sealed(house: Served) -> None:
    plain = player(house, "plain")
    answer = plain.put(render({"FromUserName": READER, "MsgType": "text", "Content": QUESTION, "MsgId": 1}, as_json=False))
    assert answer.status_code == 403
    assert house.count("messages") == 0


def test_only_the_sealed_words_count_in_compatible_mode(house: Served) -> None:
    compatible = player(house, "compatible")
    inner = {"ToUserName": "gh", "FromUserName": READER, "CreateTime": 1, "MsgType": "text", "Content": QUESTION, "MsgId": 1}
    compatible.put(render(inner, as_json=False), {**inner, "Content": "forged", "FromUserName": "oForged"})
    assert house.messages("wechat", READER) == [QUESTION]


def test_message_sealed_for_another_account_is_refused(house: Served) -> None:
    other = Player(house.client(), TOKEN, Key.from_setting(AES, "wxsomeoneelse"))
    assert other.put(render({"FromUserName": READER, "MsgType": "text"}, as_json=False)).status_code == 403


def test_previous_key_is_accepted_and_answered_with_after_a_change(serve: Serve) -> None:
    house = serve({"wechat": {**SAFE, "previous_encoding_aes_key": OLD_AES}})
    assert ANSWER in player(house, key=OLD_AES).text(READER, QUESTION).text
    assert ANSWER in player(house, key=AES).text(READER, QUESTION).text
    unknown = "0" * 43
    with pytest.raises(Unavailable):
        player(house, key=unknown).text(READER, QUESTION)


def test_counterpart_plays_the_platform_and_opens_what_it_is_answered(house: Served) -> None:
    theirs, client = WeChatCrypto(TOKEN, AES, APP_ID), house.client()
    fields = {"ToUserName": "gh_1", "FromUserName": READER, "CreateTime": 1767225600, "MsgType": "text", "Content": QUESTION, "MsgId": 1}
    sealed = theirs.encrypt_message(render(fields, as_json=False).decode(), "1320562132", "1767225601")
    outer = parse(sealed.encode())
    query = {"timestamp": "1767225601", "nonce": "1320562132", "encrypt_type": "aes", "msg_signature": outer["MsgSignature"]}
    answer = client.post("/webhooks/wechat", params=query, content=sealed.encode())
    told = parse(answer.content)
    opened = theirs.decrypt_message(answer.content, told["MsgSignature"], told["TimeStamp"], told["Nonce"])
    reply = deserialize_reply(opened)
    assert (reply.target, reply.source, reply.type) == (READER, "gh_1", "text")
    assert ANSWER in reply.content
    assert told["Nonce"] == "1320562132"


def test_follower_is_answered_once_when_the_same_message_comes_three_times_in_fifteen_seconds(house: Served, wechat: Player) -> None:
    fields = {
        "ToUserName": "gh_1",
        "FromUserName": READER,
        "CreateTime": 1,
        "MsgType": "text",
        "Content": QUESTION,
        "MsgId": 24012345678901234,
    }
    shown = [wechat.shown(wechat.post(fields)).text for _ in range(3)]
    assert ANSWER in shown[0]
    assert shown[1:] == shown[:1] * 2
    assert house.messages("wechat", READER) == [QUESTION]
    assert house.count("messages") == 2


BOMB = '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>'
BAD = {
    "document type": b"<!DOCTYPE xml><xml><FromUserName>o1</FromUserName><MsgType>text</MsgType></xml>",
    "outside entity": b'<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><Content>&x;</Content></xml>',
    "entity bomb": BOMB.encode(),
    "undeclared entity": b"<xml><Content>&x;</Content></xml>",
    "half a document": b"<xml><Content>",
    "invalid utf-8": b"<xml><MsgType>text</MsgType><Content>\xff\xfe</Content></xml>",
    "invalid utf-8 in json": b'{"MsgType": "text", "Content": "\xff"}',
    "deep nesting": b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>",
    "deep nesting in json": b'{"a":' + b"[" * 80_000 + b"]" * 80_000 + b"}",
    "a list": b"[1]",
    "text": b"hello",
    "nothing": b"",
    "no sender": b"<xml><MsgType>text</MsgType><Content>hello</Content></xml>",
    "strange sender": b"<xml><FromUserName>../../etc</FromUserName><MsgType>text</MsgType></xml>",
    "no type": b"<xml><FromUserName>o1</FromUserName></xml>",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_body_that_is_no_message_is_refused(serve: Serve, body: bytes, mode: str) -> None:
    house = serve({"wechat": dict(SAFE) if mode == "safe" else {"token": TOKEN}})
    assert player(house, mode).put(body).status_code == 400
    assert house.count("messages") == 0


def test_body_of_two_mebibytes_is_refused(serve: Serve) -> None:
    house = serve({"wechat": {"token": TOKEN}})
    assert player(house, "plain").put(b"<xml><Content>" + b"a" * 2**21 + b"</Content></xml>").status_code == 413


@pytest.mark.parametrize("json", [False, True])
def test_unknown_fields_and_numbers_as_text_do_not_matter(house: Served, json: bool) -> None:
    shown = player(house, json=json).text(
        READER, QUESTION, "24012345678901234", MsgDataId="7", Idx="1", CreateTime="1767225600", Unknown="x", FuncFlag=0
    )
    assert ANSWER in shown.text


def test_control_characters_that_phones_send_do_not_lose_the_message(house: Served, wechat: Player) -> None:
    fields = f"<FromUserName>{READER}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId>"
    wechat.put(f"<xml>{fields}<Content><![CDATA[续借\x08\x1b]]></Content></xml>".encode())
    assert house.messages("wechat", READER) == ["续借"]


# --- asking again ---


def test_follower_is_answered_once_when_the_same_message_comes_three_times_at_once(house: Served) -> None:
    shown: list[Shown] = []
    threads = [threading.Thread(target=lambda: shown.append(player(house).text(READER, QUESTION, "24012345678901234"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.text for each in shown}) == 1
    assert house.messages("wechat", READER) == [QUESTION]


def test_follower_with_two_questions_in_flight_gets_each_answer_with_its_question(house: Served, engine: FakeEngine) -> None:
    said = {"校外怎么用VPN": "", "你好": ""}

    def ask(text: str) -> None:
        said[text] = player(house).text(READER, text).text

    threads = [threading.Thread(target=ask, args=(text,)) for text in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ANSWER in said["校外怎么用VPN"]
    assert said["你好"]
    assert ANSWER not in said["你好"]


class Slow(FakeEngine):
    """Thinks until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.knows(QUESTION, "vpn_setup")
        self.enough = threading.Event()

    def predict(self, text: str) -> Any:
        """As planned, later."""
        self.enough.wait(10)
        return super().predict(text)


class TestSlowAnswer:
    @pytest.fixture
    def engine(self) -> Slow:
        return Slow()

    @pytest.fixture
    def house(self, serve: Serve) -> Served:
        house = serve({"wechat": dict(SAFE)})
        official = house.connectors["wechat"]
        assert isinstance(official, Official)
        official.patience = 0.05
        return house

    def impatient(self, house: Served) -> Player:
        hurried = player(house)
        hurried.client.timeout = 0.2
        return hurried

    def test_follower_gets_the_stored_answer_on_the_third_try_when_the_first_two_were_too_slow(
        self, house: Served, engine: Slow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.wechat.player.PATIENCE", 0.2)
        wechat = player(house)
        original = wechat.post

        def post(fields: Any) -> Any:
            if wechat.tries == 3:
                engine.enough.set()
                until(lambda: house.count("messages") == 2)
            return original(fields)

        wechat.post = post  # type: ignore[method-assign]
        assert ANSWER in wechat.text(READER, QUESTION).text
        assert wechat.tries == 3
        assert house.messages("wechat", READER) == [QUESTION]

    def test_follower_is_told_on_the_third_try_and_finds_the_answer_when_writing_again(
        self, house: Served, engine: Slow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.wechat.player.PATIENCE", 0.2)
        wechat = player(house)
        assert "稍后" in wechat.text(READER, QUESTION).text
        assert wechat.tries == 3
        engine.enough.set()
        until(lambda: house.count("outbox") == 1)
        house.delivered()
        assert ANSWER in wechat.text(READER, "更多").text
        assert wechat.text(READER, "更多").text == NO_MORE


def test_librarians_reply_that_waited_comes_again_when_the_response_was_lost(house: Served, wechat: Player) -> None:
    wechat.text(READER, "转人工")
    house.answers("在三楼。")
    first = wechat.text(READER, "好的", "7000000001").text
    assert "在三楼。" in first
    assert wechat.text(READER, "好的", "7000000001").text == first
    assert wechat.text(READER, "谢谢", "7000000002").text == ""


def test_platform_asks_again_when_nothing_could_be_stored(house: Served, wechat: Player) -> None:
    house.desk.store.close()
    assert "稍后再试" in wechat.text(READER, QUESTION, "1").text
    assert wechat.tries == 3


# --- long answers ---


def test_long_reply_comes_in_pages_that_end_with_a_sentence(house: Served, wechat: Player) -> None:
    wechat.text(READER, "转人工")
    sentences = [f"第{number}条，请看这里。" for number in range(300)]
    house.answers("".join(sentences))
    pages = [wechat.text(READER, "更多", str(number)) for number in range(5)]
    texts = [page.text for page in pages if page.text != NO_MORE]
    assert len(texts) == 4
    assert all(len(text.encode()) <= 2048 for text in texts)
    assert all(text.endswith(f"。\n{HINT}") for text in texts[:-1])
    assert "".join(text.removesuffix(f"\n{HINT}") for text in texts) == "".join(sentences)


def test_page_is_the_same_when_the_platform_repeats_the_wish_for_more(house: Served, wechat: Player) -> None:
    wechat.text(READER, "转人工")
    house.answers("".join(f"第{number}条。" for number in range(600)))
    first = wechat.text(READER, "更多", "1").text
    second = wechat.text(READER, "更多", "2").text
    assert wechat.text(READER, "更多", "2").text == second != first
    assert house.messages("wechat", READER) == ["转人工"]


def test_remarks_are_in_the_language_of_the_asker(wechat: Player) -> None:
    assert wechat.text(READER, "more").text == "That was everything. Just type your next question."
    assert wechat.text(READER, "更多").text == NO_MORE


# --- what followers send and do ---


def test_new_follower_is_welcomed_with_questions_to_choose_from(house: Served, wechat: Player) -> None:
    shown = wechat.event(READER, "subscribe", CreateTime=1767225600)
    assert "问询台" in shown.text
    assert "1. 校外怎么用 VPN" in shown.text
    assert ANSWER in wechat.text(READER, "1").text
    assert wechat.event(READER, "subscribe", CreateTime=1767225600).text == shown.text
    assert house.messages("wechat", READER) == ["（关注公众号）", "1"]


def test_events_of_one_second_are_told_apart(house: Served, wechat: Player) -> None:
    for key in ("intent:vpn_setup", "intent:opening_hours"):
        assert wechat.event(READER, "CLICK", key, CreateTime=1767225600).text
    wechat.event(READER, "CLICK", "intent:vpn_setup", CreateTime=1767225600)
    assert len(house.messages("wechat", READER)) == 2


MENU = [{"name": "校外访问", "sub": [{"name": "VPN", "intent": "vpn_setup"}, {"name": "主页", "url": "https://lib.example.edu"}]}]


def test_tap_on_the_menu_is_answered_by_its_intent(serve: Serve) -> None:
    house = serve({"wechat": {**SAFE, "menu": MENU}})
    assert ANSWER in player(house).event(READER, "CLICK", "intent:vpn_setup").text
    assert house.messages("wechat", READER) == ["VPN"]


def test_tap_on_an_entry_that_is_gone_is_understood_by_its_words(house: Served, wechat: Player) -> None:
    assert ANSWER in wechat.event(READER, "CLICK", QUESTION).text
    assert wechat.event(READER, "CLICK", "intent:no_such_intent").text


def test_scan_of_a_code_with_an_intent_is_answered(wechat: Player) -> None:
    assert ANSWER in wechat.event(READER, "SCAN", "intent:vpn_setup", Ticket="t").text
    assert ANSWER in wechat.event(f"{READER}2", "subscribe", "qrscene_intent:vpn_setup", Ticket="t").text


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "TEMPLATESENDJOBFINISH", "kf_create_session", "SCAN", "newly_invented"])
def test_event_that_nobody_answers_is_acknowledged(house: Served, wechat: Player, event: str) -> None:
    assert wechat.event(READER, event, "x").raw == b"success"
    assert house.count("messages") == 0


def test_voice_with_recognition_is_a_question(wechat: Player) -> None:
    assert ANSWER in wechat.message(READER, "voice", MediaId="m", Format="amr", Recognition=QUESTION).text


ATTACHMENTS = {
    "image": ({"PicUrl": "https://mmbiz.qpic.cn/x", "MediaId": "m1"}, "https://mmbiz.qpic.cn/x", ""),
    "voice": ({"MediaId": "m2", "Format": "amr"}, "m2", ""),
    "video": ({"MediaId": "m3", "ThumbMediaId": "t"}, "m3", ""),
    "shortvideo": ({"MediaId": "m4", "ThumbMediaId": "t"}, "m4", ""),
    "location": ({"Location_X": "23.1", "Location_Y": "113.3", "Scale": "20", "Label": "图书馆"}, "23.1,113.3", "图书馆"),
    "file": ({"Title": "paper.pdf", "FileKey": "k", "FileMd5": "x", "FileTotalLen": "10"}, "k", "paper.pdf"),
}


@pytest.mark.parametrize("kind", ATTACHMENTS)
def test_attachment_is_asked_about_and_goes_with_the_ticket(house: Served, wechat: Player, kind: str) -> None:
    fields, reference, name = ATTACHMENTS[kind]
    assert "请用一句话说明" in wechat.message(READER, kind, **fields).text
    assert "已为您转给馆员" in wechat.text(READER, "0").text
    consultation = house.desk.consultation(house.ticket().id)
    (attachment,) = consultation.question().attachments
    assert (attachment.reference, attachment.name) == (reference, name)
    page = house.librarian().get(f"/desk/tickets/{house.ticket().id}").text
    assert reference in page


def test_link_and_unknown_kinds_are_kept(house: Served, wechat: Player) -> None:
    assert wechat.message(READER, "link", Title=QUESTION, Description="", Url="https://a.example").text
    assert wechat.message(READER, "newkind", MediaId="m").text
    assert house.messages("wechat", READER) == [QUESTION, ""]


def test_follower_who_leaves_ends_the_conversation(house: Served, wechat: Player) -> None:
    wechat.text(READER, "转人工")
    assert wechat.event(READER, "unsubscribe").raw == b"success"
    assert house.tickets() == ()
    assert house.desk.history(Address("wechat", READER)).state == ConversationState.BOT.value
    assert ANSWER in wechat.text(READER, QUESTION).text
    assert wechat.event("oNeverSeen", "unsubscribe").raw == b"success"


LINK = Link("预约", "https://lib.example.edu/seats")


def test_short_answer_with_one_link_is_a_card_where_that_is_wished(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    house = serve({"wechat": {**SAFE, "cards": True}})

    async def answer(*_: object) -> tuple[Reply, ...]:
        return (Reply(ReplyKind.ANSWER, "请在线预约 <座位> ]]>。", (LINK,)),)

    monkeypatch.setattr("connectors.wechat.official.Official._ask", answer)
    shown = player(house).text(READER, "座位")
    assert shown.articles == (("预约", "请在线预约 <座位> ]]>。", "https://lib.example.edu/seats"),)
    assert "https://lib.example.edu/seats" in player(house, json=True).text(READER, "座位").text


# --- librarians' replies of a verified account ---


class TestPushing:
    @pytest.fixture
    def house(self, serve: Serve, api: Platform) -> Served:
        return serve({"wechat": verified(api)})

    def test_librarians_reply_is_pushed(self, house: Served, wechat: Player, account: AccountApi, api: Platform) -> None:
        wechat.text(READER, "转人工")
        house.answers("在三楼。")
        assert account.sent == [{"touser": READER, "msgtype": "text", "text": {"content": "在三楼。"}}]
        (call,) = api.calls(SEND)
        assert "在三楼。".encode() in call.raw

    def test_push_is_tried_once_more_with_a_new_token_when_the_token_is_dead(
        self, house: Served, wechat: Player, account: AccountApi, api: Platform
    ) -> None:
        wechat.text(READER, "转人工")
        account.verdicts = [{"errcode": 42001, "errmsg": "access_token expired"}]
        house.answers("在三楼。")
        assert account.texts(READER) == ["在三楼。"]
        assert [call.query["access_token"] for call in api.calls(SEND)] == ["token-False", "token-True"]

    @pytest.mark.parametrize("code", [45015, 45047, 48001, 45009, 43004])
    def test_reply_waits_in_the_mailbox_when_the_platform_refuses_it(
        self, house: Served, wechat: Player, account: AccountApi, code: int
    ) -> None:
        wechat.text(READER, "转人工")
        account.verdicts = [{"errcode": code, "errmsg": "refused"}]
        house.answers("在三楼。")
        assert account.sent == []
        assert wechat.text(READER, "有回复吗").text == "在三楼。"

    @pytest.mark.parametrize("verdict", [Told("<html>502</html>", 502), Told("", 500), Told(None), {"errcode": -1}], ids=str)
    def test_reply_is_tried_again_when_the_platform_stumbles(
        self, house: Served, wechat: Player, account: AccountApi, verdict: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        wechat.text(READER, "转人工")
        account.verdicts = [verdict]
        with caplog.at_level(logging.WARNING):
            house.answers("在三楼。")
        assert account.texts(READER) == ["在三楼。"]

    def test_fifth_message_is_pushed_and_the_sixth_waits(self, house: Served, wechat: Player, account: AccountApi) -> None:
        wechat.text(READER, "转人工")
        ticket = house.ticket()
        house.desk.claim(ticket.id, "anna")
        for number in range(1, 7):
            house.desk.reply(ticket.id, "anna", f"第{number}条")
            house.delivered()
        assert account.texts(READER) == [f"第{number}条" for number in range(1, 6)]
        assert wechat.text(READER, "好").text == "第6条"
        house.desk.reply(ticket.id, "anna", "第7条")
        house.delivered()
        assert account.texts(READER)[5:] == ["第7条"]

    def test_long_reply_is_pushed_in_parts_as_far_as_the_quota_reaches(self, house: Served, wechat: Player, account: AccountApi) -> None:
        wechat.text(READER, "转人工")
        reply = "".join(f"第{number}条，请看这里。" for number in range(100))
        house.answers(reply)
        assert "".join(account.texts(READER)) == reply
        assert len(account.sent) == 2
        longer = "".join(f"第{number}条，请看这里。" for number in range(380))
        house.desk.reply(house.ticket().id, "anna", longer)
        house.delivered()
        assert len(account.sent) == 3
        assert account.texts(READER)[-1].endswith(HINT)
        rest = [wechat.text(READER, "更多", str(number)).text for number in range(5)]
        whole = "".join([account.texts(READER)[-1], *(text for text in rest if text != NO_MORE)])
        assert whole.replace(HINT, "").replace("\n", "") == longer

    def test_desk_shows_what_is_left_and_sorts_by_what_closes_first(self, house: Served, wechat: Player) -> None:
        wechat.text(READER, "转人工")
        anna = house.librarian()
        assert "公众号: 剩 5 条, 47 小时" in anna.get("/desk?view=all").text
        assert "公众号: 剩 5 条, 47 小时" in anna.get(f"/desk/tickets/{house.ticket().id}?").text
        house.answers("在三楼。")
        assert "公众号: 剩 4 条, 47 小时" in anna.get("/desk?view=all&sort=closing").text

    def test_choices_are_a_menu_to_tap_where_that_is_wished(self, serve: Serve, api: Platform, account: AccountApi) -> None:
        house = serve({"wechat": {**verified(api), "msgmenu": True}})
        wechat = player(house)
        for _ in range(2):
            assert wechat.text(READER, "VPN", "1").raw == b"success"
        house.delivered()
        (menu,) = account.sent
        entries = menu["msgmenu"]["list"]
        assert [entry["id"] for entry in entries] == ["101", "102", "103", "104"][: len(entries)]
        assert ANSWER in wechat.text(READER, entries[0]["content"], bizmsgmenuid=101).text

    def test_choices_are_text_when_the_account_may_not_send_menus(self, serve: Serve, api: Platform, account: AccountApi) -> None:
        house = serve({"wechat": {**verified(api), "msgmenu": True}})
        account.verdicts = [{"errcode": 40200, "errmsg": "invalid account type"}]
        player(house).text(READER, "VPN")
        house.delivered()
        assert "1. " in account.texts(READER)[0]
        assert "1. " in player(house).text(f"{READER}2", "VPN").text


# --- settings ---


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"token": "a b"}, "token"),
        ({"token": TOKEN, "encoding_aes_key": "short", "app_id": APP_ID}, "encoding_aes_key"),
        ({"token": TOKEN, "encoding_aes_key": AES}, "app_id"),
        ({"token": TOKEN, "verified": True, "app_id": APP_ID}, "app_secret"),
        ({"token": TOKEN, "menu": [{"name": str(number), "intent": "x"} for number in range(4)]}, "menu"),
        ({"token": TOKEN, "menu": [{"name": "x"}]}, "menu.0"),
        ({"token": TOKEN, "menu": [{"name": "x", "url": "u", "intent": "i"}]}, "menu.0"),
    ],
)
def test_settings_that_do_not_fit_are_named(section: dict[str, Any], key: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("wechat", section)
    assert caught.value.key == f"connectors.wechat.{key}"


def test_connector_is_off_without_a_token() -> None:
    assert connector.load("wechat", {"app_id": APP_ID}) is None


def test_secrets_do_not_appear_in_complaints() -> None:
    with pytest.raises(WrongSetting) as caught:
        connector.load("wechat", {**SAFE, "app_secret": ["hunter2hunter2"]})
    assert "hunter2" not in str(caught.value)
