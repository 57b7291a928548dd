"""The whole server: failures, order, many at once, what every response carries."""

import asyncio
import json
import logging
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from sanic import Sanic

from bot.messages import Question, Reply
from tests.conftest import FakeEngine
from tests.serving import Served, until

WEBHOOK = "/webhooks/rest/webhook"
QUESTION = "校外怎么用VPN"


def _ask(served: Served, sender: str, text: str, **fields: str) -> httpx.Response:
    return served.client().post(WEBHOOK, json={"sender": sender, "message": text, **fields})


# --- failures are handovers, never silence ---


def test_patron_gets_a_librarian_and_an_apology_when_the_engine_fails(
    served: Served, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.failing = True
    (reply,) = _ask(served, "reader", "我的问题", message_id="m-1").json()
    assert reply["text"].startswith("抱歉")
    assert (reply["metadata"]["decision"], reply["metadata"]["ticket"]) == ("escalate", "1")
    assert "a question could not be decided" in caplog.text
    engine.failing = False
    assert _ask(served, "reader", "我的问题", message_id="m-1").json() == [reply]
    assert (served.messages("rest", "reader"), served.ticket().reason) == (["我的问题"], "error")


def test_patron_is_apologised_to_in_their_language_when_the_engine_fails(served: Served, engine: FakeEngine) -> None:
    engine.failing = True
    assert _ask(served, "reader", "where is my book").json()[0]["text"].startswith("Sorry")


def test_patrons_words_go_to_the_ticket_when_the_engine_fails_during_a_consultation(served: Served, engine: FakeEngine) -> None:
    _ask(served, "reader", "转人工")
    engine.failing = True
    assert _ask(served, "reader", "补充一句").json() == []
    assert served.messages("rest", "reader") == ["转人工", "补充一句"]
    assert len(served.tickets()) == 1


def test_patron_is_told_while_the_disk_is_full_and_served_when_there_is_room_again(served: Served) -> None:
    def limit(pages: str) -> None:
        served.desk.store.write(lambda s: s._db.conn.execute(f"pragma max_page_count = {pages}").fetchall()).result()

    limit("1")  # SQLite takes that as: no larger than it is now
    answers = [_ask(served, f"reader-{number}", "转人工" + "长" * 2000) for number in range(20)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, answer.json()["error"]) for answer in refused} == {(503, "not stored; please send it again later")}
    limit("1000000")
    stored = served.count("messages where who = 'patron'")
    assert stored == len(answers) - len(refused)
    assert _ask(served, "reader", QUESTION).status_code == 200


def test_house_goes_on_when_an_asker_hangs_up_before_the_answer(served: Served) -> None:
    gate, under_way, ask = threading.Event(), threading.Event(), served.desk.ask

    def watched(question: Question) -> Future[tuple[Reply, ...]]:
        replies = ask(question)
        under_way.set()
        return replies

    served.desk.ask = watched  # type: ignore[method-assign]
    served.desk.store.write(lambda s: gate.wait(10))
    body = json.dumps({"sender": "hasty", "message": "转人工"}).encode()
    with socket.create_connection(("127.0.0.1", int(served.host.split(":")[1]))) as hasty:
        hasty.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (WEBHOOK.encode(), len(body), body))
        assert under_way.wait(10)
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close means: gone at once
    served.client().get("/health/live")  # the loop has heard of the hang-up before it answers this
    gate.set()
    assert _ask(served, "patient", QUESTION).status_code == 200
    assert served.messages("rest", "hasty") == ["转人工"]


