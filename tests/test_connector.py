"""Connectors are found by the name of their file."""

import pytest

from bot import connector
from bot.errors import UnknownConnector


@pytest.mark.parametrize("name", ["pigeon", "", "../bot", "rest.py", "__init__"])
def test_a_connector_that_is_not_installed_is_named(name: str) -> None:
    with pytest.raises(UnknownConnector) as caught:
        connector.load(name, {})
    assert caught.value.name == name


def test_every_connector_that_is_known_can_be_loaded_without_settings() -> None:
    assert connector.known()
    for name in connector.known():
        connector.load(name, {})
