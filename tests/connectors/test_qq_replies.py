"""What the QQ bot sends, and what it makes of the platform's refusals."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.connector import Delivery
from bot.domain import DeliveryStatus, TicketStatus
from bot.errors import DeliveryFailed, DeliveryRefused
from bot.messages import Address, Choice, Link, Reply, ReplyKind
from connectors.qq import links, sending
from connectors.qq.player import CHANNEL, FRIEND, GROUP, GUILD, MEMBER, PERSON, Player
from connectors.qq.standin import Answer, Call, Rules, Standin
from tests.connectors.contract import QUESTION
from tests.connectors.qq import APP_ID, SECRET, section, settle
from tests.serving import Served, until

Serve = Callable[..., Served]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox tries again without a pause."""
    monkeypatch.setattr("bot.outbox.FIRST_PAUSE", timedelta(0))
    monkeypatch.setattr("bot.outbox._IDLE", 0.01)


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


def outbox(house: Served) -> list[tuple[str, str]]:
    """Status and last error of every reply, oldest first."""
    found = house.desk.store.read(lambda s: s._rows("select status, error from outbox order by id"))
    return [(row["status"], row["error"]) for row in found]


def refusal(code: int, status: int = 400) -> Answer:
    return status, {"err_code": code, "message": "no", "trace_id": "t"}


def librarian(house: Served, *texts: str) -> None:
    """A librarian answers the open ticket, message by message."""
    ticket = house.ticket()
    if ticket.status is TicketStatus.WAITING:
        house.desk.claim(ticket.id, "anna")
    for text in texts:
        house.desk.reply(ticket.id, "anna", text)
        house.delivered()


# --- places and numbers ---


def test_number_of_a_reply_is_not_used_again_after_a_restart(serve: Serve, house: Served, player: Player, there: Standin) -> None:
    player.says("转人工", number="m-1")
    settle(house)
    house.stop()
    again = serve({"qq": section(there)}, store={"path": house.desk.store.path})
    librarian(again, "在三楼")
    assert [(each.hook, each.number) for each in there.rules.sent] == [("m-1", 1), ("m-1", 2)]
    assert there.rules.broken == []


def test_fifth_reply_waits_until_the_asker_writes(house: Served, player: Player, there: Standin) -> None:
    player.says("转人工", number="m-1")
    settle(house)
    librarian(house, "一", "二", "三", "四")
    assert [(each.number, each.text) for each in there.rules.sent][1:] == [(2, "一"), (3, "二"), (4, "三")]
    assert outbox(house)[-1] == (DeliveryStatus.MAILBOX, "no message of the asker takes a reply any more")
    player.says("更多", number="m-2")
    settle(house)
    assert (there.rules.sent[-1].hook, there.rules.sent[-1].text) == ("m-2", "四")
    assert there.rules.broken == []


def test_reply_after_the_platforms_window_is_in_the_mailbox(house: Served, player: Player, there: Standin) -> None:
    player.says("转人工", number="m-1")
    settle(house)
    there.rules.expired.add("m-1")
    librarian(house, "在三楼")
    assert outbox(house)[-1][0] == DeliveryStatus.MAILBOX
    assert len(there.rules.sent) == 1
    page = house.browser().get(f"/mailbox/{house.ticket().code}")
    assert "在三楼" in page.text
    player.says("更多", number="m-2")
    settle(house)
    assert (there.rules.sent[-1].hook, there.rules.sent[-1].text) == ("m-2", "在三楼")


def test_reply_hangs_on_the_newest_message_when_the_question_is_too_old(house: Served, player: Player, there: Standin) -> None:
    player.says("转人工", number="m-1")
    player.says("是关于VPN的", number="m-2")
    settle(house)
    there.rules.expired.add("m-1")
    librarian(house, "在三楼")
    assert (there.rules.sent[-1].hook, there.rules.sent[-1].text) == ("m-2", "在三楼")


@pytest.mark.parametrize("code", [40034005, 304103, 304027, 40034128, 40034024, 40034026])
def test_every_way_to_say_too_late_is_understood(house: Served, player: Player, there: Standin, code: int) -> None:
    there.rules.planned = [refusal(code)]
    player.says(QUESTION)
    settle(house)
    assert outbox(house)[0][0] == DeliveryStatus.MAILBOX


