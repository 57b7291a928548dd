"""Refdesk over a real Rasa server; only where `make rasa-test` has built Rasa's environment and trained its model."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bot import house
from bot.settings import Settings
from tests.conftest import ROOT
from tests.server import Server

RASA = ROOT / ".venv-rasa/bin/rasa"
MODEL = ROOT / "intents/models/sample.tar.gz"

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.skipif(not (RASA.exists() and MODEL.exists()), reason="no Rasa here: run `make rasa-test`"),
]


@pytest.fixture(scope="module")
def rasa() -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A real Rasa server on a free loopback port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.Popen(
        [RASA, "run", "--enable-api", "--model", MODEL, "--interface", "127.0.0.1", "--port", str(port)],
        cwd=ROOT / "intents",
        env={**os.environ, **quiet},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            try:
                if httpx.get(f"{address}/status", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        else:
            pytest.fail("Rasa did not start within two minutes")
        yield address, process
    finally:
        process.kill()
        process.wait(10)


def test_rasa_answers_through_refdesk_and_refdesk_alone_when_rasa_is_killed(
    rasa: tuple[str, "subprocess.Popen[bytes]"], tmp_path: Path, settings: Settings, mind: house.Mind
) -> None:
    address, process = rasa
    asking = {"ENGINE": "rasa", "RASA_URL": address, "RASA_TIMEOUT": "30"}  # its first answer is slow, the more so on a busy machine
    server = Server(tmp_path / "refdesk.db", **{f"REFDESK__UNDERSTANDING__{key}": value for key, value in asking.items()})
    try:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            first = client.post("/webhooks/rest/webhook", json={"sender": "a", "message": "借的书怎么续借"}).json()
            assert first[0]["metadata"]["intent"] == "renew_loan"
            assert client.get("/health/ready").json()["engine"] == "rasa ok"
            process.kill()
            process.wait(10)
            again = client.post("/webhooks/rest/webhook", json={"sender": "b", "message": "借的书怎么续借"}).json()
            assert again[0]["metadata"]["intent"] == "renew_loan"
            assert client.get("/health/ready").json()["engine"].startswith("rasa down")
    finally:
        server.stop()
    figures = subprocess.run(
        [sys.executable, "-m", "bot", "stats", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "REFDESK__STORE__PATH": str(tmp_path / "refdesk.db")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(figures.stdout)[-1]["questions"] == 2
