"""WeCom customer service against a platform on loopback that enforces its own rules."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from bot import connector
from bot.connector import Delivery
from bot.domain import DeliveryStatus, TicketStatus
from bot.errors import DeliveryFailed, DeliveryRefused, WrongSetting
from bot.messages import Address, Reply, ReplyKind
from connectors.shared.envelope import Key
from tests.conftest import FakeEngine
from tests.connectors.contract import ANSWER, QUESTION, Contract
from tests.connectors.loopback import Asked, Told
from tests.connectors.wecom_platform import ACCOUNT, AES_KEY, CORP, SECRET, TOKEN, Wecom, doorbell, sealed, words
from tests.serving import Served, until

REMARK = "（未完，回复“更多”接着看）"
SECTION = {"corp_id": CORP, "secret": SECRET, "token": TOKEN, "encoding_aes_key": AES_KEY, "open_kfid": ACCOUNT}


def settle(served: Served, there: Wecom) -> None:
    """Wait until everything that happened so far is fetched, and what follows from it is delivered."""
    until(lambda: served.desk.store.read(lambda s: s.fact(f"wecom.cursor.{ACCOUNT}")) == there.cursor or not there.log)
    served.delivered()


class WecomChannel:
    """Customers who write by the platform; what it took to be shown is what was heard."""

    name = "wecom"
    routes = frozenset({"/webhooks/wecom"})

    def __init__(self, there: Wecom) -> None:
        self.there = there
        self.section: Mapping[str, Any] = {**SECTION, "api_base": there.platform.url}

    def user(self, asker: str) -> str:
        return f"wm-{asker}"

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        self.there.says(self.user(asker), text, number)
        assert self.there.ring(served.client()).text == "success"
        settle(served, self.there)
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        while (shown := self.there.shown(self.user(asker))) and shown[-1].endswith(REMARK):
            self.send(served, asker, "更多", f"more-{len(shown)}")
        return tuple(text.removesuffix(REMARK) for text in shown)


@pytest.fixture
def there() -> Iterator[Wecom]:
    """The platform; at the end it must not have had to refuse anything."""
    there = Wecom()
    there.platform.start()
    yield there
    there.platform.stop()
    assert there.broken == []


class TestWecom(Contract):
    @pytest.fixture
    def channel(self, there: Wecom) -> WecomChannel:
        return WecomChannel(there)
