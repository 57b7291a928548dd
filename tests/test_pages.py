"""What people see in a browser, asked for over HTTP."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from markupsafe import escape

from bot import autonomy, house, training
from bot.accounts import MOST_FAILURES
from bot.domain import IntentKind, Role, TicketStatus
from bot.evaluation import Share
from bot.knowledge import Knowledge
from bot.messages import Language
from bot.pages.desk import events
from bot.settings import Settings
from tests.conftest import ROOT, FakeEngine
from tests.serving import PASSWORD, Colleague, Served, Stream, streaming, token_in, until

QUESTION = "校外怎么用VPN"
VISITOR = "a-visitors-unguessable-number-01"


@pytest.fixture
def patron(served: Served) -> httpx.Client:
    """A patron's browser that has been here before."""
    return served.client(cookies={"refdesk_visitor": VISITOR}, headers={"Accept": "text/html"})


@pytest.fixture
def anna(served: Served) -> Colleague:
    return served.librarian("anna")


@pytest.fixture
def ben(served: Served) -> Colleague:
    return served.librarian("ben")


def _says(patron: httpx.Client, text: str) -> None:
    assert patron.post("/chat/messages", data={"text": text}).status_code == 303


def _asks(served: Served, sender: str, text: str = "转人工") -> None:
    assert served.client().post("/webhooks/rest/webhook", json={"sender": sender, "message": text}).status_code == 200


# --- the chat page ---


