"""The commands for requests and incidents, as their user sees them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import cli
from bot.store import Store
from tests.conftest import ROOT

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in the starter library with a database of its own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("REFDESK__STORE__PATH", str(tmp_path / "refdesk.db"))
    return lambda *arguments: CliRunner().invoke(cli, arguments)


@pytest.fixture
def filled(run: Run, store: Store, say: Callable[..., str]) -> None:
    """The same database with one request in it."""
    for text in ("我要荐购一本书", "1", "三体", "跳过", "li@example.edu", "1"):
        say(text)


def test_requests_are_printed_with_personal_fields_covered(run: Run, filled: None) -> None:
    printed = run("requests", "--from", "2026-11-01", "--to", "2026-12-31").stdout.splitlines()
    assert printed[0] == "编号,类型,提交时间,状态,处理人,资源,用途,联系方式"
    assert printed[1] == "1,荐购,2026-11-23 10:00,等待,,三体,,l***@example.edu"


def test_requests_are_printed_whole_when_asked_for(run: Run, filled: None) -> None:
    said = run("requests", "--from", "2026-11-01", "--to", "2026-12-31", "--personal", "--language", "en", "--form", "purchase_suggestion")
    assert said.stdout.splitlines()[0].startswith("Number,Kind,Sent,Status,Librarian,Item")
    assert "li@example.edu" in said.stdout
    assert len(run("requests", "--form", "book_delivery", "--from", "2026-11-01", "--to", "2026-12-31").stdout.splitlines()) == 1


def test_requests_of_an_unknown_form_are_refused(run: Run) -> None:
    result = run("requests", "--form", "nonsense")
    assert result.exit_code == 2
    assert "there is no form 'nonsense'" in result.output


def test_an_incident_is_set_listed_and_ended(run: Run) -> None:
    said = run(
        "incident",
        "set",
        "VPN 故障",
        "--about",
        "vpn_setup",
        "--english",
        "VPN down",
        "--until",
        "2099-01-01 16:00",
        "--database",
        "中国知网",
    )
    assert said.stdout == "1\n"
    number, since, *rest = run("incident", "list").stdout.rstrip("\n").split("\t")
    assert (number, len(since), rest) == ("1", 16, ["vpn_setup", "中国知网", "VPN 故障", "0"])
    assert run("incident", "end", "1").stdout == "0\n"
    assert run("incident", "list").stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [("set", "VPN 故障", "--about", "nonsense"), ("set", "VPN 故障", "--about", "vpn_setup", "--until", "2020-01-01 10:00"), ("end", "9")],
)
def test_a_wrong_incident_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("incident", *arguments).exit_code == 2
