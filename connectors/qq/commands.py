"""`refdesk qq doctor` and `refdesk simulate qq`."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import click
import httpx

from bot.errors import RefdeskError, WrongSetting
from connectors.qq.doctor import examine
from connectors.qq.player import FRIEND, GROUP, MEMBER, Player
from connectors.qq.settings import Settings, settings_of
from connectors.qq.standin import Rules, Sent, Standin
from connectors.shared.commands import House, tell

_PATIENCE: Final = 5.0
_QUIET: Final = 0.6
_PLACES: Final = {"users": "好友", "groups": "群", "channels": "频道", "dms": "频道私信"}


def _settings(house: House) -> Settings:
    settings = settings_of(house.connectors.get("qq", {}))
    if not settings.app_id:
        raise WrongSetting("connectors.qq.app_id", "is not set, so the bot is off")
    return settings


@click.group()
def commands() -> None:
    """The official QQ bot: what is wrong with its settings."""


@commands.command()
@click.option("--address/--no-address", default=True, help="Also ask the address of server.public_url, as the console would.")
@click.pass_obj
def doctor(house: House, address: bool) -> None:
    """Say in plain words what is wrong with the settings; exit 1 if anything is."""
    findings = asyncio.run(examine(settings_of(house.connectors.get("qq", {})), house.server.public_url, address))
    tell(findings)


@click.command()
@click.option("--url", help="The server; http://HOST:PORT of the settings if not given.")
@click.option("--user", default=FRIEND, show_default=True, help="Who writes.")
@click.option("--markdown", is_flag=True, help="The platform lets the bot send markdown and buttons.")
@click.option("--patience", default=_PATIENCE, show_default=True, help="Seconds to wait for an answer.")
@click.argument("lines", nargs=-1)
@click.pass_obj
def simulate(house: House, url: str | None, user: str, markdown: bool, patience: float, lines: tuple[str, ...]) -> None:
    """Play QQ against the running server: sign events, bring them, take the replies as the platform would. LINES, or what you type.

    A line is a message of a friend. /group TEXT mentions the bot in a group, /chat TEXT is said to the others there,
    /guild TEXT and /dm TEXT come from a guild, /press DATA presses a button, /add and /delete make and end a friendship,
    /again brings the last event once more.
    """
    settings = _settings(house)
    port = _own_port(settings)
    address = url or f"http://{house.server.host}:{house.server.port}"
    rules = Rules(settings.app_id, settings.secret, links=frozenset(settings.link_domains), markdown=markdown)
    with _standing_in(rules, port), httpx.Client(base_url=address, trust_env=False) as client:
        player = Player(client, rules)
        try:
            proof = player.validates()
        except httpx.TransportError as error:
            raise RefdeskError(f"{address} does not answer ({type(error).__name__}); is `refdesk serve` running?") from error
        if settings.binding and not proof:
            raise RefdeskError(f"{address} refuses the check of the address; is it running with these settings?")
        typed = iter(lines) if lines else iter(lambda: click.prompt("QQ", default="", show_default=False), "")
        for line in typed:
            _play(player, user, line, patience)


def _own_port(settings: Settings) -> int:
    """The port where the server looks for the platform: this command stands in for it there."""
    api, token = urlsplit(settings.api), urlsplit(settings.token_base)
    if settings.transport != "webhook":
        raise WrongSetting("connectors.qq.transport", "this command brings events to the webhook; set it to webhook")
    if api.hostname not in ("127.0.0.1", "localhost") or not api.port or api.netloc != token.netloc or api.scheme != "http":
        why = "set it and token_base to one address of this machine, for the server and for this command: http://127.0.0.1:8097"
        raise WrongSetting("connectors.qq.api_base", why)
    return api.port


@contextlib.contextmanager
def _standing_in(rules: Rules, port: int) -> Iterator[None]:
    try:
        standin = Standin(rules, port)
    except OSError as error:
        raise RefdeskError(f"connectors.qq.api_base: cannot listen on port {port}: {error.strerror}") from error
    with standin:
        yield


def _play(player: Player, user: str, line: str, patience: float) -> None:
    rules = player.rules
    before, refused = len(rules.sent), len(rules.broken)
    answer = _did(player, user, line)
    if answer.status_code != 200:
        click.echo(f"[the server answers HTTP {answer.status_code} {answer.text}]")
        return
    for sent in _heard(rules, before, patience):
        _show(sent)
    for fault in rules.broken[refused:]:
        click.echo(f"[refused: {fault}]")


def _did(player: Player, user: str, line: str) -> httpx.Response:
    verb, _, rest = line.partition(" ")
    match verb:
        case "/group":
            return player.mentions(rest, MEMBER, GROUP)
        case "/chat":
            return player.chats(rest, MEMBER, GROUP)
        case "/guild":
            return player.posts(rest)
        case "/dm":
            return player.whispers(rest)
        case "/press":
            return player.presses(rest, user)
        case "/add":
            return player.turns("FRIEND_ADD", user)
        case "/delete":
            return player.turns("FRIEND_DEL", user)
        case "/again":
            return player.again()
    return player.says(line, user)


def _heard(rules: Rules, before: int, patience: float) -> list[Sent]:
    """What was sent from then on, once nothing more comes for a moment; the acknowledgement itself says nothing of it."""
    began = last = time.monotonic()
    count = before
    while time.monotonic() - last < (_QUIET if count > before else patience) and time.monotonic() - began < 2 * patience:
        if len(rules.sent) > count:
            count, last = len(rules.sent), time.monotonic()
        time.sleep(0.02)
    return rules.sent[before:]


def _show(sent: Sent) -> None:
    click.echo(f"[{_PLACES[sent.place]} msg_seq {sent.number}]" if sent.number else f"[{_PLACES[sent.place]}]")
    click.echo(sent.text)
    if sent.buttons:
        click.echo("  ".join(f"[{label}]={data.partition('|')[0]}" for label, data in sent.buttons))
