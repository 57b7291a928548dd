"""refdesk.toml and the environment: what wins, and how a wrong key names itself."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from bot.errors import WrongSetting
from bot.settings import Settings, read


@pytest.fixture(autouse=True)
def _bare_environment() -> Iterator[None]:
    """No REFDESK__ variable but those of the test."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.upper().startswith("REFDESK__")}
    yield
    os.environ.update(kept)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """Where refdesk.toml goes."""
    return tmp_path / "refdesk.toml"


def test_settings_have_defaults_when_there_is_no_file(toml: Path) -> None:
    settings = read(toml)
    assert (settings.server.port, settings.understanding.engine, settings.connectors) == (8000, "builtin", {})
    assert settings == Settings(root=toml.parent)


def test_the_file_sets_what_it_names(toml: Path) -> None:
    toml.write_text('\ufeff[server]\nport = 80\n[connectors.wechat]\ntoken = "t"\n', encoding="utf-8")
    settings = read(toml)
    assert (settings.server.port, settings.server.host, settings.connectors) == (80, "127.0.0.1", {"wechat": {"token": "t"}})


def test_the_environment_wins_over_the_file(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text('[server]\nport = 80\nhost = "0.0.0.0"\n', encoding="utf-8")
    monkeypatch.setenv("REFDESK__SERVER__PORT", "81")
    settings = read(toml)
    assert (settings.server.port, settings.server.host) == (81, "0.0.0.0")


def test_a_secret_comes_by_the_environment_beside_what_the_file_says(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text("[connectors.rest]\nenabled = true\n", encoding="utf-8")
    monkeypatch.setenv("REFDESK__CONNECTORS__REST__TOKEN", "secret")
    assert read(toml).connectors == {"rest": {"enabled": True, "token": "secret"}}


def test_a_list_comes_by_the_environment_as_json(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFDESK__CALENDAR__CLOSED", '["2026-10-01"]')
    assert read(toml).calendar.closed == ("2026-10-01",)


@pytest.mark.parametrize(
    ("source", "line", "key", "why"),
    [
        ("[server]\nprot = 80\n", 2, "server.prot", "no such key"),
        ("[server]\nport = 80\n[store]\nport = 80\n", 4, "store.port", "no such key"),
        ("# ours\n[sever]\nport = 80\n", 2, "sever", "no such key"),
        ("name = 'x'\n", 1, "name", "no such key"),
        ("[library]\n[server]\nport = 'web'\n", 3, "server.port", "valid integer"),
        ("[server]\n'port' = 70000\n", 1, "server.port", "less than or equal to 65535"),
        ('[server]\n"port" = 70000\n', 2, "server.port", "less than or equal to 65535"),
        ("[understanding]\nengine = 'gpt'\n", 2, "understanding.engine", "'builtin' or 'rasa'"),
        ("[understanding]\nanswer_at = 60\n", 2, "understanding.answer_at", "less than or equal to 1"),
        ("[understanding]\nautonomy_bar = 90\n", 2, "understanding.autonomy_bar", "less than or equal to 1"),
        ("[understanding]\nautonomy_bar = nan\n", 2, "understanding.autonomy_bar", "less than or equal to 1"),
        ("[groups]\ncooldown = 5\n", 2, "groups.cooldown", "no such key"),
        ("[groups]\nbar = 0.5\n", 2, "groups.bar", "is 0 (only when addressed) or from 0.9 to 1"),
        ("[groups]\nquiet = ['night']\n", 2, "groups.quiet", "'night' is not like '22:30-07:00'"),
        ("[groups.room.20002000]\nname = 'x'\nquite = []\n", 3, "groups.room.20002000.quite", "no such key"),
        ("[calendar]\nduty = [1]\n", 2, "calendar.duty.0", "valid string"),
        ("[calendar]\ntimezone = 'Asia/Peking'\n", 2, "calendar.timezone", "no such time zone: Asia/Peking"),
        ("[calendar]\ntimezone = 'Asia'\n", 2, "calendar.timezone", "no such time zone: Asia"),
        ("[calendar]\ntimezone = '../etc'\n", 2, "calendar.timezone", "no such time zone"),
        ("[calendar]\nnow = 2026-11-22T10:00:00\n", 2, "calendar.now", "needs a UTC offset"),
        ("[connectors]\nrest = true\n", 2, "connectors.rest", "valid dictionary"),
        ("server.prot = 1\n", 1, "server.prot", "no such key"),
    ],
)
def test_a_wrong_key_names_itself_with_file_and_line(toml: Path, source: str, line: int, key: str, why: str) -> None:
    toml.write_text(source, encoding="utf-8")
    with pytest.raises(WrongSetting) as caught:
        read(toml)
    assert caught.value.key == key
    assert why in caught.value.why
    assert f"({toml}:{line})" in caught.value.why


@pytest.mark.parametrize("variable", ["REFDESK__SERVER__PORT", "refdesk__server__port"])
def test_a_wrong_variable_names_itself_even_when_the_file_has_the_key_too(
    toml: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    toml.write_text("[server]\nport = 80\n", encoding="utf-8")
    monkeypatch.setenv(variable, "eighty")
    with pytest.raises(WrongSetting, match=r"server\.port: .*\(environment variable REFDESK__SERVER__PORT\)"):
        read(toml)


@pytest.mark.parametrize("variable", ["REFDESK__SEVER__PORT", "REFDESK__SERVER", "REFDESK__PORT"])
def test_a_variable_of_no_section_stops_the_start(toml: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "80")
    with pytest.raises(WrongSetting, match=f"{variable}: no such setting"):
        read(toml)


def test_a_variable_of_an_unknown_key_stops_the_start(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFDESK__SERVER__PROT", "80")
    with pytest.raises(WrongSetting, match="no such key .*REFDESK__SERVER__PROT"):
        read(toml)


def test_a_list_variable_that_is_not_json_names_itself(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFDESK__CALENDAR__DUTY", "mon-fri 08:30-12:00")
    with pytest.raises(WrongSetting, match="REFDESK__CALENDAR__DUTY: a list is written as JSON"):
        read(toml)


@pytest.mark.parametrize("content", [b"[server\n", "[library]\ncampus = '江安'\n".encode("gbk")])
def test_a_file_that_is_not_toml_stops_the_start(toml: Path, content: bytes) -> None:
    toml.write_bytes(content)
    with pytest.raises(WrongSetting, match="not valid TOML in UTF-8"):
        read(toml)


def test_the_clock_is_fixed_by_a_time_with_offset(toml: Path) -> None:
    toml.write_text("[calendar]\nnow = 2026-11-22T10:00:00+08:00\n", encoding="utf-8")
    assert read(toml).calendar.now == datetime.fromisoformat("2026-11-22T02:00:00+00:00")


def test_relative_paths_start_at_the_file(toml: Path) -> None:
    settings = read(toml)
    assert settings.at(Path("data/x.db")) == toml.parent / "data/x.db"
    assert settings.at(Path("/srv/x.db")) == Path("/srv/x.db")


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)])
def test_settings_know_whether_others_can_reach_the_server(toml: Path, host: str, loopback: bool) -> None:
    toml.write_text(f"[server]\nhost = '{host}'\n", encoding="utf-8")
    assert read(toml).loopback is loopback


def test_groups_are_named_by_number_or_text_and_one_can_differ(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text("[groups]\nallow = [200, 'abc']\n[groups.room.200]\nname = '教学群'\n", encoding="utf-8")
    monkeypatch.setenv("REFDESK__GROUPS__COOLDOWN_MINUTES", "3")
    groups = read(toml).groups
    assert groups.allow == ("200", "abc")
    assert (groups.manners("200").name, groups.manners("200").cooldown.total_seconds()) == ("教学群", 180)
