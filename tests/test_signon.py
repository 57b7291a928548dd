"""Campus single sign-on against stand-ins that speak the real protocols."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import ValidationError

from bot.domain import Deed, Role
from bot.settings import SignOnSection
from tests.connectors.loopback import Told
from tests.serving import Served
from tests.university import CLIENT, SECRET, CasServer, OpenIdProvider, cas, provider

Away = tuple[httpx.Client, str]


def sets_off(house: Served, onward: str = "") -> Away:
    """A browser that is sent to the university, and where to."""
    browser = house.browser()
    answer = browser.get("/signon", params={"next": onward} if onward else None)
    assert answer.status_code == 303, answer.text
    return browser, answer.headers["location"]


def comes_back(house: Served, away: Away, server: CasServer | OpenIdProvider, user: str = "mei") -> httpx.Response:
    """The same browser after its owner proved themselves as `user`."""
    browser, address = away
    back = urlsplit(server.signs_in(address, user))
    assert back.netloc == "ask.example"
    return browser.get(f"{back.path}?{back.query}")


Campus = tuple[Served, CasServer | OpenIdProvider]


def campus_of(kind: str, serve: Callable[..., Served], **more: str) -> Iterator[Campus]:
    """A house that trusts a university's server."""
    here = {"public_url": "http://ask.example"}
    if kind == "cas":
        with cas() as (server, url):
            yield serve(signon={"kind": "cas", "url": url, **more}, server=here), server
    else:
        with provider() as (issuer, place):
            section = {"kind": "oidc", "url": place.url, "client_id": CLIENT, "client_secret": SECRET, **more}
            yield serve(signon=section, server=here), issuer


@pytest.fixture(params=["cas", "oidc"])
def campus(request: pytest.FixtureRequest, serve: Callable[..., Served]) -> Iterator[Campus]:
    """Either protocol; who has no account gets one as a librarian."""
    yield from campus_of(request.param, serve, role="librarian")


@pytest.fixture(params=["cas", "oidc"])
def closed_campus(request: pytest.FixtureRequest, serve: Callable[..., Served]) -> Iterator[Campus]:
    """Either protocol; only who has an account comes in."""
    yield from campus_of(request.param, serve)


def test_colleague_signs_in_by_the_university_and_lands_where_they_wanted(campus: Campus) -> None:
    house, server = campus
    away = sets_off(house, "/reports")
    assert comes_back(house, away, server).headers["location"] == "/reports"
    assert "梅老师" in away[0].get("/desk").text
    account = house.desk.store.read(lambda s: s.librarian("mei"))
    assert account is not None
    assert (account.role, account.email, account.password) == (Role.LIBRARIAN, "mei@example.edu.cn", "")


def test_colleague_with_an_account_keeps_its_role(campus: Campus) -> None:
    house, server = campus
    house.accounts.invite("mei", "Mei", Role.MANAGER)
    assert comes_back(house, sets_off(house), server).headers["location"] == "/desk"
    account = house.desk.store.read(lambda s: s.librarian("mei"))
    assert account is not None
    assert account.role is Role.MANAGER


def test_stranger_with_a_university_account_does_not_come_in(closed_campus: Campus) -> None:
    house, server = closed_campus
    away = sets_off(house)
    answer = comes_back(house, away, server)
    assert (answer.status_code, "还没有问询台账号" in answer.text) == (403, True)
    assert away[0].get("/desk").status_code == 303
    assert house.accounts.audit(deed=Deed.SIGN_IN_REFUSED)[0][1].target == "mei"


def test_disabled_colleague_does_not_come_in(campus: Campus) -> None:
    house, server = campus
    comes_back(house, sets_off(house), server)
    root = house.librarian("root", Role.ADMINISTRATOR)
    root.post("/desk/people/mei/disable")
    assert comes_back(house, sets_off(house), server).status_code == 403


def test_login_of_the_university_that_is_none_of_ours_gets_no_account(campus: Campus) -> None:
    house, server = campus
    assert comes_back(house, sets_off(house), server, "梅/../admin").status_code == 403


def test_proof_works_once(campus: Campus) -> None:
    house, server = campus
    browser, address = sets_off(house)
    back = urlsplit(server.signs_in(address, "mei"))
    thief = house.browser(Cookie=f"refdesk_signon={browser.cookies['refdesk_signon']}")
    assert browser.get(f"{back.path}?{back.query}").status_code == 303
    assert thief.get(f"{back.path}?{back.query}").status_code == 403


