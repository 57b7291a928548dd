"""How fast figures come from a large database: the dashboard, the questions behind a number, and an export.

`python -m benchmarks.figures` makes a database of two million made-up events in a temporary folder, rolls it up, and measures; with
`--events` another number. Events are written by SQL, all else goes the way of the product: the roll-up, the ledger, the real
server's page, the real command.
"""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import httpx

from benchmarks.measuring import ROOT, circumstances, processor_s, quantile, refdesk, resident_mb, table
from bot import training
from bot.accounts import Accounts
from bot.domain import Event, EventName, Role
from bot.hours import DutyHours
from bot.ledger import Ledger
from bot.reports import Query
from bot.store import Store

DUTY = DutyHours("Asia/Shanghai", ("mon-fri 08:30-12:00", "mon-fri 14:00-17:30"))
LAST = date(2026, 11, 20)
DAYS = 1096
EXPORTED = 200_000
PASSWORD = "benchmark benchmark"
_COLUMNS = "name, at, connector, visitor, question, intent, entry, ticket, librarian, language, value, college"
_CHANNELS, _SHARES = ("web", "wechat", "qq", "wecom", "rest"), (45, 21, 24, 5, 5)
_EVENTS_EACH = 4.228
_COLLEGES = ("", "", "", "", "法学院", "文学院", "计算机学院", "医学院", "经济学院")


def intents() -> tuple[str, ...]:
    """Those of the starter library."""
    return tuple(intent.id for intent in training.read_catalogue(ROOT / "intents/catalogue.yml"))


def histories(events: int, seed: int = 8) -> Iterator[tuple[tuple[object, ...], ...]]:
    """The events of one question after the other, in the order of time, about `events` in all."""
    dice, topics, made, question = random.Random(seed), intents(), 0, 0
    begin = datetime.combine(LAST, datetime.min.time(), DUTY.zone).astimezone(UTC) - timedelta(days=DAYS - 1)
    step = timedelta(days=DAYS) / max(1, round(events / _EVENTS_EACH))
    while made < events:
        question += 1
        rows = tuple(_history(question, begin + step * (question - 1), dice, topics))
        made += len(rows)
        yield rows


