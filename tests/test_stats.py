"""`refdesk stats --rows`: the questions themselves, as many as there are, safe to open in a spreadsheet."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot import ledger
from bot.__main__ import cli
from bot.domain import Event, EventName
from bot.export import QUESTION
from bot.hours import DutyHours
from bot.ledger import Ledger
from bot.messages import Address, Question
from bot.reports import Query
from bot.store import Session, Store
from tests.conftest import MONDAY, ROOT

N = EventName
FORMULA = '=HYPERLINK("http://evil.example","按此")'
PERIOD = ("--from", "2026-11-01", "--to", "2026-11-30")


def ask(store: Store, text: str, *then: EventName, connector: str = "web") -> int:
    """A stored question with its words and what followed."""

    def work(s: Session) -> int:
        conversation = s.conversation(Address(connector, text), "v")
        number = s.add_question(conversation, Question(text, conversation.address, text), None, MONDAY)
        asked = Event(N.ASKED, MONDAY, connector, "v", number, "vpn_setup", language="zh")
        s.record(asked)
        for name in then:
            ticket = 7 if name in (N.HANDED_OVER, N.DELIVERED) else 0
            s.record(replace(asked, name=name, ticket=ticket, at=MONDAY + timedelta(minutes=10 * (name is N.DELIVERED))))
        return number

    return store.write(work).result()


@pytest.fixture
def stats(store: Store) -> Callable[..., Result]:
    """The command over the store."""

    def run(*arguments: str) -> Result:
        call = ["--settings", str(ROOT / "refdesk.toml"), "stats", *arguments]
        return CliRunner().invoke(cli, call, env={"REFDESK__STORE__PATH": str(store.path)})

    return run


def read(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_rows_open_in_excel_and_a_formula_typed_by_a_patron_stays_text(store: Store, stats: Callable[..., Result]) -> None:
    ask(store, FORMULA, N.HANDED_OVER, N.DELIVERED, connector="wechat")
    ask(store, "我的电话 13812345678", N.ANSWERED, N.HELPFUL)
    out = stats("--rows", "--texts", *PERIOD).stdout
    assert out.startswith("\ufeffquestion,asked_at,channel,")
    first, second = read(out)
    assert first["text"] == "'" + FORMULA
    assert (first["asked_at"], first["result"], first["first_answer_seconds"]) == ("2026-11-23T10:00:00+08:00", "by_librarian", "600.0")
    assert (second["text"], second["helpful"], second["satisfied"], second["ticket"]) == ("我的电话 ●●●", "1", "", "")


def test_rows_are_json_lines_without_words_unless_asked_for(store: Store, stats: Callable[..., Result]) -> None:
    number = ask(store, FORMULA, N.ANSWERED)
    (row,) = map(json.loads, stats("--rows", "--format", "json", *PERIOD).stdout.splitlines())
    assert tuple(row) == QUESTION
    assert (row["question"], row["topic"], row["helpful"], row["ticket"]) == (number, "vpn_setup", None, None)
    (told,) = map(json.loads, stats("--rows", "--texts", "--format", "json", *PERIOD).stdout.splitlines())
    assert told["text"] == FORMULA


def test_rows_and_figures_are_narrowed_by_conditions(store: Store, stats: Callable[..., Result]) -> None:
    for number in range(5):
        ask(store, f"q{number}", *([N.ANSWERED] if number % 2 else []), connector="web" if number < 3 else "wechat")
    found = read(stats("--rows", "--where", "result=by_bot", "--where", "channel=wechat", *PERIOD).stdout)
    assert [row["question"] for row in found] == ["4"]
    assert json.loads(stats("--where", "channel=web", "--format", "json", *PERIOD).stdout)[-1]["questions"] == 3


@pytest.mark.parametrize("condition", ["channel", "channel=", "colour=red"])
def test_a_condition_that_is_none_is_refused(stats: Callable[..., Result], condition: str) -> None:
    result = stats("--rows", "--where", condition)
    assert (result.exit_code, f"--where {condition}: expected FIELD=VALUE" in result.stderr) == (2, True)


def test_an_empty_export_has_its_heads(stats: Callable[..., Result], tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    assert stats("--rows", "--output", str(target), "--from", "1999-01-01", "--to", "1999-12-31").exit_code == 0
    assert target.read_bytes().decode() == "\ufeff" + ",".join(QUESTION) + "\r\n"


def test_questions_stream_some_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [ask(store, f"q{number}") for number in range(7)]
    monkeypatch.setattr(ledger, "_AT_ONCE", 3)
    own, seen = Ledger(store, DutyHours("Asia/Shanghai", ())), list[int]()
    query = Query(MONDAY.date(), MONDAY.date())
    parts = [part.numbers["question"].tolist() for part in own.stream(query, seen.append)]
    assert parts == [numbers[:3], numbers[3:6], numbers[6:]]
    assert (seen, own.size(query)) == ([3, 3, 1], 7)
    assert [part.numbers["question"].tolist() for part in own.stream(query, after=numbers[4])] == [numbers[5:]]
