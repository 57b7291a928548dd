"""`refdesk check` on a copy of the starter library in which one thing is broken."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bot.check import check, near_duplicates
from bot.settings import Settings
from bot.training import Example, Training
from tests.conftest import ROOT
from tests.sampling import sampled

TODAY = date(2026, 11, 22)
Edit = Callable[[str, str, str], None]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library in which one thing may be broken."""
    return sampled(tmp_path)


@pytest.fixture
def edit(library: Path) -> Edit:
    """Replace a piece of a file."""

    def edit(name: str, old: str, new: str) -> None:
        path = library / name
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, new, 1), encoding="utf-8")

    return edit


def found(library: Path, today: date = TODAY, **sections: object) -> list[str]:
    settings = Settings(root=library, **sections)
    return [str(defect).replace(f"{library}/", "") for defect in check(settings, today)]


def line_of(library: Path, name: str, text: str) -> int:
    lines = (library / name).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_starter_library_has_no_defect() -> None:
    assert found(ROOT) == []


def test_check_names_file_and_line_of_a_contradiction_and_a_duplicate(library: Path) -> None:
    path = library / "intents/nlu/visiting.yml"
    text = path.read_text(encoding="utf-8")
    added = "- intent: opening_hours\n  examples: |\n    - 几点 开门？？Xyz\n    - 几点开门xyz\n"
    path.write_text(text + added + "- intent: entry_rules\n  examples: |\n    - 几点开门XYZ\n", encoding="utf-8")
    last = len(path.read_text(encoding="utf-8").splitlines())
    defects = found(library)
    assert any(d.startswith(f"intents/nlu/visiting.yml:{last - 3}:") and "duplicate" in d for d in defects)
    assert any(d.startswith(f"intents/nlu/visiting.yml:{last}:") and "contradiction: opening_hours" in d for d in defects)


def test_check_finds_an_unknown_intent(library: Path, edit: Edit) -> None:
    edit("intents/nlu/visiting.yml", "- intent: opening_hours", "- intent: opening_ours")
    assert any(re.match(r"intents/nlu/visiting\.yml:\d+: intent 'opening_ours' is not in catalogue", d) for d in found(library))


def test_check_finds_an_entry_of_an_unknown_intent(library: Path, edit: Edit) -> None:
    edit("knowledge/visiting.yml", "intent: print_scan", "intent: print_scam")
    defects = found(library)
    assert any("'print_scam' is not in catalogue.yml" in d and d.startswith("knowledge/visiting.yml:") for d in defects)
    assert any("print_scan has no entry" in d for d in defects)


def test_check_finds_a_missing_language(library: Path, edit: Edit) -> None:
    edit("knowledge/courtesy.yml", "    en: |", "    fr: |")
    assert any(re.match(r"knowledge/courtesy\.yml:\d+: answer\.(en|fr)", d) for d in found(library))


def test_check_finds_an_intent_without_examples_in_one_language(library: Path) -> None:
    path = library / "intents/nlu/courtesy.yml"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not re.match(r"    - [\x00-\x7f]+$", line)]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert any("greet has no en examples" in d for d in found(library))


def test_check_finds_an_overdue_review(library: Path) -> None:
    assert any("its review was due on" in d for d in found(library, date(2030, 1, 1)))


def test_check_finds_a_missing_review(library: Path, edit: Edit) -> None:
    edit("knowledge/courtesy.yml", "  review_by: ", "  review_bye: ")
    assert any("review_by: Field required" in d for d in found(library))


def test_check_finds_impossible_review_dates(library: Path, edit: Edit) -> None:
    path = "knowledge/courtesy.yml"
    edit(path, "reviewed_on: 2026-09-01", "reviewed_on: 2029-09-01")
    defects = found(library)
    assert any("lies in the future" in d for d in defects)
    assert any("is not after reviewed_on" in d for d in defects)


def test_check_finds_an_unknown_fact(library: Path, edit: Edit) -> None:
    edit("knowledge/visiting.yml", "{{hours.", "{{ours.")
    assert any("unknown fact {{ours." in d for d in found(library))


def test_check_finds_entries_that_no_date_reaches(library: Path, edit: Edit) -> None:
    edit("knowledge/visiting.yml", "valid_from: 2027-01-16", "valid_from: 2027-12-16")
    assert any("no date reaches it, valid_from" in d for d in found(library))
    assert any("no date reaches it any more" in d for d in found(library, date(2028, 1, 1)))


def test_check_finds_an_answer_that_is_too_long_for_a_channel(library: Path, edit: Edit) -> None:
    edit("knowledge/courtesy.yml", "    zh: |\n", "    zh: |\n      " + "很长的话" * 200 + "\n")
    assert any("the tightest channel takes 2048" in d for d in found(library))


def test_check_finds_a_broken_table_row_with_its_line(library: Path) -> None:
    path = library / "knowledge/tables/databases.csv"
    path.write_text(path.read_text(encoding="utf-8") + "半行,half\n", encoding="utf-8")
    number = len(path.read_text(encoding="utf-8").splitlines())
    assert any(d.startswith(f"knowledge/tables/databases.csv:{number}: 2 cells") for d in found(library))


