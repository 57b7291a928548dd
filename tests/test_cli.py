"""The command line, as its user sees it: what is printed, and the exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot import house
from bot.__main__ import cli
from tests.conftest import ROOT
from tests.sampling import sampled


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mind: house.Mind):  # type: ignore[no-untyped-def]
    """Run a command in the starter library with a database of its own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("REFDESK__STORE__PATH", str(tmp_path / "refdesk.db"))

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=stdin)

    return run


def classified(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_ask_prints_the_answer_and_logs_it(run) -> None:  # type: ignore[no-untyped-def]
    assert "WebVPN" in run("ask", "校外怎么用VPN").stdout
    figures = json.loads(run("stats", "--format", "json").stdout)
    assert figures[-1]["questions"] == figures[-1]["by_bot"] == 1
    assert figures[0]["label"] == "terminal"


def test_chat_remembers_until_an_empty_line(run) -> None:  # type: ignore[no-untyped-def]
    said = run("chat", stdin="校外怎么用VPN\n收费吗\n\n").stdout
    assert "WebVPN" in said
    assert "免费" in said


def test_classify_decides_each_line(run) -> None:  # type: ignore[no-untyped-def]
    lines = ["校外怎么用VPN", "怎么进知网", "你好", "我想荐购一本书", "市图书馆周末几点关", "", "😀", "\ud83d", "转人工"]
    result = run("classify", stdin="".join(json.dumps({"text": text}) + "\n\n" for text in lines))
    assert result.exit_code == 0, result.output
    found = classified(result)
    assert [row["decision"] for row in found] == [
        "answer",
        "answer",
        "social",
        "form",
        "escalate",
        "clarify",
        "clarify",
        "clarify",
        "escalate",
    ]
    assert [row["intent"] for row in found[:5]] == ["vpn_setup", "database_access", "greet", "purchase_suggestion", "out_of_scope"]
    assert set(found[0]) == {"text", "decision", "intent", "confidence", "language", "entities", "alternatives"}
    assert {"kind": "database", "value": "中国知网"} in found[1]["entities"]  # type: ignore[operator]
    assert found[0]["language"] == "zh"


def test_classify_touches_no_database(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run("classify", stdin='{"text": "你好"}\n')
    assert not (tmp_path / "refdesk.db").exists()


@pytest.mark.parametrize("line", ["not json", "[]", '{"message": "x"}', '{"text": 5}', "\udcff"])
def test_classify_names_the_line_it_cannot_read(run, line: str) -> None:  # type: ignore[no-untyped-def]
    result = run("classify", stdin=('{"text": "你好"}\n' + line + "\n").encode("utf-8", "surrogateescape"))
    assert result.exit_code == 2
    assert "standard input, line 2" in result.stderr


def test_check_is_silent_without_a_defect_and_lists_defects_and_fails(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("REFDESK__LIBRARY__INTENTS", str(sampled(tmp_path) / "intents"))
    result = run("check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No defects.\n")
    monkeypatch.setenv("REFDESK__CALENDAR__NOW", "2031-01-01T00:00:00+08:00")
    result = run("check")
    assert result.exit_code == 1
    assert "its review was due on" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("--from", "2026-13-01"), "wrong_date"), (("--from", "2026-11-02", "--to", "2026-11-01"), "reversed")],
)
def test_stats_refuses_a_wrong_period(run, arguments: tuple[str, ...], why: str) -> None:  # type: ignore[no-untyped-def]
    result = run("stats", *arguments)
    assert result.exit_code == 2
    assert why in result.stderr


def test_stats_prints_a_table_and_csv(run) -> None:  # type: ignore[no-untyped-def]
    run("ask", "校外怎么用VPN")
    assert "questions" in run("stats", "--by", "intent").stdout
    assert run("stats", "--format", "csv").stdout.startswith("label,questions")


def test_user_is_invited_and_listed(run) -> None:  # type: ignore[no-untyped-def]
    assert "/setup/" in run("user", "add", "mei", "--name", "梅老师", "--role", "manager").stdout
    assert run("user", "list").stdout == "mei\tmanager\t梅老师\tinvited\n"
    assert run("user", "add", "m e i").exit_code == 2


def test_backup_copies_and_restore_brings_back(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run("ask", "校外怎么用VPN")
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy)).exit_code == 0
    assert run("backup", str(copy)).exit_code == 2
    run("ask", "你好")
    assert run("restore", str(copy)).exit_code == 0
    figures = json.loads(run("stats", "--format", "json").stdout)
    assert figures[-1]["questions"] == 1
    assert list(tmp_path.glob("refdesk.db.before-*"))
    assert run("restore", str(tmp_path / "nothing.db")).exit_code == 2


def test_wrong_setting_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "refdesk.toml").write_text("[server]\nprot = 1\n")
    result = CliRunner().invoke(cli, ["--settings", str(tmp_path / "refdesk.toml"), "check"])
    assert result.exit_code == 2
    assert "server.prot: no such key" in result.stderr
    assert "refdesk.toml:2" in result.stderr


def test_folder_without_a_library_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "refdesk.toml").write_text("")
    result = CliRunner().invoke(cli, ["--settings", str(tmp_path / "refdesk.toml"), "ask", "x"])
    assert result.exit_code == 2
    assert result.stderr.count("\n") < 12


def test_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "bot", "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("0.1.0")
