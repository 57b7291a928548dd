"""Commands of the command line that work on the database alone: requests as a table, incidents."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta

import click

from bot import house, knowledge, reports, sheet
from bot.answering import Answering
from bot.desk import Desk
from bot.domain import OUT_OF_SCOPE, Prediction
from bot.errors import Refused
from bot.incidents import Incident
from bot.messages import Language
from bot.settings import Settings

_DAYS = 30


class _Nothing:
    """Nobody asks anything here, so nothing needs to be understood."""

    def predict(self, text: str) -> Prediction:
        """Out of scope, whatever it is."""
        return Prediction(OUT_OF_SCOPE, 0.0)


@contextmanager
def _desk(settings: Settings) -> Iterator[Desk]:
    curated = knowledge.read(settings.at(settings.library.knowledge))
    answering = Answering(curated, house.kinds(settings), house.policy(settings))
    limits = {name: each.limits for name, each in house.connectors(settings).items()}
    desk = house.desk(settings, house.Mind(_Nothing(), answering, lambda: ""), limits)
    try:
        yield desk
    finally:
        desk.store.close()


@click.command()
@click.option("--form", default="", help="Only requests of this form, e.g. book_delivery.")
@click.option("--from", "start", help="First day, YYYY-MM-DD; 30 days ago if not given.")
@click.option("--to", "end", help="Last day, YYYY-MM-DD; today if not given.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", help="Of the labels.")
@click.option("--personal", is_flag=True, help="With card numbers, phones and e-mail addresses; they are covered otherwise.")
@click.pass_obj
def requests(settings: Settings, form: str, start: str | None, end: str | None, language: str, *, personal: bool) -> None:
    """Requests of readers as CSV, the newest first."""
    with _desk(settings) as desk:
        if form and desk.knowledge.form(form, Language.ZH) is None:
            raise Refused(f"there is no form {form!r}")
        zone = desk.hours.zone
        today = datetime.now(zone).date()
        first, last = reports.period(start or str(today - timedelta(days=_DAYS - 1)), end or str(today))
        found = desk.requests(_midnight(first, settings), _midnight(last + timedelta(days=1), settings), form)
        spoken = Language(language)
        lines = sheet.lines(found, desk.knowledge, spoken, zone, personal=personal)
        click.echo(sheet.to_csv(lines, desk.knowledge, spoken), nl=False)


def _midnight(day: date, settings: Settings) -> datetime:
    return datetime.combine(day, time.min, house.hours(settings).zone)


@click.group()
def incident() -> None:
    """Notices of disturbances, put before the answers that they concern."""


@incident.command("list")
@click.pass_obj
def list_incidents(settings: Settings) -> None:
    """Every notice in force: number, since when, intents, databases, words, how many readers have seen it."""
    with _desk(settings) as desk:
        status = desk.status()
        for each, askers in zip(status.incidents, status.askers, strict=True):
            since = f"{each.opened_at.astimezone(desk.hours.zone):%Y-%m-%d %H:%M}"
            about = ",".join(each.intents), ",".join(each.databases), each.notice_zh or each.notice_en, str(askers)
            click.echo("\t".join((str(each.id), since, *about)))


@incident.command("set")
@click.argument("notice")
@click.option("--about", multiple=True, required=True, help="An intent that it concerns, e.g. vpn_setup; may be given several times.")
@click.option("--database", multiple=True, help="Only questions that name this database.")
@click.option("--english", default="", help="The notice in English.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d %H:%M"]), help="When it is expected to be over, local time.")
@click.pass_obj
def set_incident(
    settings: Settings, notice: str, about: tuple[str, ...], database: tuple[str, ...], english: str, until: datetime | None
) -> None:
    """Announce a disturbance; prints its number."""
    with _desk(settings) as desk:
        expected = until.replace(tzinfo=desk.hours.zone) if until else None
        said = Incident(0, notice, english, about, database, "command line", datetime.now(UTC), expected)
        click.echo(desk.announce(said).id)


@incident.command("end")
@click.argument("number", type=int)
@click.pass_obj
def end_incident(settings: Settings, number: int) -> None:
    """A disturbance is over; prints how many readers are told."""
    with _desk(settings) as desk:
        click.echo(desk.end_incident(number, "command line"))
