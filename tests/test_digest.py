"""Mails, received by a real SMTP server on loopback: what waits while nobody is at the desk, and the brief of a week or month."""

import asyncio
import logging
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from bot.desk import Desk
from bot.digest import Digest
from bot.domain import Deed
from bot.errors import WrongSetting
from bot.ledger import Ledger
from bot.mailing import Mailing
from bot.settings import Mail, Reports, Settings, read
from bot.store import Store
from tests.conftest import ROOT, FakeClock
from tests.serving import Served, until

Say = Callable[..., str]


class Letters:
    """What arrived."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def let_in(self, server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"secret")


@pytest.fixture
def letters() -> Letters:
    return Letters()


class Post:
    """An SMTP server on a free port of loopback, in a thread with a loop of its own."""

    def __init__(self, letters: Letters, *, sealed: ssl.SSLContext | None = None, **options: Any) -> None:
        self._loop, self._ready, self._talking = asyncio.new_event_loop(), threading.Event(), list[SMTP]()
        self._make, self._sealed = lambda: SMTP(letters, loop=self._loop, **options), sealed
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _answer(self) -> SMTP:
        self._talking.append(self._make())
        return self._talking[-1]

    def _run(self) -> None:
        self.server = self._loop.run_until_complete(self._loop.create_server(self._answer, "127.0.0.1", 0, ssl=self._sealed))
        self.port = int(self.server.sockets[0].getsockname()[1])
        self._ready.set()
        self._loop.run_forever()
        self.server.close()
        self._loop.run_until_complete(self._hang_up())
        self._loop.close()

    async def _hang_up(self) -> None:
        """Whoever still talks is cut off: a connection that outlives the loop would be complained of in some later test."""
        for each in self._talking:
            if each.transport is not None:
                each.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.server.wait_closed()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def post(letters: Letters) -> Iterator[Post]:
    """An SMTP server that takes everything."""
    server = Post(letters)
    yield server
    server.stop()


def settings(server: Post, **more: Any) -> Mail:
    plain = {"encryption": "none", "sender": "desk@lib.example", "to": ("one@lib.example", "two@lib.example")}
    return Mail(**{"host": "127.0.0.1", "port": server.port, **plain, **more})


def nobody() -> frozenset[str]:
    return frozenset()


def test_digest_tells_what_waits_and_no_word_of_a_patron(desk: Desk, say: Say, clock: FakeClock, post: Post, letters: Letters) -> None:
    say("市图书馆周末几点关", user="a")
    clock.pass_(minutes=65)
    say("转人工", user="b")
    assert Digest(desk, settings(post), "https://ask.example/", nobody).run()
    (mail,) = letters.received
    assert (mail["Subject"], mail["From"], mail["To"]) == ("问询台：2 个问题在等待", "desk@lib.example", "one@lib.example, two@lib.example")
    body = mail.get_content()
    assert "编号 1  不在知识库范围内（接口），已等 1 小时 5 分" in body
    assert "https://ask.example/desk" in body
    assert "周末" not in body
    assert mail["Auto-Submitted"] == "auto-generated"


def test_digest_comes_once_and_again_only_with_news(desk: Desk, say: Say, clock: FakeClock, post: Post, letters: Letters) -> None:
    digest = Digest(desk, settings(post, every_minutes=30, language="en"), "http://ask", nobody)
    assert not digest.run()
    say("转人工", user="a")
    assert digest.run()
    clock.pass_(minutes=31)
    assert not digest.run()
    say("转人工", user="b")
    assert digest.run()
    clock.pass_(minutes=29)
    say("转人工", user="c")
    assert not digest.run()
    desk.mark(3, "anna", True)
    assert digest.run()
    assert [mail["Subject"] for mail in letters.received] == [f"Refdesk: {count} questions are waiting" for count in (1, 2, 3)]
    assert "[URGENT]" in letters.received[-1].get_content()


def test_digest_is_not_sent_while_somebody_is_at_the_desk(desk: Desk, say: Say, post: Post, letters: Letters) -> None:
    say("转人工")
    assert not Digest(desk, settings(post), "http://ask", lambda: frozenset({"anna"})).run()
    assert letters.received == []


def test_digest_of_a_full_queue_is_short(desk: Desk, say: Say, post: Post, letters: Letters) -> None:
    for number in range(23):
        say("转人工", user=f"reader-{number}")
    Digest(desk, settings(post), "http://ask", nobody).run()
    body = letters.received[0].get_content()
    assert body.count("编号 ") == 20
    assert "另有 3 个" in body


def test_digest_that_cannot_be_sent_is_logged_and_tried_again(
    desk: Desk, say: Say, post: Post, letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    say("转人工")
    gone = settings(post)
    free = Mail(host="127.0.0.1", port=1, encryption="none", sender="a@b.example", to=("c@d.example",))
    with caplog.at_level(logging.WARNING):
        assert not Digest(desk, free, "http://ask", nobody).run()
        assert not Digest(desk, settings(post, encryption="starttls"), "http://ask", nobody).run()
    assert caplog.text.count("the digest could not be sent") == 2
    assert Digest(desk, gone, "http://ask", nobody).run()
    assert len(letters.received) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, with its key beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_digest_is_sealed_and_signs_in(
    desk: Desk, say: Say, letters: Letters, certificate: Path, monkeypatch: pytest.MonkeyPatch, encryption: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    options: dict[str, Any] = {"sealed": context} if encryption == "tls" else {"tls_context": context, "require_starttls": True}
    inside = encryption == "starttls"  # aiosmtpd warns of sign-ins without its own STARTTLS, also where all is sealed
    server = Post(letters, authenticator=letters.let_in, auth_required=inside, auth_require_tls=inside, **options)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    try:
        say("转人工")
        told = settings(server, encryption=encryption, user="desk", password="secret")
        assert Digest(desk, told, "http://ask", nobody).run()
        assert letters.logins == [(b"desk", b"secret")]
        assert len(letters.received) == 1
    finally:
        server.stop()


def test_server_sends_the_digest_by_itself(
    serve: Callable[..., Served], post: Post, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app._DIGEST_EVERY", 0.05)
    house = serve(mail=settings(post).model_dump())
    house.client().post("/webhooks/rest/webhook", json={"sender": "a", "message": "转人工"})
    until(lambda: letters.received)
    assert "1 个问题在等待" in letters.received[0]["Subject"]


# --- the brief of a week or month ---


@pytest.fixture
def mailing(desk: Desk, store: Store, clock: FakeClock, post: Post) -> Callable[..., Mailing]:
    """What sends the brief, over the desk's figures."""

    def make(send: str, **more: Any) -> Mailing:
        reports = Reports(send=send, to=("head@lib.example",))  # type: ignore[arg-type]
        whole = Settings(root=ROOT, reports=reports, mail=settings(post, **more))
        return Mailing(whole, desk, Ledger(store, desk.hours), clock)

    return make


