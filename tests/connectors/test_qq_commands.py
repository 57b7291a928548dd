"""The commands that the QQ bot brings along."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import cli
from connectors.qq.standin import Rules, Standin
from tests.connectors.contract import QUESTION
from tests.connectors.qq import APP_ID, SECRET, section
from tests.serving import Served

Run = Callable[..., Result]
Serve = Callable[..., Served]


@pytest.fixture
def there() -> Iterator[Standin]:
    with Standin(Rules(APP_ID, SECRET)) as standin:
        yield standin


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command with the settings of a bot at this address and more."""

    def run(*words: str, api: str, public: str = "", more: str = "", secret: str = SECRET) -> Result:
        path = tmp_path / "refdesk.toml"
        path.write_text(
            f'[server]\npublic_url = "{public}"\n[connectors.qq]\napp_id = "{APP_ID}"\nsecret = "{secret}"\n'
            f'api_base = "{api}"\ntoken_base = "{api}"\n{more}',
            encoding="utf-8",
        )
        return CliRunner().invoke(cli, ["--settings", str(path), *words])

    return run


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def api() -> str:
    """Where nobody listens yet."""
    return f"http://127.0.0.1:{free_port()}"


def settings(api: str, **more: Any) -> dict[str, Any]:
    return {"app_id": APP_ID, "secret": SECRET, "api_base": api, "token_base": api, **more}


def test_administrator_plays_readers_against_the_running_server(run: Run, serve: Serve, api: str) -> None:
    house = serve({"qq": settings(api)})
    played = run(
        "simulate", "qq", "--url", house.url, "--patience", "3",
        QUESTION, "/group 校外怎么用VPN", "/guild 校外怎么用VPN", "/dm 校外怎么用VPN", "/add", "/press intent:vpn_setup|VPN", api=api,
    )  # fmt: skip
    assert played.exit_code == 0, played.output
    assert played.output.count("WebVPN") >= 5
    for place in ("[好友 msg_seq 1]", "[群 msg_seq 1]", "[频道]", "[频道私信]"):
        assert place in played.output
    assert "http" not in played.output
    assert "refused" not in played.output


def test_administrator_sees_that_nothing_is_said_twice_or_to_others(run: Run, serve: Serve, api: str) -> None:
    house = serve({"qq": settings(api)})
    said = ("/chat 今天吃什么", "/again", "/delete")
    played = run("simulate", "qq", "--url", house.url, "--patience", "0.3", *said, api=api)
    assert (played.exit_code, played.output) == (0, "")


def test_administrator_sees_buttons_and_what_is_refused(run: Run, serve: Serve, api: str) -> None:
    house = serve({"qq": settings(api, markdown=True)})
    assert "[1 校外访问与 V…]=intent:vpn_setup" in run("simulate", "qq", "--url", house.url, "--markdown", "VPN", api=api).output
    plain = run("simulate", "qq", "--url", house.url, "VPN", api=api)
    assert "[refused: 40034011 no right to markdown]" in plain.output


def test_administrator_is_told_what_keeps_the_simulation_from_running(run: Run, serve: Serve, api: str, there: Standin) -> None:
    nobody = run("simulate", "qq", "--url", "http://127.0.0.1:9", "hello", api=api)
    assert (nobody.exit_code, "refdesk serve" in nobody.output) == (2, True)
    house = serve({"qq": settings(api, secret="another secret")})
    refused = run("simulate", "qq", "--url", house.url, "hello", api=api)
    assert "[the server answers HTTP 401 ]" in refused.output
    unbound = serve({"qq": settings(api, binding=False)})
    assert "refuses the check" in run("simulate", "qq", "--url", unbound.url, "hello", api=api).output
    assert "cannot listen on port" in run("simulate", "qq", "--url", house.url, "hello", api=there.url).output
    assert "http://127.0.0.1:8097" in run("simulate", "qq", "hello", api="https://api.bot.qq.com").output
    assert "connectors.qq.transport" in run("simulate", "qq", "hello", api=api, more='transport = "gateway"').output


def test_commands_need_a_bot_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "refdesk.toml").write_text("")
    shown = CliRunner().invoke(cli, ["--settings", str(tmp_path / "refdesk.toml"), "simulate", "qq", "x"])
    assert (shown.exit_code, "connectors.qq.app_id" in shown.output) == (2, True)
    told = CliRunner().invoke(cli, ["--settings", str(tmp_path / "refdesk.toml"), "qq", "doctor"])
    assert (told.exit_code, "q.qq.com" in told.output) == (1, True)


# --- what is wrong ---


def test_doctor_finds_nothing_wrong_with_a_working_bot(run: Run, there: Standin) -> None:
    told = run("qq", "doctor", "--no-address", api=there.url, public="https://ask.lib.example.edu.cn")
    assert told.exit_code == 0, told.output
    assert "https://ask.lib.example.edu.cn/webhooks/qq" in told.output
    assert "binding = false" in told.output
    assert "lets this server in" in told.output


@pytest.mark.parametrize(
    ("public", "words"),
    [
        ("", "does not begin with https://"),
        ("http://ask.lib.example.edu.cn", "does not begin with https://"),
        ("https://ask.lib.example.edu.cn:9000", "port 9000"),
    ],
)
def test_doctor_says_which_addresses_the_platform_does_not_call(run: Run, there: Standin, public: str, words: str) -> None:
    told = run("qq", "doctor", "--no-address", api=there.url, public=public)
    assert (told.exit_code, words in told.output) == (1, True)
    gateway = run("qq", "doctor", api=there.url, public=public, more='transport = "gateway"\nlink_domains = ["a.cn"]')
    assert gateway.exit_code == 0, gateway.output


def test_doctor_asks_the_address_as_the_console_would(run: Run, serve: Serve, there: Standin) -> None:
    house = serve({"qq": section(there)})
    assert "passes the check of the console" in run("qq", "doctor", api=there.url, public=house.url).output
    other = serve({"qq": section(there, secret="another secret")})
    assert "signs with another secret" in run("qq", "doctor", api=there.url, public=other.url).output
    off = serve({})
    assert "answers HTTP 404" in run("qq", "doctor", api=there.url, public=off.url).output
    assert "cannot be reached" in run("qq", "doctor", api=there.url, public="http://127.0.0.1:9").output


def test_doctor_says_in_plain_words_why_the_platform_refuses(run: Run, there: Standin, api: str) -> None:
    wrong = run("qq", "doctor", "--no-address", api=there.url, secret="mistyped")
    assert "app_id or secret is wrong" in wrong.output
    assert "mistyped" not in wrong.output
    assert "cannot be asked" in run("qq", "doctor", "--no-address", api=api).output
    answer = there.rules.answer
    there.rules.answer = lambda call: (403, {"err_code": 11298, "message": "ip"}) if "gateway" in call.path else answer(call)  # type: ignore[method-assign]
    assert "IP 白名单" in run("qq", "doctor", "--no-address", api=there.url).output
