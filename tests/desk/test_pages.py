"""The librarians' pages over HTTP: what they show and what their forms do."""

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from bot.connector import Limits
from bot.desk import Clock
from bot.domain import Role, TicketStatus, Window
from bot.messages import Address, Opening, Question
from bot.pages.desk.query import Query
from bot.pages.desk.workroom import closes_in
from tests.conftest import MONDAY, FakeClock
from tests.serving import Colleague, Served, Stream, streaming, until

TEAMS = {"数据库组": ("anna", "ben"), "流通组": ()}
VISITOR = "a-visitors-unguessable-number-01"


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    return serve(desk={"undo_seconds": 60, "teams": TEAMS})


@pytest.fixture
def anna(house: Served) -> Colleague:
    return house.librarian("anna")


@pytest.fixture
def ben(house: Served) -> Colleague:
    return house.librarian("ben")


def asks(house: Served, sender: str = "reader", text: str = "转人工") -> None:
    assert house.client().post("/webhooks/rest/webhook", json={"sender": sender, "message": text}).status_code == 200


def numbers(page: httpx.Response) -> list[int]:
    """The tickets of a list, in order."""
    return [int(number) for number in re.findall(r'<li class="ticket[^"]*" data-ticket="(\d+)"', page.text)]


def counts(stream: Stream) -> dict[str, object]:
    told: dict[str, object] = json.loads(stream.event("changed")["data"])
    return told


# --- the list ---


def test_queue_is_filtered_by_everything_it_knows(house: Served, anna: Colleague) -> None:
    for sender, text in (("a", "转人工"), ("b", "I want a human"), ("c", "转人工")):
        asks(house, sender, text)
    about = replace(house.tickets()[2], intent="vpn_setup")
    house.desk.store.write(lambda s: s.save_ticket(about)).result()
    web = {"refdesk_visitor": VISITOR}
    house.client(cookies=web).post("/chat/messages", data={"text": "转人工"})
    page = anna.get("/desk?view=all")
    assert numbers(page) == [1, 2, 3, 4]
    assert numbers(anna.get("/desk?view=all&channel=web")) == [4]
    assert numbers(anna.get("/desk?view=all&topic=vpn_setup")) == [3]
    assert numbers(anna.get("/desk?view=all&language=en")) == [2]
    assert numbers(anna.get("/desk?view=all&college=nowhere")) == []
    assert "没有符合筛选条件的问题" in anna.get("/desk?college=nowhere").text
    assert numbers(anna.get("/desk?view=all&age=hour")) == []
    house.desk.clock = Clock(FakeClock(house.desk.clock.now() + timedelta(hours=2)), None)
    assert numbers(anna.get("/desk?view=all&age=hour")) == [1, 2, 3, 4]
    assert 'value="vpn_setup"' in page.text


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=" + "9" * 40, "view=x&sort=x&age=x&language=x", "page=²"])
def test_nonsense_in_the_address_is_passed_over(house: Served, anna: Colleague, query: str) -> None:
    asks(house)
    page = anna.get(f"/desk?{query}")
    assert page.status_code == 200
    assert numbers(page) == ([1] if "9" not in query else [])


def test_query_keeps_only_what_is_said() -> None:
    query = Query(view="mine", q="知网", page=3)
    assert query.here("/desk") == "/desk?view=mine&q=%E7%9F%A5%E7%BD%91&page=3"
    assert query.link(view="all", q="") == "/desk?view=all"
    assert Query().here("/desk/tickets/1") == "/desk/tickets/1"
    assert Query(channel="web", age="day").filters == 2


