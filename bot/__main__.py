"""The command line `refdesk`: each command a few lines over one function."""

import asyncio
import gc
import json
import logging
import os
import secrets
import shutil
import socket
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bot import __version__, autonomy, commands, demo, house, training
from bot.accounts import INVITATION_LASTS, LOGIN, Accounts
from bot.answering import Answering
from bot.check import check as find_defects
from bot.connector import known, offers
from bot.desk import Clock
from bot.domain import OUT_OF_SCOPE, Conversation, Engine, Librarian, Part, Prediction, Role
from bot.errors import RefdeskError, Refused, StoreUnusable
from bot.messages import Address, Language, Question
from bot.settings import Settings, read
from bot.stats import stats, token
from bot.store import Store
from bot.takeaway import report
from bot.terminal import bar, opened
from bot.text import clean, has_words, language_of
from bot.understanding import understand

_EXIT_DEFECTS = 1
_EXIT_ERROR = 2


class _Brought(click.Group):
    """Adds the commands that connectors bring along, under their names; a module is imported when its name is called."""

    what = ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(name for name in known() if offers(name, self.what))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found: click.Command | None = super().get_command(ctx, cmd_name) or offers(cmd_name, self.what)
        return found


class _Commands(_Brought):
    """Turns what went wrong on purpose into one clear line and exit code 2."""

    what = "commands"

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (RefdeskError, OSError) as error:
            click.echo(f"refdesk: {error}", err=True)
            sys.exit(_EXIT_ERROR)


class _Simulators(_Brought):
    what = "simulate"


@click.group(cls=_Commands)
@click.option("--settings", "path", type=Path, default=Path("refdesk.toml"), help="The settings file.")
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context, path: Path) -> None:
    """Refdesk 问询台: a reference-chat bot for university libraries."""
    logging.basicConfig(level=os.environ.get("REFDESK_LOG", "WARNING").upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    context.obj = read(path)


def _mind(settings: Settings) -> house.Mind:
    with bar("Refdesk") as progress:
        return house.mind(settings, progress)


@cli.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Serve the chat, the desk and the webhooks; train first if intents/ changed."""
    from bot.app import create_app

    listener = _listener(settings)
    port = listener.getsockname()[1]
    settings = settings.model_copy(update={"server": settings.server.model_copy(update={"port": port})})
    app = create_app(settings, _mind(settings), house.connectors(settings))
    accounts: Accounts = app.ctx.accounts
    address = house.address(settings)
    if not settings.loopback and not settings.server.public_url:
        click.echo(f"refdesk: server.public_url is not set: the links that patrons get will start with {address}", err=True)

    @app.after_server_start
    async def greet(_: object) -> None:
        lines = [f"Refdesk is ready: {address}"]
        if accounts.needs_first_administrator():
            token = accounts.invite("admin", "Administrator", Role.ADMINISTRATOR)
            lines.append(f"Set the first administrator's password (login: admin) here, once: {address}/setup/{token}")
        # Not before the loop runs for good: whoever waits for this line may stop the server at once.
        asyncio.get_running_loop().call_later(0.05, click.echo, "\n".join(reversed(lines)))

    gc.collect()
    gc.freeze()  # knowledge, rules and libraries stay as they are: the collector need not walk them again and again
    try:
        app.run(sock=listener, single_process=True)
    finally:
        app.ctx.desk.store.close()


def _listener(settings: Settings) -> socket.socket:
    """Bind before anything is trained or printed, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.server.host, settings.server.port))
    except OSError as error:
        listener.close()
        raise RefdeskError(f"server.port: cannot listen on {settings.server.host}:{settings.server.port}: {error.strerror}") from error
    return listener


@cli.command()
@click.argument("text")
@click.pass_obj
def ask(settings: Settings, text: str) -> None:
    """Ask one question as a new patron, and print what the bot says."""
    _talk(settings, [text], user=f"ask-{datetime.now(UTC):%Y%m%d%H%M%S%f}")


@cli.command()
@click.pass_obj
def chat(settings: Settings) -> None:
    """Talk to the bot in the terminal; an empty line ends."""
    _talk(settings, iter(lambda: click.prompt("?", default="", show_default=False), ""), user=f"chat-{datetime.now(UTC):%Y%m%d%H%M%S%f}")


