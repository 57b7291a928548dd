"""Nobody is shut out of a page, and nothing that a patron wrote becomes part of one."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.domain import Role
from bot.messages import Address, Attachment, Question
from tests.browsing import DESK, PHONE, violations, visit
from tests.serving import PASSWORD, Colleague, Served

pytestmark = pytest.mark.browser


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    return serve(desk={"undo_seconds": 60, "teams": {"数据库组": ("boss",)}})


@pytest.fixture
def boss(house: Served) -> Colleague:
    return house.librarian("boss", Role.ADMINISTRATOR)


@pytest.fixture
def page(browser: Browser, house: Served, boss: Colleague) -> Iterator[Page]:
    """The administrator's browser."""
    with visit(browser, house.url, viewport=DESK, forgive=("404",)) as opened:
        enter(opened, house, boss)
        yield opened


def enter(page: Page, house: Served, boss: Colleague) -> None:
    cookies = [{"name": each.name, "value": each.value or "", "url": house.url} for each in boss.client.cookies.jar]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]


def busy(house: Served, boss: Colleague) -> None:
    """A desk with everything on it: waiting, held, noted, passed on, joined, closed, found."""
    for number in range(1, 6):
        house.desk.ask(Question(f"m{number}", Address("rest", f"reader-{number}"), "转人工")).result()
    house.desk.ask(Question("v", Address("rest", "vpn"), "校外怎么用VPN")).result()
    ben = house.librarian("ben")
    house.desk.transfer(1, "ben", "boss", "请看一下")
    house.desk.claim(2, "boss")
    house.desk.join(3, "boss", 2)
    house.desk.note(2, "ben", "内部的话")
    house.desk.mark(4, "boss", True)
    boss.post("/desk/tickets/2/reply", text="在三楼。")
    house.desk.claim(5, "ben")
    house.desk.close(5, "ben")
    ben.client.close()


