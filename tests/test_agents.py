"""What agents of a platform's own desk do, at the level of the desk."""

from datetime import timedelta

import pytest

from bot.connector import Limits
from bot.desk import Desk
from bot.domain import EventName, TicketStatus
from bot.messages import Address, Attachment, Overheard, Question, Who
from tests.conftest import LIMITS, FakeClock

READER, AGENT = Address("stub", "reader"), "stub:li"


@pytest.fixture(autouse=True)
def _pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "stub", Limits(2048, timedelta(hours=48), inline=False, quota=5))


def names(desk: Desk) -> list[tuple[str, str]]:
    """What happened, and by whom."""
    found = desk.store.read(lambda s: s._rows("select name, librarian from events order by id"))
    return [(row["name"], row["librarian"]) for row in found]


def ask(desk: Desk, number: str, text: str, agent: str = "") -> None:
    desk.ask(Question(number, READER, text, agent=agent)).result()


def test_agents_words_that_are_brought_again_change_nothing(desk: Desk) -> None:
    ask(desk, "1", "转人工")
    said = Overheard("a1", READER, AGENT, "在三楼。", (Attachment("image", "M1"),))
    for _ in range(2):
        desk.overhear(said)
    (line,) = (message for message in desk.consultation(1).messages if message.who is Who.LIBRARIAN)
    assert (line.author, line.text, line.attachments) == (AGENT, "在三楼。", said.attachments)
    assert [name for name, who in names(desk) if who == AGENT] == [EventName.CLAIMED, EventName.REPLIED, EventName.DELIVERED]


def test_courtesy_to_an_agent_is_stored_and_is_no_question(desk: Desk) -> None:
    ask(desk, "1", "你好", agent=AGENT)
    assert names(desk) == []
    assert desk.count((TicketStatus.CLAIMED, TicketStatus.WAITING)) == 0
    ask(desk, "2", "校外怎么用VPN", agent=AGENT)
    assert [name for name, _ in names(desk)] == [EventName.ASKED, EventName.HANDED_OVER, EventName.CLAIMED]
    assert desk.consultation(1).question().text == "校外怎么用VPN"
    assert [message.text for message in desk.consultation(1).messages] == ["你好", "校外怎么用VPN"]


def test_agents_words_two_days_later_are_not_about_the_old_question(desk: Desk, clock: FakeClock) -> None:
    ask(desk, "1", "校外怎么用VPN")
    clock.pass_(hours=49)
    desk.overhear(Overheard("a1", READER, AGENT, "您预约的书到了。"))
    assert EventName.REPLIED not in dict(names(desk))
    assert desk.history(READER).lines[-1].text == "您预约的书到了。"


def test_question_to_an_agent_that_could_not_be_understood_is_still_that_agents(desk: Desk) -> None:
    desk.fail(Question("1", READER, "我的问题", agent=AGENT)).result()
    assert desk.consultation(1).ticket.claimed_by == AGENT
