"""What every connector does, whatever its platform. A platform's tests say in a Channel how one sends and what one hears there.

A test module derives from Contract and gives a fixture `channel`; the platform's own behaviour is tested beside it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from bot import connector
from bot.connector import Delivery, Limits, Outcome
from bot.errors import WrongSetting
from bot.messages import Address, Reply, ReplyKind
from tests.conftest import FakeEngine
from tests.serving import Served, until

QUESTION = "校外怎么用VPN"
ANSWER = "WebVPN"

TEXTS = {
    "chinese": "图书馆周六开门吗？",
    "emoji": "书丢了😭👨‍👩‍👧‍👦怎么办",
    "beyond the basic plane": "𠮷野家的𠀋",
    "right to left": "שלום مرحبا",
    "markup": "<b>&amp;</b> ]]> \"quoted\" 'single' \\u0041 {braces}",
    "several lines": "第一行\n第二行",
    "very long": "请问续借" * 500,
}


class Channel(Protocol):
    """One platform, as its tests play it."""

    name: str
    section: Mapping[str, Any]
    routes: frozenset[str]

    def user(self, asker: str) -> str:
        """The platform's id of an asker."""

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        """One message of an asker, with the platform's message id; returns what comes back in the response itself."""

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        """Everything that an asker was shown so far, each message once."""


class Contract:
    """The suite."""

    @pytest.fixture
    def house(self, serve: Callable[..., Served], channel: Channel) -> Served:
        """A server with this channel alone."""
        return serve({channel.name: dict(channel.section)})

    def test_connector_carries_the_name_of_its_module_and_sensible_limits(self, channel: Channel) -> None:
        built = connector.load(channel.name, channel.section)
        assert built is not None
        assert built.name == channel.name
        assert isinstance(built.limits, Limits)
        assert built.limits.max_bytes > 0
        assert built.limits.window is None or built.limits.window.total_seconds() > 0

    def test_connector_refuses_a_key_it_does_not_know_by_name(self, channel: Channel) -> None:
        with pytest.raises(WrongSetting) as caught:
            connector.load(channel.name, {**channel.section, "no_such_key": "1"})
        assert caught.value.key == f"connectors.{channel.name}.no_such_key"

    def test_connector_mounts_exactly_its_own_routes(self, serve: Callable[..., Served], channel: Channel) -> None:
        without, house = serve({}), serve({channel.name: dict(channel.section)})
        assert {f"/{route.path}" for route in house.app.router.routes} - {f"/{route.path}" for route in without.app.router.routes} == (
            channel.routes
        )

    def test_connector_says_where_a_delivery_ended(self, house: Served, channel: Channel) -> None:
        channel.send(house, "reader", QUESTION, "m-1")
        address = Address(channel.name, channel.user("reader"))
        delivery = Delivery("refdesk-0", address, Reply(ReplyKind.LIBRARIAN, "你好"), "m-1", None, 0)
        assert isinstance(asyncio.run(house.connectors[channel.name].deliver(delivery)), Outcome)

    def test_patron_is_answered_once(self, house: Served, channel: Channel) -> None:
        channel.send(house, "reader", QUESTION, "m-1")
        house.delivered()
        assert house.messages(channel.name, channel.user("reader")) == [QUESTION]
        (answer,) = channel.heard(house, "reader")
        assert ANSWER in answer

    def test_patron_hears_the_same_once_when_the_platform_repeats_a_message(self, house: Served, channel: Channel) -> None:
        first = channel.send(house, "reader", QUESTION, "m-1")
        again = channel.send(house, "reader", QUESTION, "m-1")
        house.delivered()
        assert again == first
        assert house.messages(channel.name, channel.user("reader")) == [QUESTION]
        assert len(set(channel.heard(house, "reader"))) == 1
        assert house.count("messages") == 2

    def test_patron_is_told_and_handed_over_when_the_bot_fails(self, house: Served, channel: Channel, engine: FakeEngine) -> None:
        engine.failing = True
        channel.send(house, "reader", "我的问题", "m-1")
        house.delivered()
        (told,) = channel.heard(house, "reader")
        assert told.startswith("抱歉")
        assert house.ticket().reason == "error"

    def test_librarians_reply_reaches_the_asker_and_nobody_else(self, house: Served, channel: Channel) -> None:
        channel.send(house, "other", QUESTION, "m-0")
        channel.send(house, "reader", "转人工", "m-1")
        house.answers("您好，已为您查到：在三楼📚。")
        until(lambda: any("在三楼📚" in text for text in channel.heard(house, "reader")))
        assert sum("在三楼📚" in text for text in channel.heard(house, "reader")) == 1
        assert not any("在三楼📚" in text for text in channel.heard(house, "other"))

    def test_librarians_reply_arrives_whole_when_it_is_long(self, house: Served, channel: Channel) -> None:
        channel.send(house, "reader", "转人工", "m-1")
        reply = "".join(f"第{number}条，请看这里。" for number in range(400))
        house.answers(reply)
        assert reply in "".join("".join(channel.heard(house, "reader")).split())

    def test_patron_who_writes_in_pieces_is_met_at_once_and_understood_together(
        self, house: Served, channel: Channel, engine: FakeEngine
    ) -> None:
        engine.knows("就是那个vpn", "vpn_setup", 0.4, ("vpn_trouble", 0.35)).knows("就是那个vpn装不上", "vpn_trouble")
        for number, text in enumerate(("我想问下", "就是那个vpn", "装不上"), 1):
            channel.send(house, "reader", text, f"m-{number}")
            house.delivered()
            assert len(channel.heard(house, "reader")) == number
        assert "请按顺序检查" in channel.heard(house, "reader")[-1]

    def test_patron_is_asked_once_how_it_was_when_a_librarian_closes(self, house: Served, channel: Channel) -> None:
        channel.send(house, "reader", "转人工", "m-1")
        house.answers("您好，在三楼。")
        house.desk.close(1, "anna")
        house.delivered()
        until(lambda: any("满意吗" in text for text in channel.heard(house, "reader")))
        channel.send(house, "reader", "1", "m-2")
        house.delivered()
        assert any("谢谢您的评价" in text for text in channel.heard(house, "reader"))
        assert sum("满意吗" in text for text in channel.heard(house, "reader")) == 1
        assert house.count("events where name = 'helpful' and ticket = 1") == 1

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_patrons_words_are_stored_as_they_were_typed(self, house: Served, channel: Channel, text: str) -> None:
        channel.send(house, "reader", text, "m-1")
        assert house.messages(channel.name, channel.user("reader")) == [text]
        house.delivered()
        assert channel.heard(house, "reader")