def test_reply_whose_answer_was_lost_is_shown_once(house: Served, player: Player, there: Standin) -> None:
    def swallow(call: Call) -> Answer:
        there.rules._take(call, "users", FRIEND)
        return 0, None

    there.rules.planned = [swallow]
    player.says(QUESTION)
    settle(house)
    assert outbox(house)[0][0] == DeliveryStatus.DELIVERED
    assert [each.number for each in there.rules.sent] == [1]
    assert [fault.split()[0] for fault in there.rules.broken] == ["40054005"]


def test_reply_takes_the_next_number_when_the_platform_has_another_one_under_its_own(house: Served, player: Player, there: Standin) -> None:
    there.rules.planned = [refusal(40054005)]
    player.says(QUESTION)
    settle(house)
    assert [each.number for each in there.rules.sent] == [2]


def test_reply_to_each_place_goes_where_it_was_asked(house: Served, player: Player, there: Standin) -> None:
    for ask in (player.says, player.mentions, player.posts, player.whispers):
        ask(QUESTION)
    settle(house)
    assert {(each.place, each.to) for each in there.rules.sent} == {
        ("users", FRIEND), ("groups", GROUP), ("channels", CHANNEL), ("dms", GUILD),
    }  # fmt: skip
    assert there.rules.broken == []


def test_several_askers_of_a_group_have_conversations_of_their_own(house: Served, player: Player, there: Standin) -> None:
    for text, user, number in (("VPN", "ONE", "m-1"), ("1", "TWO", "m-2"), ("1", "ONE", "m-3")):
        player.mentions(text, user=user, number=number)
        settle(house)
    assert [each.hook for each in there.rules.to(GROUP)] == ["m-1", "m-2", "m-3"]
    assert "WebVPN" in there.rules.to(GROUP)[2].text
    assert "WebVPN" not in there.rules.to(GROUP)[1].text


# --- the token ---


def test_one_token_serves_many_replies(house: Served, player: Player, there: Standin) -> None:
    for number in range(8):
        player.says(QUESTION, user=f"U{number}")
    settle(house)
    assert (len(there.rules.sent), there.rules.tokens) == (8, 1)


@pytest.mark.parametrize("told", [None, (401, None), refusal(11241), refusal(11244, 401)], ids=str)
def test_ended_token_is_replaced_once(house: Served, player: Player, there: Standin, told: Answer | None) -> None:
    player.says(QUESTION)
    settle(house)
    if told:
        there.rules.planned = [told]
    else:
        there.rules.end_token()
    player.says(QUESTION)
    settle(house)
    assert (len(there.rules.sent), there.rules.tokens) == (2, 2)


def test_reply_waits_for_a_platform_that_gives_no_token(serve: Serve, there: Standin) -> None:
    house = serve({"qq": section(there, secret="mistyped")})
    there.rules.secret, right = "mistyped", there.rules.secret
    player = Player(house.client(), there.rules)
    there.rules.app_id = "somebody else"
    player.put(b"{}", **{"X-Bot-Appid": APP_ID})
    player.says(QUESTION)
    assert right != there.rules.secret
    there.rules.app_id = APP_ID
    player.says(QUESTION)
    settle(house)
    assert len(there.rules.sent) == 1


def test_reply_is_tried_again_when_the_platform_is_down_or_busy(house: Served, player: Player, there: Standin) -> None:
    there.rules.planned = [(500, {}), (502, None), refusal(22009, 429), refusal(40034100), (0, None)]
    player.says(QUESTION)
    settle(house)
    assert [each.number for each in there.rules.sent] == [1]
    assert outbox(house)[0][0] == DeliveryStatus.DELIVERED


@pytest.mark.parametrize("code", [40054013, 40054004, 40054002, 40054003, 11253])
def test_reply_that_the_platform_will_not_take_waits_and_says_why(house: Served, player: Player, there: Standin, code: int) -> None:
    there.rules.planned = [refusal(code)]
    player.says(QUESTION)
    settle(house)
    status, error = outbox(house)[0]
    assert (status, error) == (DeliveryStatus.MAILBOX, f"/v2/users/…/messages: errcode {code} no [trace-1]")


@pytest.mark.parametrize("answer", [(201, {"err_code": 304023}), (202, {"code": 304024, "message": "audit"})], ids=str)
def test_reply_that_is_looked_at_first_counts_as_delivered(house: Served, player: Player, there: Standin, answer: Answer) -> None:
    there.rules.planned = [answer]
    player.says(QUESTION)
    settle(house)
    assert outbox(house) == [(DeliveryStatus.DELIVERED, "")]


# --- addresses in texts ---