def test_patron_finds_common_questions_on_the_empty_page(served: Served) -> None:
    page = served.browser().get("/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "校外怎么用 VPN" in page.text
    assert 'lang="zh-CN"' in page.text


def test_patron_finds_the_conversation_again(patron: httpx.Client) -> None:
    _says(patron, QUESTION)
    page = patron.get("/").text
    assert QUESTION in page
    assert "https://webvpn." in page
    assert 'action="/chat/feedback"' in page


def test_patron_can_choose_and_see_that_a_librarian_was_asked(patron: httpx.Client) -> None:
    _says(patron, "VPN")
    assert 'name="choice" value="human"' in patron.get("/").text
    assert patron.post("/chat/messages", data={"choice": "human"}).status_code == 303
    assert "馆员将回复，编号 1" in patron.get("/").text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'><b>", "{{ 7 * 7 }}&"])
def test_patrons_words_never_become_markup(served: Served, patron: httpx.Client, anna: Colleague, text: str) -> None:
    _says(patron, "转人工")
    _says(patron, text)
    pages = [patron.get("/"), anna.get("/desk"), anna.get("/desk/tickets/1"), patron.get(f"/mailbox/{served.ticket().code}")]
    for page in pages:
        assert page.status_code == 200
        assert text not in page.text.replace(str(escape(text)), "")
    assert all(str(escape(text)) in page.text for page in (*pages[:1], *pages[2:]))


@pytest.mark.parametrize(
    ("refused", "told"), [("too_many", "您发得太快了"), ("empty", "请先输入问题"), ("not_stored", "暂时收不下"), ("nonsense", "")]
)
def test_patron_without_javascript_is_told_why_a_message_was_refused(served: Served, refused: str, told: str) -> None:
    page = served.browser().get(f"/?refused={refused}").text
    assert told in page
    assert "nonsense" not in page


def test_page_speaks_english_when_asked_and_remembers(served: Served) -> None:
    browser = served.browser()
    page = browser.get("/?lang=en")
    assert "Hello, how can we help?" in page.text
    assert "refdesk_language=en" in page.headers["set-cookie"]
    assert "Hello, how can we help?" in browser.get("/?lang=klingon").text
    assert "您好，想问什么？" in browser.get("/?lang=zh").text


@pytest.mark.parametrize(
    ("accepted", "lang"), [("en-GB,en;q=0.9", "en"), ("en,zh-CN;q=0.5", "zh-CN"), ("zh-CN,zh", "zh-CN"), ("fr", "zh-CN"), ("", "zh-CN")]
)
def test_page_speaks_the_browsers_language_with_chinese_first(served: Served, accepted: str, lang: str) -> None:
    assert f'<html lang="{lang}">' in served.browser(**{"Accept-Language": accepted}).get("/").text


def test_page_in_a_frame_leaves_out_the_frame_of_the_house(served: Served) -> None:
    assert "site-header" not in served.browser().get("/?embed=1").text


def test_other_sites_get_the_widget(served: Served) -> None:
    widget = served.client().get("/widget.js")
    assert (widget.status_code, widget.headers["cache-control"]) == (200, "public, max-age=3600")
    assert widget.headers["content-type"].startswith("text/javascript")


# --- the mailbox ---


def test_patron_reads_the_reply_with_the_pick_up_code(served: Served) -> None:
    _asks(served, "reader", "知网打不开")
    _asks(served, "reader")
    code = served.ticket().code
    assert "等馆员回复" in served.browser().get(f"/mailbox/{code}").text
    served.answers("在三楼。")
    page = served.browser().get(f"/mailbox/{code.upper()}")
    assert "在三楼。" in page.text
    assert 'content="noindex, nofollow"' in page.text


@pytest.mark.parametrize("code", ["nonsense", "1", "%00", "%ff", "..%2f..", "x" * 3000])
def test_stranger_reads_nothing_with_a_wrong_code(served: Served, code: str) -> None:
    _asks(served, "reader")
    page = served.browser().get(f"/mailbox/{code}")
    assert page.status_code == 404
    assert "转人工" not in page.text


# --- signing in ---


def _sign_in(browser: httpx.Client, login: str, password: str, onward: str = "") -> httpx.Response:
    return browser.post("/login", data={"login": login, "password": password, "next": onward})


def test_librarian_signs_in_and_out(served: Served, anna: Colleague) -> None:
    browser = served.browser()
    answer = _sign_in(browser, " anna ", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= set(answer.headers["set-cookie"].split("; "))
    assert browser.get("/desk").status_code == 200
    stolen = browser.cookies["refdesk_session"]
    assert browser.post("/logout").headers["location"] == "/login"
    assert browser.get("/desk").status_code == 303
    assert served.browser(Cookie=f"refdesk_session={stolen}").get("/desk").status_code == 303


def test_stranger_may_sign_out(served: Served) -> None:
    assert served.browser().post("/logout").status_code == 303


def test_session_cookie_is_for_https_only_when_the_site_is(serve: Callable[..., Served]) -> None:
    house = serve(server={"public_url": "https://ask.example"})
    token = house.accounts.invite("anna", "Anna", Role.LIBRARIAN)
    answer = house.browser().post(f"/setup/{token}", data={"password": PASSWORD, "again": PASSWORD})
    assert {"Secure", "HttpOnly"} <= set(answer.headers["set-cookie"].split("; "))
    cookie = answer.headers["set-cookie"].split(";")[0]
    assert house.browser(Cookie=cookie).get("/desk").status_code == 200


@pytest.mark.parametrize(
    ("onward", "location"),
    [
        ("/desk/tickets/1", "/desk/tickets/1"),
        ("/reports?by=day", "/reports?by=day"),
        ("//evil.example", "/desk"),
        ("/\\evil.example", "/desk"),
        ("https://evil.example", "/desk"),
        ("javascript:alert(1)", "/desk"),
    ],
)
def test_librarian_lands_only_on_our_own_pages_after_signing_in(served: Served, anna: Colleague, onward: str, location: str) -> None:
    browser = served.browser()
    kept = onward if onward == location else ""
    assert f'name="next" value="{kept}"' in browser.get("/login", params={"next": onward}).text
    assert _sign_in(browser, "anna", PASSWORD, onward).headers["location"] == location


def test_stranger_learns_nothing_from_a_refused_sign_in(served: Served, anna: Colleague) -> None:
    pages = [_sign_in(served.browser(), login, "wrong password") for login in ("anna", "nobody")]
    assert [page.status_code for page in pages] == [403, 403]
    same = [re.sub('name="csrf" value="[^"]*"', "", page.text).replace("anna", "nobody") for page in pages]
    assert same[0] == same[1]
    assert "账号或密码不对" in pages[0].text
    assert all("set-cookie" not in page.headers for page in pages)


def test_account_is_locked_after_five_wrong_passwords(served: Served, anna: Colleague) -> None:
    browser = served.browser()
    for _ in range(MOST_FAILURES):
        assert "账号或密码不对" in _sign_in(browser, "anna", "guess").text
    locked = _sign_in(browser, "anna", PASSWORD)
    assert (locked.status_code, "锁定" in locked.text) == (403, True)
    assert anna.get("/desk").status_code == 200


def test_setup_link_works_once(served: Served) -> None:
    token = served.accounts.invite("carla", "Carla", Role.LIBRARIAN)
    browser = served.browser()
    assert "carla" in browser.get(f"/setup/{token}").text
    answer = browser.post(f"/setup/{token}", data={"password": PASSWORD, "again": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    assert "Carla" in browser.get("/desk").text
    assert browser.get(f"/setup/{token}").status_code == 404
    assert browser.post(f"/setup/{token}", data={"password": "x" * 12, "again": "x" * 12}).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [("short", "short", "10 到 200"), ("p" * 201, "p" * 201, "10 到 200"), (PASSWORD, PASSWORD + "!", "不一样"), ("", "", "10 到 200")],
)
def test_setup_link_stays_good_when_the_password_is_refused(served: Served, password: str, again: str, told: str) -> None:
    token = served.accounts.invite("carla", "Carla", Role.LIBRARIAN)
    answer = served.browser().post(f"/setup/{token}", data={"password": password, "again": again})
    assert answer.status_code == 400
    assert told in answer.text.partition('role="alert"')[2]
    assert served.accounts.invited(token) == "carla"


# --- who may see the desk ---


@pytest.mark.parametrize("path", ["/desk", "/desk/tickets/1", "/desk/intents", "/reports"])
def test_stranger_is_sent_to_sign_in(served: Served, path: str) -> None:
    answer = served.browser().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
    assert served.client(headers={"Accept": "application/json"}).get(path).status_code == 401


def test_stranger_cannot_listen_or_act(served: Served) -> None:
    _asks(served, "reader")
    assert served.client().get("/desk/events", headers={"Accept": "text/event-stream"}).status_code == 401
    assert served.browser().post("/desk/tickets/1/claim").status_code == 401
    assert served.ticket().status is TicketStatus.WAITING


@pytest.mark.parametrize("token", [None, "", "nonsense", "another session's"])
def test_form_is_refused_without_the_token_of_its_session(served: Served, anna: Colleague, ben: Colleague, token: str | None) -> None:
    _asks(served, "reader")
    data = {} if token is None else {"csrf": ben.csrf if token.startswith("another") else token}
    answer = anna.client.post("/desk/tickets/1/claim", data=data)
    assert (answer.status_code, "页面已过期" in answer.text) == (403, True)
    assert served.ticket().status is TicketStatus.WAITING


# --- the queue ---


def test_queue_is_oldest_first_and_counts(served: Served, anna: Colleague) -> None:
    assert "没有等待的问题" in anna.get("/desk").text
    for text in ("第一问", "第二问", "第三问"):
        _asks(served, text, text)
    page = anna.get("/desk").text
    assert page.index("第一问") < page.index("第二问") < page.index("第三问")
    anna.post("/desk/tickets/2/claim")
    assert "第二问" not in anna.get("/desk?view=nonsense").text
    assert "第二问" in anna.get("/desk?view=mine").text
    assert all(text in anna.get("/desk?view=all").text for text in ("第一问", "第二问", "第三问"))
    anna.post("/desk/tickets/2/close")
    assert "第二问" not in anna.get("/desk?view=all").text
    assert "第二问" in anna.get("/desk?view=closed").text


def _counts(stream: Stream) -> tuple[int, int, int]:
    told = json.loads(stream.event("changed")["data"])
    return told["waiting"], told["mine"], told["all"]


def test_librarian_sees_the_queue_change_live(served: Served, anna: Colleague) -> None:
    with streaming(anna.client, "/desk/events") as stream:
        assert _counts(stream) == (0, 0, 0)
        _asks(served, "reader")
        until(lambda: _counts(stream) == (1, 0, 1))
        served.desk.claim(1, "anna")
        until(lambda: _counts(stream) == (0, 1, 1))


def test_librarian_hears_no_more_after_signing_out(served: Served, anna: Colleague, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_HEARTBEAT", 0.01)
    with streaming(anna.client, "/desk/events") as stream:
        stream.event("changed")
        served.accounts.end_sessions("anna")
        until(lambda: not stream.block())


# --- one ticket ---


def test_librarian_answers_in_the_patrons_own_chat(served: Served, patron: httpx.Client, anna: Colleague) -> None:
    _says(patron, QUESTION)
    _says(patron, "转人工")
    page = anna.get("/desk/tickets/1").text
    assert "WebVPN" in page.partition('class="card entry"')[2]
    assert "认领后才能回复" in page
    assert anna.post("/desk/tickets/1/claim").headers["location"] == "/desk/tickets/1"
    assert 'id="reply"' in anna.get("/desk/tickets/1").text
    assert anna.post("/desk/tickets/1/reply", text="请来三楼。").headers["location"] == "/desk/tickets/1"
    served.delivered()
    assert "请来三楼。" in patron.get("/").text
    assert "已送达" in anna.get("/desk/tickets/1").text


def test_librarian_sees_what_the_bot_thought_and_curated(served: Served, anna: Colleague, engine: FakeEngine) -> None:
    engine.knows("宿舍连不上", "vpn_trouble", 0.15, ("wifi_access", 0.1))
    _asks(served, "reader", "宿舍连不上")
    page = anna.get("/desk/tickets/1").text
    assert "15.0%" in page
    assert 'class="card entry"' in page


def test_librarian_sends_and_closes_in_one_step(served: Served, patron: httpx.Client, anna: Colleague) -> None:
    _says(patron, "转人工")
    anna.post("/desk/tickets/1/claim")
    answer = anna.post("/desk/tickets/1/reply", text="在三楼。", then="close")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    assert served.tickets(TicketStatus.CLOSED)[0].claimed_by == "anna"
    page = patron.get("/").text
    assert page.index("在三楼。") < page.index("馆员已结束本次咨询")
    assert "已经结束，不能再回复" in anna.get("/desk/tickets/1").text


def test_librarian_gives_a_ticket_back(served: Served, anna: Colleague, ben: Colleague) -> None:
    _asks(served, "reader")
    anna.post("/desk/tickets/1/claim")
    assert "Anna 正在处理" in ben.get("/desk/tickets/1").text
    assert anna.post("/desk/tickets/1/release").headers["location"] == "/desk"
    assert ben.post("/desk/tickets/1/claim").status_code == 303
    assert served.ticket().claimed_by == "ben"


def test_second_librarian_is_refused_and_keeps_the_draft(served: Served, anna: Colleague, ben: Colleague) -> None:
    _asks(served, "reader")
    anna.post("/desk/tickets/1/claim")
    assert ben.post("/desk/tickets/1/claim").status_code == 409
    refused = ben.post("/desk/tickets/1/reply", text="我写了很久 <b>的回复")
    assert refused.status_code == 409
    assert "状态已经变化" in refused.text.partition('role="alert"')[2].partition("</p>")[0]
    assert "我写了很久 &lt;b&gt;的回复" in refused.text
    for step in ("close", "release"):
        assert ben.post(f"/desk/tickets/1/{step}").status_code == 409
    assert served.ticket().claimed_by == "anna"
    assert served.count("messages where who = 'librarian'") == 0


@pytest.mark.parametrize("text", ["", "  \n", "长" * 5001])
def test_reply_is_refused_when_it_is_empty_or_too_long(served: Served, anna: Colleague, text: str) -> None:
    _asks(served, "reader")
    anna.post("/desk/tickets/1/claim")
    refused = anna.post("/desk/tickets/1/reply", text=text)
    assert (refused.status_code, 'role="alert"' in refused.text) == (409, True)
    assert text.strip() in refused.text
    assert served.count("messages where who = 'librarian'") == 0


@pytest.mark.parametrize("number", ["0", "99", "-1", "9" * 30])
def test_librarian_is_told_when_there_is_no_such_ticket(anna: Colleague, number: str) -> None:
    assert anna.get(f"/desk/tickets/{number}").status_code == 404
    assert anna.post(f"/desk/tickets/{number}/claim").status_code == 404


def test_desk_takes_no_other_steps(anna: Colleague) -> None:
    assert anna.post("/desk/tickets/1/delete").status_code == 404


def test_filled_in_form_is_shown_to_the_librarian(served: Served, anna: Colleague) -> None:
    _asks(served, "reader", "我要荐购一本书")
    for text in ("1", "三体，刘慈欣", "跳过", "reader@example.com", "1"):
        _asks(served, "reader", text)
    page = anna.get(f"/desk/tickets/{served.ticket().id}").text
    assert "三体，刘慈欣" in page.partition('<dl class="facts">')[2]
    assert "读者提交的申请" in page


# --- how far the bot goes alone ---


def _barred(serve: Callable[..., Served], tmp_path: Path, *, kept: bool = True, **understanding: object) -> Served:
    """A server with a bar of 90 %, and evidence by which all but the VPN's set-up is proven."""
    if kept:
        shares = dict.fromkeys(training_kinds(), Share(300, 300)) | {"vpn_setup": Share(80, 100)}
        digest = training.digest(ROOT / "intents")
        autonomy.write(
            tmp_path / autonomy.FILE, autonomy.Evidence(digest, "builtin", autonomy.thresholds(house.policy(Settings(root=ROOT))), shares)
        )
    return serve(understanding={"autonomy_bar": 0.9, "model": tmp_path / "model.refdesk", **understanding})


def training_kinds() -> dict[str, IntentKind]:
    return {intent.id: intent.kind for intent in training.read_catalogue(ROOT / "intents" / "catalogue.yml")}


def _row(page: str, intent: str) -> list[str]:
    """The cells of an intent's row, without markup."""
    row = page.partition(f'<tr id="intent-{intent}">')[2].partition("</tr>")[0]
    return [re.sub("<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]


def test_librarian_sees_how_far_the_bot_goes_alone_and_why(serve: Callable[..., Served], tmp_path: Path) -> None:
    anna = _barred(serve, tmp_path, off=["renew_loan"], suggest=["opening_hours"]).librarian()
    page = anna.get("/desk/intents").text
    assert _row(page, "vpn_setup") == [
        "校外访问与 VPN 设置", "问答", "建议", "合计下限 71.1%，未到门槛 90.0%", "80.0%（80/100）", "71.1%", "0", "0",
    ]  # fmt: skip
    assert _row(page, "database_access")[2:4] == ["自动", "合计下限 98.7%，达到门槛 90.0%"]
    assert _row(page, "renew_loan")[2:4] == ["停用", "由 refdesk.toml 设定"]
    assert _row(page, "opening_hours")[2:4] == ["建议", "由 refdesk.toml 设定"]
    assert _row(page, "greet")[2:4] == ["自动", "寒暄总是直接回应"]
    assert _row(page, "human_agent")[2:4] == ["自动", "总是直接转给馆员"]
    assert page.count('<tr id="intent-') == len(training_kinds())
    assert 'role="note"' not in page


def test_autonomy_page_speaks_english_and_is_reached_from_every_desk_page(served: Served, anna: Colleague) -> None:
    page = anna.get("/desk/intents?lang=en").text
    assert "<h1>Autonomy</h1>" in page
    assert _row(page, "vpn_setup")[1:4] == ["Answer", "Auto", "No bar is set"]
    assert '<a href="/desk/intents" aria-current="page">Autonomy</a>' in page
    assert page.count("aria-current") == 1
    assert '<a href="/desk/intents">Autonomy</a>' in anna.get("/desk").text
    assert all(f'<th scope="{scope}"' in page for scope in ("col", "row"))


def test_librarian_is_told_what_is_the_matter_with_the_evidence(serve: Callable[..., Served], tmp_path: Path) -> None:
    page = _barred(serve, tmp_path, kept=False).librarian().get("/desk/intents").text
    assert "还没有交叉验证的证据" in page.partition('role="note"')[2]
    assert _row(page, "vpn_setup")[2:6] == ["自动", "还没有证据，门槛不起作用", "–", "–"]


@pytest.mark.parametrize("doubt", list(autonomy.Doubt))
@pytest.mark.parametrize("language", list(Language))
def test_every_doubt_has_its_words(curated: Knowledge, doubt: autonomy.Doubt, language: Language) -> None:
    assert curated.phrase(f"intents.doubt_{doubt}", language)


def test_patrons_verdicts_are_counted_on_the_autonomy_page(served: Served, anna: Colleague) -> None:
    for sender, verdict in (("a", "解决了"), ("b", "解决了"), ("c", "没用")):
        _asks(served, sender, QUESTION)
        _asks(served, sender, verdict)
    assert _row(anna.get("/desk/intents").text, "vpn_setup")[-2:] == ["2", "1"]


def test_whole_bot_in_shadow_is_shown_as_such(serve: Callable[..., Served]) -> None:
    page = serve(understanding={"mode": "shadow"}).librarian().get("/desk/intents").text
    assert _row(page, "vpn_setup")[2:4] == ["影子", "由 refdesk.toml 设定"]


@pytest.mark.parametrize("switch", [{"suggest": ["vpn_setup"]}, {"off": ["vpn_setup"]}, {"mode": "shadow"}])
def test_librarian_gets_the_held_back_answer_as_a_draft(serve: Callable[..., Served], switch: dict[str, Any]) -> None:
    house = serve(understanding=switch)
    anna = house.librarian()
    _asks(house, "reader", QUESTION)
    card = anna.get("/desk/tickets/1").text.partition('class="card entry"')[2]
    assert "这是机器人的草稿，还没有发给读者" in card
    assert "WebVPN" in card


def test_ticket_that_asks_for_a_person_shows_no_draft(served: Served, anna: Colleague) -> None:
    _asks(served, "reader", QUESTION)
    _asks(served, "reader")
    page = anna.get("/desk/tickets/1").text
    assert 'class="card entry"' in page
    assert "机器人的草稿" not in page


def test_draft_of_a_lookup_names_what_the_patron_named(serve: Callable[..., Served], engine: FakeEngine) -> None:
    house = serve(understanding={"suggest": ["database_access"]})
    engine.knows("怎么进知网", "database_access")
    _asks(house, "reader", "怎么进知网")
    card = house.librarian().get("/desk/tickets/1").text.partition('class="card entry"')[2]
    assert "中国知网" in card.partition('id="entry-text"')[2].partition("</div>")[0]
    assert "https://www.cnki.net" in card


# --- reports ---


def _report(colleague: Colleague, **query: Any) -> httpx.Response:
    return colleague.client.get("/reports", params=query)


@pytest.fixture
def busy(served: Served, anna: Colleague) -> Served:
    """One question of each fate: by the bot, by a librarian, waiting, withdrawn."""
    for sender, text in (("a", QUESTION), ("b", "转人工"), ("c", "something else"), ("d", "转人工")):
        _asks(served, sender, "市图书馆几点关" if text == "转人工" else text)
    served.desk.claim(1, "anna")
    served.desk.reply(1, "anna", "在三楼。")
    served.delivered()
    _asks(served, "d", "取消")
    return served


def test_report_shows_every_question_with_what_became_of_it(busy: Served, anna: Colleague) -> None:
    (total,) = [line for line in _report(anna, format="json").json() if line["label"] == "all"]
    assert (total["questions"], total["by_bot"], total["by_librarian"], total["waiting"], total["closed_unanswered"]) == (4, 1, 1, 1, 1)
    page = _report(anna, lang="en").text
    assert "25.0%" in page
    assert ">4</a>" in page.partition("<dd>")[2].partition("</dd>")[0]


@pytest.mark.parametrize(
    ("by", "label"), [("channel", "rest"), ("intent", "校外访问与 VPN 设置"), ("language", "zh"), ("nonsense", "rest")]
)
def test_report_is_grouped_as_asked(busy: Served, anna: Colleague, by: str, label: str) -> None:
    assert _report(anna, by=by).status_code == 200
    assert label in [line["label"] for line in _report(anna, by=by, format="json").json()]


def test_report_opens_in_a_spreadsheet(busy: Served, anna: Colleague) -> None:
    answer = _report(anna, **{"from": "2020-01-01", "to": "2090-12-31", "by": "day", "format": "csv"})
    assert answer.content.startswith(b"\xef\xbb\xbflabel,questions,")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="refdesk-2020-01-01-2090-12-31-day.csv"'
    assert answer.text.splitlines()[-1].startswith("all,4,1,1,1,1,")


def test_report_counts_only_its_period(busy: Served, anna: Colleague) -> None:
    yesterday = (datetime.now(busy.desk.hours.zone) - timedelta(days=1)).date().isoformat()
    assert "这段时间没有问题" in _report(anna, **{"from": "2020-01-01", "to": yesterday}).text


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("yesterday", "2026-11-22", "日期不对"),
        ("2026-02-30", "2026-11-22", "日期不对"),
        ("2026-11-22", "2026-11-21", "开始日期晚于结束日期"),
        ("0001-01-01", "2026-11-22", "日期不对"),
        ("2026-11-22", "9999-12-31", "日期不对"),
    ],
)
@pytest.mark.parametrize("format_", ["", "csv", "json"])
def test_report_refuses_a_period_that_is_none(anna: Colleague, start: str, end: str, told: str, format_: str) -> None:
    answer = _report(anna, **{"from": start, "to": end, "format": format_})
    assert (answer.status_code, told in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("lang", "waits"), [("zh", ("0 分", "2 小时 5 分", "3 分 20 秒", "40 秒")), ("en", ("2 h 5 min", "3 min 20 s", "40 s", "–"))]
)
def test_times_are_written_as_people_say_them(serve: Callable[..., Served], lang: str, waits: tuple[str, ...]) -> None:
    """Through the words that templates are given."""
    from bot.pages.render import Pages

    house = serve()
    pages = Pages(house.desk.knowledge, house.accounts, house.desk.hours.zone, secure=False)
    words = pages._words(Language(lang))
    said = {words["seconds"](value) for value in (None, 40, 200, 7500)}
    assert said >= set(waits) - {"0 分"}
    assert (words["local"](None), words["percent"](None), words["percent"](0.256)) == ("", "–", "25.6%")


# --- what machines read ---


def test_health_says_that_the_process_lives_and_is_ready(served: Served) -> None:
    assert served.client().get("/health/live").json() == {"status": "ok"}
    ready = {"status": "ok", "engine": "fake", "connectors": ["rest", "web", "stub"], "outbox": 0}
    assert served.client().get("/health/ready").json() == ready


def test_house_is_not_ready_when_its_store_is_gone(served: Served) -> None:
    served.desk.store.close()
    assert served.client().get("/health/live").status_code == 200
    assert served.client().get("/health/ready").status_code == 500


def test_metrics_count_for_prometheus(busy: Served) -> None:
    answer = busy.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert re.search(r'^refdesk_events_total\{(?=.*name="asked")(?=.*channel="rest").*\} 4\.0$', answer.text, re.MULTILINE)
    assert 'refdesk_tickets{status="waiting"} 1.0' in answer.text.splitlines()
    assert answer.text.endswith("\n")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-forwarded-for"])
def test_metrics_are_for_this_machine_only(served: Served, header: str) -> None:
    assert served.client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_interface_is_described_for_people_and_programs(served: Served) -> None:
    description = served.client().get("/docs/openapi.json").json()
    page = served.browser().get("/docs").text
    assert description["openapi"].startswith("3.")
    assert "/webhooks/rest/webhook" in description["paths"]
    assert all(path in page for path in description["paths"])


def test_described_interface_exists(served: Served) -> None:
    described = served.client().get("/docs/openapi.json").json()["paths"]
    routes = {f"/{route.path}": {method.lower() for method in route.methods} for route in served.app.router.routes}
    names = {"{code}": "<code:str>", "{token}": "<token:str>", "{entry}": "<entry_id:str>"}
    known = {re.sub(r"\{\w+\}", lambda name: names[name[0]], path): set(methods) for path, methods in described.items()}
    for path, methods in known.items():
        assert methods <= set().union(*(routes[each] for each in routes if each == path)), path


def test_pages_forms_carry_a_token(anna: Colleague) -> None:
    assert token_in(anna.get("/reports").text) != ""
