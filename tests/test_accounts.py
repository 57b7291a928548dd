"""Who may sign in."""

from collections.abc import Callable

import pytest

from bot import accounts
from bot.accounts import LOCKED_FOR, MOST_FAILURES, Accounts
from bot.domain import Librarian, Role
from bot.errors import LoginRefused, NotFound, Refused
from bot.store import Store
from tests.conftest import FakeClock

PASSWORD = "correct horse battery"
SECRET = "s" * 64


@pytest.fixture
def door(store: Store, clock: FakeClock) -> Accounts:
    return Accounts(store, SECRET, clock)


@pytest.fixture
def anna(door: Accounts) -> Librarian:
    return door.set_password(door.invite("anna", "Anna", Role.LIBRARIAN), PASSWORD)


def test_librarian_signs_in_with_the_password(door: Accounts, anna: Librarian) -> None:
    assert door.sign_in("anna", PASSWORD) == anna
    assert (anna.name, anna.role) == ("Anna", Role.LIBRARIAN)


@pytest.mark.parametrize(("login", "password"), [("anna", "wrong"), ("anna", ""), ("nobody", PASSWORD), ("", ""), ("invited", "")])
def test_refusal_sounds_the_same_whatever_was_wrong(door: Accounts, anna: Librarian, login: str, password: str) -> None:
    door.invite("invited", "No Password Yet", Role.LIBRARIAN)
    with pytest.raises(LoginRefused, match="^wrong$"):
        door.sign_in(login, password)


def test_account_is_locked_after_failures_and_opens_again(door: Accounts, anna: Librarian, clock: FakeClock) -> None:
    for _ in range(MOST_FAILURES):
        with pytest.raises(LoginRefused, match="wrong"):
            door.sign_in("anna", "guess")
    with pytest.raises(LoginRefused, match="locked"):
        door.sign_in("anna", PASSWORD)
    clock.at += LOCKED_FOR
    assert door.sign_in("anna", PASSWORD).failures == 0


def test_failures_are_forgotten_when_the_password_was_right(door: Accounts, anna: Librarian) -> None:
    for _ in range(2):
        for _ in range(MOST_FAILURES - 1):
            with pytest.raises(LoginRefused):
                door.sign_in("anna", "guess")
        assert door.sign_in("anna", PASSWORD).login == "anna"


def test_nobody_signs_in_when_the_account_vanishes_meanwhile(store: Store, door: Accounts, anna: Librarian) -> None:
    class Vanishing(Store):
        def __init__(self) -> None:
            self.write = store.write  # type: ignore[method-assign]

        def read(self, work: Callable) -> object:  # type: ignore[type-arg, override]
            found = store.read(work)
            store.write(lambda s: s._db.conn.execute("delete from librarians")).result()
            return found

    with pytest.raises(LoginRefused, match="wrong"):
        Accounts(Vanishing(), SECRET, FakeClock()).sign_in("anna", PASSWORD)


def test_session_belongs_to_its_librarian(door: Accounts, anna: Librarian) -> None:
    assert door.by_cookie(door.cookie(anna)) == anna


@pytest.mark.parametrize("value", ["", "nonsense", "a.b.c", "\udcff", "WyJhbm5hIiwxXQ.aaaa.bbbb"])
def test_session_is_nobodys_when_it_was_forged(door: Accounts, anna: Librarian, value: str) -> None:
    assert door.by_cookie(value) is None


def test_session_is_nobodys_when_it_was_signed_with_another_secret(store: Store, door: Accounts, anna: Librarian) -> None:
    assert door.by_cookie(Accounts(store, "t" * 64, FakeClock()).cookie(anna)) is None


@pytest.mark.parametrize("signed", [5, ["anna"], ["nobody", 1]])
def test_session_is_nobodys_when_it_says_something_else(door: Accounts, anna: Librarian, signed: object) -> None:
    assert door.by_cookie(door._signer.dumps(signed)) is None  # type: ignore[arg-type]


def test_session_is_nobodys_when_it_is_too_old(door: Accounts, anna: Librarian, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = door.cookie(anna)
    monkeypatch.setattr(accounts, "SESSION_LASTS", accounts.SESSION_LASTS * -1)
    assert door.by_cookie(cookie) is None


def test_sessions_end_when_the_librarian_signs_out_or_sets_a_new_password(door: Accounts, anna: Librarian) -> None:
    cookie = door.cookie(anna)
    door.end_sessions("anna")
    assert door.by_cookie(cookie) is None
    cookie = door.cookie(door.sign_in("anna", PASSWORD))
    door.set_password(door.invite("anna", "Anna", Role.LIBRARIAN), "another password")
    assert door.by_cookie(cookie) is None
    with pytest.raises(NotFound):
        door.end_sessions("nobody")


def test_form_token_holds_for_its_own_session_only(door: Accounts) -> None:
    token = door.csrf("one session")
    assert door.csrf_holds(token, "one session")
    assert not door.csrf_holds(token, "another session")
    assert not door.csrf_holds("nonsense", "one session")
    assert not door.csrf_holds("", "")


def test_one_time_link_works_once(door: Accounts) -> None:
    token = door.invite("ben", "Ben", Role.MANAGER)
    assert door.invited(token) == "ben"
    assert door.set_password(token, PASSWORD).role is Role.MANAGER
    for use in (door.invited, lambda token: door.set_password(token, PASSWORD)):
        with pytest.raises(NotFound, match="one-time link"):
            use(token)


def test_one_time_link_ends_after_two_days(door: Accounts, clock: FakeClock) -> None:
    token = door.invite("ben", "Ben", Role.LIBRARIAN)
    clock.pass_(days=2)
    with pytest.raises(NotFound):
        door.invited(token)


def test_one_time_link_ends_when_a_newer_one_is_made(door: Accounts, anna: Librarian) -> None:
    older, newer = (door.invite("anna", "Another Name", Role.MANAGER) for _ in range(2))
    with pytest.raises(NotFound):
        door.invited(older)
    assert (door.invited(newer), door.sign_in("anna", PASSWORD).name) == ("anna", "Anna")


@pytest.mark.parametrize("length", [0, 9, 201])
def test_password_is_refused_when_it_is_too_short_or_too_long(door: Accounts, length: int) -> None:
    token = door.invite("ben", "Ben", Role.LIBRARIAN)
    with pytest.raises(Refused, match="password_length"):
        door.set_password(token, "p" * length)
    assert door.invited(token) == "ben"


@pytest.mark.parametrize("length", [10, 200])
def test_password_may_have_any_length_between(door: Accounts, length: int) -> None:
    door.set_password(door.invite("ben", "Ben", Role.LIBRARIAN), "密" * length)
    assert door.sign_in("ben", "密" * length).login == "ben"


def test_house_needs_its_first_administrator_until_somebody_can_sign_in(door: Accounts) -> None:
    assert door.needs_first_administrator()
    token = door.invite("admin", "Admin", Role.ADMINISTRATOR)
    assert door.needs_first_administrator()
    door.set_password(token, PASSWORD)
    assert not door.needs_first_administrator()
