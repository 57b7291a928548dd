"""Pictures of patrons reach a librarian through this server, from the platforms' hosts only."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.messages import Address, Attachment, Question
from bot.pages.desk import pictures
from bot.pages.desk.pictures import kind_of
from tests.serving import Served

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


class Platform(BaseHTTPRequestHandler):
    """Keeps pictures, as a platform does, and some things that are none."""

    def do_GET(self) -> None:  # noqa: N802
        places = {"/a.png": (200, PNG), "/page": (200, b"<script>alert(1)</script>"), "/large": (200, PNG * 400), "/moved": (302, b"")}
        status, body = places.get(self.path, (404, b""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/a.png")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Platform) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def asked(house: Served, *references: str) -> None:
    """A patron asks for a person and sends these as pictures."""
    reader = Address("rest", "reader")
    house.desk.ask(Question("1", reader, "转人工")).result()
    house.desk.ask(Question("2", reader, "看图", attachments=tuple(Attachment("image", each) for each in references))).result()


def test_librarian_sees_a_picture_that_the_platform_keeps(serve: Callable[..., Served], host: str) -> None:
    house = serve(desk={"picture_hosts": [host], "undo_seconds": 0})
    asked(house, f"http://{host}/a.png")
    anna = house.librarian()
    page = anna.get("/desk/tickets/1").text
    (address,) = {part.split('"')[0] for part in page.split('src="')[1:] if part.startswith("/desk/pictures/")}
    answer = anna.get(address)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", PNG)
    assert "sandbox" in answer.headers["content-security-policy"]
    assert house.browser().get(address).status_code == 303


@pytest.mark.parametrize("place", ["/page", "/large", "/moved", "/gone"])
def test_nothing_but_a_picture_is_passed_on(serve: Callable[..., Served], host: str, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr(pictures, "LARGEST", 10_000)
    house = serve(desk={"picture_hosts": [host], "undo_seconds": 0})
    asked(house, f"http://{host}{place}")
    anna = house.librarian()
    message = house.desk.consultation(1).messages[-1].id
    assert anna.get(f"/desk/pictures/{message}/0").status_code == 404
    assert anna.get(f"/desk/pictures/{message}/1").status_code == 404
    assert anna.get("/desk/pictures/999/0").status_code == 404


def test_other_hosts_are_never_asked(serve: Callable[..., Served], host: str) -> None:
    house = serve()
    asked(
        house, f"http://{host}/a.png", "http://169.254.169.254/", f"http://mmbiz.qpic.cn@{host}/a.png", "file:///etc/passwd", "http://[::1"
    )
    anna = house.librarian()
    page = anna.get("/desk/tickets/1")
    assert (page.status_code, "/desk/pictures/" in page.text) == (200, False)
    message = house.desk.consultation(1).messages[-1].id
    assert [anna.get(f"/desk/pictures/{message}/{number}").status_code for number in range(5)] == [404] * 5


def test_pictures_are_known_by_how_they_begin() -> None:
    assert kind_of(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert kind_of(b"GIF89a") == "image/gif"
    assert kind_of(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    with pytest.raises(ValueError, match="not a picture"):
        kind_of(b"<svg onload=alert(1)>")
