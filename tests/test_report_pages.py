"""The figures as managers see them: the dashboard, the questions behind each number, closed months."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, expect

from bot.desk import Logged
from bot.domain import Deed, Event, EventName, Role
from bot.masking import HIDDEN, masked
from tests.browsing import DESK, PHONE, picture, violations, visit
from tests.serving import Colleague, Served, until

N = EventName


@pytest.fixture
def busy(served: Served) -> Served:
    """Questions of every fate, asked just now."""
    client = served.client()
    for sender, text in (
        ("a", "校外怎么用VPN"),
        ("b", "我的电话是 13812345678，卡号 B20200123 <b>急</b>"),
        ("c", "别的问题"),
        ("d", "怎么办"),
    ):
        answer = client.post("/webhooks/rest/webhook", json={"sender": sender, "message": text})
        assert answer.status_code == 200
    served.desk.claim(1, "anna")
    served.desk.reply(1, "anna", "在三楼。")
    served.delivered()
    client.post("/webhooks/rest/webhook", json={"sender": "d", "message": "取消"})
    served.desk.log("anna", Logged("phone", "opening_hours", "几点关门"))
    return served


@pytest.fixture
def mara(busy: Served) -> Colleague:
    """A manager."""
    return busy.librarian("mara", Role.MANAGER)


def text_of(page: httpx.Response) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))


def links(page: httpx.Response) -> list[tuple[str, int]]:
    """Every address of questions behind a number, and the number."""
    found = re.findall(r'href="(/reports/rows[^"]*)"[^>]*>([\d,]+)<', page.text)
    return [(html.unescape(address), int(number.replace(",", ""))) for address, number in found]


def test_manager_reads_the_sentence_of_a_period(mara: Colleague) -> None:
    said = text_of(mara.get("/reports?lang=zh"))
    assert "读者咨询 5 次：机器人自动答复 1 次（20.0%），馆员答复 2 次，1 次在等待，1 次未答结束。" in said
    assert "接口 4 次（其中机器人 1 次），电话 1 次（其中机器人 0 次）" in said
    assert "the bot answered 1 (20.0%)" in text_of(mara.get("/reports?lang=en"))


def test_every_number_of_the_dashboard_opens_as_many_questions(mara: Colleague) -> None:
    found = links(mara.get("/reports"))
    assert len(found) > 40
    for address, number in sorted(set(found)):
        said = text_of(mara.get(address))
        # of a librarian's replies, the questions they belong to are shown
        assert f"{number} 个问题" in said or "librarian=" in address, address


def test_an_export_is_kept_in_the_audit_log(busy: Served, mara: Colleague) -> None:
    assert mara.get("/reports?format=csv&by=channel&from=2026-11-01&to=2026-11-30").status_code == 200
    (_, newest), *_ = busy.accounts.audit()
    assert (newest.who, newest.deed, newest.target) == ("mara", Deed.EXPORTED, "/reports by channel")
    assert newest.detail.startswith("from=2026-11-01&to=2026-11-30")


def test_every_figure_names_its_definition(mara: Colleague) -> None:
    page = mara.get("/reports").text
    for name in ("questions", "by_bot", "median_on_duty", "helpfulness", "satisfaction"):
        assert f'aria-describedby="is-{name}"' in page
        assert f'role="tooltip" id="is-{name}"' in page
    assert "没有答复的另计，不算作快" in page


def test_questions_behind_a_number_are_listed_with_personal_data_hidden(mara: Colleague) -> None:
    page = mara.get("/reports/rows?result=by_librarian&channel=rest")
    assert "我的电话是 ●●●，卡号 ●●● &lt;b&gt;急&lt;/b&gt;" in page.text
    assert "13812345678" not in page.text
    assert "B20200123" not in page.text
    assert '<a href="/desk/tickets/1">1</a>' in page.text
    assert "几点关门" in mara.get("/reports/rows?channel=phone").text


def test_a_condition_can_be_dropped_and_the_filter_stays_on_the_dashboard(mara: Colleague) -> None:
    page = html.unescape(mara.get("/reports/rows?result=waiting&channel=rest&from=2026-01-01&to=2090-01-01").text)
    assert 'href="/reports/rows?from=2026-01-01&to=2090-01-01&channel=rest"' in page
    assert 'href="/reports?from=2026-01-01&to=2090-01-01&channel=rest"' in page
    filtered = html.unescape(mara.get("/reports?channel=phone&result=waiting").text)
    assert '<option value="phone" selected>电话</option>' in filtered
    assert "读者咨询 1 次" in text_of(mara.get("/reports?channel=phone"))


def test_many_questions_come_in_pages_newest_first(served: Served) -> None:
    now = served.desk.clock.now()
    for number in range(1, 121):
        event = Event(N.ASKED, now - timedelta(minutes=number), "web", "v", number)
        served.desk.store.write(lambda s, each=event: s.record(each)).result()  # type: ignore[misc]
    mara = served.librarian("mara", Role.MANAGER)
    first, last = (mara.get(f"/reports/rows?page={number}").text for number in (1, 3))
    assert (first.count('<th scope="row">'), last.count('<th scope="row">')) == (50, 20)
    assert "第 1 页，共 3 页" in first
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in last
    assert mara.get("/reports/rows?page=99").text.count('<th scope="row">') == 20
    assert mara.get("/reports/rows?page=none").text.count('<th scope="row">') == 50


@pytest.mark.parametrize("path", ["/reports", "/reports/rows"])
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=2026-02-30", "日期不对"),
        ("from=2026-11-22&to=2026-11-21", "开始日期晚于结束日期"),
        ("compare=yesterday", "没有这样的选项"),
        ("hour=ten", "没有这样的选项"),
        ("week=soon", "日期不对"),
        ("month=2026-13", "日期不对"),
    ],
)
def test_a_wrong_query_is_refused_and_the_last_days_are_shown(mara: Colleague, path: str, query: str, told: str) -> None:
    answer = mara.get(f"{path}?{query}")
    assert (answer.status_code, told in answer.text) == (400, True)
    assert "5" in answer.text


@pytest.mark.parametrize(
    "query", ["from=1999-01-01&to=1999-12-31", "from=1900-01-01&to=2026-01-01", "channel=nowhere", "college=%3Cscript%3E"]
)
def test_an_empty_period_is_told_and_breaks_nothing(mara: Colleague, query: str) -> None:
    answer = mara.get(f"/reports?{query}")
    assert (answer.status_code, "这段时间没有问题" in answer.text) == (200, True)
    assert "<script>" not in answer.text.replace('<script type="module"', "")
    assert "这段时间没有问题" in mara.get(f"/reports/rows?{query}").text


def test_the_longest_period_is_shown(mara: Colleague) -> None:
    assert "读者咨询 5 次" in text_of(mara.get("/reports?from=1900-01-01&to=9000-12-31&compare=year"))


@pytest.mark.parametrize(
    ("role", "shown"), [(Role.MANAGER, True), (Role.ADMINISTRATOR, True), (Role.LIBRARIAN, False), (Role.EDITOR, False)]
)
def test_librarians_work_is_shown_to_managers_only(busy: Served, role: Role, shown: bool) -> None:
    person = busy.librarian(f"one-{role}", role)
    assert ("馆员的工作量" in person.get("/reports").text) is shown
    everything, annas = (text_of(person.get(f"/reports/rows?{query}")) for query in ("", "librarian=anna"))
    assert "5 个问题" in everything
    assert ("2 个问题" in annas) is shown


def test_librarians_work_is_shown_to_nobody_where_it_is_forbidden(serve: Callable[..., Served]) -> None:
    house = serve(reports={"librarians": False})
    house.desk.log("anna", Logged("phone"))
    mara = house.librarian("mara", Role.MANAGER)
    assert "馆员的工作量" not in mara.get("/reports").text
    house.desk.log("ben", Logged("phone"))
    assert "2 个问题" in text_of(mara.get("/reports/rows?librarian=anna"))


def test_manager_closes_a_month_and_counts_it_again(busy: Served, mara: Colleague) -> None:
    local = datetime.now(busy.desk.hours.zone)
    last = local.replace(day=1, hour=12) - timedelta(days=1)
    event = Event(N.ASKED, last, "web", "v", 900)
    busy.desk.store.write(lambda s: s.record(event)).result()
    month = f"{last:%Y-%m}"
    assert f'value="{month}"' in mara.get("/reports/months").text
    assert mara.post("/reports/months", month=month).headers["location"] == f"/reports/months/{month}"
    assert "重新核算的结果与月结时一致" in mara.get(f"/reports/months/{month}").text
    busy.desk.store.write(lambda s: s.record(replace(event, name=N.ANSWERED))).result()
    page = text_of(mara.get(f"/reports/months/{month}"))
    assert "问题 900：等待中 → 机器人答复（answered" in page
    assert "mara" in text_of(mara.get("/reports/months"))
    (_, newest), *_ = busy.accounts.audit()
    assert (newest.who, newest.deed, newest.target) == ("mara", Deed.EDITED, f"/reports/months/{month}")
    whole = f"from={month}-01&to={last:%Y-%m-%d}"
    assert "由 mara 月结" in mara.get(f"/reports?{whole}").text
    assert "由 mara 月结" not in mara.get(f"/reports?{whole}&channel=web").text
    again = mara.post("/reports/months", month=month)
    assert (again.status_code, "已经月结" in again.text) == (409, True)
    assert mara.post("/reports/months", month=f"{local:%Y-%m}").status_code == 409
    assert mara.get("/reports/months/1999-01").status_code == 404
    assert mara.get("/reports/months/soon").status_code == 404


def test_a_month_that_was_tampered_with_is_shown_as_such(busy: Served, mara: Colleague) -> None:
    month = f"{datetime.now(busy.desk.hours.zone).replace(day=1) - timedelta(days=1):%Y-%m}"
    mara.post("/reports/months", month=month)

    def tamper(s: object) -> None:
        s._db.conn.execute("drop trigger closed_months_are_fixed")  # type: ignore[attr-defined]
        s._db.conn.execute("update closed_months set checksum = 'x'")  # type: ignore[attr-defined]

    busy.desk.store.write(tamper).result()
    assert "the stored figures do not fit their checksum" in mara.get(f"/reports/months/{month}").text


def test_a_librarian_closes_no_month(busy: Served) -> None:
    anna = busy.librarian("anna")
    assert 'name="month"' not in anna.get("/reports/months").text
    assert anna.post("/reports/months", month="2026-01").status_code == 403


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我的电话 13812345678", f"我的电话 {HIDDEN}"),
        ("138 1234 5678 或 a.b@lib.edu.cn", f"{HIDDEN} 或 {HIDDEN}"),
        ("身份证 51010219900101123X，学号2020141410001", f"身份证 {HIDDEN}，学号{HIDDEN}"),
        ("卡号 B20200123", f"卡号 {HIDDEN}"),
        ("2026-11-22 到 2026-11-30 开放，23 号座位", "2026-11-22 到 2026-11-30 开放，23 号座位"),
        ("ISSN 1234-5678 的期刊，2020 年", "ISSN 1234-5678 的期刊，2020 年"),
    ],
)
def test_what_identifies_a_person_is_hidden(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.browser
def test_manager_drills_down_by_keyboard(browser: Browser, busy: Served, mara: Colleague) -> None:
    with visit(browser, busy.url, viewport=DESK) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": busy.url} for name, value in mara.client.cookies.items()])
        page.goto("/reports?lang=zh")
        figure = page.locator("dl.totals a").first
        for _ in range(60):
            page.keyboard.press("Tab")
            if figure.evaluate("element => element === document.activeElement"):
                break
        expect(page.locator("#is-questions")).to_be_visible()
        picture(page, "reports-dashboard")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/reports/rows\?from="))
        expect(page.get_by_text("几点关门").first).to_be_visible()
        picture(page, "reports-rows")
        page.get_by_role("link", name="回到统计").click()
        expect(page.locator("h1")).to_have_text("咨询统计")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        for path in ("/reports", "/reports/rows", "/reports/months"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways on a phone"
        page.goto("/reports")
        picture(page, "reports-dashboard-phone")


def test_manager_takes_the_shown_period_away_in_every_form(busy: Served, mara: Colleague) -> None:
    shown = {html.unescape(each) for each in re.findall(r'href="(/reports/file[^"]*)"', mara.get("/reports?channel=rest").text)}
    assert {each.rpartition("=")[2] for each in shown} == {"html", "docx", "md", "xlsx", "json"}
    data = mara.get(next(each for each in shown if each.endswith("json")))
    assert data.json()["figures"]["questions"] == 4
    assert data.headers["content-disposition"].endswith('.json"')
    (_, newest), *_ = busy.accounts.audit()
    assert (newest.who, newest.deed, newest.target) == ("mara", Deed.EXPORTED, "report json")
    assert newest.detail.endswith("&channel=rest")
    assert "共解答咨询 2 次" in mara.get("/reports/file?format=md&channel=rest&lang=zh").text
    assert mara.get("/reports/file?format=xlsx").content.startswith(b"PK")


def test_librarian_takes_no_figures_of_colleagues_away(busy: Served) -> None:
    lina = busy.librarian("lina", Role.LIBRARIAN)
    found = lina.get("/reports/file?format=json&librarian=anna").json()
    assert found["figures"]["questions"] == 5
    assert "librarians" not in [table["name"] for table in found["tables"]]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/reports/file?format=exe", 400),
        ("/reports/file?format=csv&table=nothing", 400),
        ("/reports/file?format=md&from=2026-02-30", 400),
        ("/reports/charts/nothing.svg", 404),
        ("/reports/charts/trend.gif", 404),
        ("/reports/charts/trend.svg?from=1999-01-01&to=1999-01-02", 404),
        ("/reports/charts/trend.svg?from=x", 400),
    ],
)
def test_what_cannot_be_taken_away_is_refused(mara: Colleague, address: str, status: int) -> None:
    assert mara.get(address).status_code == status


def test_a_chart_is_the_same_on_the_page_and_as_a_picture(busy: Served, mara: Colleague) -> None:
    specification = mara.get("/reports/charts/channels.json?lang=zh").json()
    values = specification["data"]["values"]
    assert {(each["label"], each["count"]) for each in values if each["result"] == "馆员答复"} == {("接口", 1), ("电话", 1)}
    assert "接口" in mara.get("/reports/charts/channels.svg?lang=zh").text
    saved = mara.get("/reports/charts/channels.png?save=1")
    assert (saved.content[:4], saved.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert "channels.png" in saved.headers["content-disposition"]
    (_, newest), *_ = busy.accounts.audit()
    assert newest.target == "chart channels.png"


def test_a_server_without_a_chinese_font_draws_no_empty_boxes(mara: Colleague, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.brief.writes_chinese", lambda: False)
    refused = mara.get("/reports/charts/trend.png?lang=zh")
    assert (refused.status_code, "fonts-noto-cjk" in refused.text) == (503, True)
    assert mara.get("/reports/charts/trend.svg").status_code == 200


def test_files_and_charts_are_for_people_with_an_account(busy: Served) -> None:
    for address in ("/reports/file?format=md", "/reports/charts/trend.svg", "/reports/vega.js"):
        assert busy.client().get(address).status_code in (303, 401)


@pytest.mark.browser
def test_charts_are_drawn_on_the_page_under_its_strict_policy(busy: Served, mara: Colleague, browser: Browser) -> None:
    with visit(browser, busy.url, viewport=DESK) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": busy.url} for name, value in mara.client.cookies.items()])
        page.goto("/reports")
        expect(page.locator("[data-chart] svg")).to_have_count(3, timeout=30_000)
        bar = page.locator('[data-chart*="/channels.json"] .mark-rect path').first
        bar.hover()
        expect(page.locator("#vg-tooltip-element")).to_contain_text("接口")
        picture(page, "reports-charts")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_figures_with_something_in_them(browser: Browser, busy: Served, mara: Colleague, scheme: str) -> None:
    last = f"{datetime.now(busy.desk.hours.zone).replace(day=1) - timedelta(days=1):%Y-%m}"
    mara.post("/reports/months", month=last)
    with visit(browser, busy.url, viewport=DESK, forgive=("400",)) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": busy.url} for name, value in mara.client.cookies.items()])
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for path in ("/reports", "/reports?from=yesterday", "/reports/rows?channel=rest", "/reports/months", f"/reports/months/{last}"):
            page.goto(path)
            for closed in page.locator("details").all():
                closed.evaluate("element => { element.open = true }")
            assert (path, violations(page)) == (path, [])


@pytest.mark.browser
def test_a_chart_that_cannot_be_drawn_is_a_picture(busy: Served, mara: Colleague, browser: Browser) -> None:
    with visit(browser, busy.url, viewport=PHONE, forgive=("Failed to load",)) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": busy.url} for name, value in mara.client.cookies.items()])
        page.route("**/reports/vega.js", lambda route: route.abort())
        page.goto("/reports")
        expect(page.locator("[data-chart] img")).to_have_count(3)
        drawn = "() => [...document.querySelectorAll('[data-chart] img')].every((each) => each.naturalWidth > 0)"
        until(lambda: page.evaluate(drawn))
