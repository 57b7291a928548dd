"""Roll-ups and reports over a real store: they always say what the events say, whatever happened in whatever order."""

import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import reports
from bot.domain import Event, EventName
from bot.hours import DutyHours
from bot.ledger import Ledger
from bot.reports import Query, Result
from bot.store import Store
from tests.conftest import MONDAY, ROOT

N = EventName
HOURS = DutyHours("Asia/Shanghai", ("mon-fri 08:30-12:00", "mon-fri 14:00-17:30"))
WHOLE = Query(MONDAY.date() - timedelta(days=30), MONDAY.date() + timedelta(days=30))

EVENTS = st.builds(
    Event,
    name=st.sampled_from([*EventName, *[N.ASKED] * 6, *[N.ANSWERED] * 3, *[N.HANDED_OVER] * 3]),
    at=st.integers(0, 200).map(lambda hours: MONDAY + timedelta(hours=hours / 3)),
    connector=st.sampled_from(["web", "wechat", "qq"]),
    visitor=st.just("v"),
    question=st.integers(0, 12),
    intent=st.sampled_from(["", "vpn_setup", "opening_hours"]),
    entry=st.sampled_from(["", "vpn"]),
    ticket=st.integers(0, 3),
    librarian=st.sampled_from(["", "mei", "lan"]),
    language=st.sampled_from(["", "zh", "en"]),
    value=st.sampled_from(["", "form", "unhelpful", "mailbox"]),
    room=st.sampled_from(["", "g1"]),
    college=st.sampled_from(["", "法学院", "文学院"]),
)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["web", "wechat", "phone"]),
        "language": st.sampled_from(["zh", "en", "-"]),
        "college": st.sampled_from(["法学院", "-"]),
        "topic": st.sampled_from(["vpn_setup", "-"]),
        "room": st.sampled_from(["g1", "-"]),
        "hour": st.sampled_from(["10", "23"]),
        "weekday": st.sampled_from(["0", "6"]),
        "week": st.just("2026-11-23"),
        "month": st.just("2026-11"),
        "handed_over": st.sampled_from(["yes", "no"]),
        "helpful": st.sampled_from(["yes", "no", "-"]),
        "duty": st.sampled_from(["yes", "no"]),
        "form_state": st.sampled_from(["open", "submitted"]),
    },
)


def recorded(store: Store, events: Iterable[Event]) -> None:
    """Each event in a unit of work of its own."""
    for future in [store.write(lambda s, each=event: s.record(each)) for event in events]:  # type: ignore[misc]
        future.result()


def strays(store: Store) -> list[str]:
    """Where roll-ups and events differ."""
    return store.read(lambda s: list(s.strays()))


def counts(report: reports.Report) -> list[tuple[reports.Where, float]]:
    """Every number of questions in a report, with the conditions that choose them."""
    return [
        (cell.only, cell.value)
        for table in report.tables
        for row in table.rows
        for cell, column in zip(row.cells, table.columns, strict=True)
        if cell.only is not None
        and cell.value is not None
        and column.kind is reports.Kind.COUNT
        and column.name not in ("value", "replies")
    ]