def _talk(settings: Settings, lines: object, user: str) -> None:
    desk = house.desk(settings, _mind(settings), {})
    try:
        for line in lines:  # type: ignore[attr-defined]
            replies = desk.ask(Question(secrets.token_hex(16), Address("terminal", user), line)).result()
            click.echo("\n\n".join(reply.plain() for reply in replies))
    finally:
        desk.store.close()


@cli.command()
@click.pass_obj
def classify(settings: Settings) -> None:
    """JSON lines {"text": ...} on standard input to decisions on standard output."""
    mind = _mind(settings)
    today = Clock(fixed=settings.calendar.now).calendar().date()
    for number, line in enumerate(sys.stdin.buffer, 1):
        if line.strip():
            row = json.dumps(_classified(_text_of(line, number), mind.engine, mind.answering, today), ensure_ascii=False)
            # A lone surrogate is not UTF-8; backslashreplace writes it as JSON's own escape.
            click.echo(row.encode("utf-8", "backslashreplace"))


def _text_of(line: bytes, number: int) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise RefdeskError(f'standard input, line {number}: expected {{"text": ...}}: {error}') from error
    if not isinstance(text, str):
        raise RefdeskError(f"standard input, line {number}: text must be a string")
    return text


def _classified(text: str, engine: Engine, answering: Answering, today: date) -> dict[str, object]:
    """How a first message of a new conversation is decided, with nothing stored."""
    cleaned, address = clean(text), Address("terminal", "classify")
    parts = understand(cleaned, engine, answering.knowledge) if has_words(cleaned) else (Part(cleaned, Prediction(OUT_OF_SCOPE, 0.0)),)
    decision = answering.decide(Question("", address, cleaned), parts, Conversation(0, address, ""), datetime.now(UTC), today)
    prediction = parts[0].prediction
    return {
        "text": text,
        "decision": decision.action.value,
        "intent": prediction.intent,
        "confidence": round(prediction.confidence, 4),
        "language": (language_of(cleaned) or Language.ZH).value,
        "entities": [{"kind": entity.kind, "value": entity.value} for entity in prediction.entities],
        "alternatives": [{"intent": other.intent, "confidence": round(other.confidence, 4)} for other in prediction.runners_up],
    }


@cli.command()
@click.pass_obj
def train(settings: Settings) -> None:
    """Fit the built-in classifier to intents/ and store the model."""
    with bar("Refdesk") as progress:
        model = house.train(settings, progress)
    click.echo(f"{settings.at(settings.understanding.model)}: {model.digest}")


@cli.command()
@click.argument("files", nargs=-1, type=Path)
@click.option("--engine", type=click.Choice(["builtin", "rasa"]), default="builtin", help="Which engine answers.")
@click.option("--cross/--no-cross", default=False, help="Also cross-validate on intents/; propose thresholds, and keep the evidence.")
@click.option("--learning/--no-learning", default=False, help="Also draw the learning curve: five more trainings.")
@click.option("--compare", type=Path, help="A second model file: which answers change?")
@click.option("--report", type=Path, help="Write an HTML report with pictures here.")
@click.pass_obj
def evaluate(
    settings: Settings, files: tuple[Path, ...], engine: str, cross: bool, learning: bool, compare: Path | None, report: Path | None
) -> None:
    """Measure an engine on labelled JSON lines (text, intent, language, kind); the development set if no file is given."""
    from bot import evaluation_report, evaluator

    with bar("Refdesk") as progress:
        found = evaluator.evaluate(settings, files, engine=engine, cross=cross, learning=learning, compare=compare, progress=progress)
    click.echo(evaluation_report.as_text(found.runs))
    if found.lessons:
        click.echo(evaluation_report.lessons_as_text(found.lessons))
    if found.proposed:
        p = found.proposed
        click.echo(f"Proposed: answer_at = {p.answer_at:.2f}, margin = {p.margin:.2f}, clarify_at = {p.clarify_at:.2f}")
        click.echo(f"Not proven yet, candidates for understanding.suggest: {', '.join(sorted(found.unready)) or 'none'}")
    if found.evidence:
        autonomy.write(house.evidence_file(settings), found.evidence)
        click.echo(f"Evidence for understanding.autonomy_bar: {house.evidence_file(settings)}")
    if report:
        report.write_text(evaluation_report.as_html(found.runs, found.lessons, found.proposed, found.unready), encoding="utf-8")
        click.echo(f"{report}")


