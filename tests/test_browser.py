"""The pages in a real browser: a patron on a phone, a librarian at a desk, at the same time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bot import house
from tests.browsing import DESK, PHONE, picture
from tests.browsing import visit as visit_at
from tests.server import Server

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, mind: house.Mind) -> Iterator[Server]:
    """One real server for the module."""
    running = Server(tmp_path_factory.mktemp("browser") / "refdesk.db", REFDESK__DESK__UNDO_SECONDS="0")
    yield running
    running.stop()


def visit(browser: Browser, server: Server, **options: Any) -> AbstractContextManager[Page]:
    """Somebody at this server."""
    return visit_at(browser, server.address, **options)


def say(page: Page, text: str) -> None:
    """Type and press Enter."""
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


@pytest.fixture(scope="module")
def signed_in(browser: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The administrator, after the one-time link; kept as a storage state."""
    state = tmp_path_factory.mktemp("sign-in") / "state.json"
    with visit(browser, server, viewport=DESK) as page:
        page.goto(server.setup_link)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=again]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        expect(page).to_have_url(f"{server.address}/desk")
        page.context.storage_state(path=state)
    return state


def test_patron_on_a_phone_gets_an_answer_and_finds_it_after_reload(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=PHONE) as page:
        page.goto("/")
        picture(page, "chat-empty-phone")
        say(page, "校外怎么用VPN")
        expect(page.get_by_text("https://webvpn.jinjiang.example").first).to_be_visible()
        picture(page, "chat-answer-phone")
        page.reload()
        expect(page.get_by_text("校外怎么用VPN").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways on a phone"


def test_patron_presses_a_choice_and_fills_in_a_form(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=PHONE) as page:
        page.goto("/")
        say(page, "我想荐购一本书")
        page.get_by_role("button", name="在这里填写申请").click()
        expect(page.get_by_text("建议购买什么").first).to_be_visible()
        say(page, "取消")
        expect(page.get_by_text("已取消").first).to_be_visible()


def test_librarian_answers_live_into_the_patrons_chat(browser: Browser, server: Server, signed_in: Path) -> None:
    with visit(browser, server, viewport=PHONE) as patron, visit(browser, server, viewport=DESK, storage_state=signed_in) as librarian:
        librarian.goto("/desk")
        patron.goto("/")
        say(patron, "市图书馆周末几点关 <b>急</b>")
        expect(patron.get_by_text("编号").first).to_be_visible()
        expect(librarian.get_by_text("市图书馆周末几点关 <b>急</b>").first).to_be_visible()
        picture(librarian, "desk-queue")
        librarian.get_by_text("市图书馆周末几点关 <b>急</b>").first.click()
        librarian.locator(".composer form[action$='/claim'] button").click()
        librarian.locator("#reply-text").fill("市图书馆的开放时间请看其主页。")
        picture(librarian, "desk-ticket")
        librarian.get_by_role("button", name="发送", exact=True).click()
        expect(patron.get_by_text("市图书馆的开放时间请看其主页。").first).to_be_visible()
        picture(patron, "chat-librarian-phone")
        say(patron, "谢谢老师")
        expect(librarian.get_by_text("谢谢老师").first).to_be_visible()
        librarian.locator("form[action$='/close'] button").click()
        expect(patron.get_by_text("馆员已结束本次咨询").first).to_be_visible()
        patron.get_by_role("button", name="满意").first.click()
        expect(patron.get_by_text("谢谢您的评价").first).to_be_visible()
        picture(patron, "chat-rated-phone")


def test_patron_on_a_phone_writes_in_pieces_follows_up_and_says_that_it_did_not_help(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=PHONE) as page:
        page.goto("/")
        for text, told in (("我想问下", "请讲。"), ("校外vpn", "您是想问下面哪一项"), ("怎么装", "在校外阅读图书馆的电子资源")):
            say(page, text)
            expect(page.get_by_text(told).first).to_be_visible()
        say(page, "收费不")
        expect(page.get_by_text("VPN 和 WebVPN 都不收费").first).to_be_visible()
        page.get_by_role("button", name="没帮助").last.click()
        expect(page.get_by_text("抱歉没有帮到您").first).to_be_visible()
        page.get_by_role("button", name="没帮助").last.click()
        expect(page.get_by_text("已为您转给馆员").first).to_be_visible()
        picture(page, "chat-conversation-phone")


def test_patron_finds_the_answer_in_the_mailbox(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=PHONE) as page:
        page.goto("/")
        say(page, "转人工")
        link = page.locator("a[href*='/mailbox/']").first
        expect(link).to_be_visible()
        page.goto(str(link.get_attribute("href")))
        expect(page.get_by_text("转人工").first).to_be_visible()
        picture(page, "mailbox-phone")


def test_patron_asks_and_reads_without_javascript(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=PHONE, java_script_enabled=False) as page:
        page.goto("/")
        page.locator("#text").fill("怎么进知网")
        page.locator("#composer button[type=submit]").click()
        expect(page.get_by_text("中国知网").first).to_be_visible()
        page.get_by_role("button", name="找馆员").click()
        expect(page.get_by_text("编号").first).to_be_visible()


def test_patron_can_do_everything_by_keyboard(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=DESK) as page:
        page.goto("/")
        for _ in range(40):
            if page.evaluate("document.activeElement && document.activeElement.id") == "text":
                break
            page.keyboard.press("Tab")
        page.keyboard.type("图书馆几点关门")
        page.keyboard.press("Enter")
        expect(page.get_by_text("22:30").first).to_be_visible()


def test_page_follows_dark_mode_and_the_language_switch(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=PHONE, color_scheme="dark") as page:
        page.goto("/")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        picture(page, "chat-dark-phone")
        page.emulate_media(color_scheme="light")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
        page.get_by_role("link", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_widget_opens_the_chat_inside_the_librarys_own_page(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=DESK) as page:
        page.route(
            "**/host.html",
            lambda route: route.fulfill(
                content_type="text/html", body=f"<h1>Library</h1><script src='{server.address}/widget.js'></script>"
            ),
        )
        page.goto(f"{server.address}/host.html")
        page.get_by_role("button").first.click()
        frame = page.frame_locator("iframe")
        frame.locator("#text").fill("怎么进知网")
        frame.locator("#text").press("Enter")
        expect(frame.get_by_text("中国知网").first).to_be_visible()
        picture(page, "widget")


def test_manager_reads_the_figures(browser: Browser, server: Server, signed_in: Path) -> None:
    with visit(browser, server, viewport=DESK, storage_state=signed_in) as page:
        page.goto("/reports?by=intent")
        expect(page.locator("table").first).to_be_visible()
        picture(page, "reports")
        page.set_viewport_size(PHONE)
        picture(page, "reports-phone")


def test_stranger_is_asked_to_sign_in(browser: Browser, server: Server) -> None:
    with visit(browser, server, viewport=DESK) as page:
        page.goto("/desk")
        expect(page.locator("input[name=password]")).to_be_visible()
        picture(page, "login")
