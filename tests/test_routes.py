"""Who may do what: every route of the server appears here, with whom it is for."""

import re
from collections.abc import Callable

import httpx
import pytest

from bot.domain import Role
from tests.serving import Colleague, Served

PUBLIC = None
EVERYBODY = frozenset(Role)
PLANNERS = frozenset({Role.MANAGER, Role.ADMINISTRATOR})
REVIEWERS = frozenset({Role.EDITOR, Role.ADMINISTRATOR})
ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
ANNOUNCERS = EVERYBODY - {Role.MANAGER}

# Public ones are for patrons and their platforms, or let in by something else: a signature, a token, a one-time link, a code.
MATRIX: dict[str, frozenset[Role] | None] = {
    "GET /": PUBLIC,
    "GET /account": EVERYBODY,
    "GET /answers/<entry_id:str>": PUBLIC,
    "GET /api/v1/months": PUBLIC,
    "GET /api/v1/questions": PUBLIC,
    "GET /api/v1/report": PUBLIC,
    "GET /chat/events": PUBLIC,
    "GET /desk": EVERYBODY,
    "GET /desk/audit": ADMINISTRATORS,
    "GET /desk/blocks": EVERYBODY,
    "GET /desk/canned": EVERYBODY,
    "GET /desk/conversations/<number:int>": EVERYBODY,
    "GET /desk/events": EVERYBODY,
    "GET /desk/groups": EVERYBODY,
    "GET /desk/intents": EVERYBODY,
    "GET /desk/log": EVERYBODY,
    "GET /desk/mining": EVERYBODY,
    "GET /desk/people": ADMINISTRATORS,
    "GET /desk/pictures/<message:int>/<number:int>": EVERYBODY,
    "GET /desk/requests": EVERYBODY,
    "GET /desk/roster": EVERYBODY,
    "GET /desk/status": EVERYBODY,
    "GET /desk/suggestions": EVERYBODY,
    "GET /desk/teach": EVERYBODY,
    "GET /desk/teach/entry": EVERYBODY,
    "GET /desk/teach/progress": EVERYBODY,
    "GET /desk/tickets/<number:int>": EVERYBODY,
    "GET /desk/tickets/<number:int>/help": EVERYBODY,
    "GET /docs": PUBLIC,
    "GET /docs/openapi.json": PUBLIC,
    "GET /health/live": PUBLIC,
    "GET /health/ready": PUBLIC,
    "GET /login": PUBLIC,
    "GET /mailbox": PUBLIC,
    "GET /mailbox/<code:str>": PUBLIC,
    "GET /metrics": PUBLIC,
    "GET /reports": EVERYBODY,
    "GET /reports/charts/<name:str>": EVERYBODY,
    "GET /reports/file": EVERYBODY,
    "GET /reports/months": EVERYBODY,
    "GET /reports/months/<month:str>": EVERYBODY,
    "GET /reports/rows": EVERYBODY,
    "GET /reports/vega.js": EVERYBODY,
    "GET /setup/<token:str>": PUBLIC,
    "GET /signon": PUBLIC,
    "GET /signon/back": PUBLIC,
    "GET /static/<__file_uri__:path>": PUBLIC,
    "GET /widget.js": PUBLIC,
    "POST /account/factor": EVERYBODY,
    "POST /account/factor/end": EVERYBODY,
    "POST /account/factor/new": EVERYBODY,
    "POST /account/password": EVERYBODY,
    "POST /account/sessions/<number:str>/end": EVERYBODY,
    "POST /chat/feedback": PUBLIC,
    "POST /chat/messages": PUBLIC,
    "POST /desk/alerts/seen": EVERYBODY,
    "POST /desk/blocks/<number:int>/lift": EVERYBODY,
    "POST /desk/canned": EVERYBODY,
    "POST /desk/canned/<number:int>/remove": EVERYBODY,
    "POST /desk/log": EVERYBODY,
    "POST /desk/mining/attach": EVERYBODY,
    "POST /desk/people": ADMINISTRATORS,
    "POST /desk/people/<login:str>": ADMINISTRATORS,
    "POST /desk/people/<login:str>/<step:disable|enable|sessions|factor>": ADMINISTRATORS,
    "POST /desk/roster/days": PLANNERS,
    "POST /desk/roster/days/<number:int>/end": PLANNERS,
    "POST /desk/roster/note": EVERYBODY,
    "POST /desk/roster/shifts": PLANNERS,
    "POST /desk/roster/shifts/<number:int>/end": PLANNERS,
    "POST /desk/status": ANNOUNCERS,
    "POST /desk/status/<number:int>/end": ANNOUNCERS,
    "POST /desk/teach/entries/<number:int>/<step:approve|refuse>": REVIEWERS,
    "POST /desk/teach/entry": EVERYBODY,
    "POST /desk/teach/examples/<number:int>/<step:approve|refuse>": REVIEWERS,
    "POST /desk/teach/train": REVIEWERS,
    "POST /desk/teach/undo": REVIEWERS,
    "POST /desk/tickets/<number:int>/<step:claim|release|reply|close|transfer|note|mark|join|part>": EVERYBODY,
    "POST /desk/tickets/<number:int>/block": EVERYBODY,
    "POST /desk/tickets/<number:int>/example": EVERYBODY,
    "POST /desk/tickets/<number:int>/preview": EVERYBODY,
    "POST /desk/tickets/<number:int>/teach-reply": EVERYBODY,
    "POST /desk/tickets/<number:int>/typing": EVERYBODY,
    "POST /desk/tickets/<number:int>/undo": EVERYBODY,
    "POST /login": PUBLIC,
    "POST /login/code": PUBLIC,
    "POST /logout": PUBLIC,
    "POST /model/parse": PUBLIC,
    "POST /reports/months": PLANNERS,
    "POST /setup/<token:str>": PUBLIC,
    "POST /webhooks/rest/webhook": PUBLIC,
    "POST /webhooks/stub": PUBLIC,
}
GUARDED = {route: roles for route, roles in MATRIX.items() if roles is not None}
_STREAMS = frozenset({"GET /desk/events"})
_WRONG_TOKEN = "页面已过期"


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    """A server with everything that can be switched on in it."""
    return serve(signon={"kind": "cas", "url": "https://cas.example"})


