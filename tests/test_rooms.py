"""The desk in a group: what is kept, what is said in front of others, what moves to private."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.desk import Desk
from bot.domain import ConversationState, TicketStatus
from bot.messages import Address, Question, Reply, Who
from bot.settings import Groups, Room
from tests.conftest import FakeClock, FakeEngine

GROUP = "200"
Hear = Callable[..., tuple[Reply, ...]]


@pytest.fixture
def hear(desk: Desk) -> Hear:
    """Say something in a group, and get what the bot says there."""
    count = 0

    def hear(
        text: str, user: str = "300", *, room: str = GROUP, addressed: bool = True, connector: str = "onebot", number: str = ""
    ) -> tuple[Reply, ...]:
        nonlocal count
        count += 1
        return desk.ask(Question(number or f"g{count}", Address(connector, user, room), text, addressed=addressed)).result()

    return hear


def whispered(desk: Desk, user: str = "300", connector: str = "onebot") -> list[str]:
    """What the bot wrote to somebody alone."""
    return [line.text for line in desk.history(Address(connector, user)).lines if line.who is not Who.PATRON]


def stored(desk: Desk) -> int:
    return desk.store.read(lambda s: s._rows("select count(*) as n from messages")[0]["n"])


def told(replies: tuple[Reply, ...]) -> str:
    (reply,) = replies
    return reply.plain()


def test_what_people_say_to_each_other_leaves_no_trace(desk: Desk, hear: Hear) -> None:
    def everything() -> dict[str, object]:
        tables = ("messages", "conversations", "events", "facts")
        return {name: desk.store.read(lambda s, name=name: s._rows(f"select * from {name}")) for name in tables}

    before = everything()
    assert hear("校外怎么用VPN", addressed=False) == ()
    assert hear("今晚吃什么", addressed=False) == ()
    assert everything() == before
    assert before["messages"] == []


def test_who_speaks_to_the_bot_is_answered_in_the_group(desk: Desk, hear: Hear) -> None:
    assert "WebVPN" in told(hear("校外怎么用VPN"))
    assert whispered(desk) == []


def test_nobody_is_heard_in_a_group_that_is_not_on_the_list(desk: Desk, hear: Hear) -> None:
    desk._groups = Groups(allow=("999",))
    assert hear("校外怎么用VPN") == ()
    assert stored(desk) == 0


def test_room_of_a_channel_without_groups_is_no_group(desk: Desk) -> None:
    address = Address("stub", "300", "second account")
    assert "编号 1" in told(desk.ask(Question("m1", address, "转人工")).result())


def test_escalation_goes_to_the_asker_alone(desk: Desk, hear: Hear) -> None:
    line = told(hear("转人工"))
    (ticket,) = (row.ticket for row in desk.queue((TicketStatus.WAITING,)))
    assert ticket.code not in line
    assert "编号" not in line
    (private,) = whispered(desk)
    assert f"/mailbox/{ticket.code}" in private
    assert "编号 1" in private
    assert desk.history(Address("onebot", "300")).state == ConversationState.WAITING
    assert desk.history(Address("onebot", "300", GROUP)).state == ConversationState.BOT


def test_librarian_sees_what_was_said_in_the_group_and_answers_the_asker_alone(desk: Desk, hear: Hear) -> None:
    hear("校外怎么用VPN")
    hear("转人工")
    desk.claim(1, "mei")
    desk.reply(1, "mei", "您好，请讲。")
    consultation = desk.consultation(1)
    assert [message.text for message in consultation.messages if message.who is Who.PATRON] == ["校外怎么用VPN", "转人工"]
    assert consultation.question().text == "校外怎么用VPN"
    assert consultation.conversation.address == Address("onebot", "300")
    assert whispered(desk)[-1] == "您好，请讲。"
    assert "您好，请讲。" not in str(desk.history(Address("onebot", "300", GROUP)).lines)


def test_asker_who_waits_for_a_person_is_still_answered_in_the_group(desk: Desk, hear: Hear) -> None:
    hear("转人工")
    assert "WebVPN" in told(hear("校外怎么用VPN"))
    hear("我要找人说说这件事")
    assert len(desk.queue((TicketStatus.WAITING,))) == 1
    assert "我要找人说说这件事" in [message.text for message in desk.consultation(1).messages]


def test_a_channel_that_cannot_write_to_the_asker_keeps_the_code_in_the_mailbox(desk: Desk, hear: Hear) -> None:
    line = told(hear("转人工", connector="qq"))
    (ticket,) = (row.ticket for row in desk.queue((TicketStatus.WAITING,)))
    assert ticket.code not in line
    assert "私信我" in line
    assert desk.store.read(lambda s: s.backlog()) == 1, "the line for the group alone"
    (kept,) = desk.collect(Address("qq", "300"))
    assert ticket.code in kept.text


def test_two_people_in_one_group_have_conversations_of_their_own(hear: Hear) -> None:
    assert "1. " in told(hear("VPN", "300"))
    assert "WebVPN" not in told(hear("1", "301"))
    assert "WebVPN" in told(hear("1", "300"))


def test_the_same_answer_is_not_given_twice_within_the_cool_down(hear: Hear, clock: FakeClock) -> None:
    assert "WebVPN" in told(hear("校外怎么用VPN", "300"))
    clock.pass_(minutes=9)
    again = told(hear("校外怎么用VPN", "301"))
    assert "10:00" in again
    assert "http://ask.example/answers/vpn_setup" in again
    assert "WebVPN" not in again
    assert "WebVPN" in told(hear("校外怎么用VPN", "302", room="201")), "another group has not heard it"
    clock.pass_(minutes=2)
    assert "WebVPN" in told(hear("校外怎么用VPN", "303"))


def test_a_question_to_everybody_is_answered_beyond_the_groups_bar_only(desk: Desk, hear: Hear, engine: FakeEngine) -> None:
    engine.knows("VPN 怎么弄", "vpn_setup", 0.97)
    desk._groups = Groups(room={GROUP: Room(bar=0.96)})
    assert hear("校外怎么用VPN", addressed=False) == ()
    assert hear("我要荐购一本书", addressed=False) == ()
    assert hear("不知道", addressed=False) == ()
    assert stored(desk) == 0
    assert "WebVPN" in told(hear("VPN 怎么弄", addressed=False))
    assert hear("VPN 怎么弄", "301", addressed=False) == (), "it was said already"
    assert hear("VPN 怎么弄", "302", room="201", addressed=False) == (), "this group has no bar"


def test_a_repeated_message_gets_the_same_answer(desk: Desk, hear: Hear, engine: FakeEngine) -> None:
    desk._groups = Groups(bar=0.9)
    for text, addressed in (("校外怎么用VPN", True), ("how do I use the VPN", False), ("教材需求 线性代数", False)):
        first = hear(text, addressed=addressed, number=text)
        assert first
        assert hear(text, addressed=addressed, number=text) == first


def test_bot_that_fails_hands_over_what_was_said_to_it_and_forgets_the_rest(desk: Desk) -> None:
    asked = Question("g1", Address("onebot", "300", GROUP), "问题")
    assert "馆员" in told(desk.fail(asked).result())
    assert desk.queue((TicketStatus.WAITING,))[0].ticket.reason == "error"
    assert desk.fail(replace(asked, id="g2", text="闲聊", addressed=False)).result() == ()
    assert desk.history(Address("onebot", "300", GROUP)).lines[0].text == "问题"


def test_personal_requests_go_on_in_private(desk: Desk, hear: Hear) -> None:
    line = told(hear("我要荐购一本书"))
    assert "私信" in line
    assert "1. " not in line
    (offer,) = desk.history(Address("onebot", "300")).lines
    assert offer.reply
    assert offer.reply.choices[0].key == "1"
    reply = desk.ask(Question("p1", Address("onebot", "300"), "1")).result()[0]
    assert "建议购买什么" in reply.text


def test_textbook_need_is_taken_in_short_whoever_it_is_said_to(desk: Desk, hear: Hear) -> None:
    line = told(hear("教材需求：线性代数 同济第七版", addressed=False))
    assert "线性代数 同济第七版" in line
    (row,) = desk.queue((TicketStatus.WAITING,))
    assert (row.ticket.intent, row.ticket.fields) == ("textbook_request", (("title", "线性代数 同济第七版"),))
    assert row.ticket.code not in line
    assert row.ticket.code in whispered(desk)[0]
    assert "概率论" in told(hear("教材需求 概率论", addressed=False))
    assert len(desk.queue((TicketStatus.WAITING,))) == 2
    assert desk.history(Address("onebot", "300")).state == ConversationState.BOT, "a request holds nothing up"


def test_textbook_need_without_a_title_is_explained_and_talk_about_needs_is_not_one(desk: Desk, hear: Hear) -> None:
    assert "书名" in told(hear("教材需求", addressed=False))
    assert hear("教材需求量很大啊", addressed=False) == ()
    assert desk.queue((TicketStatus.WAITING,)) == ()


def test_closing_a_request_does_not_end_a_conversation_about_something_else(desk: Desk, hear: Hear) -> None:
    hear("转人工")
    hear("教材需求 概率论")
    desk.claim(2, "mei")
    desk.close(2, "mei")
    assert desk.history(Address("onebot", "300")).state == ConversationState.WAITING
    desk.claim(1, "mei")
    desk.close(1, "mei")
    assert desk.history(Address("onebot", "300")).state == ConversationState.BOT


@pytest.mark.parametrize("groups", [Groups(silent=True), Groups(quiet=("09:00-11:00",))], ids=["silent", "quiet hours"])
def test_quiet_group_is_answered_in_private(desk: Desk, hear: Hear, groups: Groups) -> None:
    desk._groups = groups
    assert hear("校外怎么用VPN") == ()
    assert "WebVPN" in whispered(desk)[0]
    assert hear("转人工", "301") == ()
    assert "编号 1" in whispered(desk, "301")[0]
    assert hear("教材需求 线性代数", "302") == ()
    assert "编号 2" in whispered(desk, "302")[0]


def test_long_answers_give_their_beginning_and_a_link(desk: Desk, hear: Hear) -> None:
    desk._groups = Groups(longest=40)
    answer = told(hear("校外怎么用VPN"))
    assert answer.endswith("http://ask.example/answers/vpn_setup")
    assert len(answer) < 100


def test_lone_mention_is_a_greeting(hear: Hear) -> None:
    assert "问询台" in told(hear(""))


def test_flood_of_one_account_waits_with_a_person_and_others_are_still_answered(desk: Desk, hear: Hear, clock: FakeClock) -> None:
    desk._groups = Groups(per_account=3, per_minute=100)
    lines = []
    for _ in range(10):
        lines.append(hear("你好"))
        clock.pass_(milliseconds=5)
    assert [len(line) for line in lines] == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert "馆员" in told(lines[3])
    (row,) = desk.queue((TicketStatus.WAITING,))
    assert row.ticket.reason == "flood"
    assert sum(message.text == "你好" for message in desk.consultation(row.ticket.id).messages) == 10, "nothing is lost"
    assert "WebVPN" in told(hear("校外怎么用VPN", "301"))
    assert desk.store.read(lambda s: s.backlog()) == 5, "nobody is written to privately because of a flood"


def test_flood_of_one_group_leaves_other_groups_alone(desk: Desk, hear: Hear, clock: FakeClock) -> None:
    desk._groups = Groups(per_minute=2)
    answered = [bool(hear("你好", f"30{number}")) for number in range(5)]
    assert answered == [True, True, True, False, False], "the third is told, once a minute"
    assert len(desk.queue((TicketStatus.WAITING,))) == 3
    assert "WebVPN" in told(hear("校外怎么用VPN", "400", room="201"))
    clock.pass_(minutes=1)
    assert hear("你好", "500")
    assert hear("你好", "300", number="g1"), "a repeat is no new message"


def test_feedback_on_an_answer_in_a_group_escalates_in_private(desk: Desk, hear: Hear) -> None:
    (answer,) = hear("校外怎么用VPN")
    (tried,) = desk.feedback(Address("onebot", "300", GROUP), answer.id, helpful=False)
    (line,) = desk.feedback(Address("onebot", "300", GROUP), tried.id, helpful=False)
    assert "编号" not in line.text
    assert "编号 1" in whispered(desk)[0]


def test_figures_know_the_group(desk: Desk, hear: Hear) -> None:
    hear("校外怎么用VPN")
    rooms = desk.store.read(lambda s: s._rows("select distinct room from events"))
    assert rooms == [{"room": GROUP}]


# --- channels that name people differently in groups and in private ---


def alone(desk: Desk, text: str, user: str = "u-300", number: str = "") -> str:
    """Say something to the bot privately where people have another name there."""
    replies = desk.ask(Question(number or f"p-{text}-{user}", Address("qq", user), text)).result()
    return "\n".join(reply.plain() for reply in replies)


def word_of(told: str) -> str:
    found = re.search(r"取件 ([2-9a-z]{8})", told)
    assert found, told
    return found[1]


def due(desk: Desk, user: str) -> list[str]:
    """What is on its way to somebody."""
    parcels = desk.store.read(lambda s: s.due(desk.clock.now(), 1000))
    return [parcel.message.text for parcel in parcels if parcel.address == Address("qq", user)]


def test_asker_with_another_name_in_private_gets_what_waited_after_saying_the_password_in_the_group(
    desk: Desk, hear: Hear, clock: FakeClock
) -> None:
    hear("转人工", "m-300", connector="qq")
    clock.pass_(seconds=5)
    assert due(desk, "u-300") == due(desk, "m-300") == []
    word = word_of(alone(desk, "取件"))
    assert "私信给您" in told(hear(f"取件 {word.upper()}", "m-300", connector="qq"))
    (ticket,) = (row.ticket for row in desk.queue((TicketStatus.WAITING,)))
    assert any(ticket.code in text for text in due(desk, "u-300"))
    desk.claim(ticket.id, "mei")
    desk.reply(ticket.id, "mei", "您好，请讲。")
    assert due(desk, "u-300")[-1] == "您好，请讲。"
    assert [m.text for m in desk.consultation(ticket.id).messages if m.who is Who.PATRON] == ["转人工", "取件"]
    desk.close(ticket.id, "mei")
    assert "私信您取件码" in told(hear("转人工", "m-300", connector="qq")), "next time it is known who they are"
    assert "编号 2" in due(desk, "u-300")[-1]


def test_password_works_once_and_for_a_while_only(desk: Desk, hear: Hear, clock: FakeClock) -> None:
    hear("转人工", "m-300", connector="qq")
    hear("转人工", "m-301", connector="qq")
    word = word_of(alone(desk, "取件"))
    assert "私信给您" in told(hear(f"取件{word}", "m-300", connector="qq"))
    assert "不对" in told(hear(f"取件{word}", "m-301", connector="qq"))
    older, newer = word_of(alone(desk, "取件码", "u-301")), word_of(alone(desk, "pick up", "u-301"))
    assert "不对" in told(hear(f"取件 {older}", "m-301", connector="qq"))
    clock.pass_(minutes=11)
    assert "不对" in told(hear(f"取件 {newer}", "m-301", connector="qq"))
    assert desk.history(Address("qq", "m-301")).state == ConversationState.WAITING, "nobody else got what waited for them"


def test_a_repeated_password_is_answered_as_before(desk: Desk, hear: Hear) -> None:
    hear("转人工", "m-300", connector="qq")
    first = alone(desk, "取件", number="p1")
    assert alone(desk, "取件", number="p1") == first
    said = f"取件 {word_of(first)}"
    assert hear(said, "m-300", connector="qq", number="w1") == hear(said, "m-300", connector="qq", number="w1")


def test_who_has_a_ticket_already_gets_the_other_one_beside_it(desk: Desk, hear: Hear) -> None:
    alone(desk, "转人工")
    hear("转人工", "m-300", connector="qq")
    hear(f"取件 {word_of(alone(desk, '取件'))}", "m-300", connector="qq")
    assert desk.history(Address("qq", "u-300")).ticket == 1
    desk.claim(2, "mei")
    desk.reply(2, "mei", "第二个问题的答复")
    assert "第二个问题的答复" in due(desk, "u-300")


def test_password_of_somebody_for_whom_nothing_waits_ties_the_names_all_the_same(desk: Desk, hear: Hear) -> None:
    assert "私信给您" in told(hear(f"取件 {word_of(alone(desk, '取件'))}", "m-300", connector="qq"))
    assert "我私信您" in told(hear("转人工", "m-300", connector="qq"))


def test_where_people_have_one_name_a_password_is_nothing_special(desk: Desk, hear: Hear) -> None:
    assert "取件 " not in "".join(reply.text for reply in desk.ask(Question("p", Address("onebot", "300"), "取件")).result())


def test_what_waits_under_the_very_name_comes_without_a_password(desk: Desk, hear: Hear) -> None:
    hear("转人工", "u-300", connector="qq")
    assert alone(desk, "取件") == ""
    assert any("/mailbox/" in text for text in due(desk, "u-300"))
    assert "请回到群里" in alone(desk, "取件", number="again")


def test_asker_who_is_in_danger_while_a_ticket_is_open_is_met_at_once_and_put_first(desk: Desk, hear: Hear) -> None:
    hear("转人工")
    line = "\n".join(reply.text for reply in hear("图书馆着火了"))
    assert re.search(r"119|电话|报警", line)
    (row,) = desk.queue((TicketStatus.WAITING,))
    assert row.ticket.urgent
    assert "图书馆着火了" in [message.text for message in desk.consultation(1).messages]


def test_own_records_are_no_matter_for_a_group_and_erasing_them_forgets_who_is_who(desk: Desk, hear: Hear) -> None:
    hear(f"取件 {word_of(alone(desk, '取件'))}", "m-300", connector="qq")
    assert "私" in told(hear("我的记录", "m-300", connector="qq"))
    desk.store.write(lambda s: s.set_fact("qq.user.u-300", "how to reach them")).result()
    alone(desk, "删除我的记录")
    alone(desk, "1")
    assert desk.store.read(lambda s: (s.linked("qq", "m-300"), s.fact("qq.user.u-300"))) == ("", "")


def test_answer_in_a_group_that_could_not_be_given_for_long_waits_for_its_asker(desk: Desk, hear: Hear, clock: FakeClock) -> None:
    hear("校外怎么用VPN")
    (parcel,) = desk.store.read(lambda s: s.due(clock()))
    assert parcel.deadline == clock() + timedelta(minutes=10)


@pytest.mark.parametrize("groups", [Groups(silent=True), Groups(per_account=1)], ids=["silent", "flooded"])
def test_who_is_in_danger_is_told_where_help_is_whatever_the_manners(desk: Desk, hear: Hear, groups: Groups) -> None:
    desk._groups = groups
    hear("你好")
    assert re.search(r"119|电话|报警", "\n".join(reply.text for reply in hear("图书馆着火了")))
    assert any(row.ticket.urgent for row in desk.queue((TicketStatus.WAITING,)))


def test_an_answer_that_did_not_help_is_noted_also_while_a_ticket_is_open(desk: Desk, hear: Hear) -> None:
    hear("转人工")
    hear("校外怎么用VPN")
    hear("没用")
    hear("还是不行")
    names = [row["name"] for row in desk.store.read(lambda s: s._rows("select name from events order by id"))]
    assert "unhelpful" in names
    assert len(desk.queue((TicketStatus.WAITING,))) == 1


def test_unasked_answers_are_limited_as_others_are(desk: Desk, hear: Hear, engine: FakeEngine) -> None:
    desk._groups = Groups(bar=0.9, per_minute=1)
    assert hear("how do I use the VPN", addressed=False)
    assert hear("知网打不开", "301", addressed=False) == ()
    assert desk.queue((TicketStatus.WAITING,)) == ()


WORDS = (
    "校外怎么用VPN", "知网打不开", "你好", "VPN", "1", "0", "转人工", "没用", "还是不行", "我要荐购一本书", "取消", "教材需求 概率论",
    "？", "", "我的记录", "取件", "how do I use the VPN", "这是什么意思", "谢谢", "图书馆着火了",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_said_in_whatever_order_no_code_is_shown_in_a_group(desk: Desk, hear: Hear, clock: FakeClock, seed: int) -> None:
    chance, public, silent = random.Random(seed), list[str](), list[str]()
    desk._groups = Groups(per_account=12, per_minute=25, bar=chance.choice((0.0, 0.94)), quiet=("11:00-11:30",))
    for number in range(250):
        clock.pass_(seconds=chance.randint(1, 30))
        channel, user, addressed = chance.choice(("onebot", "qq")), chance.choice(("300", "301")), chance.random() < 0.7
        words, room = chance.choice(WORDS), chance.choice((GROUP, GROUP, "201", ""))
        asked = Question(f"n{number}", Address(channel, user, room), words, addressed=addressed or not room)
        replies = desk.ask(asked).result()
        if room:
            public += [reply.plain() for reply in replies]
            silent += [] if addressed or replies else [asked.id]
        if chance.random() < 0.1 and (waiting := desk.queue((TicketStatus.WAITING,))):
            desk.claim(waiting[0].ticket.id, "mei")
            desk.reply(waiting[0].ticket.id, "mei", "只给本人看的答复")
            desk.close(waiting[0].ticket.id, "mei")
    codes = {row["code"] for row in desk.store.read(lambda s: s._rows("select code from tickets"))}
    assert len(codes) > 5
    assert len(public) > 50
    assert not [text for text in public if "只给本人看" in text or "/mailbox/" in text or any(code in text for code in codes)]
    kept = {row["external"] for row in desk.store.read(lambda s: s._rows("select external from messages where external is not null"))}
    assert silent, "some was said to nobody"
    assert kept.isdisjoint(silent), "and nothing of it was kept"