def test_reader_gets_title_and_code_where_links_are_not_registered(house: Served, player: Player, there: Standin) -> None:
    player.says(QUESTION)
    settle(house)
    (shown,) = there.rules.to(FRIEND)
    assert "http" not in shown.text
    code = shown.text.split("取件码 ")[1].split()[0]
    page = house.browser().get(f"/mailbox/{code}")
    assert (page.status_code, 'href="https://' in page.text) == (200, True)
    found = house.browser().get("/mailbox", params={"code": f" {code.upper()} "})
    assert (found.status_code, found.headers["location"]) == (303, f"/mailbox/{code}")


def test_reader_gets_the_links_of_registered_domains(serve: Serve, there: Standin) -> None:
    there.rules.links = frozenset({"jinjiang.example"})
    house = serve({"qq": section(there, link_domains="jinjiang.example")}, server={"public_url": "https://ask.lib.jinjiang.example"})
    player = Player(house.client(), there.rules)
    player.says("转人工")
    player.mentions(QUESTION)
    settle(house)
    assert f"https://ask.lib.jinjiang.example/mailbox/{house.ticket().code}" in there.rules.to(FRIEND)[0].text
    assert "http" not in there.rules.to(GROUP)[0].text


def test_group_gets_links_where_that_is_set(serve: Serve, there: Standin) -> None:
    there.rules.links = frozenset({"jinjiang.example"})
    house = serve({"qq": section(there, link_domains="jinjiang.example", group_links=True)})
    Player(house.client(), there.rules).mentions(QUESTION)
    settle(house)
    assert "https://" in there.rules.to(GROUP)[0].text


def test_code_of_a_handover_stays_when_its_address_may_not(house: Served, player: Player, there: Standin) -> None:
    player.says("转人工")
    settle(house)
    (told,) = there.rules.to(FRIEND)
    assert told.text.endswith(f": {house.ticket().code}")


def test_reply_is_sent_without_links_when_the_platform_refuses_one(serve: Serve, there: Standin) -> None:
    house = serve({"qq": section(there, link_domains="jinjiang.example")})
    Player(house.client(), there.rules).says(QUESTION)
    settle(house)
    assert [fault.split()[0] for fault in there.rules.broken] == ["40054010"]
    (shown,) = there.rules.to(FRIEND)
    assert "取件码" in shown.text


@pytest.mark.parametrize("codes", [(40034006,), (1100101,), (40054010, 40054010), (304003, 40034006)], ids=str)
def test_reader_gets_the_code_alone_when_the_platform_minds_the_words(
    house: Served, player: Player, there: Standin, codes: tuple[int, ...]
) -> None:
    there.rules.planned = [refusal(code) for code in codes]
    player.says(QUESTION)
    settle(house)
    (shown,) = there.rules.to(FRIEND)
    assert shown.text.startswith("给您的回复在这里发不出来")
    code = shown.text.split("取件码 ")[1].split()[0]
    assert "WebVPN" in house.browser().get(f"/mailbox/{code}").text


def test_reply_whose_words_are_minded_waits_when_it_has_no_code(house: Served, there: Standin) -> None:
    there.rules.planned = [refusal(40034006)]
    with pytest.raises(DeliveryRefused):
        asyncio.run(house.connectors["qq"].deliver(delivery("m")))


STRIPPED = {
    "none": ("图书馆 8:00-22:00 开放。", "图书馆 8:00-22:00 开放。", False),
    "title": ("请登录。\n校外访问: https://vpn.lib.cn/a?b=1\n预约：https://seat.lib.cn", "请登录。\n校外访问\n预约", True),
    "in a sentence": ("打开 https://vpn.lib.cn/login，登录即可。", "打开 〔〕，登录即可。", True),
    "with a colon in a sentence": ("网址：https://vpn.lib.cn 登录", "网址：〔〕 登录", True),
    "end of a sentence": ("See https://vpn.lib.cn/login.", "See 〔〕.", True),
    "without a scheme": ("登录 vpn.lib.edu.cn 即可，或 www.lib.cn/x", "登录 〔〕 即可，或 〔〕", True),
    "mail": ("写信到 lib@lib.edu.cn 即可", "写信到 lib@lib.edu.cn 即可", False),
    "file names and numbers": ("a.docx 3.5 元 v1.2.3 node.js", "a.docx 3.5 元 v1.2.3 node.js", False),
    "allowed": ("看 https://ok.lib.cn/1。", "看 https://ok.lib.cn/1。", False),
    "allowed and not": ("https://ok.lib.cn https://no.lib.cn", "https://ok.lib.cn 〔〕", True),
    "mailbox": ("查看: https://ask.lib.cn/mailbox/abcdefgh23456789", "查看: abcdefgh23456789", False),
    "broken": ("https://[::1 x", "〔〕 x", True),
}


