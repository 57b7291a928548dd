"""The desk in a real browser: two librarians and three patrons at once, undo, drafts, keyboard, a restart in between."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from bot.connector import Limits
from bot.domain import TicketStatus
from tests.browsing import DESK, PHONE, TABLET, picture, visit
from tests.server import Server
from tests.serving import PASSWORD, Served, until

pytestmark = pytest.mark.browser

TEAMS = {"数据库组": ("ben",)}
LATER = 15_000  # milliseconds in which a held reply has gone out


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    return serve(desk={"undo_seconds": 5, "teams": TEAMS})


class People:
    """Opens browsers of patrons and librarians, and closes them at the end."""

    def __init__(self, browser: Browser, house: Served, open_: ExitStack) -> None:
        self.browser, self.house, self.open = browser, house, open_

    def patron(self, **options: Any) -> Page:
        page = self.open.enter_context(visit(self.browser, self.house.url, **{"viewport": PHONE, **options}))
        page.goto("/")
        return page

    def librarian(self, login: str, **options: Any) -> Page:
        colleague = self.house.librarian(login)
        forgive = ("409",)  # a refused step is answered with that status, which Chromium writes to the console
        page = self.open.enter_context(visit(self.browser, self.house.url, forgive=forgive, **{"viewport": DESK, **options}))
        cookies = [{"name": each.name, "value": each.value or "", "url": self.house.url} for each in colleague.client.cookies.jar]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto("/desk")
        if options.get("java_script_enabled", True):
            ready(page)
        return page


@pytest.fixture
def people(browser: Browser, house: Served) -> Iterator[People]:
    with ExitStack() as open_:
        yield People(browser, house, open_)


def says(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")
    expect(page.locator(".from-patron").filter(has_text=text).last).to_be_visible()


def asks_for_a_person(page: Page, text: str = "转人工") -> None:
    says(page, text)
    expect(page.get_by_text("编号").first).to_be_visible()


def takes(page: Page, number: int) -> None:
    """Open a ticket and claim it."""
    page.goto(f"/desk/tickets/{number}")
    page.locator(".composer form[data-claim] button").click()
    expect(page.locator("#reply-text")).to_be_visible()
    ready(page)


def ready(page: Page) -> None:
    """The page's scripts have begun to listen to the keyboard."""
    expect(page.locator("main[data-ready]")).to_be_attached()


