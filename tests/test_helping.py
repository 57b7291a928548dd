"""What helps librarians: entries, canned replies, earlier answers, what the bot could not answer, and shutting out."""

import pytest

from bot.desk import Desk
from bot.domain import CannedReply, Deed, DraftStatus, Role, TicketStatus
from bot.errors import NotFound, Refused, TooMuch
from bot.mining import heaps
from tests.serving import Colleague, Served


@pytest.fixture
def anna(served: Served) -> Colleague:
    """A librarian."""
    return served.librarian("anna")


def asks(served: Served, text: str, sender: str = "reader") -> int:
    """A patron's question that goes to people; returns the ticket's number."""
    answer = served.client().post("/webhooks/rest/webhook", json={"sender": sender, "message": text}).json()
    return int(answer[-1]["metadata"]["ticket"])


# --- mining ---


def test_questions_that_say_the_same_are_heaped_the_biggest_first() -> None:
    said = ["存包柜在哪", "存包柜在哪？", "存包柜在哪里", "请问存包柜在哪", "猫能进馆吗", "可以带猫进馆吗", "？？", "校车几点开"]
    found = heaps(list(enumerate(said, 1)))
    assert [(heap.text, heap.tickets) for heap in found] == [
        ("存包柜在哪", (1, 2, 3, 4)), ("可以带猫进馆吗", (5, 6)), ("校车几点开", (8,)),
    ]  # fmt: skip
    assert set(found[0].texts) == {"存包柜在哪", "存包柜在哪里", "请问存包柜在哪"}
    assert heaps([]) == ()
    assert len(heaps(list(enumerate(said, 1)), most=1)) == 1


def test_librarian_attaches_what_was_unanswered_to_a_topic(served: Served, anna: Colleague) -> None:
    for number, text in enumerate(("存包柜在哪", "存包柜在哪里", "校车几点开")):
        asks(served, text, f"reader{number}")
    page = anna.get("/desk/mining?days=7").text
    assert page.index("存包柜在哪") < page.index("校车几点开")
    data = {"csrf": anna.csrf, "intent": "entry_rules", "text": ["存包柜在哪", "存包柜在哪里 电话13800000000"]}
    assert anna.client.post("/desk/mining/attach", data=data).headers["location"] == "/desk/teach"
    rows = served.desk.store.read(lambda s: s.examples(DraftStatus.AWAITING))
    assert [(row.text, row.intent, row.author) for row in rows] == [
        ("存包柜在哪", "entry_rules", "anna"), ("存包柜在哪里 电话", "entry_rules", "anna"),
    ]  # fmt: skip
    assert anna.post("/desk/mining/attach", intent="", text="存包柜在哪").status_code == 400
    assert anna.get("/desk/mining?days=nonsense").status_code == 200


# --- help with an answer ---


def test_help_finds_entries_canned_replies_and_earlier_answers(served: Served, anna: Colleague) -> None:
    first = asks(served, "研讨间的投影仪连不上电脑怎么办", "one")
    anna.post("/desk/canned", code="/VPN", title="VPN 说明", text="请看 {{vpn.guide}}，单号 {ticket}，{me}")
    served.desk.claim(first, "anna")
    served.desk.reply(first, "anna", "请用一楼借的转接头。")
    second = asks(served, "研讨间投影仪连不上电脑", "two")
    found = anna.get(f"/desk/tickets/{second}/help").json()
    assert [(each["title"], each["text"]) for each in found["answered"]] == [("研讨间的投影仪连不上电脑怎么办", "请用一楼借的转接头。")]
    (canned,) = found["canned"]
    assert canned["text"].endswith(f"，单号 {second}，Anna")
    assert "{{" not in canned["text"]
    entries = anna.get(
        f"/desk/tickets/{second}/help",
    ).json()["entries"]
    assert all({"title", "text", "intent"} == set(entry) for entry in entries)
    searched = anna.client.get(f"/desk/tickets/{second}/help", params={"q": "开馆时间"}).json()
    assert searched["entries"][0]["intent"] == "opening_hours"
    assert searched["canned"] == []
    assert anna.get("/desk/tickets/99/help").status_code == 404


