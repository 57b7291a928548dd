"""The library's own web chat."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bot import connector
from bot.app import Doors
from bot.messages import Address
from connectors import web
from tests.connectors.contract import QUESTION, Contract
from tests.serving import Served, Stream, streaming, until

MESSAGES, FEEDBACK, EVENTS = "/chat/messages", "/chat/feedback", "/chat/events"
VISITOR = "a-visitors-unguessable-number-01"
JSON = {"Content-Type": "application/json"}


class WebChannel:
    """A browser for each asker, with a known cookie."""

    name = "web"
    section: Mapping[str, Any] = {}
    routes = frozenset({MESSAGES, FEEDBACK, EVENTS})

    def user(self, asker: str) -> str:
        return asker.ljust(32, "-")

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        browser = served.client(cookies={"refdesk_visitor": self.user(asker)})
        answer = browser.post(MESSAGES, json={"text": text, "id": number})
        assert answer.status_code == 200
        return tuple(line["text"] for line in answer.json()["lines"] if line["who"] != "patron")

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        lines = served.desk.history(Address("web", self.user(asker))).lines
        return tuple(line.text for line in lines if line.reply)


class TestWeb(Contract):
    @pytest.fixture
    def channel(self) -> WebChannel:
        return WebChannel()


@pytest.fixture
def browser(served: Served) -> httpx.Client:
    """A patron's browser that has been here before."""
    return served.client(cookies={"refdesk_visitor": VISITOR})


