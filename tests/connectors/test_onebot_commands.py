"""`refdesk simulate onebot`: an implementation played from the terminal."""

import pytest
from click.testing import CliRunner

from bot.__main__ import cli
from tests.connectors import onebot
from tests.connectors.contract import ANSWER, QUESTION
from tests.connectors.onebot import SECRET, TOKEN
from tests.serving import Served

house = onebot.house


def simulated(house: Served, *words: str) -> str:
    host, port = house.url.removeprefix("http://").split(":")
    environment = {
        "REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": TOKEN, "REFDESK__SERVER__HOST": host, "REFDESK__SERVER__PORT": port,
        "REFDESK__CONNECTORS__ONEBOT__SELF_ID": "10001000",
    }  # fmt: skip
    done = CliRunner().invoke(cli, ["simulate", "onebot", "--patience", "0.4", *words], env=environment)
    assert done.exit_code == 0, done.output
    return done.output


def test_librarian_can_play_a_group_and_see_what_would_be_said(house: Served) -> None:
    told = simulated(house, QUESTION, f"@{QUESTION}", "/as 7", "/private", "转人工", "/group", "/poke")
    assert told.startswith("[nothing is said]\n[group 20002000 quoting ")
    assert "@30003000]" in told
    assert ANSWER in told
    assert "[to 7 alone]" in told
    assert "问询台" in told


def test_librarian_can_play_signed_pushes_and_is_told_when_one_is_refused(house: Served) -> None:
    port = house.url.rpartition(":")[2]
    settings = {"REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": TOKEN, "REFDESK__SERVER__PORT": port}
    words = ["simulate", "onebot", "--push", "--patience", "0.4", f"@{QUESTION}"]
    done = CliRunner().invoke(cli, words, env={**settings, "REFDESK__CONNECTORS__ONEBOT__SECRET": SECRET})
    assert ANSWER in done.output
    done = CliRunner().invoke(cli, words, env={**settings, "REFDESK__CONNECTORS__ONEBOT__SECRET": "another-secret"})
    assert (done.exit_code, "HTTP 403" in done.output) == (2, True)
    done = CliRunner().invoke(cli, words, env=settings)
    assert (done.exit_code, "connectors.onebot.secret" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "is not set"),
        ({"REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": "another-token"}, "refuses the connection"),
        ({"REFDESK__CONNECTORS__ONEBOT__ACCESS_TOKEN": TOKEN, "REFDESK__SERVER__PORT": "1"}, "does not answer"),
    ],
)
def test_player_is_told_why_it_cannot_begin(house: Served, environment: dict[str, str], why: str) -> None:
    port = house.url.rpartition(":")[2]
    done = CliRunner().invoke(cli, ["simulate", "onebot", "x"], env={"REFDESK__SERVER__PORT": port, **environment})
    assert done.exit_code == 2
    assert why in done.output
