"""Connectors are found by the name of their file."""

import pytest
from click.testing import CliRunner

from bot import connector
from bot.__main__ import cli
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


def test_every_connectors_commands_are_listed_and_a_file_of_the_name_is_none() -> None:
    offered = {(name, what) for name in connector.known() for what in ("commands", "simulate") if connector.offers(name, what)}
    assert {("wechat", "commands"), ("wechat", "simulate"), ("onebot", "simulate")} <= offered
    assert ("onebot", "commands") not in offered
    assert connector.offers("pigeon", "commands") is None
    for words in (["--help"], ["simulate", "--help"]):
        listed = CliRunner().invoke(cli, words)
        assert (listed.exit_code, "wechat" in listed.output) == (0, True)
