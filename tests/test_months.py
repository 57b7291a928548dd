"""Closed months: the same figures whenever they are counted again, or a list of why not."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import cli
from bot.domain import Event, EventName
from bot.errors import NotFound, Refused
from bot.hours import DutyHours
from bot.months import Months
from bot.reports import Result
from bot.store import Store
from tests.conftest import ROOT

N = EventName
HOURS = DutyHours("Asia/Shanghai", ("mon-fri 08:30-17:30",))
TENTH = datetime(2026, 10, 10, 2, 0, tzinfo=UTC)
# 1 November, half past midnight in Shanghai: still October in UTC
NOVEMBER = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)


def record(store: Store, *events: Event) -> None:
    """Store events."""
    for event in events:
        store.write(lambda s, each=event: s.record(each)).result()  # type: ignore[misc]


@pytest.fixture
def october(store: Store) -> Store:
    """Three questions of October, one of them waiting, and one of November."""
    first = Event(N.ASKED, TENTH, "web", "v", 1, "vpn_setup", language="zh")
    handed = replace(first, name=N.HANDED_OVER, ticket=1)
    record(store, first, replace(first, name=N.ANSWERED), replace(first, question=2), replace(handed, question=2))
    record(store, replace(first, question=3, connector="wechat"), replace(handed, question=3, ticket=2, connector="wechat"))
    record(store, replace(first, name=N.DELIVERED, question=3, ticket=2, at=TENTH + timedelta(hours=1), connector="wechat"))
    record(store, replace(first, question=4, at=NOVEMBER))
    return store


@pytest.fixture
def months(october: Store) -> Months:
    """In December."""
    return Months(october, HOURS, lambda: datetime(2026, 12, 1, tzinfo=UTC))


def test_a_month_is_closed_with_its_figures_and_stands(months: Months) -> None:
    closed = months.close("2026-10", "mei")
    total = json.loads(closed.figures)["total"]
    assert (total["questions"], total["by_bot"], total["by_librarian"], total["waiting"]) == (3, 1, 1, 1)
    assert (closed.closed_by, months.closed()) == ("mei", (closed,))
    standing = months.check("2026-10")
    assert (standing.faults, standing.changes) == ((), ())


def test_a_month_is_that_of_the_library(months: Months) -> None:
    assert json.loads(months.close("2026-11", "mei").figures)["total"]["questions"] == 1


def test_a_late_reply_is_told_and_changes_nothing_that_was_closed(months: Months) -> None:
    closed = months.close("2026-10", "mei")
    late = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    record(months.store, Event(N.CLAIMED, late, "web", "v", 2, ticket=1), Event(N.DELIVERED, late, "web", "v", 2, ticket=1))
    by_hand = Event(N.ASKED, TENTH, "phone", "", 9)
    record(months.store, by_hand, replace(by_hand, name=N.LOGGED, librarian="mei"))
    standing = months.check("2026-10")
    assert (standing.month, standing.faults) == (closed, ())
    change, added = standing.changes
    assert (added.question, added.was, added.now, added.event) == (9, None, Result.LIBRARIAN, N.LOGGED)
    assert (change.question, change.was, change.now, change.event, change.at) == (2, Result.WAITING, Result.LIBRARIAN, N.DELIVERED, late)


def test_events_that_were_altered_are_found(months: Months) -> None:
    months.close("2026-10", "mei")
    other = sqlite3.connect(months.store.path)
    other.execute("drop trigger events_are_fixed")
    other.execute("update events set name = 'social' where name = 'answered'")
    other.commit()
    other.close()
    assert "2026-10 in total: by_bot was 1, the events say 0" in months.check("2026-10").faults


def test_a_stored_month_cannot_be_altered_unseen(months: Months) -> None:
    months.close("2026-10", "mei")
    other = sqlite3.connect(months.store.path)
    with pytest.raises(sqlite3.IntegrityError, match="closed months are kept"):
        other.execute("update closed_months set figures = '{}'")
    with pytest.raises(sqlite3.IntegrityError, match="closed months are kept"):
        other.execute("delete from closed_months")
    other.execute("drop trigger closed_months_are_fixed")
    other.execute("update closed_months set figures = replace(figures, '\"by_bot\":1', '\"by_bot\":2')")
    other.commit()
    other.close()
    assert months.check("2026-10").faults == ("2026-10: the stored figures do not fit their checksum",)


def test_a_changed_duty_table_or_zone_is_named_as_the_reason(months: Months) -> None:
    months.close("2026-10", "mei")
    never = Months(months.store, replace(HOURS, shifts=()), lambda: datetime(2026, 12, 1, tzinfo=UTC))
    # 10 October 2026 is a Saturday, so that this question came outside of duty in any case
    assert never.check("2026-10").faults == ()
    moved = Months(months.store, replace(HOURS, extra=("2026-10-10",)), lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert (
        "2026-10 in total: median_on_duty was None, the events say 3600.0; the duty table of that time was changed"
        in moved.check("2026-10").faults
    )
    berlin = Months(months.store, DutyHours("Europe/Berlin", HOURS.shifts), lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert "2026-10: zone is Europe/Berlin now, was Asia/Shanghai at the closing" in berlin.check("2026-10").faults


@pytest.mark.parametrize(
    ("month", "why"),
    [("2026-12", "not_over"), ("2027-01", "not_over"), ("2026-13", "wrong_date"), ("10", "wrong_date"), ("2026-1", "wrong_date")],
)
def test_a_month_is_not_closed_before_it_is_over_nor_when_it_is_none(months: Months, month: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        months.close(month, "mei")


def test_a_month_is_closed_once(months: Months) -> None:
    months.close("2026-10", "mei")
    with pytest.raises(Refused, match="closed_already"):
        months.close("2026-10", "lan")
    with pytest.raises(NotFound):
        months.check("2026-09")


def test_retention_removes_words_and_no_figure(months: Months) -> None:
    closed = months.close("2026-10", "mei")
    months.store.write(lambda s: s.forget(datetime(2027, 12, 1, tzinfo=UTC))).result()
    assert months.check("2026-10").faults == ()
    assert months.check("2026-10").month == closed


def test_command_closes_a_month_verifies_and_counts_again(october: Store, tmp_path: Path) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        call = ["--settings", str(ROOT / "refdesk.toml"), "stats", *arguments]
        result = CliRunner().invoke(cli, call, env={"REFDESK__STORE__PATH": str(october.path)})
        assert result.exit_code == code, result.output
        return str(result.output)

    assert "2026-10 closed: " in run("--close", "2026-10")
    assert "closed_already" in run("--close", "2026-10", code=2)
    record(october, Event(N.DELIVERED, datetime(2026, 11, 2, tzinfo=UTC), "web", "v", 2, ticket=1))
    assert "question 2 was waiting, is by_librarian by delivered at 2026-11-02" in run("--verify")
    other = sqlite3.connect(october.path)
    other.execute("update questions set result = 'waiting'")
    other.commit()
    other.close()
    assert "question 1: result is 'waiting', the events say 'by_bot'" in run("--verify", code=1)
    assert "4 questions were counted again." in run("--rebuild")
    assert "Every figure follows from the events." in run("--verify")
