"""The commands that the official account brings along."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import cli
from tests.connectors.loopback import Asked, Platform, Told, platform
from tests.connectors.test_wechat import QUESTION
from tests.connectors.wechat import AES, APP_ID, SAFE, TOKEN
from tests.serving import Served

Run = Callable[..., Result]
MENU = """
[[connectors.wechat.menu]]
name = "校外访问"
[[connectors.wechat.menu.sub]]
name = "VPN"
intent = "vpn_setup"
[[connectors.wechat.menu.sub]]
name = "主页"
url = "https://lib.example.edu"
"""


class Account:
    """WeChat's API: one verdict a path, else a success."""

    def __init__(self) -> None:
        self.verdicts: dict[str, dict[str, Any] | Told] = {"/cgi-bin/stable_token": {"access_token": "t", "expires_in": 7200}}

    def __call__(self, asked: Asked) -> dict[str, Any] | Told:
        return self.verdicts.get(asked.path, {"errcode": 0, "errmsg": "ok"})


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def api(account: Account) -> Iterator[Platform]:
    with platform(account) as started:
        yield started


@pytest.fixture
def run(tmp_path: Path, api: Platform) -> Run:
    """Run a command with the settings of an account and more."""

    def run(*words: str, more: str = "", public: str = "", secret: str = "s" * 32) -> Result:
        path = tmp_path / "refdesk.toml"
        path.write_text(
            f'[server]\npublic_url = "{public}"\n[connectors.wechat]\ntoken = "{TOKEN}"\nencoding_aes_key = "{AES}"\n'
            f'app_id = "{APP_ID}"\napp_secret = "{secret}"\napi_base = "{api.url}"\n{more}',
            encoding="utf-8",
        )
        return CliRunner().invoke(cli, ["--settings", str(path), *words])

    return run


def test_administrator_pushes_the_menu_of_the_settings(run: Run, api: Platform) -> None:
    assert run("wechat", "menu", "push", more=MENU).exit_code == 0
    (call,) = api.calls("/cgi-bin/menu/create")
    assert call.body == {
        "button": [
            {
                "name": "校外访问",
                "sub_button": [
                    {"type": "click", "name": "VPN", "key": "intent:vpn_setup"},
                    {"type": "view", "name": "主页", "url": "https://lib.example.edu"},
                ],
            }
        ]
    }


def test_administrator_is_told_when_there_is_no_menu_to_push(run: Run) -> None:
    pushed = run("wechat", "menu", "push")
    assert (pushed.exit_code, "connectors.wechat.menu" in pushed.output) == (2, True)


def test_administrator_sees_and_deletes_the_menu(run: Run, account: Account, api: Platform) -> None:
    account.verdicts["/cgi-bin/menu/get"] = {"menu": {"button": [{"name": "借阅"}]}}
    assert run("wechat", "menu", "show").output == "  借阅\n"
    account.verdicts["/cgi-bin/menu/get"] = {"errcode": 46003, "errmsg": "menu no exist"}
    assert "no menu" in run("wechat", "menu", "show").output
    assert run("wechat", "menu", "delete").exit_code == 0
    assert len(api.calls("/cgi-bin/menu/delete")) == 1


def test_administrator_sees_whether_the_account_has_the_menu_of_the_settings(run: Run, account: Account, api: Platform) -> None:
    assert "  校外访问\n    VPN  intent:vpn_setup\n    主页  https://lib.example.edu" in run("wechat", "menu", "push", more=MENU).output
    (button,) = api.calls("/cgi-bin/menu/create")[0].body["button"]
    as_told = {"name": button["name"], "sub_button": [{**each, "sub_button": []} for each in button["sub_button"]]}
    account.verdicts["/cgi-bin/menu/get"] = {"menu": {"button": [as_told]}}
    assert "another menu" not in run("wechat", "menu", "show", more=MENU).output
    account.verdicts["/cgi-bin/menu/get"] = {"menu": {"button": [{**as_told, "name": "旧"}]}}
    assert "another menu" in run("wechat", "menu", "show", more=MENU).output


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ({"errcode": 48001, "errmsg": "api unauthorized"}, "no permission for the menu"),
        ({"errcode": 40018, "errmsg": "invalid button name size"}, "a name in the menu is too long"),
        ({"errcode": 49999, "errmsg": "something new"}, "49999 something new"),
        (Told("<html>", 502), "may this server reach the internet"),
    ],
)
def test_administrator_learns_why_the_menu_was_refused(run: Run, account: Account, verdict: Any, words: str) -> None:
    account.verdicts["/cgi-bin/menu/create"] = account.verdicts["/cgi-bin/menu/get"] = verdict
    for command in ("push", "show"):
        told = run("wechat", "menu", command, more=MENU)
        assert (told.exit_code, words in told.output) == (2, True), told.output


