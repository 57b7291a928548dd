"""An official QQ bot for tests: its settings, the platform that stands in, and its people as the contract plays them."""

from collections.abc import Mapping
from typing import Any

from connectors.qq.events import NAME
from connectors.qq.player import Player
from connectors.qq.standin import Standin
from tests.serving import Served, until

APP_ID, SECRET = "102000001", "LibRefBotSecret7"
REMARK = "（未完，回复“更多”接着看）"


def section(there: Standin, **more: Any) -> dict[str, Any]:
    """The settings of a bot at this platform."""
    return {"app_id": APP_ID, "secret": SECRET, "api_base": there.url, "token_base": there.url, **more}


def settle(served: Served) -> None:
    """Wait until everything that was acknowledged is worked on, and what follows from it is delivered."""
    until(lambda: not served.desk.store.read(lambda s: s.kept(NAME)))
    served.delivered()


class QQChannel:
    """Friends, members of groups, or people in guilds: `place` says which."""

    name = "qq"
    routes = frozenset({"/webhooks/qq"})

    def __init__(self, there: Standin, place: str, **more: Any) -> None:
        self.there, self.place = there, place
        self.section: Mapping[str, Any] = section(there, **more)

    def user(self, asker: str) -> str:
        return {"users": asker, "groups": asker, "channels": asker, "dms": f"dm:guild-{asker}:{asker}"}[self.place]

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        player = Player(served.client(), self.there.rules)
        answer = {
            "users": lambda: player.says(text, asker, number),
            "groups": lambda: player.mentions(text, asker, f"group-{asker}", number),
            "channels": lambda: player.posts(text, asker, number, channel=f"channel-{asker}"),
            "dms": lambda: player.whispers(text, asker, number, guild=f"guild-{asker}"),
        }[self.place]()
        assert answer.json() == {"op": 12}, answer.text
        settle(served)
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        where = {"users": asker, "groups": f"group-{asker}", "channels": f"channel-{asker}", "dms": f"guild-{asker}"}[self.place]
        while (shown := self.there.rules.to(where)) and shown[-1].text.endswith(REMARK):
            self.send(served, asker, "更多", f"more-{len(shown)}")
        return tuple(each.text.removesuffix(REMARK) for each in shown)