def _is_page(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/html") and "content-disposition" not in answer.headers


def _pages(house: Served, boss: Colleague) -> list[str]:
    """Every page that can be opened by its address alone, and those of the desk with something to show."""
    endless = ("events",)
    plain = sorted(
        f"/{route.path}"
        for route in house.app.router.routes
        if "GET" in route.methods and "<" not in route.path and not route.path.endswith(endless)
    )
    plain = [path for path in plain if _is_page(boss.get(path))]
    code = house.desk.consultation(1).ticket.code
    return [
        *plain, "/desk?view=all&sort=closing&channel=rest", "/desk?view=mine", "/desk?view=closed",
        "/desk?q=转人工", "/desk?q=专人工",
        *(f"/desk/tickets/{number}" for number in range(1, 6)), "/desk/tickets/99", "/desk/conversations/6", f"/mailbox/{code}",
    ]  # fmt: skip


@pytest.mark.parametrize(("scheme", "language"), [("light", "zh"), ("dark", "en")])
def test_axe_finds_no_violation_on_any_page(page: Page, house: Served, boss: Colleague, scheme: str, language: str) -> None:
    busy(house, boss)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    pages = _pages(house, boss)
    assert {"/", "/desk", "/login", "/reports", "/desk/intents", "/desk/tickets/2"} <= set(pages)
    for path in pages:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        if faults := violations(page):
            found[path] = faults
    assert found == {}


def test_axe_finds_no_violation_on_a_phone_and_in_open_menus(browser: Browser, house: Served, boss: Colleague) -> None:
    busy(house, boss)
    with visit(browser, house.url, viewport=PHONE) as page:
        enter(page, house, boss)
        for path, opens in (
            ("/desk", ".filters > summary"), ("/desk", ".switches > summary"), ("/desk/tickets/2", ".pass-on > summary"),
            ("/desk/tickets/2", ".more > summary"), ("/desk/tickets/2", "[data-context]"), ("/desk/tickets/2", "#tab-note"),
        ):  # fmt: skip
            page.goto(path)
            expect(page.locator("main[data-ready]")).to_be_attached()
            page.locator(opens).click()
            assert (path, opens, violations(page)) == (path, opens, [])


def test_axe_finds_no_violation_before_signing_in(browser: Browser, house: Served, boss: Colleague) -> None:
    token = house.accounts.invite("carla", "Carla", Role.LIBRARIAN)
    with visit(browser, house.url, viewport=PHONE, forgive=("404",)) as page:
        for path in ("/", "/?embed=1", "/login", f"/setup/{token}", "/docs", "/mailbox/nothing"):
            page.goto(path)
            assert (path, violations(page)) == (path, [])


# --- what a patron writes stays text ---

PAYLOADS = (
    "<script>window.owned=1</script>", "<img src=x onerror=window.owned=1>", "\"><svg onload=window.owned=1>", "'-window.owned=1-'",
    "javascript:window.owned=1", "</textarea><script>window.owned=1</script>", "</title><script>window.owned=1</script>",
    "<iframe srcdoc='<script>parent.owned=1</script>'>", "{{ 7 * 7 }}${7*7}<%= 7 %>", "<a href=javascript:window.owned=1>x</a>",
    "<details open ontoggle=window.owned=1>", "\u202e<b onmouseover=window.owned=1>txt", "&lt;script&gt;window.owned=1&lt;/script&gt;",
    "<math><mtext></p><style><img src onerror=window.owned=1>", "]]><script>window.owned=1</script><!--", "<base href=//evil.example/>",
    "<form action=//evil.example><button>x", "<meta http-equiv=refresh content='0;url=//evil.example'>",
)  # fmt: skip


def _untouched(page: Page, where: str) -> None:
    """No payload ran, and none became an element: what the house writes itself has none of these."""
    handlers = "[onerror], [onload], [ontoggle], [onmouseover]"
    foreign = f"{handlers}, img[src='x'], iframe[srcdoc], a[href^='javascript:' i], base, meta[http-equiv]"
    assert (where, page.evaluate("window.owned")) == (where, None)
    assert (where, page.locator(foreign).count()) == (where, 0)
    assert (where, page.locator("script:not([src])").count()) == (where, 0)


def test_nothing_that_a_patron_writes_becomes_markup(browser: Browser, house: Served, boss: Colleague) -> None:
    desk = house.desk
    for number, payload in enumerate(PAYLOADS):
        address = Address("rest", f"{payload[:40]}-{number}")
        desk.ask(Question(f"a{number}", address, "转人工")).result()
        attachments = (Attachment("image", payload, payload), Attachment("file", f"https://example.com/{quote(payload)}", payload))
        desk.ask(Question(f"b{number}{payload}", address, f"搜得到 {payload}", attachments=attachments)).result()
        for step, text in enumerate(("我要荐购一本书", "1", payload, payload, f"{payload}@example.com", "1")):  # through a request form
            desk.ask(Question(f"c{number}-{step}", Address("rest", f"form-{number}"), text)).result()
    with ExitStack() as open_:
        patron = open_.enter_context(visit(browser, house.url, viewport=PHONE))
        patron.goto("/")
        for payload in PAYLOADS[:6]:
            patron.locator("#text").fill(payload)
            patron.locator("#text").press("Enter")
            expect(patron.locator(".from-patron").last).to_contain_text(payload[:12])
            _untouched(patron, f"chat: {payload}")
        patron.reload()
        _untouched(patron, "chat again")
        page = open_.enter_context(visit(browser, house.url, viewport=DESK))
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        enter(page, house, boss)
        tickets = [row.ticket for row in desk.queue(tuple({t.status for t in house.tickets()}))]
        assert len(tickets) > len(PAYLOADS)
        paths = ["/desk?view=all", "/desk?q=搜得到", *(f"/desk?q={quote(payload)}" for payload in PAYLOADS)]
        paths += [f"/desk/tickets/{ticket.id}" for ticket in tickets] + [f"/mailbox/{ticket.code}" for ticket in tickets[:6]]
        paths += ["/desk/conversations/1", "/reports", "/desk/log"]
        for path in paths:
            page.goto(path)
            _untouched(page, path)
        page.goto("/desk")
        page.locator("#search").press_sequentially("搜得到")
        expect(page.locator("#suggestions option").first).to_be_attached()
        _untouched(page, "suggestions")
        assert re.search("window.owned", page.content())


def test_sign_in_is_reached_with_the_password_of_the_setup(browser: Browser, house: Served, boss: Colleague) -> None:
    with visit(browser, house.url, viewport=PHONE) as page:
        page.goto("/desk")
        page.locator("input[name=login]").fill("boss")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        expect(page.locator("main[data-ready]")).to_be_attached()
