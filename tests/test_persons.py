"""People whom the desk knows under two ids, where a group cannot be left for a private conversation by itself."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.connector import Limits
from bot.desk import Desk
from bot.domain import DeliveryStatus, TicketStatus
from bot.messages import Address, Opening, Question, Reply
from bot.store import Store
from tests.conftest import LIMITS, FakeClock, FakeEngine

MEMBER, FRIEND = Address("stub", "member", "group:1"), Address("stub", "friend")
ALONE = Address("stub", "member")
HANGS = Limits(2048, timedelta(hours=1), inline=False, quota=4, by_message=True, groups=True)
Ask = Callable[..., tuple[Reply, ...]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> Ask:
    """Ask on a channel whose groups and private conversations have ids of their own."""
    monkeypatch.setitem(LIMITS, "stub", HANGS)
    count = iter(range(1000))

    def ask(text: str, address: Address = FRIEND, number: str = "", *, addressed: bool = True) -> tuple[Reply, ...]:
        opens = Opening(timedelta(hours=1), 4)
        return desk.ask(Question(number or f"m{next(count)}", address, text, opens=opens, addressed=addressed)).result()

    return ask


def code_of(replies: tuple[Reply, ...]) -> str:
    (told,) = replies
    found = re.search(r"(?:发送|send) ([2-9a-z]{6})\b", told.text)
    assert found, told.text
    return found[1]


def due(store: Store) -> list[tuple[str, str, str]]:
    """What is on its way: to whom, how, and what."""
    found = store.read(
        lambda s: s._rows(
            "select c.user, o.status, m.text from outbox o join messages m on m.id = o.message"
            " join conversations c on c.id = m.conversation where c.room = '' order by m.id"
        )
    )
    return [(row["user"], row["status"], row["text"].splitlines()[0]) for row in found]


def test_what_a_group_left_is_the_friends_once_they_have_shown_who_they_are(desk: Desk, ask: Ask, store: Store) -> None:
    ask("转人工", MEMBER)
    assert [row[:2] for row in due(store)] == [("member", DeliveryStatus.MAILBOX)]
    code = code_of(ask("取件"))
    (known,) = ask(code, MEMBER)
    assert "认出" in known.text
    assert [row[:2] for row in due(store)][0] == ("friend", DeliveryStatus.DUE)
    (row,) = desk.queue((TicketStatus.WAITING,))
    conversation = store.read(lambda s: s.conversation_by_id(row.ticket.conversation))
    assert (conversation.address, conversation.ticket) == (FRIEND, row.ticket.id)
    ask("又有一个问题，转人工", MEMBER)
    assert not store.read(lambda s: s.existing_conversation(Address("stub", "member", "group:2")))
    assert store.read(lambda s: s.existing_conversation(Address("stub", "friend", "group:1")))


def test_code_works_once_for_half_an_hour_and_in_a_group_that_speaks_to_the_bot(desk: Desk, ask: Ask, clock: FakeClock) -> None:
    code = code_of(ask("pick up"))
    assert ask(code, MEMBER, addressed=False) == ()
    assert "认出" in ask(code, MEMBER, "m-1")[0].text
    assert "认出" in ask(code, MEMBER, "m-1")[0].text  # the platform brings it again
    assert "认出" not in "".join(reply.text for reply in ask(code, MEMBER))
    late = code_of(ask("取件", Address("stub", "another")))
    clock.pass_(minutes=30)
    assert "认出" not in "".join(reply.text for reply in ask(late, MEMBER))


def test_newer_code_ends_the_older_one(ask: Ask) -> None:
    first, second = code_of(ask("取件")), code_of(ask("取件", number="again"))
    assert code_of(ask("取件", number="again")) == second
    assert "认出" not in "".join(reply.text for reply in ask(first, MEMBER))
    assert "认出" in ask(second, MEMBER)[0].text


def test_what_waits_is_fetched_without_a_code(ask: Ask, store: Store, clock: FakeClock) -> None:
    ask("转人工")
    store.write(lambda s: s.shelve(1, clock.at)).result()
    assert ask("取件") == ()
    assert [row[:2] for row in due(store)] == [("friend", DeliveryStatus.DUE)]


def test_open_tickets_of_both_stay_open(desk: Desk, ask: Ask, store: Store) -> None:
    ask("转人工", MEMBER)
    ask("转人工")
    desk.same(ALONE, FRIEND)
    rows = desk.queue((TicketStatus.WAITING,))
    assert {store.read(lambda s, n=row.ticket.conversation: s.conversation_by_id(n)).address for row in rows} == {FRIEND}
    assert len(rows) == 2


def test_friend_keeps_what_is_theirs_when_a_member_shows_to_be_somebody_else(desk: Desk, ask: Ask, store: Store) -> None:
    desk.same(ALONE, FRIEND)
    desk.same(ALONE, FRIEND)
    ask("转人工")
    other = Address("stub", "other")
    ask(code_of(ask("取件", other)), MEMBER)
    (row,) = desk.queue((TicketStatus.WAITING,))
    assert store.read(lambda s: s.conversation_by_id(row.ticket.conversation)).address == FRIEND
    assert store.read(lambda s: s.known_as(ALONE)) == other
    desk.same(FRIEND, FRIEND)
    assert store.read(lambda s: s.conversation_by_id(row.ticket.conversation)).address == FRIEND


def test_failure_of_the_bot_in_a_group_is_handed_over_under_the_known_name(desk: Desk, ask: Ask, store: Store, engine: FakeEngine) -> None:
    desk.same(ALONE, FRIEND)
    desk.fail(Question("m-9", MEMBER, "我的问题")).result()
    (row,) = desk.queue((TicketStatus.WAITING,))
    assert store.read(lambda s: s.conversation_by_id(row.ticket.conversation)).address == FRIEND


def test_channels_that_reach_members_anyway_know_no_codes(desk: Desk, monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    monkeypatch.setitem(LIMITS, "stub", Limits(2048, inline=False, groups=True, private=True))
    assert "发送" not in "".join(reply.text for reply in ask("取件"))
