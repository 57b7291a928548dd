"""The official QQ bot over HTTP, against a platform on loopback that enforces its own rules."""

from collections.abc import Callable, Iterator

import pytest

from connectors.qq.standin import Rules, Standin
from tests.conftest import FakeEngine
from tests.connectors.contract import Contract
from tests.connectors.qq import APP_ID, SECRET, QQChannel
from tests.serving import Served, until

Serve = Callable[..., Served]


@pytest.fixture
def there() -> Iterator[Standin]:
    """The platform; at the end it must not have had to refuse anything."""
    with Standin(Rules(APP_ID, SECRET)) as standin:
        yield standin
    assert standin.rules.broken == []


class TestFriends(Contract):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "users")


class InPublic(Contract):
    """Where others read along, a handover is one line in front of them, and everything else in private."""

    def test_patron_is_told_and_handed_over_when_the_bot_fails(self, house: Served, channel: QQChannel, engine: FakeEngine) -> None:
        engine.failing = True
        channel.send(house, "reader", "我的问题", "m-1")
        in_public, alone = channel.heard(house, "reader")
        assert "取件" in in_public
        assert alone.startswith("抱歉")
        assert house.ticket().reason == "error"

    def test_patron_is_asked_once_how_it_was_when_a_librarian_closes(self, house: Served, channel: QQChannel) -> None:
        channel.send(house, "reader", "转人工", "m-1")
        house.answers("您好，在三楼。")
        house.desk.close(1, "anna")
        house.delivered()
        until(lambda: any("满意吗" in text for text in channel.heard(house, "reader")))
        channel.send(house, "reader", "1", "m-2")
        house.delivered()
        # A number in front of others is no word about what was answered in private.
        assert house.count("events where name = 'helpful'") == 0


class TestGroups(InPublic):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "groups")


class TestGuilds(InPublic):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "channels")


class TestDirectMessages(Contract):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "dms")
