"""`refdesk simulate onebot`: plays a OneBot implementation against the running server."""

from typing import Any

import click
from websockets.exceptions import InvalidHandshake

from bot.errors import RefdeskError, WrongSetting
from connectors.onebot.player import Player, Sent
from connectors.onebot.settings import settings_of
from connectors.shared.commands import House


@click.command()
@click.option("--url", help="The server; http://HOST:PORT of the settings if not given.")
@click.option("--group", type=int, default=20002000, show_default=True, help="The group that the account is in.")
@click.option("--user", type=int, default=30003000, show_default=True, help="Who writes.")
@click.option("--private/--in-group", default=False, help="Write to the account alone.")
@click.option("--push/--connect", default=False, help="Bring events by signed HTTP POST instead of the connection.")
@click.option("--patience", type=float, default=1.5, show_default=True, help="Seconds without news after which the next line is taken.")
@click.argument("lines", nargs=-1)
@click.pass_obj
def simulate(
    house: House, url: str | None, group: int, user: int, private: bool, push: bool, patience: float, lines: tuple[str, ...]
) -> None:
    """Play a OneBot implementation against the running server, and show what it is asked to send. LINES, or what you type.

    A line in the group speaks to nobody unless it begins with @. /private and /group change where is written, /as NUMBER
    changes who writes, /poke nudges the account.
    """
    settings = settings_of(house.connectors.get("onebot", {}))
    if not settings.access_token:
        raise WrongSetting("connectors.onebot.access_token", "is not set, so OneBot is off")
    if push and not settings.secret:
        raise WrongSetting("connectors.onebot.secret", "is not set, so nothing can be pushed")
    address = url or f"http://{house.server.host}:{house.server.port}"
    account = int(settings.self_id[0]) if settings.self_id else 10001000
    player, scene = Player(address, settings.access_token, account=account, secret=settings.secret), _Scene(group, user, private)
    try:
        player.connect()
    except InvalidHandshake as error:
        raise RefdeskError(f"{address} refuses the connection ({error}); is it running with these settings?") from error
    except OSError as error:
        raise RefdeskError(f"{address} does not answer ({type(error).__name__}); is `refdesk serve` running?") from error
    try:
        typed = iter(lines) if lines else iter(lambda: click.prompt("QQ", default="", show_default=False), "")
        for line in typed:
            _say(player, scene, line, patience, push=push)
    finally:
        player.close()


class _Scene:
    """Who writes where."""

    def __init__(self, group: int, user: int, private: bool) -> None:
        self.group, self.user, self.private = group, user, private

    def event(self, player: Player, line: str) -> dict[str, Any] | None:
        """What a line of the player makes happen; None for a line that only changes the scene."""
        verb, _, rest = line.partition(" ")
        if verb in ("/private", "/group"):
            self.private = verb == "/private"
            return None
        if verb == "/as" and rest.isdecimal():
            self.user = int(rest)
            return None
        if verb == "/poke":
            place = {} if self.private else {"group_id": self.group}
            poke = {"post_type": "notice", "notice_type": "notify", "sub_type": "poke"}
            return {**poke, **place, "user_id": self.user, "target_id": player.account}
        if self.private:
            return player.private(self.user, line)
        return player.at(self.group, self.user, line[1:].strip()) if line.startswith("@") else player.group(self.group, self.user, line)


def _say(player: Player, scene: _Scene, line: str, patience: float, *, push: bool) -> None:
    event = scene.event(player, line)
    if event is None:
        return
    shown = len(player.sent)
    if push:
        refused = player.push(event)
        if refused.status_code != 204:
            raise RefdeskError(f"the push was refused: HTTP {refused.status_code} {refused.text}")
    else:
        player.event(event)
    with player.news:
        while player.news.wait(patience):
            pass
    for sent in player.sent[shown:]:
        click.echo(_shown(sent))
    if len(player.sent) == shown:
        click.echo("[nothing is said]")


def _shown(sent: Sent) -> str:
    place = f"group {sent.group}" if sent.group else f"to {sent.user} alone"
    marks = "".join((f" quoting {sent.quotes}" if sent.quotes else "", *(f" @{user}" for user in sent.mentions)))
    return f"[{place}{marks}]\n{sent.text}"
