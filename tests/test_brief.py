"""The brief and every form in which a report is taken away: opened again by the libraries that read such files."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import docx
import openpyxl
import pytest
from click.testing import CliRunner, Result

from bot.__main__ import cli
from bot.brief import pictures
from bot.domain import Deed, Event, EventName
from bot.store import Session, Store
from tests.conftest import MONDAY, ROOT

N = EventName
FORMULA = '=HYPERLINK("http://evil.example","按此")'
PERIOD = ("--from", "2026-11-01", "--to", "2026-11-30")
PNG = b"\x89PNG\r\n\x1a\n"


def ask(store: Store, connector: str, *then: EventName, college: str = "", intent: str = "vpn_setup") -> None:
    """One question of Monday morning with what followed; people answer after ten minutes."""

    def work(s: Session) -> None:
        number = len(s.columns()) + 1
        asked = Event(N.ASKED, MONDAY, connector, "v", number, intent, language="zh", college=college)
        s.record(asked)
        for name in then:
            ticket = number if name in (N.HANDED_OVER, N.DELIVERED) else 0
            value = "wants_person" if name is N.HANDED_OVER else ""
            entry = "vpn_setup" if name is N.ANSWERED else ""
            at = MONDAY + timedelta(minutes=10 * (name is N.DELIVERED))
            s.record(replace(asked, name=name, at=at, ticket=ticket, value=value, entry=entry))

    store.write(work).result()


@pytest.fixture
def spring(store: Store) -> Store:
    """Eight questions: three answered on the web page and one in WeChat by the bot, two by people, two waiting; one college is a trap."""
    ask(store, "web", N.ANSWERED, N.HELPFUL)
    ask(store, "web", N.ANSWERED)
    ask(store, "web", N.ANSWERED)
    ask(store, "wechat", N.ANSWERED)
    ask(store, "wechat", N.HANDED_OVER, N.DELIVERED, college=FORMULA)
    ask(store, "qq", N.HANDED_OVER, N.DELIVERED)
    ask(store, "qq", N.HANDED_OVER)
    ask(store, "web", N.ANSWERED, N.UNHELPFUL)
    return store


Report = Callable[..., Result]


@pytest.fixture
def report(store: Store) -> Report:
    """The command over the store."""

    def run(*arguments: str, period: tuple[str, ...] = PERIOD) -> Result:
        call = ["--settings", str(ROOT / "refdesk.toml"), "report", *period, *arguments]
        return CliRunner().invoke(cli, call, env={"REFDESK__STORE__PATH": str(store.path)})

    return run


def test_a_brief_begins_with_the_sentence_that_managers_report(spring: Store, report: Report) -> None:
    text = report().stdout
    assert (
        "自 2026 年 11 月 1 日以来（截至 2026 年 11 月 30 日），锦江示范大学图书馆共解答咨询 6 次，"
        "其中网页自动回复 3 次，公众号自动回复 1 次，馆员人工解答 2 次。"
    ) in text
    assert "读者共提问 8 次：机器人答复 4 次（50.0%），馆员答复 2 次，2 次仍在等待，0 次未答结束。" in text
    assert "一半不超过 10 分 0 秒" in text
    assert "| 网页 | 4 | 3 | 0 | 1 | 0 | 75.0% | – |" in text


def test_a_brief_is_written_in_english_too(spring: Store, report: Report) -> None:
    text = report("--language", "en").stdout
    assert "answered 6 consultations, of these 3 by automatic replies (Web page), 1 by automatic replies (WeChat), 2 by librarians." in text
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"(?m)^\[\w+\]: data.*$", "", text))


def test_charts_of_a_markdown_brief_are_drawings_within_it(spring: Store, report: Report) -> None:
    text = report().stdout
    data = dict(re.findall(r"(?m)^\[(\w+)\]: data:image/svg\+xml;base64,(\S+)$", text))
    assert sorted(data) == ["channels", "heat", "topics", "trend"]
    assert all(f"][{name}]" in text for name in data)
    assert "公众号" in base64.b64decode(data["channels"]).decode()


def test_an_html_brief_loads_nothing_and_escapes_what_patrons_typed(spring: Store, report: Report) -> None:
    page = report("--format", "html", "--where", "college=<script>alert(1)</script>").stdout
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    page = report("--format", "html", "--language", "en").stdout
    assert page.count("<svg") == 4
    assert page.count("<table") >= 5
    assert not re.search(r'(?:src|href)="', page.replace("xlink:href", ""))


def test_a_word_brief_opens_with_tables_pictures_and_chinese_fonts(spring: Store, report: Report, tmp_path: Path) -> None:
    path = tmp_path / "brief.docx"
    assert report("--format", "docx", "--output", str(path)).exit_code == 0
    opened = docx.Document(str(path))
    words = [paragraph.text for paragraph in opened.paragraphs]
    assert words[0] == "锦江示范大学图书馆咨询服务简报"
    assert any("共解答咨询 6 次" in each for each in words)
    assert [cell.text for cell in opened.tables[1].rows[1].cells][:4] == ["网页", "4", "3", "0"]
    assert len(opened.inline_shapes) == 4
    assert "图：各渠道的问题和结果。数字见表格。" in opened.element.xml
    assert opened.styles["Normal"].element.xml.count("Microsoft YaHei") == 1
    assert "w:tblHeader" in opened.tables[0].rows[0]._tr.xml


def test_a_workbook_has_typed_columns_a_frozen_header_and_no_formula(spring: Store, report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    assert report("--format", "xlsx", "--output", str(path)).exit_code == 0
    book = openpyxl.load_workbook(path)
    channels, trend, colleges = book["各渠道"], book["趋势"], book["学院"]
    assert channels.freeze_panes == "B2"
    heads = [cell.value for cell in channels[1]]
    assert heads[:7] == ["渠道", "问题", "机器人答复", "馆员答复", "等待中", "未答结束", "自动答复率"]
    first = [cell.value for cell in channels[2]]
    assert first[:7] == ["网页", 4, 3, 0, 1, 0, 0.75]
    assert channels["G2"].number_format == "0.0%"
    assert channels["J3"].number_format == "[h]:mm:ss"
    assert channels["J3"].value == timedelta(minutes=10)
    assert trend["A2"].is_date
    trap = next(cell for (cell,) in colleges["A2:A3"] if "HYPERLINK" in str(cell.value))
    assert (trap.value, trap.data_type, trap.hyperlink) == (FORMULA, "s", None)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    pictures = book["图"]._images
    assert len(pictures) == 4
    assert all(each._data().startswith(PNG) for each in pictures)
    assert all(above.anchor.to.row < below.anchor._from.row for above, below in pairwise(pictures)), "no picture lies over another"
    assert dict(book["合计"].iter_rows(values_only=True, max_col=2))["自动答复率"] == 0.5


def test_a_csv_opens_right_in_excel_and_a_formula_stays_text(spring: Store, report: Report) -> None:
    text = report("--format", "csv", "--table", "colleges").stdout
    assert text.startswith("\ufeff学院,问题,")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert {row[0]: row[1] for row in rows[1:]} == {"未提学院": "7", "'" + FORMULA: "1"}


def test_data_has_every_figure_and_table(spring: Store, report: Report) -> None:
    found = json.loads(report("--format", "json", "--where", "channel=web").stdout)
    assert (found["format"], found["version"], found["from"], found["filters"]) == ("refdesk-report", 1, "2026-11-01", {"channel": "web"})
    assert (found["figures"]["questions"], found["figures"]["by_bot"], found["figures"]["automatic_share"]) == (4, 3, 0.75)
    channels = next(table for table in found["tables"] if table["name"] == "channels")
    assert (channels["rows"][0]["label"], channels["rows"][0]["text"], channels["rows"][0]["values"][:3]) == ("web", "网页", [4, 3, 0])


@pytest.mark.parametrize("shape", ["md", "html", "docx", "xlsx", "json", "csv"])
def test_an_empty_period_says_so_in_every_form(store: Store, report: Report, shape: str, tmp_path: Path) -> None:
    path = tmp_path / f"empty.{shape}"
    done = report("--format", shape, "--output", str(path))
    assert (done.exit_code, done.stderr) == (0, "")
    assert path.stat().st_size
    if shape == "md":
        assert "没有收到咨询" in path.read_text(encoding="utf-8")


def test_a_brief_of_questions_that_nobody_answered_does_not_call_them_answered(store: Store, report: Report) -> None:
    ask(store, "web", N.HANDED_OVER)
    assert "收到咨询 1 次，尚未解答" in report().stdout


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (("--from", "2026-02-30"), "--from and --to are days like 2026-11-22"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--from is after --to"),
    ],
)
def test_a_wrong_period_is_told_and_leaves_no_file(report: Report, tmp_path: Path, period: tuple[str, ...], said: str) -> None:
    path = tmp_path / "report.md"
    done = report("--output", str(path), period=period)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not path.exists()


def test_a_table_that_does_not_exist_is_refused_with_those_that_do(store: Store, report: Report) -> None:
    done = report("--format", "csv", "--table", "chanels")
    assert done.exit_code == 2
    assert "chanels" in done.stderr
    assert "channels, trend" in done.stderr


def test_an_export_is_noted_in_the_audit_log(spring: Store, report: Report) -> None:
    report("--format", "json", "--where", "channel=web")
    ((_, entry),) = spring.read(lambda s: s.audit(deed=Deed.EXPORTED, limit=5))
    assert (entry.target, entry.detail) == ("report json", "from=2026-11-01&to=2026-11-30&channel=web")


@pytest.mark.parametrize("shape", ["docx", "xlsx", "html"])
def test_characters_that_no_file_may_have_are_left_out(spring: Store, report: Report, shape: str, tmp_path: Path) -> None:
    ask(spring, "web", N.ANSWERED, college="文\x01学\x0b院")
    done = report("--format", shape, "--where", "college=文\x01学\x0b院", "--output", str(tmp_path / "odd"))
    assert (done.exit_code, done.stderr) == (0, "")
    if shape == "docx":
        assert any("文 学 院" in paragraph.text for paragraph in docx.Document(str(tmp_path / "odd")).paragraphs)


def test_a_server_without_a_chinese_font_says_so_in_place_of_the_charts(
    spring: Store, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.brief.pictures.writes_chinese", lambda: False)
    for shape in ("docx", "xlsx"):
        assert report("--format", shape, "--output", str(tmp_path / shape)).exit_code == 0
    words = docx.Document(str(tmp_path / "docx"))
    assert [paragraph.text for paragraph in words.paragraphs].count(
        "图未生成：服务器没有中文字体（Debian：apt-get install fonts-noto-cjk）。数字见表格。"
    ) == 4
    (tmp_path / "xlsx").rename(tmp_path / "plain.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "plain.xlsx")["图"]
    assert (len(sheet._images), "fonts-noto-cjk" in str(sheet["A2"].value)) == (0, True)


def test_a_chinese_font_is_recognised_by_its_different_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures.writes_chinese.cache_clear()
    monkeypatch.setattr(pictures, "vl_convert", SimpleNamespace(svg_to_png=lambda drawing: b"the same box"))
    assert not pictures.writes_chinese()
    pictures.writes_chinese.cache_clear()
    monkeypatch.setattr(pictures, "vl_convert", SimpleNamespace(svg_to_png=lambda drawing: drawing.encode()))
    assert pictures.writes_chinese()
    pictures.writes_chinese.cache_clear()


def test_fonts_of_ones_own_are_used_and_a_missing_folder_is_named(
    spring: Store, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFDESK__REPORTS__FONTS", str(tmp_path))
    assert report("--format", "json").exit_code == 0
    monkeypatch.setenv("REFDESK__REPORTS__FONTS", str(tmp_path / "none"))
    done = report("--format", "json")
    assert (done.exit_code, "reports.fonts" in done.stderr) == (2, True)