@pytest.mark.parametrize("name", STRIPPED)
def test_text_is_stripped_of_addresses_that_are_not_allowed(name: str) -> None:
    text, expected, missing = STRIPPED[name]
    found = links.strip(text, lambda host: links.below(host, ("ok.lib.cn",)), "〔〕")
    assert (found.text, found.missing) == (expected, missing)


def test_domain_is_not_mistaken_for_one_that_ends_alike() -> None:
    assert links.below("a.lib.cn", ("lib.cn",))
    assert not links.below("badlib.cn", ("lib.cn",))


# --- length ---


def test_reply_that_is_too_long_for_the_platform_begins_in_the_chat_and_waits_whole(house: Served, player: Player, there: Standin) -> None:
    there.rules.longest = 200
    player.says("转人工")
    settle(house)
    librarian(house, "".join(f"第{number}条，请看这里。" for number in range(40)))
    shown = there.rules.to(FRIEND)[-1].text
    assert shown.startswith("第0条，请看这里。")
    code = shown.split("取件码 ")[1].split()[0]
    assert "第39条，请看这里。" in house.browser().get(f"/mailbox/{code}").text


def test_reply_that_is_never_short_enough_waits(house: Served, player: Player, there: Standin) -> None:
    there.rules.planned = [refusal(40054018)] * 9
    player.says("转人工")
    settle(house)
    assert outbox(house)[0][0] == DeliveryStatus.MAILBOX


def test_beginning_ends_with_a_sentence_where_it_can() -> None:
    assert sending.beginning("第一句。第二句。第三", 30) == "第一句。第二句。"
    assert sending.beginning("没有句号的一段话", 9) == "没有句"


def test_message_that_is_too_long_to_be_stored_is_said_so(player: Player, there: Standin, house: Served) -> None:
    player.says("请问" * 6000)
    player.whispers("help " * 3000)
    settle(house)
    until(lambda: len(there.rules.sent) == 2)
    assert {(each.place, each.hook != "") for each in there.rules.sent} == {("users", True), ("dms", True)}
    there.rules.planned = [refusal(11253)]
    player.says("请问" * 6000)
    settle(house)


# --- markdown and buttons ---


@pytest.fixture
def rich(serve: Serve, there: Standin) -> Served:
    there.rules.markdown = True
    return serve({"qq": section(there, markdown=True)})


def test_choices_are_buttons_and_numbers_where_markdown_is_allowed(rich: Served, there: Standin) -> None:
    player = Player(rich.client(), there.rules)
    player.says("VPN", number="m-1")
    settle(rich)
    (shown,) = there.rules.to(FRIEND)
    assert [label[0] for label, _ in shown.buttons] == ["1", "2", "3", "0"]
    assert "\n1. " in shown.text
    player.presses(shown.buttons[0][1], number="i-1")
    settle(rich)
    answer = there.rules.to(FRIEND)[-1]
    assert "WebVPN" in answer.text
    assert answer.hook == player.last["id"]
    until(lambda: there.rules.acknowledged == ["i-1"])
    assert rich.messages("qq", FRIEND)[-1] == shown.buttons[0][1].split("|")[1]
    player.says("1")
    settle(rich)
    assert there.rules.broken == []


def test_button_in_a_group_is_for_the_asker(rich: Served, there: Standin) -> None:
    player = Player(rich.client(), there.rules)
    player.mentions("VPN")
    settle(rich)
    body = there.rules.calls[-1].body
    permissions = {str(b["action"]["permission"]) for row in body["keyboard"]["content"]["rows"] for b in row["buttons"]}
    assert permissions == {str({"type": 0, "specify_user_ids": [MEMBER]})}
    player.presses(there.rules.to(GROUP)[0].buttons[-1][1], MEMBER, GROUP)
    settle(rich)
    assert rich.ticket().status is TicketStatus.WAITING


def test_choices_are_numbers_once_the_platform_has_refused_markdown(serve: Serve, there: Standin) -> None:
    house = serve({"qq": section(there, markdown=True)})
    player = Player(house.client(), there.rules)
    for user in ("U1", "U2"):
        player.says("VPN", user=user)
        settle(house)
    assert [(each.number, each.buttons, "\n1. " in each.text) for each in there.rules.sent] == [(1, (), True), (1, (), True)]
    assert [fault.split()[0] for fault in there.rules.broken] == ["40034011"]