def test_check_finds_malformed_yaml_with_its_line(library: Path) -> None:
    path = library / "knowledge/courtesy.yml"
    path.write_text(path.read_text(encoding="utf-8") + "- id: [broken\n", encoding="utf-8")
    assert any(re.match(r"knowledge/courtesy\.yml:\d+: malformed YAML", d) for d in found(library))


def test_check_finds_a_form_without_its_form(library: Path, edit: Edit) -> None:
    edit("knowledge/forms/requests.yml", "- id: purchase_suggestion", "- id: purchase")
    assert any("purchase_suggestion is a form, but knowledge/forms has none" in d for d in found(library))


def test_check_finds_calling_words_of_a_form_that_there_is_not(library: Path, edit: Edit) -> None:
    edit("knowledge/cues.yml", "call_textbook_request:", "call_textbok_request:")
    assert any("call_textbok_request: there is no form textbok_request" in d for d in found(library))


def test_check_finds_an_unknown_validator(library: Path, edit: Edit) -> None:
    edit("knowledge/forms/requests.yml", "check: contact", "check: telepathy")
    assert any("unknown check 'telepathy'" in d for d in found(library))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('slots: ["mon-fri 09:30-11:30"', 'slots: ["mon-fri 11:30-09:30"', "field slot: slots 'mon-fri 11:30-09:30' ends before it starts"),
        ("check: slot", "check: text", "field slot: check slot and slots belong together"),
    ],
)
def test_check_finds_delivery_times_that_are_none(library: Path, edit: Edit, old: str, new: str, what: str) -> None:
    edit("knowledge/forms/requests.yml", old, new)
    assert any(what in d for d in found(library))


def test_check_finds_a_domain_that_differs(library: Path, edit: Edit) -> None:
    edit("intents/domain.yml", "- greet", "- great")
    defects = found(library)
    assert any("intent greet is missing from domain.yml" in d for d in defects)
    assert any("intent great is only in domain.yml" in d for d in defects)


def test_check_finds_a_missing_domain(library: Path) -> None:
    (library / "intents/domain.yml").unlink()
    assert any(d.startswith("intents/domain.yml: cannot be read") for d in found(library))


@pytest.mark.parametrize("content", ["version: '3.1'\n", "intents:\n", "- intents\n"])
def test_check_finds_a_domain_without_intents(library: Path, content: str) -> None:
    (library / "intents/domain.yml").write_text(content, encoding="utf-8")
    assert any(d.startswith("intents/domain.yml: expected a list under the key intents") for d in found(library))


def test_check_finds_wrong_duty_hours_and_unknown_connectors(library: Path) -> None:
    assert any("calendar.duty" in d for d in found(library, calendar={"duty": ("monday 8-12",)}))
    assert any("connectors.fax" in d for d in found(library, connectors={"fax": {}}))


def test_check_reports_broken_examples_and_broken_entries_together(library: Path, edit: Edit) -> None:
    edit("intents/nlu/courtesy.yml", "    - ", "    ")
    edit("knowledge/courtesy.yml", "risk: low", "risk: none")
    defects = found(library)
    assert any(d.startswith("intents/nlu/courtesy.yml") for d in defects)
    assert any(d.startswith("knowledge/courtesy.yml") for d in defects)


def test_nearly_equal_examples_of_two_intents_are_found() -> None:
    long = "我想问一下图书馆的自助打印机在几楼能不能彩色打印双面"
    texts = [
        (long, "print_scan"),
        (long + "呀", "network_service"),
        (long + "呢", "print_scan"),
        ("完全不同的一句话，长度差不多，说的是借书和还书的事情呀", "renew_loan"),
    ]
    examples = tuple(Example(text, intent, Path("nlu/x.yml"), number) for number, (text, intent) in enumerate(texts, 1))
    pairs = [str(defect) for defect in near_duplicates(Training(examples, (), (), ""))]
    assert len(pairs) == 2
    assert all("network_service" in pair and "print_scan" in pair for pair in pairs)


def test_check_finds_an_entry_of_a_menu_that_asks_about_an_unknown_intent(library: Path) -> None:
    menu = '[connectors.wechat]\ntoken = "abc123"\n[[connectors.wechat.menu]]\nname = "VPN"\nintent = "vpn_setup"\n'
    menu += '[[connectors.wechat.menu]]\nname = "常用"\n[[connectors.wechat.menu.sub]]\nname = "续借"\nintent = "renewals"\n'
    (library / "refdesk.toml").write_text(menu, encoding="utf-8")
    connectors = tomllib.loads(menu)["connectors"]
    (told,) = found(library, connectors=connectors)
    assert told == "refdesk.toml:10: connectors.wechat: there is no intent renewals"
    connectors["wechat"]["colour"] = "blue"
    assert [told for told in found(library, connectors=connectors) if "no intent" in told] == []