def test_commands_need_a_token_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "refdesk.toml").write_text("")
    shown = CliRunner().invoke(cli, ["--settings", str(tmp_path / "refdesk.toml"), "wechat", "menu", "show"])
    assert (shown.exit_code, "connectors.wechat.token" in shown.output) == (2, True)


def test_doctor_finds_nothing_wrong_with_a_working_account(run: Run, serve: Callable[..., Served]) -> None:
    house = serve({"wechat": dict(SAFE)})
    told = run("wechat", "doctor", "--no-address", public="https://ask.lib.example.edu").output
    assert "WRONG" not in told
    assert "https://ask.lib.example.edu/webhooks/wechat" in told
    visited = run("wechat", "doctor", public=house.url)
    assert "passes the check of the console, and takes messages" in visited.output
    assert house.count("messages") == 0
    assert "ports 80 and 443 only" in visited.output
    assert visited.exit_code == 1


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (
            {"errcode": 40164, "errmsg": "invalid ip 203.0.113.7 ipv6 ::1, not in whitelist"},
            "203.0.113.7 is not on the IP",
        ),
        ({"errcode": 40013, "errmsg": "invalid appid"}, "app_id is wrong"),
        ({"errcode": 40125, "errmsg": "invalid appsecret"}, "app_secret is wrong"),
        (Told("<html>", 502), "WeChat cannot be asked"),
    ],
)
def test_doctor_says_in_plain_words_why_there_is_no_token(run: Run, account: Account, verdict: Any, words: str) -> None:
    account.verdicts["/cgi-bin/stable_token"] = verdict
    told = run("wechat", "doctor", "--no-address")
    assert words in told.output
    assert told.exit_code == 1
    assert "s" * 32 not in told.output


def test_doctor_says_what_the_account_may_not_do(run: Run, account: Account) -> None:
    account.verdicts["/cgi-bin/customservice/getkflist"] = {"errcode": 48001, "errmsg": "api unauthorized"}
    wrong = run("wechat", "doctor", "--no-address", more="verified = true", public="https://a.example")
    assert "set connectors.wechat.verified = false" in wrong.output
    assert wrong.exit_code == 1
    fine = run("wechat", "doctor", "--no-address", public="https://a.example")
    assert (fine.exit_code, "no permission for customer-service" in fine.output) == (0, True)


def test_doctor_says_that_the_server_has_another_token(run: Run, serve: Callable[..., Served]) -> None:
    house = serve({"wechat": {"token": "another"}})
    assert "has another token" in run("wechat", "doctor", public=house.url).output


def test_doctor_says_that_the_server_has_another_key(run: Run, serve: Callable[..., Served]) -> None:
    house = serve({"wechat": {**SAFE, "encoding_aes_key": "A" * 43}})
    assert "cannot open messages" in run("wechat", "doctor", public=house.url).output


@pytest.mark.parametrize(("method", "words"), [("GET", "not the echo"), ("POST", "does the proxy let POST through")])
def test_doctor_says_that_something_else_answers_at_the_address(run: Run, method: str, words: str) -> None:
    def proxy(asked: Asked) -> Told:
        return Told("<html>", 404) if asked.method == method else Told(asked.query["echostr"])

    with platform(proxy) as there:
        assert words in run("wechat", "doctor", public=there.url).output


def test_administrator_plays_a_follower_against_the_running_server(run: Run, serve: Callable[..., Served]) -> None:
    house = serve({"wechat": dict(SAFE)})
    played = run("simulate", "wechat", "--url", house.url, QUESTION, "/follow", "/tap intent:vpn_setup", "/image", "/leave")
    assert played.exit_code == 0, played.output
    assert played.output.count("不用安装软件") == 2
    assert "问询台" in played.output
    assert "微信: /leave\n[no answer now" in played.output
    more = run(
        "simulate", "wechat", "--url", house.url, "--openid", "oOther", f"/voice {QUESTION}", "/scan intent:vpn_setup", "/location", "/fly"
    )
    assert more.output.count("不用安装软件") == 2
    assert "[not sent: there are /follow" in more.output
    assert house.messages("wechat", "oOther") == [QUESTION, "vpn_setup", ""]


def test_administrator_sees_why_a_follower_would_get_no_answer(run: Run, serve: Callable[..., Served]) -> None:
    house = serve({"wechat": {**SAFE, "encoding_aes_key": "A" * 43}})
    played = run("simulate", "wechat", "--url", house.url, QUESTION)
    assert "故障，请稍后再试]  (HTTP 403: the signature is wrong)" in played.output


def test_administrator_is_told_when_nothing_answers(run: Run) -> None:
    played = run("simulate", "wechat", "--url", "http://127.0.0.1:9", "hello")
    assert (played.exit_code, "refdesk serve" in played.output) == (2, True)


def test_help_names_what_connectors_bring_along() -> None:
    assert "wechat" in CliRunner().invoke(cli, ["--help"]).output
    assert "wechat" in CliRunner().invoke(cli, ["simulate", "--help"]).output
