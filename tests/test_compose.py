"""compose.yaml and the two Dockerfiles hang together; no Docker engine is needed to see that."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from bot import house
from bot.settings import read
from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
REFDESK, RASA = COMPOSE["services"]["refdesk"], COMPOSE["services"]["rasa"]
DOCKERFILES = ("Dockerfile", "Dockerfile.rasa")


def instructions(name: str) -> list[tuple[str, str]]:
    """What a Dockerfile says, line by line, continued lines joined."""
    whole = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.split(" ", 1) for line in whole.splitlines() if line.strip() and not line.startswith("#"))
    return [(word, re.sub(r"\s+", " ", rest)) for word, rest in lines]


def said(name: str, word: str) -> list[str]:
    """Every instruction of a kind."""
    return [rest for kind, rest in instructions(name) if kind == word]


def test_services_are_built_from_the_files_of_this_repository() -> None:
    assert set(COMPOSE["services"]) == {"refdesk", "rasa"}
    assert (ROOT / REFDESK["build"] / "Dockerfile").is_file()
    assert (ROOT / RASA["build"]["context"] / RASA["build"]["dockerfile"]).is_file()
    assert REFDESK["depends_on"] == ["rasa"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_everything_that_is_copied_into_an_image_exists(name: str) -> None:
    sources = [part for copied in said(name, "COPY") for part in copied.split()[:-1] if not part.startswith("--")]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_runs_as_nobody_special_and_says_how_it_is(name: str) -> None:
    assert said(name, "USER")[-1] in {"refdesk", "rasa"}
    assert len(said(name, "HEALTHCHECK")) == 1
    words = [word for word, _ in instructions(name)]
    assert words.index("USER") < words.index("CMD")


def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the service refdesk is started with; a value that .env must set is made up."""
    given: dict[str, Any] = REFDESK["environment"]
    found = {name: re.sub(r"\$\{(\w+):\?[^}]*\}", r"made-up-\1", str(value)) for name, value in given.items()}
    for name, value in found.items():
        assert "$" not in value
        monkeypatch.setenv(name, value)
    return found


def test_refdesk_understands_every_setting_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    settings = read(ROOT / "refdesk.toml")
    assert (settings.understanding.engine, settings.server.host) == ("rasa", "0.0.0.0")
    assert settings.server.secret == "made-up-REFDESK_SECRET"
    assert not settings.loopback
    assert "rest" in house.connectors(settings)


def test_every_value_that_env_must_give_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    asked = re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert asked == ["REFDESK_PUBLIC_URL", "REFDESK_SECRET", "REFDESK_REST_TOKEN"]
    assert [name for name in asked if f"`{name}`" not in readme] == []


def test_patrons_of_the_container_get_links_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    settings = read(ROOT / "refdesk.toml")
    assert house.address(settings) == "made-up-REFDESK_PUBLIC_URL"
    assert settings.server.proxies == 1


def test_refdesk_asks_rasa_where_rasa_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    url = urlsplit(read(ROOT / "refdesk.toml").understanding.rasa_url)
    assert url.hostname in COMPOSE["services"]
    assert [str(url.port)] == said("Dockerfile.rasa", "EXPOSE") == [str(port) for port in RASA["expose"]]
    assert f'"--port", "{url.port}"' in said("Dockerfile.rasa", "CMD")[0]
    assert '"--enable-api"' in said("Dockerfile.rasa", "CMD")[0]
    assert "ports" not in RASA  # not to be reached from outside


def test_the_port_that_is_published_is_the_one_that_refdesk_listens_on(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    (published,) = REFDESK["ports"]
    address, _, inside = published.rsplit(":", 2)
    assert address == "127.0.0.1"
    assert [inside] == said("Dockerfile", "EXPOSE") == [str(read(ROOT / "refdesk.toml").server.port)]


def test_what_is_stored_outlives_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    settings = read(ROOT / "refdesk.toml")
    (mounted,) = REFDESK["volumes"]
    volume, inside = mounted.split(":")
    assert volume in COMPOSE["volumes"]
    home = Path(said("Dockerfile", "WORKDIR")[-1])
    for path in (settings.store.path, settings.understanding.model):
        assert home / path.parent == Path(inside)


def test_rasa_is_built_as_make_builds_it() -> None:
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    run = " ".join(said("Dockerfile.rasa", "RUN"))
    for command in (
        "data validate --data nlu --domain domain.yml --fail-on-warnings",
        "train nlu --nlu nlu --domain domain.yml --out models",
    ):
        assert command in make
        assert command in run
    assert "requirements/rasa.txt" in make
    assert any("requirements/rasa.txt" in copied for copied in said("Dockerfile.rasa", "COPY"))
