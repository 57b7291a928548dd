"""OneBot in a group: who is answered there, what is said to one alone, and what a flood comes to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.domain import DeliveryStatus, TicketStatus
from connectors.onebot.player import Frame, Player
from tests.connectors import onebot
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.onebot import GROUP, OTHER, READER, SECTION, Connect, outbox, shown, tell
from tests.serving import Served, until

Serve = Callable[..., Served]
connect, house, peer = onebot.connect, onebot.house, onebot.peer


def test_who_speaks_to_the_account_in_a_group_gets_an_answer_that_quotes_them(house: Served, peer: Player) -> None:
    tell(house, peer, peer.at(GROUP, READER, QUESTION, 4711))
    (sent,) = peer.sent
    assert (sent.group, sent.user, sent.quotes, sent.mentions) == (str(GROUP), "", "4711", (str(READER),))
    assert ANSWER in sent.text
    assert peer.actions[0]["params"]["group_id"] == GROUP


def test_what_is_said_among_others_leaves_no_trace(house: Served, peer: Player) -> None:
    tell(house, peer, peer.group(GROUP, READER, QUESTION))
    tell(house, peer, peer.group(GROUP, READER, [{"type": "at", "data": {"qq": "all"}}]))
    assert peer.sent == []
    assert [house.count(table) for table in ("messages", "conversations", "events", "spoken")] == [0, 0, 0, 0]
    assert house.desk.store.read(lambda s: s._rows("select name from facts where name like 'onebot%'")) == []


def test_a_reply_to_the_accounts_own_message_speaks_to_it(house: Served, peer: Player) -> None:
    tell(house, peer, peer.at(GROUP, READER, QUESTION))
    quote = {"type": "reply", "data": {"id": str(peer.sent[0].message_id)}}
    tell(house, peer, peer.group(GROUP, OTHER, [quote, {"type": "text", "data": {"text": "转人工"}}]))
    assert len(house.tickets()) == 1


def test_escalation_reaches_the_asker_alone_by_way_of_the_group(house: Served, peer: Player) -> None:
    tell(house, peer, peer.at(GROUP, READER, "转人工"))
    house.answers("您好，请讲。")
    public, private = ([sent for sent in peer.sent if bool(sent.group) is in_group] for in_group in (True, False))
    code = house.tickets(TicketStatus.ANSWERED)[0].code
    assert [code in sent.text for sent in public] == [False]
    assert code in private[0].text
    assert private[1].text == "您好，请讲。"
    assert [sent.user for sent in private] == [str(READER)] * 2
    assert peer.actions[-1]["params"] == {
        "user_id": READER,
        "group_id": GROUP,
        "message": [{"type": "text", "data": {"text": "您好，请讲。"}}],
    }


def test_two_people_in_one_group_at_once_each_get_their_own(house: Served, peer: Player) -> None:
    askers = {READER + number: ("校外怎么用VPN" if number % 2 else "VPN") for number in range(6)}
    for user, words in askers.items():
        peer.event(peer.at(GROUP, user, words))
    until(lambda: house.count("messages") == 12)
    house.delivered()
    for user, words in askers.items():
        (sent,) = (sent for sent in peer.sent if sent.mentions == (str(user),))
        assert ("请回复数字" in sent.text) is (words == "VPN")


def test_poke_is_greeted(house: Served, peer: Player) -> None:
    tell(house, peer, {"post_type": "notice", "notice_type": "notify", "sub_type": "poke", "user_id": READER, "target_id": peer.account})
    assert "问询台" in peer.sent[0].text
    assert peer.sent[0].user == str(READER)


def test_expelled_account_writes_to_that_group_no_more(house: Served, peer: Player) -> None:
    peer.answer = lambda frame: None if frame["action"] == "send_group_msg" else peer.agree(frame)
    assert peer.push(peer.at(GROUP, READER, QUESTION)).status_code == 204
    until(lambda: peer.actions)
    kicked = {"post_type": "notice", "notice_type": "group_decrease", "sub_type": "kick_me", "group_id": GROUP, "user_id": peer.account}
    assert peer.push(kicked).status_code == 204
    until(lambda: outbox(house) == [DeliveryStatus.MAILBOX])


@contextmanager
def flood(player: Player, events: list[Frame]) -> Iterator[None]:
    """Many events by one connection, while the block runs."""
    thread = threading.Thread(target=lambda: [player.event(event) for event in events])
    thread.start()
    yield
    thread.join()


def test_two_hundred_messages_at_once_from_one_group_are_bounded_and_none_is_lost(serve: Serve, connect: Connect) -> None:
    house = serve({"onebot": dict(SECTION)}, groups={"per_minute": 20, "per_account": 3})
    player = connect(house)
    with flood(player, [player.at(GROUP, READER + number % 40, QUESTION, number) for number in range(200)]):
        until(lambda: house.count("(select distinct external from messages where external is not null)") == 200)
    house.delivered()
    public = [sent for sent in player.sent if sent.group]
    assert len(public) == 21, "answers up to the limit, and one line that there were too many"
    assert len(player.sent) == 21, "nobody is written to because of a flood"
    flooded = [house.desk.consultation(ticket.id) for ticket in house.tickets()]
    assert {each.ticket.reason for each in flooded} == {"flood"}
    assert len(flooded) == 40, "one ticket an asker"
    assert sum(message.who == "patron" for each in flooded for message in each.messages) == 200, "and all that they have said is in it"


def test_two_hundred_messages_to_nobody_leave_nothing(house: Served, peer: Player) -> None:
    with flood(peer, [peer.group(GROUP, READER + number, "今晚吃什么", number) for number in range(200)]):
        pass
    peer.event(peer.private(OTHER, QUESTION))
    shown(peer)
    assert house.count("messages") == 2
