"""`refdesk wechat menu push|show|delete`, `refdesk wechat doctor`, `refdesk simulate wechat`."""

import asyncio
from collections.abc import Mapping
from typing import Any

import click
import httpx

from bot.errors import RefdeskError, WrongSetting
from connectors.shared.api import Api, ApiError, ApiRefused, stable_token
from connectors.shared.commands import House, tell
from connectors.shared.envelope import SealBroken
from connectors.wechat.doctor import examine
from connectors.wechat.payload import BadPayload
from connectors.wechat.player import Player, Shown, Unavailable
from connectors.wechat.refusals import NO_MENU, explained
from connectors.wechat.settings import Settings, settings_of


def _settings(house: House) -> Settings:
    settings = settings_of(house.connectors.get("wechat", {}))
    if not settings.token:
        raise WrongSetting("connectors.wechat.token", "is not set, so the official account is off")
    return settings


def _call(settings: Settings, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    if not (settings.app_id and settings.app_secret):
        raise WrongSetting("connectors.wechat.app_secret", "is needed, with app_id, for everything that asks WeChat")
    return asyncio.run(Api(settings.api_base, stable_token(settings.app_id, settings.app_secret)).call(path, body))


@click.group()
def commands() -> None:
    """The WeChat official account: its menu, and what is wrong with its settings."""


@commands.group()
def menu() -> None:
    """The menu below the chat, from the table connectors.wechat.menu."""


@menu.command()
@click.pass_obj
def push(house: House) -> None:
    """Put the menu of refdesk.toml into the account; phones show it within a day."""
    settings = _settings(house)
    if not settings.menu:
        raise WrongSetting("connectors.wechat.menu", "is empty; `refdesk wechat menu delete` takes the menu away")
    buttons = [button.shape() for button in settings.menu]
    _reported(settings, "/cgi-bin/menu/create", {"button": buttons})
    click.echo("The account has this menu now; phones show it within a day, at once after following anew.")
    _listed(buttons)


@menu.command()
@click.pass_obj
def show(house: House) -> None:
    """The menu that the account has."""
    settings = _settings(house)
    try:
        found = _call(settings, "/cgi-bin/menu/get").get("menu", {}).get("button", [])
    except ApiRefused as error:
        if error.errcode != NO_MENU:
            raise RefdeskError(explained(error)) from error
        found = []
    except ApiError as error:
        raise RefdeskError(explained(error)) from error
    if not found:
        click.echo("The account has no menu.")
    _listed(found)
    if settings.menu and _bare(found) != [button.shape() for button in settings.menu]:
        click.echo("The settings have another menu: `refdesk wechat menu push` puts it in its place.")


@menu.command()
@click.pass_obj
def delete(house: House) -> None:
    """Take the menu away."""
    _reported(_settings(house), "/cgi-bin/menu/delete")
    click.echo("The account has no menu now.")


def _reported(settings: Settings, path: str, body: Mapping[str, Any] | None = None) -> None:
    try:
        _call(settings, path, body)
    except ApiError as error:
        raise RefdeskError(explained(error)) from error


def _bare(buttons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A menu as we write it: the platform adds empty lists."""
    kept = ({**button, "sub_button": _bare(button.get("sub_button") or [])} for button in buttons)
    return [{name: value for name, value in button.items() if value != []} for button in kept]


def _listed(buttons: list[dict[str, Any]], indent: str = "  ") -> None:
    for button in buttons:
        does = button.get("url") or button.get("key") or button.get("type") or ""
        click.echo(f"{indent}{button.get('name', '')}{'  ' if does else ''}{does}")
        _listed(button.get("sub_button") or [], indent + "  ")


@commands.command()
@click.option("--address/--no-address", default=True, help="Also fetch the address of server.public_url, as WeChat would.")
@click.pass_obj
def doctor(house: House, address: bool) -> None:
    """Say in plain words what is wrong with the settings; exit 1 if anything is."""
    findings = asyncio.run(examine(settings_of(house.connectors.get("wechat", {})), house.server.public_url, address))
    tell(findings)


@click.command()
@click.option("--url", help="The server; http://HOST:PORT of the settings if not given.")
@click.option("--openid", default="oSimulatedFollower0000000001", show_default=True, help="Who writes.")
@click.option("--mode", type=click.Choice(["plain", "compatible", "safe"]), help="Safe if a key is set, else plain.")
@click.option("--json/--xml", "as_json", default=False, help="The data format of the console.")
@click.argument("lines", nargs=-1)
@click.pass_obj
def simulate(house: House, url: str | None, openid: str, mode: str | None, as_json: bool, lines: tuple[str, ...]) -> None:
    """Play WeChat against the running server: sign, seal, send, ask again, open. LINES, or what you type.

    A line is a message. What else a follower does: /follow, /leave, /tap KEY (an entry of the menu, such as
    intent:vpn_setup), /scan SCENE, /voice WORDS (with recognition), /image, /location.
    """
    settings = _settings(house)
    keys = settings.keys()
    address = url or f"http://{house.server.host}:{house.server.port}"
    with httpx.Client(base_url=address, trust_env=False) as client:
        player = Player(client, settings.token, keys[0] if keys else None, mode or ("safe" if keys else "plain"), as_json)
        try:
            checked = player.check()
        except httpx.TransportError as error:
            raise RefdeskError(f"{address} does not answer ({type(error).__name__}); is `refdesk serve` running?") from error
        if not checked:
            raise RefdeskError(f"{address} refuses the check of the address; is it running with these settings?")
        for line in lines or iter(lambda: click.prompt("微信", default="", show_default=False), ""):
            if lines:
                click.echo(f"微信: {line}")
            _say(player, openid, line)


def _say(player: Player, openid: str, line: str) -> None:
    try:
        shown = _did(player, openid, line)
    except (Unavailable, SealBroken, BadPayload) as error:
        click.echo(f"[该公众号提供的服务出现故障，请稍后再试]  ({error})")
        return
    if shown is None:
        click.echo("[not sent: there are /follow, /leave, /tap KEY, /scan SCENE, /voice WORDS, /image and /location]")
        return
    again = f" [answered on try {player.tries}]" if player.tries > 1 else ""
    for title, description, link in shown.articles:
        click.echo(f"[{title}]\n{description}\n{link}")
    click.echo(f"{shown.text or ('' if shown.articles else _SILENT)}{again}")


_SILENT = "[no answer now: nothing is to be said, or a librarian has this conversation]"


def _did(player: Player, openid: str, line: str) -> Shown | None:
    """What a line stands for, done; None for a command that there is not."""
    verb, _, rest = line.partition(" ")
    match verb:
        case "/follow":
            return player.event(openid, "subscribe")
        case "/leave":
            return player.event(openid, "unsubscribe")
        case "/tap":
            return player.event(openid, "CLICK", rest)
        case "/scan":
            return player.event(openid, "SCAN", rest)
        case "/voice":
            return player.message(openid, "voice", MediaId="simulated", Format="amr", Recognition=rest)
        case "/image":
            return player.message(openid, "image", PicUrl="https://example.com/picture.jpg", MediaId="simulated")
        case "/location":
            return player.message(openid, "location", Location_X="30.66", Location_Y="104.06", Scale=15, Label="图书馆")
    return None if line.startswith("/") else player.text(openid, line)