def asked(client: httpx.Client, route: str, **fields: str) -> httpx.Response:
    """The answer to a route whose parameters are filled in."""
    method, path = route.split(" ")
    path = re.sub(r"<step:(\w+)[^>]*>", r"\1", path)
    path = re.sub(r"<\w+:\w+>", "nothing", re.sub(r"<\w+:int>", "7", path))
    with client.stream(method, path, data=fields or None) as answer:
        if route not in _STREAMS or answer.status_code != 200:
            answer.read()
        return answer


def test_every_route_says_here_whom_it_is_for(house: Served) -> None:
    found = {
        f"{method} /{route.path}" for route in house.app.router.routes for method in route.methods if method not in ("HEAD", "OPTIONS")
    }
    assert found - set(MATRIX) == set(), "a new route needs a line in MATRIX"
    assert set(MATRIX) - found == set(), "these routes are gone"


def test_strangers_come_into_nothing_that_is_for_colleagues(house: Served) -> None:
    stranger = house.browser()
    for route in GUARDED:
        answer = asked(stranger, route)
        assert answer.status_code in (303, 401), route
        assert answer.headers.get("location", "/login").startswith("/login"), route


def test_each_role_comes_into_what_is_for_it_and_nothing_else(house: Served) -> None:
    for role in Role:
        colleague = house.librarian(f"the-{role}", role)
        for route, roles in GUARDED.items():
            answer = asked(colleague.client, route, **({"csrf": colleague.csrf} if route.startswith("POST") else {}))
            assert (answer.status_code == 403) == (role not in roles), f"{role}: {route} answered {answer.status_code}"
            assert answer.status_code < 500, f"{role}: {route}"
            if route == "POST /account/factor/new":
                assert answer.status_code == 200


def test_no_form_of_a_colleague_is_taken_without_the_token_of_the_session(house: Served) -> None:
    root = house.librarian("root", Role.ADMINISTRATOR)
    other = Colleague("root", house.browser(Cookie=f"refdesk_session={root.client.cookies['refdesk_session']}"))
    for route in (route for route in GUARDED if route.startswith("POST")):
        for fields in ({}, {"csrf": "nonsense"}):
            answer = asked(other.client, route, **fields)
            assert (answer.status_code, _WRONG_TOKEN in answer.text) == (403, True), route