def _say(browser: httpx.Client, text: str, **fields: str) -> Any:
    answer = browser.post(MESSAGES, json={"text": text, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- saying something ---


def test_visitor_gets_the_exchange_as_json(browser: httpx.Client) -> None:
    said = _say(browser, QUESTION)
    asked, answer = said["lines"]
    assert (asked["who"], asked["text"], asked["kind"], asked["links"]) == ("patron", QUESTION, "", [])
    assert (answer["who"], answer["kind"], answer["entry"]) == ("bot", "answer", "vpn_setup")
    assert answer["links"][0]["url"].startswith("https://")
    assert (said["state"], said["ticket"]) == ("bot", 0)


def test_visitor_gets_only_what_is_new_when_the_page_says_what_it_has(browser: httpx.Client) -> None:
    last = _say(browser, QUESTION)["lines"][-1]["id"]
    newer = browser.post(f"{MESSAGES}?after={last}", json={"text": "转人工"}).json()
    assert [line["who"] for line in newer["lines"]] == ["patron", "bot"]
    assert (newer["state"], newer["ticket"]) == ("waiting", 1)


@pytest.mark.parametrize("after", ["x", "-1", "", "²"])
def test_visitor_gets_everything_when_the_page_counts_oddly(browser: httpx.Client, after: str) -> None:
    assert len(browser.post(MESSAGES, params={"after": after}, json={"text": QUESTION}).json()["lines"]) == 2


@pytest.mark.parametrize("after", ["9" * 18, "9" * 30, "9" * 5000])
def test_page_may_name_a_line_that_cannot_be(browser: httpx.Client, after: str) -> None:
    assert browser.post(MESSAGES, params={"after": after}, json={"text": QUESTION}).status_code == 200


def test_visitor_chooses_what_the_bot_offered(browser: httpx.Client) -> None:
    choices = _say(browser, "VPN")["lines"][-1]["choices"]
    answer = _say(browser, "", choice=choices[0]["value"])["lines"][-1]
    assert answer["entry"] == "vpn_setup"


def test_new_visitor_gets_a_cookie_that_scripts_and_other_sites_cannot_use(served: Served) -> None:
    cookie = served.client().post(MESSAGES, json={"text": QUESTION}).headers["set-cookie"]
    assert cookie.startswith("refdesk_visitor=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_new_visitor_gets_a_cookie_fit_for_frames_when_the_site_is_on_https(serve: Any) -> None:
    house = serve(server={"public_url": "https://ask.example"})
    cookie = house.client().post(MESSAGES, json={"text": QUESTION}).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=None", "Secure", "Partitioned"} <= set(cookie.split("; "))
    again = house.client(headers={"Cookie": cookie.split(";")[0]}).post(MESSAGES, json={"text": QUESTION})
    assert "set-cookie" not in again.headers
    assert len(again.json()["lines"]) == 4


def test_visitor_keeps_their_cookie(browser: httpx.Client) -> None:
    assert "set-cookie" not in browser.post(MESSAGES, json={"text": QUESTION}).headers


@pytest.mark.parametrize("value", ["short", "x" * 65, "with%20space-and-more-than-enough", "ü" * 30])
def test_visitor_gets_a_new_cookie_when_theirs_cannot_be_ours(served: Served, value: str) -> None:
    headers = {"Cookie": f"refdesk_visitor={value}".encode()}
    answer = served.client().post(MESSAGES, json={"text": QUESTION}, headers=headers)
    assert answer.status_code == 200
    assert value not in answer.headers["set-cookie"]


@pytest.mark.parametrize("files", [None, {"nothing": b""}], ids=["urlencoded", "multipart"])
def test_visitor_without_javascript_is_sent_back_to_the_page(served: Served, browser: httpx.Client, files: Any) -> None:
    answer = browser.post(MESSAGES, data={"text": QUESTION, "id": ""}, files=files, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert served.messages("web", VISITOR) == [QUESTION]


@pytest.mark.parametrize(("text", "why"), [("", "empty"), (" \n", "empty"), ("长" * 10_001, "too_long")])
def test_visitor_without_javascript_is_told_on_the_page_what_was_wrong(browser: httpx.Client, text: str, why: str) -> None:
    answer = browser.post(MESSAGES, data={"text": text}, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/?refused={why}")


@pytest.mark.parametrize(("text", "status", "why"), [("", 400, "empty"), ("\t", 400, "empty"), ("长" * 10_001, 413, "too_long")])
def test_visitor_is_told_what_was_wrong(browser: httpx.Client, text: str, status: int, why: str) -> None:
    answer = browser.post(MESSAGES, json={"text": text})
    assert (answer.status_code, answer.json()) == (status, {"error": why})


def test_visitor_is_told_when_nothing_can_be_stored(served: Served, browser: httpx.Client) -> None:
    served.desk.store.close()
    answer = browser.post(MESSAGES, json={"text": QUESTION})
    assert (answer.status_code, answer.json()) == (503, {"error": "not_stored"})


@pytest.mark.parametrize("path", [MESSAGES, FEEDBACK])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ('{"text": 5, "message": "x"}', "application/json", 400),
        ('{"text": "half an emoji \\ud83d"}', "application/json", 400),
        ("[]", "application/json; charset=utf-8", 400),
        ("text=hello", "text/plain", 415),
        ("<x/>", "application/xml", 415),
        ("text=hello", "", 415),
    ],
)
def test_page_is_told_when_a_body_cannot_be_read(browser: httpx.Client, path: str, body: str, kind: str, status: int) -> None:
    answer = browser.post(path, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.json()["error"]


def test_visitor_is_slowed_down_alone_when_they_flood(serve: Any) -> None:
    house = serve(server={"asks_per_minute": 3})
    flooder, other = (house.client(cookies={"refdesk_visitor": name * 32}) for name in "ab")
    statuses = [flooder.post(MESSAGES, json={"text": "好"}).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert flooder.post(MESSAGES, data={"text": "好"}).headers["location"] == "/?refused=too_many"
    assert other.post(MESSAGES, json={"text": "好"}).status_code == 200


def test_crowd_behind_one_address_is_slowed_down_when_it_never_keeps_a_cookie(serve: Any) -> None:
    house = serve(server={"asks_per_minute": 1})
    statuses = [house.client().post(MESSAGES, json={"text": ""}).status_code for _ in range(41)]
    assert statuses == [400] * 40 + [429]


# --- other sites ---


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "{own}"}, 200),
        ({}, 200),
    ],
)
def test_other_sites_cannot_speak_for_a_visitor(served: Served, browser: httpx.Client, headers: dict[str, str], status: int) -> None:
    sent = {name: value.format(own=served.url) for name, value in headers.items()}
    answer = browser.post(MESSAGES, json={"text": QUESTION}, headers=sent)
    assert answer.status_code == status
    assert bool(served.messages("web", VISITOR)) is (status == 200)


# --- thumbs ---


def test_visitor_rates_an_answer_once(served: Served, browser: httpx.Client) -> None:
    answer = _say(browser, QUESTION)["lines"][-1]["id"]
    rated = browser.post(FEEDBACK, json={"message": answer, "helpful": True})
    assert (rated.status_code, rated.json()["state"]) == (200, "bot")
    again = browser.post(FEEDBACK, json={"message": answer, "helpful": False})
    assert (again.status_code, again.json()["error"]) == (409, "this answer was rated already")
    assert served.tickets() == ()


def test_visitor_gets_a_librarian_when_the_answer_did_not_help(served: Served, browser: httpx.Client) -> None:
    answer = _say(browser, QUESTION)["lines"][-1]["id"]
    rated = browser.post(FEEDBACK, data={"message": answer, "helpful": "0"}, headers={"Accept": "text/html"})
    assert (rated.status_code, rated.headers["location"]) == (303, "/")
    assert served.count("tickets") == 0
    tried = browser.post("/chat/feedback?after=0", json={"message": answer + 1, "helpful": False})
    assert tried.status_code == 200
    assert served.ticket().reason == "unhelpful"


def test_visitor_cannot_rate_anothers_answer_or_none(served: Served, browser: httpx.Client) -> None:
    answer = _say(browser, QUESTION)["lines"][-1]["id"]
    other = served.client()
    for client, number in ((other, answer), (browser, answer - 1), (browser, 999), (browser, 10**30)):
        assert client.post(FEEDBACK, json={"message": number, "helpful": True}).status_code == 404
    assert served.count("events where name = 'helpful'") == 0


# --- the event stream ---


def test_event_stream_tells_a_stranger_to_stop(served: Served) -> None:
    answer = served.client().get(EVENTS)
    assert (answer.status_code, answer.content) == (204, b"")


def test_visitor_hears_a_librarian_live(served: Served, browser: httpx.Client) -> None:
    last = _say(browser, "转人工")["lines"][-1]["id"]
    with streaming(browser, f"{EVENTS}?after={last}") as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert stream.event("state")["data"] == '{"state": "waiting", "ticket": 1}'
        served.answers("您好，我是馆员。")
        line = stream.event("line")
        assert '"who": "librarian"' in line["data"]
        assert "您好，我是馆员。" in line["data"]
    with streaming(browser, EVENTS, **{"Last-Event-ID": line["id"]}) as stream:
        assert stream.block()["event"] == "state"
        served.desk.reply(1, "anna", "还有一句。")
        assert "还有一句。" in stream.block()["data"]


def test_visitor_catches_up_when_the_stream_begins_anew(browser: httpx.Client) -> None:
    first, second = _say(browser, QUESTION)["lines"]
    with streaming(browser, EVENTS, **{"Last-Event-ID": "nonsense"}) as stream:
        assert [stream.block()["id"] for _ in range(2)] == [str(first["id"]), str(second["id"])]
        assert stream.block()["event"] == "state"


def test_visitor_hears_of_the_first_words_when_the_stream_was_open_before_them(served: Served, browser: httpx.Client) -> None:
    with streaming(browser, EVENTS) as stream:
        assert stream.block()["data"] == '{"state": "bot", "ticket": 0}'
        _say(served.client(cookies={"refdesk_visitor": VISITOR}), QUESTION)
        assert QUESTION in stream.event("line")["data"]


def test_event_stream_shows_that_it_lives_when_nothing_happens(
    served: Served, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_HEARTBEAT", 0.01)
    with streaming(browser, EVENTS) as stream:
        assert stream.block()["event"] == "state"
        assert stream.block() == {"": "still here"}


def test_server_forgets_a_listener_who_has_gone(served: Served, browser: httpx.Client) -> None:
    _say(browser, QUESTION)
    hub = _hub(served)
    with streaming(browser, EVENTS) as stream:
        stream.event("state")
        assert hub._waiting
    browser.close()
    until(lambda: not hub._waiting)


def _hub(served: Served) -> Any:
    doors = next(cell.cell_contents for cell in _closure(served) if isinstance(cell.cell_contents, connector.Desk))
    owner = doors.ask.__self__  # type: ignore[attr-defined]
    assert isinstance(owner, Doors)
    return owner._hub


def _closure(served: Served) -> Any:
    return next(route for route in served.app.router.routes if route.path == EVENTS.lstrip("/")).handler.__closure__


def test_web_can_be_switched_off() -> None:
    for value in (False, "false", "0"):
        assert connector.load("web", {"enabled": value}) is None


def test_stream_is_one_of_events() -> None:
    """The reader of streams used here keeps fields apart and passes over other kinds."""
    stream = Stream(httpx.Response(200, text=": hello\n\nevent: a\ndata: 1\n\nevent: b\ndata: 2: 3\n\n"))
    assert stream.event("b") == {"event": "b", "data": "2: 3"}
