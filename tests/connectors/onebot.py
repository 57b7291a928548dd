"""OneBot for tests: the settings, the people, accounts that are connected by the player, and what they were asked to send."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from connectors.onebot.player import Frame, Player, Sent
from tests.serving import Served, until

TOKEN = "a-token-for-onebot"
SECRET = "libOneBotSecret"
SECTION: Mapping[str, Any] = {"access_token": TOKEN, "secret": SECRET}
GROUP, READER, OTHER = 20002000, 30003000, 30003001

Connect = Callable[..., Player]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Have an account connected; at the end it hangs up."""
    connected: list[Player] = []

    def connect(served: Served, *, account: int = 10001000, path: str = "/webhooks/onebot", **headers: str) -> Player:
        player = Player(served.url, TOKEN, account=account, secret=SECRET).connect(path, **headers)
        connected.append(player)
        return player

    yield connect
    for each in connected:
        each.close()


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    """A server with this channel alone."""
    return serve({"onebot": dict(SECTION)})


@pytest.fixture
def peer(house: Served, connect: Connect) -> Player:
    """An account that is connected to it."""
    return connect(house)


def shown(player: Player, count: int = 1) -> list[Sent]:
    """What the account was asked to send, once there is so much of it."""
    until(lambda: len(player.sent) >= count)
    return player.sent


def tell(house: Served, player: Player, event: Frame) -> None:
    """Something happens; returns when it is stored and everything that follows is delivered."""
    answer = player.push(event)
    assert answer.status_code == 204, answer.text
    house.delivered()


def outbox(house: Served) -> list[str]:
    """Where every reply stands, oldest first."""
    return house.desk.store.read(lambda s: [row["status"] for row in s._rows("select status from outbox order by id")])