def test_server_goes_on_when_a_background_task_fails(serve: Callable[..., Served], caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    def before(app: Sanic[Any, Any]) -> None:
        def tidy(*how: object) -> None:
            failed.set()
            raise RuntimeError("nothing to tidy with")

        app.ctx.desk.tidy = tidy

    house = serve(before=before)
    assert failed.wait(10)
    until(lambda: "a background task failed; it goes on" in caplog.text)
    assert _ask(house, "reader", QUESTION).status_code == 200


# --- order and numbers ---


def test_two_messages_of_one_asker_are_handled_in_the_order_of_arrival(served: Served, engine: FakeEngine) -> None:
    first_is_understood, go_on = threading.Event(), threading.Event()
    understand = engine.predict

    def predict(text: str) -> Any:
        if text == "VPN":
            first_is_understood.set()
            assert go_on.wait(10)
        return understand(text)

    engine.predict = predict  # type: ignore[method-assign]

    async def work() -> tuple[httpx.Response, ...]:
        async with httpx.AsyncClient(base_url=served.url, timeout=20, trust_env=False) as client:
            first = asyncio.create_task(client.post(WEBHOOK, json={"sender": "reader", "message": "VPN"}))
            assert await asyncio.to_thread(first_is_understood.wait, 10)
            second = asyncio.create_task(client.post(WEBHOOK, json={"sender": "reader", "message": "1"}))
            other = await client.post(WEBHOOK, json={"sender": "other", "message": QUESTION})
            go_on.set()
            return await first, await second, other

    first, second, other = asyncio.run(work())
    assert served.messages("rest", "reader") == ["VPN", "1"]
    assert [answer.json()[0]["metadata"]["decision"] for answer in (first, second, other)] == ["clarify", "answer", "answer"]


def test_nothing_is_lost_when_two_hundred_ask_at_once(served: Served) -> None:
    async def work() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=served.url, timeout=60, limits=limits, trust_env=False) as client:
            messages = ({"sender": f"reader-{number}", "message": QUESTION, "message_id": "1"} for number in range(200))
            return await asyncio.gather(*(client.post(WEBHOOK, json=message) for message in messages))

    answers = asyncio.run(work())
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()[0]["recipient_id"] for answer in answers} == {f"reader-{number}" for number in range(200)}
    assert all(answer.json()[0]["metadata"]["intent"] == "vpn_setup" for answer in answers)
    assert served.count("messages where who = 'patron'") == served.count("messages where who = 'bot'") == 200


def test_server_keeps_everything_when_it_is_stopped_and_started_again(serve: Callable[..., Served]) -> None:
    house = serve()
    _ask(house, "reader", "转人工")
    house.stop()
    again = serve(store={"path": house.desk.store.path})
    assert again.messages("rest", "reader") == ["转人工"]
    assert _ask(again, "reader", "还在吗").json() == []


# --- what every response carries, and errors ---


@pytest.mark.parametrize(
    "path", ["/", "/login", "/desk", "/mailbox/x", "/nowhere", "/health/live", "/docs/openapi.json", "/static/refdesk.css", "/widget.js"]
)
def test_every_response_is_hardened(served: Served, path: str) -> None:
    headers = served.client().get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")


def test_chosen_sites_may_show_the_chat_in_a_frame(serve: Callable[..., Served]) -> None:
    house = serve(server={"embed_origins": ("https://lib.example",)})
    assert house.client().get("/").headers["content-security-policy"].endswith("frame-ancestors 'self' https://lib.example")


@pytest.mark.parametrize(
    ("method", "path", "status", "heading"),
    [("GET", "/nowhere", 404, "没有这个页面"), ("DELETE", "/", 405, "这个地址不支持这种操作"), ("GET", "/broken", 500, "系统出错")],
)
def test_errors_are_pages_for_people_and_json_for_programs(
    serve: Callable[..., Served], method: str, path: str, status: int, heading: str
) -> None:
    def before(app: Sanic[Any, Any]) -> None:
        @app.get("/broken", name="broken")
        async def broken(request: Any) -> None:
            raise RuntimeError("a secret of the house")

    house = serve(before=before)
    page = house.browser().request(method, path)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert heading in page.text
    assert "secret" not in page.text
    answer = house.client().request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert "secret" not in answer.text
    assert ("allow" in answer.headers) is (status == 405)


def test_server_notes_what_went_wrong_inside(serve: Callable[..., Served], caplog: pytest.LogCaptureFixture) -> None:
    house = serve()
    house.desk.store.close()
    with caplog.at_level(logging.ERROR):
        assert house.client().get("/").status_code == 500
    assert "GET / failed" in caplog.text


@pytest.mark.parametrize(
    "request_",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_server_refuses_what_is_no_http_and_goes_on(served: Served, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(served.host.split(":")[1]))) as connection:
        connection.sendall(request_)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    assert served.client().get("/health/live").status_code == 200


@pytest.mark.parametrize("cookie", [b"refdesk_visitor=\xff\xfe", b"refdesk_session=\xff\xfe", b"refdesk_language=\xff"])
def test_visitor_sees_the_page_when_a_cookie_is_damaged(served: Served, cookie: bytes) -> None:
    assert served.client(headers={"Cookie": cookie}).get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/login", "/desk", "/docs", "/widget.js", "/health/live", "/health/ready", "/static/refdesk.css", "/mailbox/x"]
)
def test_proxy_gets_the_head_of_a_page_without_its_body(served: Served, path: str) -> None:
    page, head = served.browser().get(path), served.browser().head(path)
    assert (head.status_code, head.content) == (page.status_code, b"")
    assert head.headers["content-type"] == page.headers["content-type"]
    assert head.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/chat/events", "/desk/events", "/chat/messages"])
def test_proxy_gets_no_head_of_what_has_no_end_or_no_page(served: Served, path: str) -> None:
    assert served.browser().head(path).status_code == 405