def test_two_librarians_and_three_patrons_at_once(people: People, house: Served) -> None:
    anna, ben = people.librarian("anna"), people.librarian("ben")
    readers = [people.patron() for _ in range(3)]
    for number, reader in enumerate(readers, 1):
        asks_for_a_person(reader, f"市图书馆第{number}分馆周末几点关")
        expect(anna.locator(f'.ticket[data-ticket="{number}"]')).to_be_visible()  # live, without a reload
    expect(anna).to_have_title(re.compile(r"^\(3\) "))

    # Both open the first; each sees the other there; only one of them gets it.
    anna.goto("/desk/tickets/1")
    ben.goto("/desk/tickets/1")
    expect(anna.locator("#here")).to_have_text("Ben 正在查看")
    expect(ben.locator("#here")).to_have_text("Anna 正在查看")
    claims = [page.locator(".composer form[data-claim] button") for page in (anna, ben)]
    ben.evaluate("addEventListener('submit', (event) => event.preventDefault())")  # Ben's click waits until Anna's has won
    claims[1].click()
    claims[0].click()
    expect(anna.locator("#reply-text")).to_be_visible()
    refused = ben.evaluate(
        "async () => (await fetch('/desk/tickets/1/claim', {method: 'POST', body: new URLSearchParams({csrf:"
        " document.getElementById('main').dataset.csrf})})).status"
    )
    assert refused == 409
    expect(ben.locator("#answer")).to_contain_text("Anna 正在处理")

    # Typing is seen by the colleague and by the patron, and the reply arrives live.
    def both_see_her_typing() -> bool:
        anna.locator("#reply-text").press_sequentially("请看")  # again and again: on a busy machine it may be over when it is told
        return ben.locator("#here").inner_text() == "Anna 正在输入…" and readers[0].locator("#typing .typing-who").is_visible()

    until(both_see_her_typing)
    picture(readers[0], "chat-librarian-types")
    anna.locator("#reply-text").fill("请看市图书馆的主页。")
    anna.get_by_role("button", name="发送", exact=True).click()
    expect(anna.locator(".is-held")).to_contain_text("请看市图书馆的主页。")
    picture(anna, "desk-held")
    expect(readers[0].get_by_text("请看市图书馆的主页。")).to_be_visible(timeout=LATER)
    expect(readers[0].locator("#typing")).to_be_hidden()
    expect(anna.locator(".delivery-delivered")).to_be_visible()
    says(readers[0], "谢谢老师")
    expect(anna.locator("#exchange")).to_contain_text("谢谢老师")
    assert readers[1].get_by_text("请看市图书馆的主页。").count() == 0

    # Passed on, with a note: Ben is told at once, whatever he looks at.
    ben.goto("/desk")
    expect(ben.locator("[data-live-state] .live-on")).to_be_visible()
    anna.locator(".pass-on > summary").click()
    anna.locator("#to").select_option("person:ben")
    anna.locator("#to-note").fill("读者还有一个问题")
    picture(anna, "desk-transfer")
    anna.get_by_role("button", name="转交", exact=True).click()
    expect(ben.locator("#alerts")).to_contain_text("Anna 把编号 1 转给了您")
    ben.locator("#alerts a").click()
    expect(ben.locator("#reply-text")).to_be_visible()
    expect(ben.locator("#exchange")).to_contain_text("读者还有一个问题")
    assert "读者还有一个问题" not in readers[0].content()


def test_reply_is_taken_back_before_it_goes_out(people: People, house: Served) -> None:
    reader, anna = people.patron(), people.librarian("anna")
    asks_for_a_person(reader)
    takes(anna, 1)
    anna.locator("#reply-text").fill("说错了")
    anna.keyboard.press("Control+Enter")
    expect(anna.locator(".is-held")).to_be_visible()
    ready(anna)
    anna.keyboard.press("u")
    expect(anna.locator("#reply-text")).to_have_value("说错了")
    anna.reload()
    assert house.count("held") == 0
    assert house.count("messages where who = 'librarian'") == 0
    ready(anna)
    anna.locator("#reply-text").fill("说对了")
    anna.keyboard.press("Control+Shift+Enter")
    expect(anna.locator("#held")).to_contain_text("编号 1 的回复即将发出")
    expect(reader.get_by_text("说对了")).to_be_visible(timeout=LATER)
    expect(reader.get_by_text("馆员已结束本次咨询")).to_be_visible()
    assert "说错了" not in reader.content()
    until(lambda: house.tickets(TicketStatus.CLOSED))


def test_draft_survives_a_reload_and_another_ticket(people: People, house: Served) -> None:
    first, second, anna = people.patron(), people.patron(), people.librarian("anna")
    asks_for_a_person(first)
    asks_for_a_person(second)
    takes(anna, 1)
    anna.locator("#reply-text").fill("写到一半")
    anna.goto("/desk/tickets/2")
    assert anna.locator("#reply-text").count() == 0
    anna.goto("/desk/tickets/1")
    expect(anna.locator("#reply-text")).to_have_value("写到一半")
    expect(anna.locator("#draft-kept")).to_be_visible()
    says(first, "还在吗")
    expect(anna.locator("#exchange")).to_contain_text("还在吗")
    expect(anna.locator("#reply-text")).to_have_value("写到一半")


