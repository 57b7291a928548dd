"""`refdesk report --consortium`: the exports of several libraries and a survey among libraries become one brief."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from click.testing import CliRunner, Result

from bot.__main__ import cli
from tests.conftest import ROOT

SICHUAN = ROOT / "knowledge" / "demo" / "sichuan-2020"
FIGURES = ("handed_over", "helpful", "unhelpful", "satisfied", "dissatisfied", "unattended", "logged")
COUNTS = ("questions", "by_bot", "by_librarian", "waiting", "closed_unanswered")
SURVEY = "{of: 1, title: {zh: a, en: a}, source: {zh: a, en: a}, services: [{zh: a, en: a, libraries: 1}]}"
Join = Callable[..., Result]


def export(library: str, *counts: int, channel: str = "web", end: str = "2026-03-31", **more: Any) -> dict[str, Any]:
    """What `refdesk report --format json` writes, with one channel and one topic."""
    heads = [{"name": name, "kind": "count"} for name in COUNTS]
    return {
        "format": "refdesk-report", "version": 1, "library": library, "from": "2026-03-01", "to": end, "filters": {}, "language": "zh",
        "figures": {
            "label": "all", **dict(zip(COUNTS, counts, strict=True)), **dict.fromkeys(FIGURES, 1),
            "median_first_answer": 600.0, "p90_first_answer": None,
        },
        "tables": [
            {"name": "channels", "columns": heads, "rows": [{"label": channel, "text": f"{channel}!", "values": counts}]},
            {"name": "topics", "columns": heads, "rows": [{"label": "vpn_setup", "text": "VPN", "values": counts}]},
        ],
        **more,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two libraries: eight and two questions."""
    path = tmp_path / "libraries"
    path.mkdir()
    (path / "a.json").write_text(json.dumps(export("甲校图书馆", 8, 4, 2, 1, 1)), encoding="utf-8")
    (path / "b.json").write_text(json.dumps(export("=乙校图书馆", 2, 1, 1, 0, 0, channel="tent")), encoding="utf-8")
    return path


@pytest.fixture
def join() -> Join:
    """The command; it opens no database."""

    def run(folder: Path, *arguments: str) -> Result:
        call = ["--settings", str(ROOT / "refdesk.toml"), "report", "--consortium", str(folder), *arguments]
        return CliRunner().invoke(cli, call, env={"REFDESK__STORE__PATH": "/nowhere/there.db"})

    return run


def test_libraries_add_up_to_one_brief(folder: Path, join: Join) -> None:
    text = join(folder).stdout
    assert "2 所图书馆共解答咨询 8 次，其中网页自动回复 4 次，tent!自动回复 1 次，馆员人工解答 3 次。" in text
    assert "| 甲校图书馆 | 8 | 4 | 2 | 1 | 1 | 50.0% | 1 | 1 | 10 分 0 秒 | – |" in text
    assert "| =乙校图书馆 | 2 | 1 | 1 | 0 | 0 | 50.0% |" in text
    assert "用时的中位数不能由各馆的中位数合并" in text
    assert "各馆的统计时段不同" not in text


def test_periods_that_differ_are_told(folder: Path, join: Join) -> None:
    (folder / "c.json").write_text(json.dumps(export("丙校图书馆", 1, 1, 0, 0, 0, end="2026-04-30")), encoding="utf-8")
    text = join(folder, "--language", "en").stdout
    assert "The libraries' periods differ: 甲校图书馆 (2026-03-01 to 2026-03-31)" in text
    assert "From 2026-03-01 to 2026-04-30, 3 libraries answered 9 consultations" in text


def test_what_was_merged_can_be_merged_again_and_opened_as_a_spreadsheet(folder: Path, join: Join, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    upper.mkdir()
    assert join(folder, "--format", "json", "--output", str(upper / "two.json")).exit_code == 0
    assert "1 所图书馆共解答咨询 8 次" in join(upper).stdout
    path = tmp_path / "joint.xlsx"
    assert join(folder, "--format", "xlsx", "--output", str(path)).exit_code == 0
    rows = list(openpyxl.load_workbook(path)["各图书馆"].iter_rows(values_only=True, max_col=3))
    assert rows[1:] == [("甲校图书馆", 8, 4), ("=乙校图书馆", 2, 1)]


def test_an_export_of_this_version_can_be_merged(tmp_path: Path, join: Join) -> None:
    folder, settings = tmp_path / "one", ["--settings", str(ROOT / "refdesk.toml")]
    folder.mkdir()
    call = [*settings, "report", "--format", "json", "--output", str(folder / "own.json")]
    assert CliRunner().invoke(cli, call, env={"REFDESK__STORE__PATH": str(tmp_path / "own.db")}).exit_code == 0
    assert "没有收到咨询" in join(folder).stdout


def test_the_sichuan_survey_becomes_a_brief_with_its_shares(join: Join, tmp_path: Path) -> None:
    text = join(SICHUAN).stdout
    for row in ("在线咨询 | 74 | 81.3%", "在线电子教材 | 38 | 41.8%", "文献传递 | 17 | 18.7%", "图书送达 | 11 | 12.1%"):
        assert f"| {row} |" in text
    assert "在 91 所图书馆中，开展最多的是“24 小时电子资源”：91 所（100.0%）" in text
    path = tmp_path / "sichuan.docx"
    assert join(SICHUAN, "--format", "docx", "--language", "en", "--output", str(path)).exit_code == 0
    opened = docx.Document(str(path))
    assert len(opened.inline_shapes) == 1
    assert [cell.text for cell in opened.tables[0].rows[2].cells] == ["Online consultation", "74", "81.3%"]


def test_a_survey_and_exports_stand_in_one_brief(folder: Path, join: Join) -> None:
    shutil.copy(SICHUAN / "survey.yml", folder)
    text = join(folder, "--format", "html").stdout
    assert text.count("<svg") == 4
    assert "81.3%" in text
    assert "共解答咨询 8 次" in text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.json", "{", "c.json:1: not an export"),
        ("c.json", json.dumps({"format": "other"}), "c.json:1: format"),
        ("c.json", json.dumps(export("丙", 3, 1, 1, 0, 0)), "questions are not the sum"),
        ("c.json", json.dumps(export("丙", 1, 1, 0, 0, 0, filters={"channel": "web"})), "only whole reports"),
        ("c.json", json.dumps(export("丙", 1, 1, 0, 0, 0, figures={"questions": 1})), "by_bot"),
        ("c.json", json.dumps(export("甲校图书馆", 1, 1, 0, 0, 0)), "counted twice"),
        ("survey.yml", "of: 3\n", "survey.yml:1: title"),
        ("survey.yml", "of: [", "not YAML"),
        ("survey.yml", SURVEY.replace("libraries: 1", "libraries: 2"), "than were asked"),
    ],
)
def test_what_cannot_be_merged_is_named(folder: Path, join: Join, name: str, content: str, said: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    done = join(folder)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_an_empty_folder_and_a_period_beside_it_are_refused(tmp_path: Path, folder: Path, join: Join) -> None:
    assert "there is no export" in join(tmp_path).stderr
    assert "period and questions are those of the exports" in join(folder, "--from", "2026-03-01").stderr
