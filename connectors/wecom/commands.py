"""`refdesk simulate wecom`."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import click
import httpx

from bot.errors import RefdeskError, WrongSetting
from connectors.shared.commands import House
from connectors.wecom.settings import Settings, settings_of
from connectors.wecom.standin import Enterprise, Rules, Standin, words

_FIRST: Final = 75.0
"""Seconds until the server must have come: an API that it could not reach it leaves alone for half a minute and more."""
_QUIET: Final = 0.7
_AGENT: Final = "li"
_HELP: Final = "/enter, /tap NUMBER, /image, /agent WORDS, /end"


@click.command()
@click.option("--url", help="The server; http://HOST:PORT of the settings if not given.")
@click.option("--user", default="wmSimulatedCustomer00000001", show_default=True, help="Who writes.")
@click.option("--patience", default=5.0, show_default=True, help="Seconds to wait for an answer.")
@click.argument("lines", nargs=-1)
@click.pass_obj
def simulate(house: House, url: str | None, user: str, patience: float, lines: tuple[str, ...]) -> None:
    """Play WeCom against the running server: ring, hand out messages, take replies by its rules. LINES, or what you type.

    A line is a message of a customer. What else happens: /enter opens the chat, /tap NUMBER taps an entry of the last menu,
    /image sends a picture, /agent WORDS is said by one of the platform's own agents, /end ends that agent's session.
    """
    settings = settings_of(house.connectors.get("wecom", {}))
    if settings.missing:
        raise WrongSetting(f"connectors.wecom.{settings.missing[0]}", "is not set, so WeCom is off")
    enterprise = Enterprise(settings.corp_id, settings.secret, settings.token, settings.encoding_aes_key, settings.accounts[0])
    rules = Rules(enterprise, run=f"s{secrets.token_hex(4)}-")
    address = url or f"http://{house.server.host}:{house.server.port}"
    with _standing_in(rules, _own_port(settings)) as standin, httpx.Client(base_url=address, trust_env=False) as client:
        chat = _Chat(rules, client, user)
        _meet(chat, standin)
        for line in lines or iter(lambda: click.prompt("微信", default="", show_default=False), ""):
            if lines:
                click.echo(f"微信: {line}")
            _play(chat, line, patience)


def _own_port(settings: Settings) -> int:
    """The port where the server looks for the platform: this command stands in for it there."""
    base = urlsplit(settings.api_base)
    if base.hostname not in ("127.0.0.1", "localhost") or not base.port or base.scheme != "http":
        why = "set it to an address of this machine, for the server and for this command: http://127.0.0.1:8098"
        raise WrongSetting("connectors.wecom.api_base", why)
    return base.port


@contextlib.contextmanager
def _standing_in(rules: Rules, port: int) -> Iterator[Standin]:
    try:
        standin = Standin(rules, port)
    except OSError as error:
        raise RefdeskError(f"connectors.wecom.api_base: cannot listen on port {port}: {error.strerror}") from error
    with standin:
        yield standin


class _Chat:
    """One customer's chat: what is done in it, and what has been shown so far."""

    def __init__(self, rules: Rules, client: httpx.Client, user: str) -> None:
        self.rules, self.client, self.user = rules, client, user
        self.seen = self.greeted = self.refused = 0

    def does(self, line: str) -> str:
        """What a line stands for, done; what is wrong with it where it cannot be."""
        verb, _, rest = line.partition(" ")
        rules, user = self.rules, self.user
        match verb:
            case "/enter":
                rules.happens(user, "enter_session", scene="simulated", welcome_code=secrets.token_hex(8))
            case "/tap":
                items = self._items()
                if not rest.isdecimal() or not 0 < int(rest) <= len(items):
                    return f"the last menu has {len(items)} entries"
                rules.says(user, items[int(rest) - 1]["content"], menu_id=items[int(rest) - 1]["id"])
            case "/image":
                rules.says(user, kind="image", media_id="simulated")
            case "/agent":
                if rules.states.get(user) != 3:
                    rules.states[user] = 3
                    rules.happens(user, "session_status_change", change_type=1, new_servicer_userid=_AGENT)
                rules.replies(user, rest, agent=_AGENT)
            case "/end":
                rules.states[user] = 4
                code = secrets.token_hex(8)
                rules.happens(user, "session_status_change", change_type=3, old_servicer_userid=_AGENT, msg_code=code)
            case _:
                if line.startswith("/"):
                    return f"there are {_HELP}"
                rules.says(user, line)
        return ""

    def _items(self) -> list[dict[str, str]]:
        """The entries of the last menu."""
        bodies = (*(body for _, body in self.rules.sent), *self.rules.on_event)
        menus = [body["msgmenu"] for body in bodies if body["msgtype"] == "msgmenu"]
        return [item["click"] for item in menus[-1]["list"]] if menus else []

    def ring(self) -> None:
        """Tell the server that there is something to fetch."""
        try:
            answer = self.rules.ring(self.client)
        except httpx.TransportError as error:
            where = self.client.base_url
            raise RefdeskError(f"{where} does not answer ({type(error).__name__}); is `refdesk serve` running?") from error
        if answer.status_code != 200:
            raise RefdeskError(f"the server answers the callback with HTTP {answer.status_code}; is it running with these settings?")

    def news(self) -> list[str]:
        """What has been shown since, as text."""
        sent, greeted = self.rules.sent[self.seen :], self.rules.on_event[self.greeted :]
        self.seen, self.greeted = self.seen + len(sent), self.greeted + len(greeted)
        return [*(words(body) for to, body in sent if to == self.user), *map(words, greeted)]

    def faults(self) -> list[str]:
        """What the platform has refused since."""
        found = self.rules.broken[self.refused :]
        self.refused += len(found)
        return found


def _meet(chat: _Chat, standin: Standin) -> None:
    """Wait until the server has found this stand-in."""
    chat.ring()
    if standin.called.wait(1.0):
        return
    click.echo("[waiting for the server: it leaves an address that it could not reach alone for a while]")
    if not standin.called.wait(_FIRST):
        raise RefdeskError("the server does not call: is its connectors.wecom.api_base the one of this command?")


def _play(chat: _Chat, line: str, patience: float) -> None:
    if fault := chat.does(line):
        click.echo(f"[not sent: {fault}]")
        return
    chat.ring()
    shown = _heard(chat, patience)
    for text in shown:
        click.echo(text)
    for fault in chat.faults():
        click.echo(f"[refused: {fault}]")
    if not shown:
        click.echo("[no answer: nothing is to be said, or a person has this conversation]")


def _heard(chat: _Chat, patience: float) -> list[str]:
    """What is shown until nothing more comes, or nothing has come at all."""
    shown, end = list[str](), time.monotonic() + patience
    while time.monotonic() < end:
        if found := chat.news():
            shown += found
            end = min(end + _QUIET, time.monotonic() + _QUIET)
        time.sleep(0.02)
    return shown