def _history(question: int, at: datetime, dice: random.Random, topics: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    channel, topic = dice.choices(_CHANNELS, _SHARES)[0], topics[min(int(dice.expovariate(0.06)), len(topics) - 1)]
    language, college, librarian = dice.choices(("zh", "en"), (9, 1))[0], dice.choice(_COLLEGES), f"librarian-{dice.randrange(8)}"

    def event(name: EventName, minutes: float = 0, ticket: int = 0, who: str = "", entry: str = "", value: str = "") -> tuple[object, ...]:
        stamp = (at + timedelta(minutes=minutes)).isoformat(timespec="microseconds")
        return name.value, stamp, channel, f"v{question % 50_000}", question, topic, entry, ticket, who, language, value, college

    yield event(EventName.ASKED)
    if dice.random() < 0.45:
        yield event(EventName.ANSWERED, entry=topic)
        if dice.random() < 0.3:
            yield event(EventName.HELPFUL if dice.random() < 0.8 else EventName.UNHELPFUL, 2, entry=topic)
        return
    yield event(EventName.HANDED_OVER, 0.1, question, value="out_of_scope")
    if dice.random() < 0.95:
        wait = dice.lognormvariate(3, 1.5)
        for name, minutes in (
            (EventName.CLAIMED, wait / 2),
            (EventName.REPLIED, wait),
            (EventName.DELIVERED, wait),
            (EventName.CLOSED, wait + 9),
        ):
            yield event(name, minutes, question, librarian)


def fill(path: Path, events: int) -> int:
    """A database with this many events and the words of their questions; returns how many questions there are."""
    Store(path).close()
    count = 0
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma synchronous = off")
        database.execute("insert into conversations (id, connector, user, visitor, state) values (1, 'web', 'made-up', 'v', 'bot')")
        put = f"insert into events ({_COLUMNS}) values ({', '.join('?' * 12)})"
        for count, rows in enumerate(histories(events), 1):
            database.executemany(put, rows)
            database.execute(
                "insert into messages (id, conversation, who, connector, text, at) values (?, 1, 'patron', 'web', ?, ?)",
                (count, f"第 {count} 个问题：这是为测量而编的", rows[0][1]),
            )
        database.execute("delete from facts where name = 'figures.rebuilt'")
        database.commit()
    return count


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of the processor."""
    begin, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - used


def line(what: str, found: list[tuple[float, float]], questions: str = "") -> tuple[str, ...]:
    """Median and longest by the clock, median of the processor, in milliseconds."""
    clock, processor = zip(*found, strict=True)
    figures = (quantile(clock, 0.5), max(clock), quantile(processor, 0.5))
    return (what, *(f"{seconds * 1000:.0f}" for seconds in figures), questions)


def spans(first: date = LAST) -> dict[str, Query]:
    """Queries as managers ask them."""
    month, year = Query(first - timedelta(days=29), first), Query(first - timedelta(days=364), first)
    whole = Query(first - timedelta(days=DAYS - 1), first)
    return {
        "30 days": month,
        "a year": year,
        "all of it": whole,
        "all of it, one channel": whole.only((("channel", "wechat"),)),
        "all of it, one topic and college": whole.only((("topic", "vpn_setup"), ("college", "法学院"))),
    }


def ledger_rows(store: Store, times: int) -> list[tuple[str, ...]]:
    """What the figures of each query take, all tables of the dashboard, with the columns at hand; and what it takes to have them."""
    ledger = Ledger(store, DUTY)
    rows = [line("columns read after a start", [took(ledger.columns)])]
    at = datetime.combine(LAST, datetime.min.time(), DUTY.zone)
    for number in range(times):
        store.write(lambda s, n=number: s.record(Event(EventName.ASKED, at, "web", "v", 900_000_000 + n))).result()  # type: ignore[misc]
    rows.append(line(f"columns brought up to date, {times} new questions", [took(ledger.columns)]))
    for name, query in spans().items():
        found = [took(lambda q=query: ledger.report(q)) for _ in range(times)]  # type: ignore[misc]
        rows.append(line(f"figures, {name}", found, f"{ledger.report(query).total.questions:,}"))
    return rows


def page_rows(database: Path, times: int) -> tuple[list[tuple[str, ...]], float]:
    """The same over HTTP, as a manager's browser gets it, and the server's memory after it, MB."""
    store = Store(database)
    token = Accounts(store, store.write(lambda s: s.fact("secret", "0" * 64)).result(), lambda: datetime.now(UTC)).invite(
        "boss", "boss", Role.MANAGER
    )
    store.close()
    rows = []
    with refdesk(database) as server, httpx.Client(base_url=server.address, timeout=60, trust_env=False) as client:
        client.post(f"/setup/{token}", data={"password": PASSWORD, "again": PASSWORD})
        for name, query in spans().items():
            for path, what in (("/reports", "page"), ("/reports/rows", "questions behind it")):
                found = []
                for _ in range(times):
                    begin, used = time.perf_counter(), processor_s(server.number)
                    answer = client.get(f"{path}?{query.address()}", headers={"Accept": "text/html"})
                    found.append((time.perf_counter() - begin, processor_s(server.number) - used))
                    if answer.status_code != 200 or "/login" in str(answer.url):
                        raise click.ClickException(f"{path}: {answer.status_code}")
                rows.append(line(f"{what}, {name}", found))
        return rows, resident_mb(server.number)


def exported(database: Path, store: Store, most: int) -> tuple[int, float, float]:
    """Rows of an export of about `most` questions with their words by the command, seconds, and its peak memory in MB."""
    first = LAST - timedelta(days=DAYS - 1)
    days = min(DAYS, max(1, round(most * DAYS / max(1, store.read(lambda s: s.asked_on(first, LAST))))))
    target = database.with_suffix(".csv")
    command = [sys.executable, "-m", "bot", "stats", "--rows", "--texts", "--output", str(target)]
    command += ["--from", (LAST - timedelta(days=days - 1)).isoformat(), "--to", LAST.isoformat()]
    begin = time.perf_counter()
    # By way of a small process: what a child's peak is counted from includes that of its parent before it became itself.
    shim = (
        "import resource as r, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(r.getrusage(r.RUSAGE_CHILDREN).ru_maxrss)"
    )
    environment = {**os.environ, "REFDESK__STORE__PATH": str(database)}
    done = subprocess.run([sys.executable, "-c", shim, *command], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    with target.open(encoding="utf-8") as file:
        return sum(1 for _ in file) - 1, seconds, int(done.stdout) * 1024 / 1e6


@click.command()
@click.option("--events", type=click.IntRange(10), default=2_000_000)
@click.option("--times", type=click.IntRange(1), default=7, help="How often each query is asked.")
def main(events: int, times: int) -> None:
    """Make a database, roll it up, measure."""
    told = circumstances()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "figures.db"
        made = time.perf_counter()
        questions = fill(database, events)
        made = time.perf_counter() - made
        rebuilt, _ = took(lambda: Store(database).close())
        store = Store(database)
        rows = ledger_rows(store, times)
        verified, _ = took(lambda: [click.echo(stray) for stray in store.read(lambda s: list(s.strays()))])
        few, many = exported(database, store, EXPORTED // 10), exported(database, store, EXPORTED)
        store.close()
        pages, memory = page_rows(database, times)
        size = database.stat().st_size / 1e6
    click.echo(f"{told}. {events:,} events, {questions:,} questions, {size:.0f} MB; made in {made:.0f} s,")
    click.echo(f"rolled up in {rebuilt:.0f} s, verified in {verified:.0f} s; the server after all pages: {memory:.0f} MB.\n")
    click.echo(table(("what", "median ms", "longest ms", "processor ms", "questions"), [*rows, *pages]))
    click.echo("")
    for count, seconds, peak in (few, many):
        click.echo(f"Export of {count:,} rows with words: {seconds:.1f} s, at most {peak:.0f} MB.")


if __name__ == "__main__":
    main()