def test_proof_of_one_browser_opens_no_other(campus: Campus) -> None:
    house, server = campus
    _, address = sets_off(house)
    other, _ = sets_off(house)
    back = urlsplit(server.signs_in(address, "mei"))
    answer = other.get(f"{back.path}?{back.query}")
    assert (answer.status_code, "没有确认您的身份" in answer.text) == (403, True)
    assert house.browser().get(f"{back.path}?{back.query}").status_code == 403


@pytest.mark.parametrize("query", ["", "state=x", "state=%F0%9F%92%A9&ticket=x", "error=access_denied"])
def test_nonsense_proves_nothing(campus: Campus, query: str) -> None:
    house, _ = campus
    browser, _ = sets_off(house)
    assert browser.get(f"/signon/back?{query}").status_code == 403


def test_nothing_but_a_ticket_or_code_proves_anything(campus: Campus) -> None:
    house, server = campus
    browser, address = sets_off(house)
    query = urlsplit(server.signs_in(address, "mei")).query.replace("ticket=", "not=").replace("code=", "not=")
    assert browser.get(f"/signon/back?{query}").status_code == 403


def test_colleague_signs_in_only_to_our_own_pages(campus: Campus) -> None:
    house, server = campus
    assert comes_back(house, sets_off(house, "//evil.example"), server).headers["location"] == "/desk"


def test_sign_in_page_offers_the_university_first_and_passwords_still_work(campus: Campus) -> None:
    house, _ = campus
    page = house.browser().get("/login?next=/reports").text
    assert 'href="/signon?next=/reports"' in page
    assert house.librarian("anna").get("/desk").status_code == 200


def test_sign_in_page_offers_no_university_without_one(served: Served) -> None:
    assert "/signon" not in served.browser().get("/login").text
    assert served.browser().get("/signon").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "another client"},
        {"exp": 1},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"preferred_username": "", "sub": ""},
    ],
    ids=str,
)
def test_token_that_lies_is_not_believed(serve: Callable[..., Served], changes: dict[str, Any]) -> None:
    for house, server in campus_of("oidc", serve, role="librarian"):
        assert isinstance(server, OpenIdProvider)
        server.changes = changes
        assert comes_back(house, sets_off(house), server).status_code == 403


def test_token_of_another_key_is_not_believed(serve: Callable[..., Served]) -> None:
    for house, server in campus_of("oidc", serve, role="librarian"):
        assert isinstance(server, OpenIdProvider)
        server.shown = OpenIdProvider().key
        assert comes_back(house, sets_off(house), server).status_code == 403


@pytest.mark.parametrize("kind", ["cas", "oidc"])
def test_login_may_be_in_another_attribute(serve: Callable[..., Served], kind: str) -> None:
    for house, server in campus_of(kind, serve, role="librarian", login_claim="employee"):
        assert comes_back(house, sets_off(house), server).status_code == 403
        if isinstance(server, CasServer):
            server.attributes = {"employee": "e100"}
        else:
            server.changes = {"employee": "e100"}
        assert comes_back(house, sets_off(house), server).status_code == 303
        assert house.desk.store.read(lambda s: s.librarian("e100")) is not None


BROKEN = [Told(None), Told("<html>", 500), Told("<cas:broken"), Told("[]"), Told({"issuer": "https://other.example"})]


@pytest.mark.parametrize("told", BROKEN, ids=lambda told: str(told.body))
def test_colleague_is_told_when_the_university_cannot_be_asked(serve: Callable[..., Served], told: Told) -> None:
    with provider() as (_, place):
        section = {"kind": "oidc", "url": place.url, "client_id": CLIENT, "client_secret": SECRET}
        house = serve(signon=section, server={"public_url": "http://ask.example"})
        place.answer = lambda asked: told
        answer = house.browser().get("/signon")
        assert (answer.status_code, "暂时连不上" in answer.text) == (502, True)


@pytest.mark.parametrize("told", BROKEN[:3], ids=lambda told: str(told.body))
@pytest.mark.parametrize("kind", ["cas", "oidc"])
def test_colleague_is_told_when_the_university_fails_half_way(serve: Callable[..., Served], kind: str, told: Told) -> None:
    for house, server in campus_of(kind, serve, role="librarian"):
        browser, address = sets_off(house)
        back = urlsplit(server.signs_in(address, "mei"))
        server.broken = told
        answer = browser.get(f"{back.path}?{back.query}")
        assert (answer.status_code, "暂时连不上" in answer.text) == (502, True)


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ({"kind": "cas"}, "cas needs url"),
        ({"kind": "oidc", "url": "https://id.example"}, "oidc needs client_id, client_secret"),
        ({"kind": "cas", "url": "http://cas.example"}, "https://"),
        ({"kind": "saml"}, "Input should be"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(section: dict[str, str], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        SignOnSection(**section)  # type: ignore[arg-type]
