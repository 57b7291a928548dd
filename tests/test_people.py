"""The pages about people: one's account, all accounts, the audit log."""

import html
import re

import httpx
import pyotp
import pytest

from bot.domain import Role
from tests.serving import PASSWORD, Colleague, Served

OTHER = "another good password"


@pytest.fixture
def anna(served: Served) -> Colleague:
    """A librarian."""
    return served.librarian("anna")


@pytest.fixture
def root(served: Served) -> Colleague:
    """An administrator."""
    return served.librarian("root", Role.ADMINISTRATOR)


def signs_in(served: Served, login: str, password: str = PASSWORD) -> tuple[httpx.Client, httpx.Response]:
    """A new browser, and what it is answered."""
    browser = served.browser()
    return browser, browser.post("/login", data={"login": login, "password": password})


def shown(page: httpx.Response, name: str) -> str:
    """What a hidden field of a page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, f"no field {name}"
    return html.unescape(found[1])


# --- one's own account ---


def test_librarian_sees_and_ends_other_sessions(served: Served, anna: Colleague) -> None:
    other, _ = signs_in(served, "anna")
    page = anna.get("/account").text
    assert page.count("当前浏览器") == 1
    ending = re.search(r"/account/sessions/(\w+)/end", page)
    assert ending
    assert anna.post(ending[0]).headers["location"] == "/account"
    assert other.get("/desk").status_code == 303
    assert anna.get("/desk").status_code == 200
    assert anna.post(ending[0]).headers["location"] == "/account"


def test_signing_out_ends_this_session_only(served: Served, anna: Colleague) -> None:
    other, _ = signs_in(served, "anna")
    other.post("/logout")
    assert other.get("/desk").status_code == 303
    assert anna.get("/desk").status_code == 200


def test_signing_in_never_takes_over_a_session_that_was_there_before(served: Served, anna: Colleague) -> None:
    browser = served.browser(Cookie="refdesk_session=planted-by-somebody")
    answer = browser.post("/login", data={"login": "anna", "password": PASSWORD})
    assert "planted-by-somebody" not in answer.headers["set-cookie"]
    assert served.browser(Cookie="refdesk_session=planted-by-somebody").get("/desk").status_code == 303


def test_librarian_changes_the_password_and_stays_signed_in_here_only(served: Served, anna: Colleague) -> None:
    other, _ = signs_in(served, "anna")
    answer = anna.post("/account/password", old=PASSWORD, password=OTHER, again=OTHER)
    assert answer.headers["location"] == "/account?done=password_set"
    assert "密码已修改" in anna.get("/account?done=password_set").text
    assert other.get("/desk").status_code == 303
    assert signs_in(served, "anna", OTHER)[1].status_code == 303


@pytest.mark.parametrize(
    ("old", "password", "again", "told"),
    [
        ("guess", OTHER, OTHER, "现在的密码不对"),
        (PASSWORD, OTHER, "different", "不一样"),
        (PASSWORD, "short", "short", "10 到 200"),
        (PASSWORD, "anna-anna-2020", "anna-anna-2020", "太容易猜"),
    ],
)
def test_password_change_is_refused_with_the_reason(anna: Colleague, old: str, password: str, again: str, told: str) -> None:
    answer = anna.post("/account/password", old=old, password=password, again=again)
    assert (answer.status_code, told in answer.text) == (400, True)
    assert anna.get("/desk").status_code == 200


def test_librarian_sets_up_uses_and_ends_a_second_factor(served: Served, anna: Colleague) -> None:
    page = anna.post("/account/factor/new")
    secret = shown(page, "secret")
    assert "data:image/svg+xml" in page.text
    refused = anna.post("/account/factor", secret=secret, code="000000")
    assert (refused.status_code, secret in refused.text) == (400, True)
    now = served.desk.clock.now()
    assert anna.post("/account/factor", secret=secret, code=pyotp.TOTP(secret).at(now)).headers["location"] == "/account?done=factor_on"
    browser, asked = signs_in(served, "anna")
    assert (asked.status_code, "set-cookie" in asked.headers) == (200, False)
    wrong = browser.post("/login/code", data={"half": shown(asked, "half"), "code": "000000"})
    assert (wrong.status_code, "验证码不对" in wrong.text) == (403, True)
    right = browser.post(
        "/login/code", data={"half": shown(wrong, "half"), "code": pyotp.TOTP(secret).at(now, counter_offset=1), "next": "/reports"}
    )
    assert right.headers["location"] == "/reports"
    assert browser.post("/login/code", data={"half": "nonsense", "code": "000000"}).status_code == 403
    assert anna.post("/account/factor/end", password="guess").status_code == 400
    assert anna.post("/account/factor/end", password=PASSWORD).headers["location"] == "/account?done=factor_off"
    assert signs_in(served, "anna")[1].headers["location"] == "/desk"


def test_setup_link_does_not_get_around_the_second_factor(served: Served, anna: Colleague) -> None:
    secret = shown(anna.post("/account/factor/new"), "secret")
    anna.post("/account/factor", secret=secret, code=pyotp.TOTP(secret).at(served.desk.clock.now()))
    token = served.accounts.invite("anna", "Anna", Role.LIBRARIAN)
    answer = served.browser().post(f"/setup/{token}", data={"password": OTHER, "again": OTHER})
    assert answer.headers["location"] == "/login"
    assert "set-cookie" not in answer.headers


# --- all accounts ---


def test_administrator_invites_a_colleague_with_a_link_that_works(served: Served, root: Colleague) -> None:
    page = root.post("/desk/people", login="mei", name="梅老师", role="manager")
    link = re.search(r"http[^<]*(/setup/[\w-]+)", page.text)
    assert link
    browser = served.browser()
    assert browser.post(link[1], data={"password": OTHER, "again": OTHER}).status_code == 303
    assert "梅老师" in root.get("/desk/people").text


@pytest.mark.parametrize("fields", [{"login": "", "role": "manager"}, {"login": "梅", "role": "manager"}, {"login": "mei", "role": "king"}])
def test_account_without_a_usable_name_or_role_is_refused(root: Colleague, fields: dict[str, str]) -> None:
    assert root.post("/desk/people", **fields).status_code == 400
    assert root.post("/desk/people/root", **fields).status_code in (303, 400)


def test_administrator_changes_disables_and_enables_an_account(served: Served, anna: Colleague, root: Colleague) -> None:
    assert root.post("/desk/people/anna", name="Anna B", email="anna@example.edu.cn", role="librarian").status_code == 303
    assert anna.get("/desk").status_code == 200
    root.post("/desk/people/anna/sessions")
    assert anna.get("/desk").status_code == 303
    root.post("/desk/people/anna/disable")
    assert signs_in(served, "anna")[1].status_code == 403
    root.post("/desk/people/anna/enable")
    assert signs_in(served, "anna")[1].status_code == 303
    assert root.post("/desk/people/nobody/disable").status_code == 400


def test_administrator_frees_a_colleague_from_a_lost_phone(served: Served, anna: Colleague, root: Colleague) -> None:
    secret = shown(anna.post("/account/factor/new"), "secret")
    anna.post("/account/factor", secret=secret, code=pyotp.TOTP(secret).at(served.desk.clock.now()))
    root.post("/desk/people/anna/factor")
    assert signs_in(served, "anna")[1].headers["location"] == "/desk"


def test_last_administrator_cannot_be_switched_off(root: Colleague) -> None:
    answer = root.post("/desk/people/root/disable")
    assert (answer.status_code, "至少要留一名" in answer.text) == (400, True)


def test_audit_log_shows_what_happened_and_is_filtered(served: Served, anna: Colleague, root: Colleague) -> None:
    signs_in(served, "anna", "guess")
    page = root.get("/desk/audit?deed=sign_in_refused&who=anna").text
    assert "登录被拒" in page.partition("<tbody>")[2]
    assert "127.0.0.1" in page
    assert "没有符合的记录" in root.get("/desk/audit?who=nobody").text
    assert root.get("/desk/audit?before=%F0%9F%92%A9").status_code == 200


def test_audit_log_goes_on_page_by_page(served: Served, root: Colleague, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(served.accounts), "AUDIT_LINES", 1)
    page = root.get("/desk/audit").text
    older = re.search(r'href="(/desk/audit\?[^"]*before=\d+)"', page)
    assert older
    assert root.get(html.unescape(older[1])).text.count("<time") == 1


@pytest.mark.parametrize("path", ["/desk/people", "/desk/audit"])
@pytest.mark.parametrize("role", [Role.LIBRARIAN, Role.MANAGER, Role.EDITOR])
def test_only_administrators_see_people_and_the_audit_log(served: Served, path: str, role: Role) -> None:
    colleague = served.librarian("carla", role)
    answer = colleague.get(path)
    assert (answer.status_code, "需要其他权限" in answer.text) == (403, True)
    assert "/desk/people" not in colleague.get("/desk").text
    assert colleague.post("/desk/people", login="x", role="administrator").status_code == 403
