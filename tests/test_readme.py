"""Every command that the README shows works as shown."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot import house
from tests.conftest import ROOT
from tests.server import Server

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = [
    line[2:] for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.startswith("$ ")
]
MADE = [command for command in SHOWN if command.startswith("make ")]
TYPED = [command for command in SHOWN if not command.startswith("make ")]


def test_readme_shows_the_commands_it_promises() -> None:
    assert MADE[:2] == ["make run", "make test"]
    assert len(TYPED) >= 8


@pytest.mark.parametrize("command", TYPED)
def test_reader_of_the_readme_can_run(command: str, tmp_path: Path, mind: house.Mind) -> None:
    shown = command.replace(".venv/bin/refdesk", f"{shlex.quote(sys.executable)} -m bot")
    environment = {**os.environ, "REFDESK__STORE__PATH": str(tmp_path / "refdesk.db")}
    model = (ROOT / "data/model.refdesk").read_bytes()
    done = subprocess.run(["bash", "-c", shown], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (ROOT / "data/model.refdesk").read_bytes() == model  # learned again or not: the same files give the same model


@pytest.mark.parametrize("command", MADE)
def test_make_knows_each_target_of_the_readme(command: str) -> None:
    assert shutil.which("make"), "make is needed"
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_make_run_starts_the_server_that_this_suite_starts() -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # this suite may run under make
    dry = subprocess.run(["make", "--dry-run", "run"], cwd=ROOT, env=outside, capture_output=True, text=True, check=True, timeout=60)
    assert dry.stdout.strip().splitlines()[-1].endswith("refdesk serve")


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_server_prints_its_address_and_the_first_administrators_link(tmp_path: Path, mind: house.Mind) -> None:
    server = Server(tmp_path / "refdesk.db")
    try:
        assert server.setup_link.startswith(f"{server.address}/setup/")
    finally:
        assert server.stop() == 0


ELSEWHERE = {"REFDESK__SERVER__HOST": "127.0.0.2"}  # loopback too, but none of the names that the settings know as such


@pytest.mark.parametrize(
    ("environment", "told"), [({}, False), (ELSEWHERE, True), ({**ELSEWHERE, "REFDESK__SERVER__PUBLIC_URL": "http://ask.example"}, False)]
)
def test_server_that_others_reach_says_that_links_lack_the_public_address(
    environment: dict[str, str], told: bool, tmp_path: Path, mind: house.Mind
) -> None:
    server = Server(tmp_path / "refdesk.db", **environment)
    assert server.stop() == 0
    assert ("server.public_url is not set" in "".join(server.output)) is told


def test_server_says_in_one_line_that_its_port_is_in_use(tmp_path: Path, mind: house.Mind) -> None:
    server = Server(tmp_path / "refdesk.db")
    try:
        port = server.address.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "bot", "serve"],
            cwd=ROOT,
            env={**os.environ, "REFDESK__SERVER__PORT": port, "REFDESK__STORE__PATH": str(tmp_path / "other.db")},
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        server.stop()
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_dependency_is_pinned_with_hashes_and_names_no_registry() -> None:
    for name in ("run.txt", "test.txt"):
        pinned = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        assert not re.search(r"://|index-url|find-links", pinned)
        for requirement in re.findall(r"^[a-z].*$", pinned, re.MULTILINE | re.IGNORECASE):
            assert "==" in requirement
            assert requirement.endswith("\\"), f"{requirement} has no hash"