@pytest.fixture
def narrow(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """A house whose pushed channel takes 300 bytes a message."""
    house = serve({"stub": {"enabled": True}}, desk={"undo_seconds": 0})
    monkeypatch.setattr(house.desk, "_limits", {"stub": Limits(300, inline=False)})
    return house


def test_reply_is_counted_in_bytes_and_shown_in_parts(browser: Browser, narrow: Served) -> None:
    narrow.client().post("/webhooks/stub", json={"id": "1", "user": "reader", "text": "转人工"})
    with ExitStack() as open_:
        anna = People(browser, narrow, open_).librarian("anna")
        takes(anna, 1)
        anna.locator("#reply-text").fill("在三楼。")
        expect(anna.locator("#counter")).to_have_text("12 / 300 字节")
        expect(anna.locator("#parts")).to_be_hidden()
        anna.locator("#reply-text").fill("请在三楼总服务台办理。" * 20)
        expect(anna.locator("#counter")).to_have_class("over")
        shown = narrow.desk.preview("stub", "请在三楼总服务台办理。" * 20)
        expect(anna.locator("#parts summary")).to_have_text(f"将分 {len(shown)} 条发送，查看分条")
        anna.locator("#parts summary").click()
        expect(anna.locator("#parts li").first).to_have_text(shown[0])
        picture(anna, "desk-parts")


def test_note_is_written_apart_and_never_sent(people: People, house: Served) -> None:
    reader, anna = people.patron(), people.librarian("anna")
    asks_for_a_person(reader)
    anna.goto("/desk/tickets/1")
    ready(anna)
    anna.keyboard.press("n")
    anna.keyboard.type("昨天也来过")
    anna.locator("#write-note button").click()
    expect(anna.locator(".remark-note")).to_contain_text("昨天也来过")
    assert anna.locator(".remark-note").evaluate("e => getComputedStyle(e.querySelector('.note-paper')).borderStyle") == "dashed"
    says(reader, "好的")
    assert "昨天也来过" not in reader.content()


def test_librarian_does_everything_by_keyboard(people: People, house: Served) -> None:
    first, second, anna = people.patron(), people.patron(), people.librarian("anna")
    asks_for_a_person(first, "市图书馆周末几点关")
    asks_for_a_person(second, "转人工")
    expect(anna.locator(".ticket")).to_have_count(2)
    anna.keyboard.press("j")
    anna.keyboard.press("j")
    anna.keyboard.press("k")
    expect(anna.locator(".ticket.selected")).to_have_attribute("data-ticket", "1")
    anna.keyboard.press("Enter")
    expect(anna).to_have_url(re.compile("/desk/tickets/1$"))
    ready(anna)
    anna.keyboard.press("c")
    expect(anna.locator("#reply-text")).to_be_visible()
    ready(anna)
    anna.keyboard.press("r")
    anna.keyboard.type("请看主页。")
    anna.keyboard.press("Control+Enter")
    expect(first.get_by_text("请看主页。")).to_be_visible(timeout=LATER)
    anna.keyboard.press("?")
    expect(anna.locator("#keys")).to_be_visible()
    picture(anna, "desk-keys")
    anna.keyboard.press("Escape")
    expect(anna.locator("#keys")).to_be_hidden()
    anna.keyboard.press("/")
    anna.keyboard.type("周末")
    anna.keyboard.press("Enter")
    expect(anna.locator("mark").first).to_have_text("周末")
    ready(anna)
    anna.keyboard.press("j")
    anna.keyboard.press("Enter")
    expect(anna).to_have_url(re.compile("/desk/tickets/1"))


def test_typed_letters_are_words_and_no_commands(people: People, house: Served) -> None:
    reader, anna = people.patron(), people.librarian("anna")
    asks_for_a_person(reader)
    takes(anna, 1)
    anna.locator("#reply-text").focus()
    anna.keyboard.type("jkcrnue/?")
    expect(anna.locator("#reply-text")).to_have_value("jkcrnue/?")
    anna.keyboard.press("Escape")
    anna.keyboard.press("n")
    expect(anna.locator("#note-text")).to_be_focused()


def test_words_with_a_typo_are_found_by_suggestion(people: People, house: Served) -> None:
    reader, anna = people.patron(), people.librarian("anna")
    asks_for_a_person(reader, "市图书馆周末几点关")
    anna.locator("#search").press_sequentially("图书管周末")
    expect(anna.locator("#suggestions option")).to_have_attribute("value", "市图书馆周末几点关")
    anna.keyboard.press("Enter")
    anna.locator(".suggested a").first.click()
    expect(anna.locator(".ticket.hit")).to_have_count(1)
    picture(anna, "desk-search")


def test_librarian_is_told_by_sound_and_notification_when_wanted(people: People, house: Served) -> None:
    anna = people.librarian("anna")
    anna.add_init_script(
        "window.heard = []; window.AudioContext = class { constructor() { heard.push('sound'); this.currentTime = 0; }"
        " createOscillator() { return { frequency: {}, connect: (x) => x, start() {}, stop() {} }; }"
        " createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: (x) => x }; } close() {} };"
        " window.Notification = class { static permission = 'granted'; static requestPermission() { return Promise.resolve('granted'); }"
        " constructor(title, options) { heard.push(options.body); } addEventListener() {} };"
        " Object.defineProperty(document, 'hidden', { get: () => true });"
    )
    anna.reload()
    expect(anna.locator("[data-live-state]")).to_be_visible()
    asks_for_a_person(people.patron())
    expect(anna.locator(".ticket")).to_have_count(1)
    assert anna.evaluate("heard") == []
    anna.locator(".switches > summary").click()
    anna.locator("[data-switch=sound]").check()
    anna.locator("[data-switch=notify]").check()
    picture(anna, "desk-switches")
    anna.reload()
    expect(anna.locator("[data-switch=notify]")).to_be_checked()
    expect(anna.locator("[data-live-state] .live-on")).to_be_visible()
    asks_for_a_person(people.patron())
    expect(anna.locator(".ticket")).to_have_count(2)
    assert anna.evaluate("heard") == ["sound", "有新的问题在等待"]


def test_of_several_tabs_one_rings(people: People, house: Served) -> None:
    anna = people.librarian("anna")
    anna.context.add_init_script(
        "window.AudioContext = class { constructor() { const all = JSON.parse(localStorage.rung ?? '0'); localStorage.rung = all + 1; }"
        " createOscillator() { return { frequency: {}, connect: (x) => x, start() {}, stop() {} }; } close() {}"
        " createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: (x) => x }; } };"
        " localStorage.setItem('refdesk.switches', '{\"sound\": true}');"
    )
    tabs = [anna, anna.context.new_page(), anna.context.new_page()]
    asks_for_a_person(people.patron())
    until(lambda: anna.evaluate("localStorage.getItem('refdesk.newest')") == "1")  # heard before the sound is switched on
    for tab in tabs:
        tab.goto("/desk")
        ready(tab)
        expect(tab.locator("[data-live-state] .live-on")).to_be_visible()
    asks_for_a_person(people.patron())
    for tab in tabs:
        expect(tab.locator(".ticket")).to_have_count(2)
        expect(tab).to_have_title(re.compile(r"^\(2\) "))
    assert anna.evaluate("localStorage.rung") == "1"


@pytest.mark.parametrize("viewport", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_pages_fit_every_width_and_follow_dark_mode(people: People, house: Served, viewport: dict[str, int]) -> None:
    reader = people.patron()
    asks_for_a_person(reader, "市图书馆周末几点关，" + "很长的一句话" * 20)
    anna = people.librarian("anna", viewport=viewport)
    takes(anna, 1)
    house.desk.note(1, "anna", "内部" * 30)
    for path in ("/desk", "/desk/tickets/1", "/desk?q=周末", "/desk/conversations/1"):
        for scheme in ("light", "dark"):
            anna.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            anna.goto(path)
            expect(anna.locator("[data-live-state] .live-on" if "tickets" not in path else "#ticket-head").first).to_be_attached()
            name = re.sub(r"\W+", "-", path).strip("-")
            picture(anna, f"{name}-{viewport['width']}-{scheme}", whole=False)
            assert anna.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"
    if viewport is not DESK:
        anna.goto("/desk/tickets/1")
        expect(anna.locator("#context")).to_be_hidden()
        anna.locator("[data-context]").click()
        expect(anna.locator("#context")).to_be_visible()
        anna.keyboard.press("Escape")
        expect(anna.locator("#context")).to_be_hidden()


def test_everything_works_without_javascript(browser: Browser, house: Served) -> None:
    house.client().post("/webhooks/rest/webhook", json={"sender": "a", "message": "转人工"})
    with ExitStack() as open_:
        anna = People(browser, house, open_).librarian("anna", java_script_enabled=False)
        anna.locator(".ticket-link").click()
        anna.locator(".composer form[data-claim] button").click()
        anna.locator("#reply-text").fill("在三楼。")
        anna.get_by_role("button", name="发送", exact=True).click()
        expect(anna.locator(".is-held")).to_be_visible()
        anna.locator(".is-held button").click()
        expect(anna.locator("#reply-text")).to_have_value("在三楼。")
        anna.locator("#note-text").fill("没有脚本")
        anna.locator("#write-note button").click()
        expect(anna.locator(".remark-note")).to_be_visible()
        expect(anna.locator("#context")).to_be_visible()


_READ = """() => document.readyState === "interactive"
  && Array.from(document.querySelectorAll("head > link[rel=stylesheet]")).every((each) => each.sheet)"""
_PLACES = """() => (window.pressable ??= Array.from(document.querySelectorAll("a, button, input, textarea, summary"))).map((each) => {
  const {x, y} = each.getBoundingClientRect();
  return `${each.id || each.textContent.trim()} ${Math.round(x)},${Math.round(y)}`;
})"""


@pytest.mark.parametrize("size", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
def test_nothing_moves_under_the_hand_when_the_scripts_arrive(people: People, house: Served, size: dict[str, int]) -> None:
    house.client().post("/webhooks/rest/webhook", json={"sender": "a", "message": "转人工"})
    anna = people.librarian("anna", viewport=size)
    held: list[Route] = []
    anna.route("**/desk/main.js", lambda route: held.append(route))
    for path in ("/desk", "/desk/tickets/1", "/desk/conversations/1"):
        with anna.expect_request("**/desk/main.js"):
            anna.goto(path, wait_until="commit")
        until(lambda: anna.evaluate(_READ) and held)
        before = anna.evaluate(_PLACES)
        held.pop().continue_()
        ready(anna)
        if path.startswith("/desk/tickets"):
            expect(anna.locator("#help-found > *").first).to_be_attached()
        assert anna.evaluate(_PLACES) == before


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_desk_comes_back_by_itself_after_the_server_was_restarted(browser: Browser, tmp_path: Path, mind: object) -> None:
    port, database = str(_free_port()), tmp_path / "refdesk.db"
    server = Server(database, REFDESK__SERVER__PORT=port)
    forgive = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
    try:
        with visit(browser, server.address, viewport=DESK, forgive=forgive) as page:
            page.goto(server.setup_link)
            page.locator("input[name=password]").fill(PASSWORD)
            page.locator("input[name=again]").fill(PASSWORD)
            page.locator("main button[type=submit]").click()
            page.wait_for_url("**/desk")
            ready(page)  # before its styles are there, the badge that is still hidden counts as visible
            expect(page.locator("[data-live-state] .live-on")).to_be_visible()
            server.kill()
            expect(page.locator("[data-live-state] .live-off")).to_be_visible()
            server = Server(database, REFDESK__SERVER__PORT=port)
            with visit(browser, server.address, viewport=PHONE) as patron:
                patron.goto("/")
                asks_for_a_person(patron)
            expect(page.locator(".ticket")).to_have_count(1, timeout=20_000)
            expect(page.locator("[data-live-state] .live-on")).to_be_visible()
    finally:
        server.stop()
