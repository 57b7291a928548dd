"""The platform in memory."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot import connector
from bot.connector import Delivery, Outcome
from bot.errors import DeliveryFailed
from bot.messages import Address, Reply, ReplyKind
from connectors.stub import Stub
from tests.connectors.contract import Contract
from tests.serving import Served


class StubChannel:
    """Posts the stub's JSON; what was pushed is what was heard."""

    name = "stub"
    section: Mapping[str, Any] = {"enabled": True}
    routes = frozenset({"/webhooks/stub"})

    def user(self, asker: str) -> str:
        return asker

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        answer = served.client().post("/webhooks/stub", json={"id": number, "user": asker, "text": text})
        assert answer.json() == {"ok": True}
        return ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        stub = served.connectors["stub"]
        assert isinstance(stub, Stub)
        return tuple(delivery.reply.plain() for delivery in stub.sent if delivery.address.user == asker)


class TestStub(Contract):
    @pytest.fixture
    def channel(self) -> StubChannel:
        return StubChannel()


@pytest.mark.parametrize("value", [True, "true", "1"])
def test_stub_is_on_when_it_is_enabled(value: object) -> None:
    assert connector.load("stub", {"enabled": value}) == Stub()


@pytest.mark.parametrize("section", [{}, {"enabled": False}, {"enabled": "false"}])
def test_stub_is_off_by_default(section: dict[str, object]) -> None:
    assert connector.load("stub", section) is None


def test_stub_fails_as_often_as_was_planned() -> None:
    stub = Stub(failures=[DeliveryFailed("stub", "the line is down")])
    delivery = Delivery("refdesk-1", Address("stub", "reader"), Reply(ReplyKind.ANSWER, "hello"), "m-1", None, 0)
    with pytest.raises(DeliveryFailed):
        asyncio.run(stub.deliver(delivery))
    assert asyncio.run(stub.deliver(delivery)) is Outcome.DELIVERED
    assert stub.sent == [delivery]


@pytest.mark.parametrize("body", ["{}", "[]", "[1]", "null", '{"id": "1", "user": "reader"}', "{"])
def test_stub_refuses_what_it_cannot_read(served: Served, body: str) -> None:
    answer = served.client().post("/webhooks/stub", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert served.count("messages") == 0


def test_stub_refuses_what_is_too_long(served: Served) -> None:
    answer = served.client().post("/webhooks/stub", json={"id": "1", "user": "reader", "text": "长" * 10_001})
    assert (answer.status_code, answer.json()) == (413, {"error": "characters in a message: the limit is 10000"})


def test_stub_says_so_when_nothing_can_be_stored(served: Served) -> None:
    served.desk.store.close()
    answer = served.client().post("/webhooks/stub", json={"id": "1", "user": "reader", "text": "hello"})
    assert answer.status_code == 503
