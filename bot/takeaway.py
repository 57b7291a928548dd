"""`refdesk report`: the figures of a period as a file, for people and for cron."""

from datetime import datetime
from pathlib import Path

import click

from bot import brief, house, knowledge, reports
from bot.accounts import Accounts
from bot.brief import Format, Writer
from bot.desk import Clock
from bot.domain import NOBODY, Deed
from bot.errors import Refused
from bot.messages import Language
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
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file; else to standard output.")
@click.pass_obj
def report(
    settings: Settings, start: str, end: str, conditions: tuple[str, ...], compare: str, shape: str, table: str, language: str,
    output: Path | None,
) -> None:  # fmt: skip
    """The brief of a period (md, html, docx), its tables (xlsx, csv) or its data (json)."""
    chosen, zone = Format(shape), house.hours(settings).zone
    given = {**where(conditions), "from": start, "to": end, "compare": compare}
    try:
        query = reports.parse(given, datetime.now(zone).date())
    except Refused as refusal:
        raise Refused(_WRONG.get(str(refusal), str(refusal))) from refusal
    if settings.reports.fonts:
        brief.add_fonts(settings.at(settings.reports.fonts))
    curated = knowledge.read(settings.at(settings.library.knowledge))
    with opened(settings) as store:
        found = house.ledger(settings, store).report(query, most=_MOST_ROWS)
        words = house.words(settings, store, curated, Language(language))
        made = Writer(found, words, f"{datetime.now(zone):%Y-%m-%d %H:%M}").write(chosen, table)
        Accounts(store, "-", Clock().now).note(NOBODY, Deed.EXPORTED, "report", f"{chosen} {query.address()}")
    with click.open_file(str(output or "-"), "wb", atomic=output is not None) as file:
        file.write(made)