@cli.command()
@click.pass_obj
def check(settings: Settings) -> None:
    """List every defect of intents/, knowledge/ and refdesk.toml; exit 1 if there is any."""
    defects = find_defects(settings, Clock(fixed=settings.calendar.now).calendar().date())
    for defect in defects:
        click.echo(str(defect))
    click.echo(f"{len(defects)} defects" if defects else "No defects.", err=True)
    sys.exit(_EXIT_DEFECTS if defects else 0)


cli.add_command(stats)
cli.add_command(token)
cli.add_command(report)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cli.command("demo")
@click.option("--days", type=click.IntRange(1, 366), default=30, help="How many days the questions are spread over; they end now.")
@click.option("--questions", type=click.IntRange(1, 100_000), default=4000)
@click.option("--seed", type=int, default=2020, help="The same number plays the same questions.")
@click.option(
    "--database", type=Path, default=Path("data/demo.db"), help="A new file: demonstrations never touch a library's own database."
)
@click.pass_obj
def play_demo(settings: Settings, days: int, questions: int, seed: int, database: Path) -> None:
    """Fill a separate database by playing the spring of 2020 through the real desk."""
    path = settings.at(database)
    if path.exists():
        raise StoreUnusable(path, "exists already; name another --database, or remove it")
    plan = demo.scenario(settings.at(settings.library.knowledge) / "demo" / "spring-2020.yml")
    extent = demo.Extent(days, questions, datetime.now(UTC), seed)
    examples, mind = training.read(settings.at(settings.library.intents)), _mind(settings)
    with TemporaryDirectory(dir=_made(path.parent)) as folder:  # a demonstration that is broken off leaves nothing behind
        store = Store(Path(folder) / path.name, settings.calendar.timezone)
        try:
            with bar("Demo") as progress:
                demo.play(store, mind, examples, plan, extent, duty=house.hours(settings), progress=progress)
        finally:
            store.close()
        store.path.rename(path)
    click.echo(f"{path}: look at it with REFDESK__STORE__PATH={path} refdesk serve")


@cli.group(cls=_Simulators)
def simulate() -> None:
    """Play a chat platform against the running server, without an account there."""


@cli.group()
def user() -> None:
    """Accounts of librarians, managers, editors and administrators."""


@user.command("add")
@click.argument("login")
@click.option("--name", default="", help="How colleagues see this person.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.LIBRARIAN.value)
@click.pass_obj
def add_user(settings: Settings, login: str, name: str, role: str) -> None:
    """Make an account (or invite it again) and print the one-time link with which its owner sets a password."""
    if not LOGIN.fullmatch(login):
        raise Refused(f"login {login!r}: at most 64 letters, digits, - . _")
    with opened(settings) as store:
        token = Accounts(store, settings.server.secret or "-", Clock().now).invite(login, name or login, Role(role))
    click.echo(f"{house.address(settings)}/setup/{token}")
    click.echo(f"The link works once, for {INVITATION_LASTS.days} days.", err=True)


@user.command("list")
@click.pass_obj
def list_users(settings: Settings) -> None:
    """Every account: login, role, name, and whether a password is set."""
    with opened(settings) as store:
        accounts: tuple[Librarian, ...] = store.read(lambda s: s.librarians())
    for account in accounts:
        click.echo(f"{account.login}\t{account.role.value}\t{account.name}\t{'password set' if account.password else 'invited'}")


@cli.command()
@click.argument("target", type=Path)
@click.pass_obj
def backup(settings: Settings, target: Path) -> None:
    """Copy the database to TARGET while the server runs."""
    with opened(settings) as store:
        store.copy_to(target)
    click.echo(str(target))


@cli.command()
@click.argument("source", type=Path)
@click.pass_obj
def restore(settings: Settings, source: Path) -> None:
    """Put a backup in the database's place; what is there now is kept beside it. Stop the server first."""
    if not source.is_file():
        raise StoreUnusable(source, "there is no such backup")
    Store(source, settings.calendar.timezone).close()
    target = settings.at(settings.store.path)
    if target.exists():
        kept = target.with_name(f"{target.name}.before-{datetime.now(UTC):%Y%m%d%H%M%S}")
        with opened(settings) as store:
            store.copy_to(kept)
        for path in (target, *target.parent.glob(f"{target.name}-*")):
            path.unlink()
        click.echo(f"Kept what was there: {kept}", err=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    click.echo(str(target))


cli.add_command(commands.requests)
cli.add_command(commands.incident)

if __name__ == "__main__":
    cli()