@given(st.lists(EVENTS, max_size=60), st.lists(EVENTS, max_size=15), CONDITIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_question_counts_once_for_every_filter_and_roll_ups_say_what_events_say(
    events: list[Event], later: list[Event], conditions: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "refdesk.db")
        try:
            ledger = Ledger(store, HOURS)
            recorded(store, events)
            ledger.columns()
            recorded(store, later)
            assert strays(store) == []
            query = replace(WHOLE, where=tuple(conditions.items()))
            report = ledger.report(query)
            total = report.total
            assert total.questions == total.by_bot + total.by_librarian + total.waiting + total.closed_unanswered
            assert total.questions == len(ledger.questions(query))
            for only, value in counts(report):
                if not set(dict(only)) & set(conditions):
                    assert len(ledger.questions(query.only(only))) == value
            assert sum(row.cells[0].value or 0 for row in report.table("trend").rows) == total.questions
            assert sum(cell.value or 0 for row in report.table("heat").rows for cell in row.cells) == total.questions
            fresh = Ledger(store, HOURS).report(query)
            assert fresh == report
            told = reports.questions(store.read(lambda s: s.histories(MONDAY - timedelta(days=99), MONDAY + timedelta(days=99))))
            assert reports.report(reports.tabulate(told, HOURS.zone), query, HOURS) == report
        finally:
            store.close()


def asked(question: int, at: datetime = MONDAY, **given: str) -> Event:
    """A question that was asked."""
    return Event(N.ASKED, at, given.pop("connector", "web"), "v", question, **given)  # type: ignore[arg-type]


def test_roll_ups_are_made_again_when_the_time_zone_changes(tmp_path: Path) -> None:
    path, late = tmp_path / "refdesk.db", datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    first = Store(path, "Asia/Shanghai")
    recorded(first, [asked(1, late)])
    assert len(Ledger(first, HOURS).questions(Query(date(2026, 11, 24), date(2026, 11, 24)))) == 1
    first.close()
    second = Store(path, "Europe/Berlin")
    berlin = DutyHours("Europe/Berlin", ("mon-fri 09:00-17:00",))
    assert len(Ledger(second, berlin).questions(Query(date(2026, 11, 23), date(2026, 11, 23)))) == 1
    assert strays(second) == []
    second.close()


def test_a_roll_up_that_was_tampered_with_is_found_and_made_again(store: Store) -> None:
    recorded(store, [asked(1), asked(2), replace(asked(2), name=N.ANSWERED), asked(4)])
    other = sqlite3.connect(store.path)
    other.execute("update questions set result = 'by_bot' where question = 1")
    other.execute("update questions set question = 3 where question = 2")
    other.execute("insert into questions select 9, seen, at, day, hour, connector, room, visitor, language, college, intent, entry, result,"
                  " ticket, reason, opened, first_answer, librarian, replies, helpful, satisfied, form, form_state, logged"
                  " from questions where question = 4")  # fmt: skip
    other.execute("update event_totals set count = 7 where name = 'asked'")
    other.commit()
    other.close()
    assert strays(store) == [
        "question 1: result is 'by_bot', the events say 'waiting'",
        "question 2: not counted",
        "question 3: counted, but there is no event that it was asked",
        "question 9: counted, but there is no event that it was asked",
        "events asked on web: 3, counted 7",
    ]
    ledger = Ledger(store, HOURS)
    assert ledger.report(WHOLE).total.by_bot == 2
    assert store.write(lambda s: s.rebuild()).result() == 3
    assert strays(store) == []
    assert ledger.report(WHOLE).total.questions == 3


def test_a_unit_of_work_that_fails_leaves_no_roll_up(store: Store) -> None:
    def failing(s: object) -> None:
        s.record(asked(1))  # type: ignore[attr-defined]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write(failing).result()
    recorded(store, [asked(2)])
    assert strays(store) == []
    assert Ledger(store, HOURS).report(WHOLE).total.questions == 1


def test_a_kept_ledger_sees_what_was_recorded_since(store: Store) -> None:
    ledger = Ledger(store, HOURS)
    assert ledger.report(WHOLE).total.questions == 0
    recorded(store, [asked(1), asked(2, connector="wechat")])
    assert ledger.report(WHOLE).total.waiting == 2
    recorded(store, [replace(asked(1), name=N.ANSWERED)])
    assert ledger.report(WHOLE.only((("channel", "web"),))).total.by_bot == 1
    assert ledger.report(WHOLE).total.waiting == 1
    assert [result for result in Result if ledger.questions(WHOLE.only((("result", result.value),)))] == [Result.BOT, Result.WAITING]


def test_replies_that_arrived_before_arrivals_were_recorded_count_as_answers(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.execute("create table _sqlite_migrations (id integer primary key, migration_set text, name text, applied_at text)")
    for file in sorted((ROOT / "bot/schema").glob("*.sql")):
        if file.stem < "0050":
            old.executescript(file.read_text(encoding="utf-8"))
            old.execute("insert into _sqlite_migrations (migration_set, name, applied_at) values ('refdesk', ?, '')", (file.stem,))
    at, later = MONDAY.isoformat(timespec="microseconds"), (MONDAY + timedelta(minutes=9)).isoformat(timespec="microseconds")
    old.execute("insert into conversations (id, connector, user, visitor, state) values (1, 'web', 'u', 'v', 'human')")
    old.execute(
        "insert into tickets (id, conversation, question, reason, status, opened_at, code) values (1, 1, 5, 'unsure', 'answered', ?, 'c')",
        (at,),
    )
    for number, status in ((6, "delivered"), (7, "due")):
        old.execute(
            "insert into messages (id, conversation, who, connector, text, at, author, answers, ticket)"
            " values (?, 1, 'librarian', 'web', 'x', ?, 'mei', 5, 1)",
            (number, later),
        )
        old.execute("insert into outbox (message, status, due_at) values (?, ?, ?)", (number, status, later))
    for name, ticket in (("asked", 0), ("handed_over", 1), ("replied", 1)):
        old.execute(
            "insert into events (name, at, connector, visitor, question, ticket) values (?, ?, 'web', 'v', 5, ?)", (name, at, ticket)
        )
    old.commit()
    old.close()
    store = Store(path)
    total = Ledger(store, HOURS).report(WHOLE).total
    assert (total.questions, total.by_librarian, total.median_first_answer) == (1, 1, 540)
    assert strays(store) == []
    assert store.read(lambda s: [row["arrived"] for row in s._rows("select arrived from outbox order by id")]) == [1, 0]
    store.close()