def test_press_that_cannot_be_acknowledged_is_answered_all_the_same(house: Served, player: Player, there: Standin) -> None:
    rules = there.rules
    answer = rules.answer
    rules.answer = lambda call: (400, {"err_code": 1}) if "interactions" in call.path else answer(call)  # type: ignore[method-assign]
    player.presses("intent:vpn_setup|VPN")
    settle(house)
    assert "WebVPN" in rules.to(FRIEND)[0].text


def test_text_is_shown_as_it_is_in_markdown() -> None:
    delivery = Delivery("k", Address("qq", "u"), Reply(ReplyKind.ANSWER, "x"), "m", None, 0, hook="m", number=3)
    body = sending.markdown(delivery, "a*b_c\n# [d](e) `f`", (Choice("1", "一", "x"),))
    assert body["markdown"]["content"] == "a\\*b\\_c\n\n\\# \\[d\\](e) \\`f\\`"
    assert (body["msg_id"], body["msg_seq"], "content" in body) == ("m", 3, False)


def test_keyboard_has_room_for_25_choices() -> None:
    choices = tuple(Choice(str(number), "很长很长很长很长的标题", "x") for number in range(25))
    rows = sending.keyboard(choices)["content"]["rows"]
    assert [len(row["buttons"]) for row in rows] == [5] * 5
    assert all(len(button["render_data"]["label"]) == 10 for row in rows for button in row["buttons"])
    assert not sending.fits((*choices, choices[0]))
    assert not sending.fits(())


def test_text_is_escaped_in_guilds_only(house: Served, player: Player, there: Standin) -> None:
    assert sending.text(sending.Target("/x", guild=True), delivery("m"), "<&>") == {"content": "&lt;&amp;&gt;", "msg_id": "m"}
    assert sending.text(sending.Target("/x"), delivery("event e"), "<&>") == {
        "msg_type": 0, "content": "<&>", "event_id": "e", "msg_seq": 1,
    }  # fmt: skip
    assert sending.text(sending.Target("/x"), delivery(""), "a") == {"msg_type": 0, "content": "a"}


def delivery(hook: str) -> Delivery:
    return Delivery("k", Address("qq", PERSON), Reply(ReplyKind.ANSWER, "x"), "m", None, 0, hook=hook, number=1)


# --- who lets the bot in ---


def test_new_friend_is_greeted_and_can_choose_by_number(house: Served, player: Player, there: Standin) -> None:
    player.turns("FRIEND_ADD")
    settle(house)
    (welcome,) = there.rules.to(FRIEND)
    assert welcome.hook == player.last["id"]
    assert "\n1. " in welcome.text
    player.says("1")
    settle(house)
    assert len(there.rules.to(FRIEND)) == 2
    assert there.rules.broken == []


def test_group_that_takes_the_bot_in_is_greeted(house: Served, player: Player, there: Standin) -> None:
    player.turns("GROUP_ADD_ROBOT", GROUP)
    settle(house)
    assert [each.hook for each in there.rules.to(GROUP)] == [player.last["id"]]


def test_friend_who_leaves_withdraws_the_question(house: Served, player: Player) -> None:
    player.says("转人工")
    settle(house)
    player.turns("FRIEND_DEL", at=2_000_000_000)
    settle(house)
    assert house.tickets() == ()
    player.turns("FRIEND_ADD", at=1_900_000_000)  # late, and older than what is known
    settle(house)
    assert house.messages("qq", FRIEND) == ["转人工"]


def test_group_that_sends_the_bot_away_ends_its_conversations(house: Served, player: Player, there: Standin) -> None:
    player.mentions("VPN", user="ONE")
    settle(house)
    player.turns("GROUP_DEL_ROBOT", GROUP)
    settle(house)
    assert house.desk.store.read(lambda s: [c.options for c in s.in_room("qq", f"group:{GROUP}")]) == [()]


def test_friend_is_written_to_first_only_where_both_allow_it(serve: Serve, there: Standin) -> None:
    there.rules.unprompted = True
    house = serve({"qq": section(there, unprompted=True)})
    player = Player(house.client(), there.rules)
    player.says("转人工", number="m-1")
    settle(house)
    there.rules.expired.add("m-1")
    librarian(house, "一")
    assert (there.rules.sent[-1].hook, there.rules.sent[-1].text) == ("", "一")
    player.turns("C2C_MSG_REJECT", at=10)
    settle(house)
    librarian(house, "二")
    assert (there.rules.sent[-1].text, outbox(house)[-1][0]) == ("一", DeliveryStatus.MAILBOX)
    player.turns("C2C_MSG_RECEIVE", at=11)
    settle(house)
    librarian(house, "三")
    assert there.rules.sent[-1].text == "三"


