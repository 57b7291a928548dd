"""The house keeps its order: imports go downwards only, by the map in bot's docstring."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
import connectors

ROOT = Path(__file__).parent.parent
SHARED = {"bot.messages", "bot.errors", "bot.connector"}


def module(path: Path) -> str:
    """The dotted name of a file: bot/store/rows.py is bot.store.rows, bot/store/__init__.py is bot.store."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for room in ("bot", "connectors") for path in sorted((ROOT / room).rglob("*.py"))}
BOT = sorted(name for name in MODULES if name.startswith("bot."))
CONNECTORS = sorted(name for name in MODULES if name.startswith("connectors."))


def levels() -> dict[str, int]:
    """From the map: room -> its line, counted from the bottom of the house."""
    assert bot.__doc__
    rows = re.findall(r"^    (\w+(?:, \w+)*)(?:  .*)?$", bot.__doc__, re.MULTILINE)
    return {name: level for level, row in enumerate(rows) for name in row.split(", ")}


LEVELS = levels()


def imported(name: str) -> Iterator[str]:
    """Every module of the house that a module imports, wherever in it, also inside functions."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively"
            base = node.module or ""
            children = [f"{base}.{alias.name}" for alias in node.names]
            yield from (child if child in MODULES else base for child in children)


def test_the_map_names_every_room_of_the_house() -> None:
    rooms = {name.split(".")[1] for name in BOT}
    assert rooms - set(LEVELS) == set()


@pytest.mark.parametrize("name", BOT)
def test_a_room_imports_only_from_its_own_floor_and_below(name: str) -> None:
    level = LEVELS[name.split(".")[1]]
    upwards = {other for other in imported(name) if other.startswith("bot.") and LEVELS[other.split(".")[1]] > level}
    assert upwards == set()


def test_no_two_rooms_import_each_other_in_a_circle() -> None:
    below = {name: {other for other in imported(name) if other.startswith("bot.")} for name in BOT}
    free: set[str] = set()
    while ready := {name for name, others in below.items() if name not in free and others <= free}:
        free |= ready
    assert set(BOT) - free == set()


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_imports_only_the_shared_language(name: str) -> None:
    inside = {other for other in imported(name) if other.split(".")[0] in ("bot", "connectors")}
    own = ".".join(name.split(".")[:2])
    assert {
        other for other in inside if other.split(".")[:2] != ["connectors", "shared"] and not f"{other}.".startswith(f"{own}.")
    } <= SHARED


def test_only_the_store_and_its_schema_know_the_database_library() -> None:
    users = {name for name in MODULES if any(other.split(".")[0] == "sqlite_utils" for other in imported(name))}
    assert {".".join(name.split(".")[:2]) for name in users} == {"bot.schema", "bot.store"}


@pytest.mark.parametrize("name", BOT)
def test_the_bot_names_no_connector(name: str) -> None:
    named = {other for other in imported(name) if other.startswith(f"{connectors.__name__}.")}
    literals = re.findall(r"connectors\.(\w+)[\"']", MODULES[name].read_text(encoding="utf-8"))
    installed = {connector.split(".")[1] for connector in CONNECTORS}
    assert named == set()
    assert installed.isdisjoint(literals)


def test_every_package_is_installed_with_the_house() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    code = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    folders = (folder for name in ("static", "templates") for folder in (ROOT / "bot/pages" / name).glob("**/"))
    shown = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert sorted(told) == sorted(code | shown)