def test_long_queue_comes_in_pages(house: Served, anna: Colleague, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.pages.desk.workroom.PAGE_SIZE", 2)
    for sender in "abcde":
        asks(house, sender)
    assert numbers(anna.get("/desk")) == [1, 2]
    last = anna.get("/desk?page=3")
    assert numbers(last) == [5]
    assert "第 3 / 3 页" in last.text
    assert 'rel="next"' not in last.text
    assert numbers(anna.get("/desk?page=2&sort=closing")) == [3, 4]
    assert numbers(anna.get("/desk?page=9")) == []


def test_ticket_stands_beside_the_list_it_was_opened_from(house: Served, anna: Colleague) -> None:
    asks(house, "a")
    asks(house, "b")
    anna.post("/desk/tickets/1/claim")
    page = anna.get("/desk/tickets/1?view=mine")
    assert numbers(page) == [1]
    assert 'href="/desk/tickets/1?view=mine"' in page.text
    assert 'aria-current="true"' in page.text
    assert 'action="/desk/tickets/1/reply?view=mine"' in page.text
    assert anna.post("/desk/tickets/1/close?view=mine").headers["location"] == "/desk?view=mine"


# --- searching ---


def test_librarian_searches_all_conversations(house: Served, anna: Colleague) -> None:
    asks(house, "a", "市图书馆周末几点关")
    asks(house, "b", "校外怎么用VPN")
    page = anna.get(
        "/desk",
    ).text
    assert 'role="search"' in page
    hits = anna.get("/desk?q=周末").text
    assert "<mark>周末</mark>" in hits
    assert "/desk/tickets/1?q=" in hits
    answered = anna.get("/desk?q=校外怎么").text
    assert "机器人已回答" in answered
    assert "/desk/conversations/2?q=" in answered
    (message,) = re.findall(r'href="/desk/conversations/2[^"#]*#(m\d+)"', answered)
    record = anna.get("/desk/conversations/2")
    assert f'id="{message}"' in record.text
    assert "WebVPN" in record.text
    assert anna.get("/desk/conversations/99").status_code == 404
    assert "没有找到" in anna.get("/desk?q=没有这些字").text


def test_librarian_is_offered_what_was_meant(house: Served, anna: Colleague) -> None:
    asks(house, "a", "市图书馆周末几点关")
    assert anna.get("/desk/suggestions?q=图书管周末").json() == ["市图书馆周末几点关"]
    assert "您是不是要找" in anna.get("/desk?q=图书管周末").text
    assert anna.get("/desk/suggestions").json() == []


def test_search_goes_on_where_there_is_more(house: Served, anna: Colleague, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.pages.desk.workroom.PAGE_SIZE", 1)
    for sender in "ab":
        asks(house, sender, "市图书馆周末几点关")
    first, second = anna.get("/desk?q=周末"), anna.get("/desk?q=周末&page=2")
    assert (numbers(first), numbers(second)) == ([2], [1])
    assert 'rel="next"' in first.text
    assert 'rel="next"' not in second.text


# --- replies that can be taken back ---


def test_reply_can_be_taken_back_and_stands_in_the_box_again(house: Served, anna: Colleague, ben: Colleague) -> None:
    asks(house)
    anna.post("/desk/tickets/1/claim")
    anna.post("/desk/tickets/1/reply", text="在三楼 <b>。")
    page = anna.get("/desk/tickets/1").text
    assert "is-held" in page
    assert "在三楼 &lt;b&gt;。" in page
    assert re.search(r"\d+ 秒后发出", page)
    assert 'data-undo="1"' in anna.get("/desk").text
    assert 'data-undo="1"' not in ben.get("/desk").text
    assert ben.post("/desk/tickets/1/undo").status_code == 409
    again = anna.post("/desk/tickets/1/undo")
    assert again.status_code == 200
    assert "在三楼 &lt;b&gt;。" in again.text.partition('id="reply-text"')[2]
    assert "is-held" not in again.text
    assert house.count("messages where who = 'librarian'") == 0
    late = anna.post("/desk/tickets/1/undo")
    assert (late.status_code, "已经发出" in late.text) == (409, True)


def test_held_reply_goes_out_by_itself_and_closes(serve: Callable[..., Served]) -> None:
    house = serve(desk={"undo_seconds": 1})
    anna = house.librarian()
    asks(house)
    anna.post("/desk/tickets/1/claim")
    assert anna.post("/desk/tickets/1/reply", text="在三楼。", then="close").headers["location"] == "/desk"
    assert "随后结束咨询" in anna.get("/desk/tickets/1").text
    until(lambda: house.tickets(TicketStatus.CLOSED))
    assert "在三楼。" in house.browser().get(f"/mailbox/{house.tickets(TicketStatus.CLOSED)[0].code}").text


def test_librarian_sees_how_a_long_reply_is_divided(house: Served, anna: Colleague) -> None:
    asks(house)
    assert anna.post("/desk/tickets/1/preview", text="在三楼。").json() == ["在三楼。"]
    assert anna.post("/desk/tickets/9/preview", text="x").status_code == 404
    anna.post("/desk/tickets/1/claim")
    assert 'data-most="1000000"' in anna.get("/desk/tickets/1").text


# --- passing on, notes, marks, joining ---


def test_librarian_passes_a_ticket_on_with_a_note(house: Served, anna: Colleague, ben: Colleague) -> None:
    asks(house)
    anna.post("/desk/tickets/1/claim")
    page = anna.get("/desk/tickets/1").text
    assert '<option value="person:ben">Ben（不在线）</option>' in page
    assert '<option value="team:流通组">' in page
    assert anna.post("/desk/tickets/1/transfer", to="person:ben", note="请 <i>看").headers["location"] == "/desk"
    assert house.ticket().claimed_by == "ben"
    assert "Anna 把编号 1 转给了您" in ben.get("/desk").text
    shown = ben.get("/desk/tickets/1").text
    assert "Anna 转给 Ben" in shown
    assert "请 &lt;i&gt;看" in shown
    assert "转给了您" not in ben.get("/desk").text


def test_team_sees_what_waits_for_it_among_its_own(house: Served, anna: Colleague, ben: Colleague) -> None:
    asks(house)
    anna.post("/desk/tickets/1/transfer", to="team:数据库组")
    assert numbers(ben.get("/desk?view=mine")) == [1]
    assert "数据库组 待接" in ben.get("/desk?view=mine").text
    assert "转给了您的专题组" in ben.get("/desk").text
    assert ben.post("/desk/alerts/seen?view=mine").headers["location"] == "/desk?view=mine"
    assert "转给了您的专题组" not in ben.get("/desk").text
    with streaming(ben.client, "/desk/events") as stream:
        assert counts(stream)["mine"] == 1


@pytest.mark.parametrize("to", ["", "person:", "person:anna", "person:nobody", "team:nowhere", "数据库组"])
def test_ticket_is_not_passed_to_nobody(house: Served, anna: Colleague, to: str) -> None:
    asks(house)
    anna.post("/desk/tickets/1/claim")
    refused = anna.post("/desk/tickets/1/transfer", to=to)
    assert (refused.status_code, "请选择一位同事" in refused.text) == (409, True)
    assert house.ticket().claimed_by == "anna"


def test_disabled_colleague_gets_nothing(house: Served, anna: Colleague, ben: Colleague) -> None:
    asks(house)
    account = next(each for each in house.accounts.everybody() if each.login == "ben")
    house.desk.store.write(lambda s: s.save_librarian(replace(account, disabled=True), MONDAY)).result()
    assert "person:ben" not in anna.get("/desk/tickets/1").text
    assert anna.post("/desk/tickets/1/transfer", to="person:ben").status_code == 409


def test_notes_are_for_staff_only(house: Served, anna: Colleague, ben: Colleague) -> None:
    asks(house)
    assert ben.post("/desk/tickets/1/note", note="<b>内部</b> 她很着急").headers["location"] == "/desk/tickets/1"
    assert "&lt;b&gt;内部&lt;/b&gt; 她很着急" in anna.get("/desk/tickets/1").text
    assert "她很着急" not in house.browser().get(f"/mailbox/{house.ticket().code}").text
    refused = ben.post("/desk/tickets/1/note", note=" ")
    assert (refused.status_code, "备注是空的" in refused.text) == (409, True)


def test_anybody_marks_an_emergency(house: Served, anna: Colleague) -> None:
    asks(house, "a")
    asks(house, "b")
    anna.post("/desk/tickets/2/mark", urgent="1")
    assert numbers(anna.get("/desk")) == [2, 1]
    assert "取消紧急" in anna.get("/desk/tickets/2").text
    anna.post("/desk/tickets/2/mark", urgent="0")
    assert numbers(anna.get("/desk")) == [1, 2]


def test_duplicates_are_answered_together(house: Served, anna: Colleague) -> None:
    asks(house, "a")
    asks(house, "b")
    anna.post("/desk/tickets/1/claim")
    assert '<option value="1">' in anna.get("/desk/tickets/2").text
    assert anna.post("/desk/tickets/2/join", into="1").status_code == 303
    assert anna.post("/desk/tickets/2/join", into="x").status_code == 404
    page = anna.get("/desk/tickets/1").text
    assert "同时发给 2 位读者" in page
    assert "合并 1 条" in anna.get("/desk?view=mine").text
    assert "已与编号 1 合并回复" in anna.get("/desk/tickets/2").text
    anna.post("/desk/tickets/2/part")
    assert "同时发给" not in anna.get("/desk/tickets/1").text


def test_librarian_gives_back_with_a_note_and_sees_earlier_tickets(house: Served, anna: Colleague) -> None:
    asks(house)
    anna.post("/desk/tickets/1/claim")
    anna.post("/desk/tickets/1/release", note="等古籍部")
    assert "等古籍部" in anna.get("/desk/tickets/1").text
    anna.post("/desk/tickets/1/claim")
    anna.post("/desk/tickets/1/close")
    asks(house)
    assert 'href="/desk/tickets/1"' in anna.get("/desk/tickets/2").text.partition("其他咨询")[2]


def test_long_exchange_is_opened_at_its_question(house: Served, anna: Colleague) -> None:
    for _ in range(8):
        asks(house, "reader", "校外怎么用VPN")
    asks(house)
    ticket = house.tickets()[-1]
    page = anna.get(f"/desk/tickets/{ticket.id}").text
    (hidden,) = re.findall(r"显示更早的 (\d+) 条", page)
    everything = anna.get(f"/desk/tickets/{ticket.id}?all=1").text
    assert everything.count('data-id="') == page.count('data-id="') + int(hidden)


# --- who is here ---


def test_colleagues_see_who_looks_and_who_types(house: Served, anna: Colleague, ben: Colleague) -> None:
    asks(house)
    with streaming(anna.client, "/desk/events?ticket=1") as mine, streaming(ben.client, "/desk/events?ticket=1") as theirs:
        until(lambda: counts(mine)["ticket"]["here"] == [{"name": "Ben", "typing": False}])  # type: ignore[index]
        assert ben.post("/desk/tickets/1/typing", going="1").json() == {}
        until(lambda: counts(mine)["ticket"]["here"] == [{"name": "Ben", "typing": True}])  # type: ignore[index]
        assert "Ben 正在输入" in anna.get("/desk/tickets/1").text
        assert "Ben 正在查看" in anna.get("/desk").text
        ben.post("/desk/tickets/1/typing", going="0")
        until(lambda: counts(mine)["ticket"]["here"] == [{"name": "Ben", "typing": False}])  # type: ignore[index]
        assert counts(theirs)["looking"]
    until(lambda: "Ben 正在查看" not in anna.get("/desk").text)
    assert anna.post("/desk/tickets/9/typing", going="1").status_code == 404


def test_patron_sees_that_the_librarian_types_and_only_the_one_who_has_the_ticket(house: Served, anna: Colleague, ben: Colleague) -> None:
    patron = house.client(cookies={"refdesk_visitor": VISITOR})
    patron.post("/chat/messages", data={"text": "转人工"})
    anna.post("/desk/tickets/1/claim")
    with streaming(patron, "/chat/events") as stream:
        stream.event("state")
        ben.post("/desk/tickets/1/typing", going="1")
        anna.post("/desk/tickets/1/typing", going="1")
        assert stream.event("typing")["data"] == "true"
        anna.post("/desk/tickets/1/typing", going="0")
        assert stream.event("typing")["data"] == "false"


@pytest.mark.parametrize("ticket", ["9", "x", "9" * 40])
def test_listening_to_no_ticket_is_listening_to_the_queue(house: Served, anna: Colleague, ticket: str) -> None:
    with streaming(anna.client, f"/desk/events?ticket={ticket}") as stream:
        assert counts(stream)["ticket"] == {"stamp": "", "here": []}


def test_news_tell_what_changed_in_the_open_ticket(house: Served, anna: Colleague) -> None:
    asks(house)
    with streaming(anna.client, "/desk/events?ticket=1") as stream:
        before = counts(stream)["ticket"]
        asks(house, text="还在吗")
        until(lambda: counts(stream)["ticket"] != before)


def test_a_hundred_desks_each_see_a_new_ticket(house: Served, anna: Colleague) -> None:
    many = house.client(limits=httpx.Limits(max_connections=120), cookies=dict(anna.client.cookies))
    with ExitStack() as open_:
        streams = [open_.enter_context(streaming(many, "/desk/events")) for _ in range(100)]
        for stream in streams:
            assert counts(stream)["newest"] == 0
        asks(house)
        for stream in streams:
            until(lambda stream=stream: counts(stream)["newest"] == 1)  # type: ignore[misc]


# --- guarding ---


def _posts(house: Served) -> set[str]:
    found = set()
    for route in house.app.router.routes:
        path = "/" + route.path
        if path.startswith("/desk") and "POST" in route.methods:
            path = re.sub(r"<number:int>", "1", path)
            choices = re.search(r"<step:([^>]*)>", path)
            for step in choices[1].split("|") if choices else [""]:
                found.add(re.sub(r"<[^>]*>", step or "anna", path))
    return found


def test_every_step_of_the_desk_needs_the_token_of_its_session(house: Served, ben: Colleague) -> None:
    asks(house)
    boss = house.librarian("boss", Role.ADMINISTRATOR)
    stranger = house.client()
    posts = _posts(house)
    assert {"/desk/tickets/1/claim", "/desk/tickets/1/undo", "/desk/tickets/1/typing", "/desk/alerts/seen"} <= posts
    for path in sorted(posts):
        for data in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": ben.csrf}):
            answer = boss.client.post(path, data=data)
            assert (path, answer.status_code) == (path, 403)
        assert (path, stranger.post(path).status_code) == (path, 401)
    assert house.ticket().status is TicketStatus.WAITING


def test_channel_that_closes_within_minutes_comes_first_and_shows_its_seconds(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = serve({"stub": {"enabled": True}, "rest": {}}, desk={"undo_seconds": 0})
    group = Limits(4_000, window=timedelta(minutes=5), inline=False, quota=5, by_message=True)
    monkeypatch.setattr(house.desk, "_limits", {"stub": group, "rest": Limits(1_000_000)})
    asks(house, "first")
    opens = Opening(timedelta(minutes=5), 5)
    house.desk.ask(Question("q", Address("stub", "reader"), "转人工", opens=opens)).result()
    anna = house.librarian()
    page = anna.get("/desk?sort=closing")
    assert numbers(page) == [2, 1]
    assert re.search(
        r'class="window soon" data-left="2\d\d" data-text="测试: 剩 5 条, 余 {m} 分 {s} 秒">测试: 剩 5 条, 余 4 分 \d+ 秒<', page.text
    )
    house.desk.clock = Clock(FakeClock(house.desk.clock.now() + timedelta(minutes=6)), None)
    later = anna.get("/desk?sort=closing")
    assert numbers(later) == [1, 2]
    assert "测试: 暂不能推送" in later.text


def test_window_that_closes_soon_is_counted_in_seconds(house: Served, anna: Colleague) -> None:
    assert closes_in(Window(None, MONDAY + timedelta(seconds=130)), MONDAY) == 130
    assert closes_in(Window(0, MONDAY + timedelta(seconds=130)), MONDAY) == 0
    assert closes_in(Window(1, MONDAY - timedelta(seconds=1)), MONDAY) == 0
    assert closes_in(None, MONDAY) == 0
