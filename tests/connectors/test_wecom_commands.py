"""`refdesk simulate wecom`: WeCom played from the terminal."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import cli
from bot.domain import TicketStatus
from connectors.wecom.standin import Rules, Standin
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.wecom_platform import ENTERPRISE, SECTION
from tests.serving import Served

USER = "wmSimulatedCustomer00000001"
NOBODY = "[no answer: nothing is to be said, or a person has this conversation]"


@pytest.fixture
def base() -> str:
    """An address of this machine that is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def run(tmp_path: Path, base: str) -> Callable[..., Result]:
    """Run the command with the settings of the enterprise."""

    def run(*words: str, **more: str) -> Result:
        path, section = tmp_path / "refdesk.toml", {**SECTION, "api_base": base, **more}
        path.write_text("[connectors.wecom]\n" + "".join(f'{name} = "{value}"\n' for name, value in section.items()), encoding="utf-8")
        return CliRunner().invoke(cli, ["--settings", str(path), "simulate", "wecom", *words])

    return run


@pytest.fixture
def house(serve: Callable[..., Served], base: str) -> Served:
    return serve({"wecom": {**SECTION, "api_base": base}})


def after(told: str, line: str) -> str:
    """What was shown for one line."""
    return told.split(f"微信: {line}\n")[1].split("微信: ")[0].strip()


def test_administrator_plays_a_customer_against_the_running_server(run: Callable[..., Result], house: Served) -> None:
    told = run("--patience", "10", "--url", house.url, "/enter", "/tap 1", "/tap 99", QUESTION, "/image", "/fly", "转人工")
    assert told.exit_code == 0, told.output
    assert "6. " in after(told.output, "/enter")
    assert "不用安装软件" in after(told.output, "/tap 1")
    assert after(told.output, "/tap 99") == "[not sent: the last menu has 6 entries]"
    assert ANSWER in after(told.output, QUESTION)
    assert "收到您发来的内容" in after(told.output, "/image")
    assert after(told.output, "/fly").startswith("[not sent: there are /enter")
    assert "编号 1" in after(told.output, "转人工")
    assert "refused" not in told.output
    # Another run of the command has cursors of its own, and the server follows.
    told = run("--patience", "0.5", "--url", house.url, "在吗", "/agent 在三楼。", "谢谢")
    assert after(told.output, "在吗") == after(told.output, "/agent 在三楼。") == NOBODY
    assert "满意" in after(run("--patience", "10", "--url", house.url, "/end").output, "/end")
    assert house.messages("wecom", USER)[-2:] == ["在吗", "谢谢"]
    assert [ticket.claimed_by for ticket in house.tickets(TicketStatus.CLOSED)] == ["wecom:li"]


def test_administrator_is_told_what_the_simulation_needs(run: Callable[..., Result], house: Served, base: str) -> None:
    wanting: tuple[tuple[dict[str, Any], str], ...] = (
        ({"api_base": "https://qyapi.weixin.qq.com"}, "an address of this machine"),
        ({"secret": ""}, "connectors.wecom.secret: is not set"),
        ({"token": "another"}, "HTTP 403"),
    )
    for more, words in wanting:
        told = run("--url", house.url, "hello", **more)
        assert (told.exit_code, words in told.output) == (2, True), told.output
    with Standin(Rules(ENTERPRISE), int(base.rpartition(":")[2])):
        assert "cannot listen on port" in run("--url", house.url, "hello").output
    assert "refdesk serve" in run("--url", "http://127.0.0.1:9", "hello").output


def test_administrator_is_told_when_the_server_looks_for_wecom_elsewhere(
    run: Callable[..., Result], serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.wecom.commands._FIRST", 0.0)
    elsewhere = serve({"wecom": {**SECTION, "api_base": "http://127.0.0.1:9"}})
    told = run("--url", elsewhere.url, "hello")
    assert (told.exit_code, "waiting for the server" in told.output, "does not call" in told.output) == (2, True, True)


def test_administrator_sees_what_the_platform_would_refuse(
    run: Callable[..., Result], house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.wecom.standin.QUOTA", 0)
    told = run("--patience", "3", "--url", house.url, QUESTION)
    assert "[refused: 95001 send msg count limit]" in told.output
