"""The samples in deploy/ at work: nginx and Caddy in front of a Refdesk, where these programs are installed.

Only what differs on a machine of tests is changed: ports, certificate, and no other configuration beside.
"""

import datetime
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sanic import Request, Sanic
from sanic.response import HTTPResponse, text
from websockets.sync.client import connect

from connectors.onebot.player import Player as OneBotPlayer
from connectors.shared.envelope import Key
from connectors.wechat.player import Player
from tests.conftest import ROOT
from tests.connectors.wechat import AES, APP_ID, SAFE, TOKEN
from tests.serving import PATIENCE, Served, streaming, until

NAME = "ask.lib.example.edu.cn"
KIB = 1024
ONEBOT = {"access_token": "a-token-for-onebot", "secret": "a-secret-for-onebot"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for NAME that is its own authority, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    today = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "name.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "name.key").write_bytes(key.private_bytes(kind, form, serialization.NoEncryption()))
    return folder / "name.pem", folder / "name.key"


def _replaced(sample: str, *changes: tuple[str, str]) -> str:
    """A sample with these lines changed; each must be in it."""
    for old, new in changes:
        assert old in sample, f"the sample has no {old!r} any more"
        sample = sample.replace(old, new)
    return sample


@dataclass(frozen=True)
class Place:
    """Where a proxy runs in a test: its folder and ports, what stands behind it, the certificate and its key."""

    folder: Path
    https: int
    http: int
    behind: str
    certificate: tuple[Path, Path]


def nginx(place: Place) -> list[str]:
    """The sample as the only site of an nginx of its own."""
    site = _replaced(
        (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8"),
        ("    listen [::]:443 ssl;\n", ""),
        ("    listen [::]:80;\n", ""),
        ("listen 443 ssl", f"listen 127.0.0.1:{place.https} ssl"),
        ("listen 80", f"listen 127.0.0.1:{place.http}"),
        (f"/etc/nginx/certs/{NAME}.pem", str(place.certificate[0])),
        (f"/etc/nginx/certs/{NAME}.key", str(place.certificate[1])),
        ("http://127.0.0.1:8000", place.behind),
    )
    folders = "".join(f"{kind}_temp_path {place.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    root = "user root;\n" if os.geteuid() == 0 else ""  # the folders of tests are closed to others
    path = place.folder / "nginx.conf"
    path.write_text(
        f"{root}pid {place.folder}/pid; error_log {place.folder}/error.log; events {{}}\nhttp {{ access_log off;\n{folders}{site}}}\n",
        encoding="utf-8",
    )
    return ["nginx", "-p", str(place.folder), "-c", str(path), "-g", "daemon off;"]


def caddy(place: Place) -> list[str]:
    """The sample with ports and a certificate of its own, and without Caddy's fetching of one."""
    site = _replaced(
        (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8"),
        (f"{NAME} {{\n", f"https://{NAME} {{\n\tbind 127.0.0.1\n\ttls {place.certificate[0]} {place.certificate[1]}\n"),
        ("127.0.0.1:8000", place.behind.removeprefix("http://")),
    )
    path = place.folder / "Caddyfile"
    path.write_text(f"{{\n\tadmin off\n\thttp_port {place.http}\n\thttps_port {place.https}\n}}\n{site}", encoding="utf-8")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)]


PROXIES: dict[str, tuple[Callable[[Place], list[str]], signal.Signals]] = {
    "nginx": (nginx, signal.SIGTERM),
    "caddy": (caddy, signal.SIGQUIT),  # SIGTERM waits for open connections
}


@contextmanager
def running(program: str, place: Place) -> Iterator[None]:
    """The program in front of a Refdesk for as long as the block runs; returns once it accepts connections."""
    make, stop = PROXIES[program]
    own = {name: str(place.folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    log = place.folder / "output"
    with log.open("w") as output:
        process = subprocess.Popen(make(place), stdout=output, stderr=output, env={**os.environ, **own})
    try:
        until(lambda: process.poll() is not None or (_accepts(place.https) and _accepts(place.http)))
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.send_signal(stop)
        process.wait(20)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def whoami(app: Sanic[Any, Any]) -> None:
    """A page that says by which address an asker is known; rates are counted by it."""

    @app.get("/whoami", name="whoami")
    async def tell(request: Request) -> HTTPResponse:
        return text(f"{request.client_ip} {request.scheme} {request.host}")


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    """A Refdesk as the samples want it."""
    address = {"public_url": f"https://{NAME}", "proxies": 1}
    return serve({"web": {}, "wechat": dict(SAFE), "onebot": dict(ONEBOT)}, before=whoami, server=address)


@pytest.fixture(params=PROXIES)
def place(request: pytest.FixtureRequest, house: Served, certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[Place]:
    """A proxy at work."""
    if not shutil.which(request.param):
        if request.param == "nginx" and os.environ.get("CI") == "true":
            pytest.fail("nginx is not installed")
        pytest.skip(f"{request.param} is not installed (Debian: apt-get install {request.param})")
    place = Place(tmp_path, _free_port(), _free_port(), house.url, certificate)
    with running(request.param, place):
        yield place


@pytest.fixture
def reader(place: Place) -> Iterator[httpx.Client]:
    """Somebody on the other side of the proxy, who finds it by its name."""
    trust = ssl.create_default_context(cafile=place.certificate[0])
    named: dict[str, list[Callable[..., Any]]] = {"request": [lambda asked: asked.extensions.update(sni_hostname=NAME)]}
    address, headers = f"https://127.0.0.1:{place.https}", {"Host": NAME, "Accept": "text/html"}
    with httpx.Client(base_url=address, headers=headers, verify=trust, event_hooks=named, timeout=PATIENCE, trust_env=False) as client:
        yield client


def test_reader_behind_a_proxy_hears_a_librarian_live(reader: httpx.Client, house: Served) -> None:
    assert reader.get("/").status_code == 200
    said = reader.post("/chat/messages", json={"text": "转人工"}, headers={"Accept": "application/json"})
    cookie = said.headers["set-cookie"]
    assert "Secure" in cookie
    seen = {"Cookie": cookie.split(";")[0]}
    last = json.loads(said.text)["lines"][-1]["id"]
    with streaming(reader, f"/chat/events?after={last}", **seen) as stream:
        assert stream.event("state")["data"] == '{"state": "waiting", "ticket": 1}'
        house.answers("您好，我是馆员。")
        assert "您好，我是馆员。" in stream.event("line")["data"]


def test_reader_behind_a_proxy_is_known_by_the_own_address_and_cannot_pretend_another(reader: httpx.Client) -> None:
    assert reader.get("/whoami").text == f"127.0.0.1 https {NAME}"
    assert reader.get("/whoami", headers={"X-Forwarded-For": "203.0.113.9"}).text == f"127.0.0.1 https {NAME}"
    assert reader.get("/metrics").status_code == 403


def test_body_limit_of_the_proxy_is_that_of_the_server(reader: httpx.Client) -> None:
    assert reader.post("/webhooks/wechat", content=b"x" * 240 * KIB).status_code == 400  # read, and found to be no message
    for size in (300, 2048):
        refused = reader.post("/webhooks/wechat", content=b"x" * size * KIB)
        # Caddy passes a body on while it comes, and may find the connection closed before it reads why.
        early = {502} if "caddy" in refused.headers.get("server", "").lower() else set()
        assert refused.status_code in {413} | early


def test_wechat_reaches_the_account_behind_a_proxy(reader: httpx.Client) -> None:
    player = Player(reader, TOKEN, Key.from_setting(AES, APP_ID))
    assert player.check("4375120948345356249") == "4375120948345356249"
    assert "VPN" in player.text("oBehindAProxy", "校外怎么用VPN").text
    assert reader.head("/health/live").status_code == 200


def test_onebot_connects_and_pushes_through_a_proxy(place: Place, house: Served) -> None:
    trust = ssl.create_default_context(cafile=place.certificate[0])
    headers = {"Authorization": f"Bearer {ONEBOT['access_token']}", "X-Self-ID": "10001000"}
    player = OneBotPlayer(f"https://127.0.0.1:{place.https}", ONEBOT["access_token"], secret=ONEBOT["secret"])
    line = socket.create_connection(("127.0.0.1", place.https))
    with connect(f"wss://{NAME}/webhooks/onebot", sock=line, ssl=trust, additional_headers=headers, proxy=None) as program:
        program.send(json.dumps(player.head(player.private(30003000, "校外怎么用VPN"))))
        assert "WebVPN" in json.loads(program.recv(PATIENCE))["params"]["message"][0]["data"]["text"]
    body = json.dumps(player.head(player.private(30003001, "转人工"))).encode()
    signature = "sha1=" + hmac.new(ONEBOT["secret"].encode(), body, hashlib.sha1).hexdigest()
    with httpx.Client(verify=trust, trust_env=False) as client:
        named = {"Host": NAME, "X-Signature": signature}
        address = f"https://127.0.0.1:{place.https}/webhooks/onebot"
        assert client.post(address, content=body, headers=named, extensions={"sni_hostname": NAME}).status_code == 204
    assert house.messages("onebot", "30003001") == ["转人工"]


def test_plain_http_leads_to_the_safe_address(place: Place) -> None:
    answer = httpx.get(f"http://127.0.0.1:{place.http}/desk", headers={"Host": NAME}, trust_env=False)
    assert answer.status_code in (301, 308)
    assert answer.headers["location"].startswith(f"https://{NAME}")
