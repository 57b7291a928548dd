"""`refdesk report`: the figures of a period as a file, for people and for cron."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from bot import brief, house, knowledge, reports
from bot.accounts import Accounts
from bot.brief import Format, Words, Writer
from bot.desk import Clock
from bot.domain import NOBODY, Deed
from bot.errors import Refused
from bot.knowledge import Knowledge
from bot.labels import Labels
from bot.messages import Language
from bot.reports import Query
from bot.settings import Settings
from bot.terminal import opened, where

_MOST_ROWS = 1000
_WRONG = {"wrong_date": "--from and --to are days like 2026-11-22", "reversed": "--from is after --to"}


@click.command()
@click.option("--from", "start", default="", help="First day, YYYY-MM-DD; 30 days ago if not given.")
@click.option("--to", "end", default="", help="Last day, YYYY-MM-DD; today if not given.")
@click.option(
    "--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="Only questions with this, e.g. channel=wechat; may be repeated."
)
@click.option("--compare", type=click.Choice([way.value for way in reports.Compare]), default="previous", help="The period compared with.")
@click.option("--format", "shape", type=click.Choice([shape.value for shape in Format]), default="md")
@click.option("--table", default="channels", help="With --format csv: which table, e.g. topics; a wrong name lists them.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh")
@click.option(
    "--consortium", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Merge the JSON exports in this folder instead."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file; else to standard output.")
@click.pass_obj
def report(
    settings: Settings, start: str, end: str, conditions: tuple[str, ...], compare: str, shape: str, table: str, language: str,
    consortium: Path | None, output: Path | None,
) -> None:  # fmt: skip
    """The brief of a period (md, html, docx), its tables (xlsx, csv) or its data (json)."""
    house.add_fonts(settings)
    curated = knowledge.read(settings.at(settings.library.knowledge))
    if consortium and (start or end or conditions):
        raise Refused("--consortium: period and questions are those of the exports")
    if consortium:
        made = _joint(settings, consortium, curated, Language(language)).write(Format(shape), table)
    else:
        given = {**where(conditions), "from": start, "to": end, "compare": compare}
        made = _own(settings, _query(given, settings), curated, Language(language), shape=Format(shape), table=table)
    with click.open_file(str(output or "-"), "wb", atomic=output is not None) as file:
        file.write(made)


def _query(given: Mapping[str, str], settings: Settings) -> Query:
    try:
        return reports.parse(given, datetime.now(house.hours(settings).zone).date())
    except Refused as refusal:
        raise Refused(_WRONG.get(str(refusal), str(refusal))) from refusal


def _own(settings: Settings, query: Query, curated: Knowledge, language: Language, *, shape: Format, table: str) -> bytes:
    """The report of the settings' database; the audit log notes it."""
    with opened(settings) as store:
        found = house.ledger(settings, store).report(query, most=_MOST_ROWS)
        made = Writer(found, house.words(settings, store, curated, language), _now(settings)).write(shape, table)
        Accounts(store, "-", Clock().now).note(NOBODY, Deed.EXPORTED, f"report {shape}", query.address())
    return made


def _joint(settings: Settings, folder: Path, curated: Knowledge, language: Language) -> Writer:
    """The report of several libraries; no database is opened."""
    found = brief.read(folder, language)
    own = Labels(curated, language, datetime.now(house.hours(settings).zone).date(), names={}, rooms=str)

    def label(kind: str, word: str) -> str:
        said = own(kind, word)
        return said if said != word else found.text(word)

    return Writer(found.report, Words(curated, language, label), _now(settings), found)


def _now(settings: Settings) -> str:
    return f"{datetime.now(house.hours(settings).zone):%Y-%m-%d %H:%M}"