def test_the_brief_of_a_week_comes_once_with_a_word_file_and_a_spreadsheet(
    mailing: Callable[..., Mailing], say: Say, store: Store, clock: FakeClock, letters: Letters
) -> None:
    say("校外怎么用VPN")
    clock.pass_(days=7)
    weekly = mailing("weekly")
    assert (weekly.run(), weekly.run()) == (True, False)
    (mail,) = letters.received
    assert mail["To"] == "head@lib.example"
    assert mail["Subject"] == "锦江示范大学图书馆咨询服务简报：2026 年 11 月 23 日 至 2026 年 11 月 29 日"
    body = mail.get_body()
    assert body is not None
    assert "共解答咨询 1 次，其中接口自动回复 1 次。" in body.get_content()
    assert "/reports?from=2026-11-23&to=2026-11-29" in body.get_content()
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names == ["refdesk-2026-11-23-2026-11-29.docx", "refdesk-2026-11-23-2026-11-29.xlsx"]
    assert all(part.get_content().startswith(b"PK") for part in mail.iter_attachments())
    ((_, noted),) = store.read(lambda s: s.audit(deed=Deed.EXPORTED, limit=5))
    assert (noted.target, noted.detail) == ("brief mailed to head@lib.example", "from=2026-11-23&to=2026-11-29")
    clock.pass_(days=7)
    assert weekly.run()


def test_a_brief_that_could_not_be_sent_is_tried_again(
    mailing: Callable[..., Mailing], post: Post, letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not mailing("monthly", port=1).run()
    assert "could not be sent" in caplog.text
    assert mailing("monthly", language="en").run()
    assert letters.received[0]["Subject"] == "Jinjiang Model University Library: consultation brief, 2026-10-01 to 2026-10-31"


def test_a_brief_waits_for_the_morning(mailing: Callable[..., Mailing], clock: FakeClock) -> None:
    clock.at = datetime(2026, 11, 30, 5, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert not mailing("weekly").run()
    clock.pass_(minutes=1)
    assert mailing("weekly").run()


def test_a_brief_without_a_server_or_a_reader_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "refdesk.toml"
    file.write_text('[reports]\nsend = "weekly"\nto = ["head@lib.example"]\n', encoding="utf-8")
    with pytest.raises(WrongSetting, match="reports.send: needs mail.host"):
        read(file)


def test_the_server_mails_the_brief_by_itself(serve: Callable[..., Served], post: Post, letters: Letters) -> None:
    waking = "Etc/GMT-12" if datetime.now(UTC).hour < 8 else "Etc/GMT"  # where it is not early in the morning
    serve(
        mail=settings(post, language="en").model_dump(), reports={"send": "weekly", "to": ("head@lib.example",)},
        calendar={"timezone": waking},
    )  # fmt: skip
    until(lambda: letters.received)
    assert letters.received[0]["Subject"].startswith("Jinjiang Model University Library: consultation brief, ")
