"""The official QQ bot over HTTP, against a platform on loopback that enforces its own rules."""

from collections.abc import Callable, Iterator

import pytest

from connectors.qq.standin import Rules, Standin
from tests.connectors.contract import Contract
from tests.connectors.qq import APP_ID, SECRET, QQChannel
from tests.serving import Served

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


class TestGroups(Contract):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "groups")


class TestGuilds(Contract):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "channels")


class TestDirectMessages(Contract):
    @pytest.fixture
    def channel(self, there: Standin) -> QQChannel:
        return QQChannel(there, "dms")