def test_librarian_answers_with_the_entry_and_teaches_the_bot_with_one_click(served: Served, anna: Colleague) -> None:
    number = asks(served, "研讨间投影仪连不上电脑")
    answer = anna.post(f"/desk/tickets/{number}/teach-reply", text="请用转接头。", intent="network_service")
    assert answer.headers["location"] == f"/desk/tickets/{number}?taught=1"
    assert served.desk.consultation(number).ticket.claimed_by == "anna"
    assert "请用转接头。" in [message.text for message in served.desk.consultation(number).messages]
    assert [row.text for row in served.desk.store.read(lambda s: s.examples())] == ["研讨间投影仪连不上电脑"]
    ben = served.librarian("ben")
    assert ben.post(f"/desk/tickets/{number}/teach-reply", text="不用。", intent="network_service").status_code == 409
    assert anna.post("/desk/tickets/99/teach-reply", text="x", intent="network_service").status_code == 404


# --- canned replies ---


def test_canned_reply_is_ones_own_unless_an_editor_shares_it(served: Served, anna: Colleague) -> None:
    eva, ben = served.librarian("eva", Role.EDITOR), served.librarian("ben")
    assert anna.post("/desk/canned", code="hi", title="问候", text="您好", shared="1").status_code == 303
    eva.post("/desk/canned", code="开馆", title="开馆时间", text="八点开门", shared="1")
    assert "八点开门" in ben.get("/desk/canned").text
    assert "您好" not in ben.get("/desk/canned").text.partition("<main")[2]
    assert ben.post("/desk/canned/2/remove").status_code == 404
    assert ben.post("/desk/canned/1/remove").status_code == 404
    assert eva.post("/desk/canned/2/remove").status_code == 303
    assert anna.post("/desk/canned/1/remove").status_code == 303
    assert anna.post("/desk/canned/9/remove").status_code == 404


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"code": "a b"}, "代码要用"), ({"code": ""}, "代码要用"), ({"title": " "}, "都要填写"), ({"text": "长" * 2001}, "太长了")],
)
def test_canned_reply_that_cannot_be_is_refused_and_not_lost(anna: Colleague, fields: dict[str, str], told: str) -> None:
    answer = anna.post("/desk/canned", **{"code": "hi", "title": "问候", "text": "您好", **fields})
    assert (answer.status_code, told in answer.text) == (400, True)
    assert 'value="问候"' in answer.text or "title" in fields


def test_same_code_is_replaced_and_own_ones_come_before_shared_ones(desk: Desk) -> None:
    desk.save_canned(CannedReply("hi", "one", "first"), "eva")
    desk.save_canned(CannedReply("hi", "two", "mine", "anna"), "anna")
    desk.save_canned(CannedReply("hi", "three", "second"), "eva")
    assert [(reply.text, reply.owner) for reply in desk.canned("anna")] == [("mine", "anna"), ("second", "")]
    assert [reply.text for reply in desk.canned("ben")] == ["second"]
    with pytest.raises(NotFound):
        desk.remove_canned(9, "anna", shared=True)
    with pytest.raises(Refused):
        desk.save_canned(CannedReply("", "x", "y"), "anna")
    with pytest.raises(TooMuch):
        desk.save_canned(CannedReply("x", "x", "y" * 2001), "anna")


# --- shutting out ---


def test_librarian_shuts_an_asker_out_and_lets_them_in_again(served: Served, anna: Colleague) -> None:
    number = asks(served, "加微信领红包")
    assert f"/desk/tickets/{number}/block" in anna.get(f"/desk/tickets/{number}").text
    for fields, told in (({"hours": "24", "reason": " "}, "请写明理由"), ({"hours": "5", "reason": "广告"}, "请选择时长")):
        refused = anna.post(f"/desk/tickets/{number}/block", **fields)
        assert (refused.status_code, told in refused.text) == (409, True)
    assert anna.post("/desk/tickets/99/block", hours="24", reason="广告").status_code == 404
    assert anna.post(f"/desk/tickets/{number}/block", hours="24", reason="<b>广告</b>").headers["location"] == "/desk"
    assert served.desk.consultation(number).ticket.status is TicketStatus.CLOSED
    assert "&lt;b&gt;广告&lt;/b&gt;" in anna.get("/desk/blocks").text
    assert served.accounts.audit(deed=Deed.BLOCKED)[0][1].who == "anna"
    anna.post("/desk/blocks/1/lift")
    assert "没有屏蔽任何人" in anna.get("/desk/blocks").text
    assert anna.post("/desk/blocks/1/lift").status_code == 303


def test_colleagues_ticket_is_not_taken_to_shut_its_asker_out(served: Served, anna: Colleague) -> None:
    number = asks(served, "加微信领红包")
    served.desk.claim(number, "ben")
    assert anna.post(f"/desk/tickets/{number}/block", hours="24", reason="广告").status_code == 409
