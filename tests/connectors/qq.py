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
    """Friends, members of groups, or people in guilds: `place` says which. In a group or channel, what is for the asker
    alone waits until they write privately, so they do."""

    name = "qq"
    routes = frozenset({"/webhooks/qq"})

    def __init__(self, there: Standin, place: str, **more: Any) -> None:
        self.there, self.place = there, place
        self.section: Mapping[str, Any] = section(there, **more)

    def user(self, asker: str) -> str:
        if self.place == "groups":
            return f"union-{asker}"
        return asker if self.place == "users" else f"dm:guild-{asker}:{asker}"

    def send(self, served: Served, asker: str, text: str, number: str, *, alone: bool = False) -> tuple[str, ...]:
        player = Player(served.client(), self.there.rules)
        union = {"union_openid": f"union-{asker}"}
        answer = {
            ("users", False): lambda: player.says(text, asker, number),
            ("groups", False): lambda: player.mentions(text, "", f"group-{asker}", number, author={"member_openid": asker, **union}),
            ("groups", True): lambda: player.says(text, "", number, author={"user_openid": f"friend-{asker}", **union}),
            ("channels", False): lambda: player.posts(text, asker, number, channel=f"channel-{asker}", guild=f"guild-{asker}"),
            ("channels", True): lambda: player.whispers(text, asker, number, guild=f"guild-{asker}"),
            ("dms", False): lambda: player.whispers(text, asker, number, guild=f"guild-{asker}"),
        }[self.place, alone]()
        assert answer.json() == {"op": 12}, answer.text
        settle(served)
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        alone = self.place in ("groups", "channels")
        where = {"users": asker, "groups": f"friend-{asker}", "channels": f"guild-{asker}", "dms": f"guild-{asker}"}[self.place]
        room = {"groups": f"group-{asker}", "channels": f"channel-{asker}"}.get(self.place, "")
        while (alone and self._waits(served, asker)) or ((shown := self.there.rules.to(where)) and shown[-1].text.endswith(REMARK)):
            self.send(served, asker, "更多", f"more-{len(self.there.rules.sent)}", alone=alone)
        return tuple(each.text.removesuffix(REMARK) for each in (*self.there.rules.to(room), *self.there.rules.to(where)))

    def _waits(self, served: Served, asker: str) -> bool:
        """Whether something is in the mailbox of this asker's private conversation."""
        return bool(
            served.desk.store.read(
                lambda s: s._rows(
                    "select 1 from outbox o join messages m on m.id = o.message join conversations c on c.id = m.conversation"
                    " where o.status = 'mailbox' and c.user in (?, ?) and c.room = ''",
                    self.user(asker),
                    f"friend-{asker}",
                )
            )
        )