def test_nobody_is_written_to_first_in_a_group_or_where_it_is_not_set(serve: Serve, there: Standin) -> None:
    there.rules.unprompted = True
    house = serve({"qq": section(there, unprompted=True)})
    bot = house.connectors["qq"]
    for address in (Address("qq", MEMBER, f"group:{GROUP}"), Address("qq", f"dm:{GUILD}:{PERSON}")):
        assert asyncio.run(bot.deliver(replace(delivery(""), address=address))) == DeliveryStatus.MAILBOX
    assert there.rules.sent == []


# --- one person in two places ---


def test_question_of_a_group_goes_on_in_private_with_the_same_person(house: Served, player: Player, there: Standin) -> None:
    member: dict[str, Any] = {"author": {"member_openid": MEMBER, "union_openid": "UNION"}}
    friend: dict[str, Any] = {"author": {"user_openid": FRIEND, "union_openid": "UNION"}}
    player.mentions("转人工", **member)
    settle(house)
    (line,) = there.rules.to(GROUP)
    assert house.ticket().code not in line.text
    player.says("更多", **friend)
    settle(house)
    librarian(house, "在三楼")
    alone = [each.text for each in there.rules.to(FRIEND)]
    assert house.ticket().code in alone[0]
    assert alone[-1] == "在三楼"
    assert len(there.rules.to(GROUP)) == 1


def test_friend_who_is_known_is_the_same_person_in_a_group(house: Served, player: Player) -> None:
    player.says("你好", author={"user_openid": FRIEND, "union_openid": "UNION"})
    settle(house)
    player.mentions("你好", author={"member_openid": MEMBER, "union_openid": "UNION"})
    settle(house)
    player.mentions("转人工", author={"member_openid": MEMBER, "union_openid": "UNION"})
    settle(house)
    row = house.desk.consultation(house.ticket().id)
    assert row.conversation.address == Address("qq", FRIEND)


def test_member_shows_by_a_code_who_they_are_and_gets_what_waited(house: Served, player: Player, there: Standin) -> None:
    player.mentions("转人工")
    settle(house)
    librarian(house, "在三楼")
    player.says("取件")
    settle(house)
    code = spoken_code(there)
    player.mentions(f"取件 {code}", user="SOMEBODY ELSE".replace(" ", "_"), group="other", number="x-1")
    settle(house)
    assert len(there.rules.to(FRIEND)) == 1  # nothing of ours is theirs
    player.says("取件")
    settle(house)
    player.mentions(f"取件 {spoken_code(there)}")
    settle(house)
    shown = [each.text for each in there.rules.to(FRIEND)][2:]
    assert house.ticket().code in shown[0]
    assert shown[-1] == "在三楼"
    assert "私信给您" in there.rules.to(GROUP)[-1].text
    assert not any("在三楼" in each.text or house.ticket().code in each.text for each in there.rules.to(GROUP))
    librarian(house, "还有一本")
    assert there.rules.to(FRIEND)[-1].text == "还有一本"
    assert there.rules.broken == []


def spoken_code(there: Standin) -> str:
    """The code that the friend was told last, to be said in the group."""
    found = re.search(r"取件 ([2-9a-z]{8})", there.rules.to(FRIEND)[-1].text)
    assert found
    return found[1]


@pytest.mark.parametrize(("answer", "kind"), [((500, {}), DeliveryFailed), (refusal(11253), DeliveryRefused)])
def test_one_try_ends_as_the_outbox_needs_it(house: Served, there: Standin, answer: Answer, kind: type[Exception]) -> None:
    there.rules.planned = [answer]
    with pytest.raises(kind):
        asyncio.run(house.connectors["qq"].deliver(delivery("m")))


def test_reply_with_a_link_that_is_not_stored_has_no_code(house: Served, there: Standin) -> None:
    there.rules.knows("m")
    reply = Reply(ReplyKind.ANSWER, "看这里", (Link("预约", "https://seat.example.com"),))
    asyncio.run(house.connectors["qq"].deliver(replace(delivery("m"), reply=reply)))
    assert there.rules.sent[0].text == "看这里\n预约"
