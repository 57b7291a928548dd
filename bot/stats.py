"""`refdesk stats`: figures, the questions behind them, and their truth. `refdesk token`: keys for programs that read them."""

import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from bot import export, house, reports
from bot.desk import Clock
from bot.ledger import Ledger
from bot.settings import Settings
from bot.store import Store
from bot.terminal import bar, opened, where
from bot.tokens import Tokens

_EXIT_DIFFERENT = 1


@click.command()
@click.option("--from", "start", default="", help="First day, YYYY-MM-DD; 30 days ago if not given.")
@click.option("--to", "end", default="", help="Last day, YYYY-MM-DD; today if not given.")
@click.option(
    "--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="Only questions with this, e.g. channel=wechat; may be repeated."
)
@click.option("--by", type=click.Choice((*reports.BY, "group")), default="channel", help="group: by the chat group, under its name.")
@click.option("--format", "shape", type=click.Choice(export.FORMATS), default="table")
@click.option("--rows", is_flag=True, help="The questions themselves, one a line, as CSV or JSON lines.")
@click.option("--texts", is_flag=True, help="With --rows: also what was asked, personal data hidden.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="With --rows: write to this file.")
@click.option("--verify", is_flag=True, help="Count everything again from the events and list what differs; exit 1 if anything does.")
@click.option("--rebuild", is_flag=True, help="Make the roll-ups again from the events.")
@click.option("--close", "month", help="Store the figures of a month, YYYY-MM, with a checksum.")
@click.pass_obj
def stats(
    settings: Settings, start: str, end: str, conditions: tuple[str, ...], by: str, shape: str, rows: bool, texts: bool,
    output: Path | None, verify: bool, rebuild: bool, month: str | None,
) -> None:  # fmt: skip
    """The figures of a period, in total and by channel, intent, language or time; and their truth."""
    with opened(settings) as store:
        if rebuild:
            with bar("Rebuild") as progress:
                count = store.write(lambda s: s.rebuild(progress)).result()
            click.echo(f"{count} questions were counted again.")
        if month:
            closed = house.months(settings, store).close(month, "command line")
            click.echo(f"{closed.month} closed: {closed.checksum}")
        if verify:
            _verify(settings, store)
        if verify or rebuild or month:
            return
        query, ledger = _query(settings, start, end, conditions), house.ledger(settings, store)
        if rows:
            _write_rows(ledger, query, as_json=shape == "json", texts=texts, output=output)
        else:
            _show(settings, ledger, query, by, shape)


def _query(settings: Settings, start: str, end: str, conditions: tuple[str, ...]) -> reports.Query:
    return reports.parse({"from": start, "to": end, **where(conditions)}, datetime.now(house.hours(settings).zone).date())


def _show(settings: Settings, ledger: Ledger, query: reports.Query, by: str, shape: str) -> None:
    total, lines = ledger.grouped(query, "room" if by == "group" else by)
    if by == "group":
        lines = tuple(replace(line, label=settings.groups.manners(line.label).name) for line in lines)
    shown = {"table": export.to_table, "csv": export.to_csv, "json": export.to_json}[shape]
    click.echo(shown((*lines, total)))


def _write_rows(ledger: Ledger, query: reports.Query, *, as_json: bool, texts: bool, output: Path | None) -> None:
    """The questions of a query, one after the other, however many there are."""
    heads = (*export.QUESTION, "text") if texts else export.QUESTION
    with click.open_file(str(output or "-"), "w", encoding="utf-8", atomic=output is not None) as file, bar("Rows") as progress:
        looked_at, whole = 0, max(1, ledger.size(query))

        def count(found: int) -> None:
            nonlocal looked_at
            looked_at += found
            progress("questions", looked_at / whole)

        rows = _rows(ledger, ledger.stream(query, count), texts)
        if as_json:
            file.writelines(json.dumps(dict(zip(heads, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
        else:
            file.write(export.BOM)
            file.writelines(export.csv_lines(itertools.chain((heads,), rows)))


def _rows(ledger: Ledger, parts: Iterator[reports.Columns], texts: bool) -> Iterator[tuple[object, ...]]:
    for found in parts:
        yield from export.questions(found, ledger.duty.zone, ledger.texts(found) if texts else None)


def _verify(settings: Settings, store: Store) -> None:
    with bar("Verify") as progress:
        faults = store.read(lambda s: list(s.strays(progress)))
    months = house.months(settings, store)
    for closed in months.closed():
        standing = months.check(closed.month)
        faults += standing.faults
        for change in standing.changes:
            was = f"was {change.was}" if change.was else "was written down later"
            when = change.at.isoformat(timespec="seconds")
            click.echo(f"{closed.month}, since the closing: question {change.question} {was}, is {change.now} by {change.event} at {when}")
    for fault in faults:
        click.echo(fault)
    click.echo(f"{len(faults)} differences" if faults else "Every figure follows from the events.", err=True)
    if faults:
        sys.exit(_EXIT_DIFFERENT)


@click.group()
def token() -> None:
    """Keys with which other programs read figures (/api/v1, /metrics)."""


@token.command("add")
@click.argument("name")
@click.pass_obj
def add_token(settings: Settings, name: str) -> None:
    """Make a key and print it, this once."""
    with opened(settings) as store:
        click.echo(Tokens(store, Clock().now).issue(name))


@token.command("list")
@click.pass_obj
def list_tokens(settings: Settings) -> None:
    """Every key: name, made, last used (to the hour), revoked."""
    with opened(settings) as store:
        for each in Tokens(store, Clock().now).all():
            times = (at.isoformat(timespec="minutes") if at else "-" for at in (each.created_at, each.used_at, each.revoked_at))
            click.echo("\t".join((each.name, *times)))


@token.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke_token(settings: Settings, name: str) -> None:
    """End a key at once, for good."""
    with opened(settings) as store:
        Tokens(store, Clock().now).revoke(name)
