"""Who may sign in."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from bot.accounts import LOCKED_FOR, MOST_FAILURES, SESSION_LASTS, Accounts, passwords
from bot.domain import Actor, Deed, Librarian, Role
from bot.errors import LoginRefused, NotFound, Refused, SecondFactorNeeded
from bot.store import Store
from tests.conftest import FakeClock

PASSWORD = "correct horse battery"
SECRET = "s" * 64
HERE = Actor("anna", "192.0.2.1", "Firefox")


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
    assert door.by_cookie(door.begin(anna)) == anna


def test_every_sign_in_begins_a_session_of_its_own(door: Accounts, anna: Librarian) -> None:
    first, second = door.begin(anna, HERE), door.begin(anna, replace(HERE, agent="Phone"))
    assert first != second
    assert [session.agent for session in door.sessions("anna")] == ["Phone", "Firefox"]
    assert door.sessions("anna")[0].address == "192.0.2.1"


@pytest.mark.parametrize("value", ["", "nonsense", "a.b.c", "WyJhbm5hIiwxXQ.aaaa.bbbb"])
def test_session_is_nobodys_when_it_was_forged(door: Accounts, anna: Librarian, value: str) -> None:
    assert door.by_cookie(value) is None


def test_store_cannot_open_a_session_with_what_it_keeps(door: Accounts, anna: Librarian) -> None:
    cookie = door.begin(anna)
    (session,) = door.sessions("anna")
    assert cookie not in (session.id, "")
    assert door.by_cookie(session.id) is None


def test_session_is_nobodys_when_it_is_too_old(door: Accounts, anna: Librarian, clock: FakeClock) -> None:
    cookie = door.begin(anna)
    clock.at += SESSION_LASTS
    assert door.by_cookie(cookie) is None
    assert door.sessions("anna") == ()


def test_old_sessions_are_forgotten_when_a_new_one_begins(store: Store, door: Accounts, anna: Librarian, clock: FakeClock) -> None:
    door.begin(anna)
    clock.at += SESSION_LASTS
    door.begin(anna)
    assert store.read(lambda s: len(s.login_sessions("anna", clock.at - 2 * SESSION_LASTS))) == 1


def test_session_remembers_when_it_was_used(door: Accounts, anna: Librarian, clock: FakeClock) -> None:
    cookie, began = door.begin(anna), clock.at
    for minutes in (1, 5):
        clock.pass_(minutes=minutes)
        door.by_cookie(cookie)
    door.note(HERE, Deed.EXPORTED)  # the writer has done what was asked before
    (session,) = door.sessions("anna")
    assert (session.begun_at, session.seen_at) == (began, began + timedelta(minutes=6))


def test_one_session_ends_and_the_others_stay(door: Accounts, anna: Librarian) -> None:
    stays, ends = door.begin(anna), door.begin(anna)
    door.sign_out(ends, HERE)
    door.sign_out("nonsense", HERE)
    assert (door.by_cookie(ends), door.by_cookie(stays)) == (None, anna)
    with pytest.raises(NotFound):
        door.end_session("anna", "nonsense", HERE)
    with pytest.raises(NotFound):
        door.end_session("ben", door.sessions("anna")[0].id, HERE)


def test_sessions_end_when_they_are_ended_or_a_password_is_set(door: Accounts, anna: Librarian) -> None:
    cookie = door.begin(anna)
    door.end_sessions("anna")
    assert door.by_cookie(cookie) is None
    cookie = door.begin(anna)
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
        door.set_password(token, ("word" * 60)[:length])
    assert door.invited(token) == "ben"


@pytest.mark.parametrize("length", [10, 200])
def test_password_may_have_any_length_between(door: Accounts, length: int) -> None:
    password = ("图书馆密码" * 40)[:length]
    door.set_password(door.invite("ben", "Ben", Role.LIBRARIAN), password)
    assert door.sign_in("ben", password).login == "ben"


@pytest.mark.parametrize("password", ["aaaaaaaaaaaa", "abcabcabcabc", "ben is my name", "BEN-2020-library"])
def test_password_is_refused_when_it_is_easy_to_guess(door: Accounts, password: str) -> None:
    token = door.invite("ben", "Ben", Role.LIBRARIAN)
    with pytest.raises(Refused, match="password_weak"):
        door.set_password(token, password)
    assert door.invited(token) == "ben"


def test_librarian_changes_the_password_with_the_old_one_only(door: Accounts, anna: Librarian) -> None:
    cookie = door.begin(anna)
    with pytest.raises(Refused, match="password_old"):
        door.change_password("anna", "guess", "another password", HERE)
    with pytest.raises(Refused, match="password_length"):
        door.change_password("anna", PASSWORD, "short", HERE)
    with pytest.raises(Refused, match="password_old"):
        door.change_password("nobody", PASSWORD, "another password", HERE)
    door.change_password("anna", PASSWORD, "another password", HERE)
    assert door.by_cookie(cookie) is None
    assert door.sign_in("anna", "another password").login == "anna"


# --- second factor ---


def code(secret: str, clock: FakeClock, steps: int = 0) -> str:
    """What an authenticator app shows, some time steps on."""
    return str(pyotp.TOTP(secret).at(clock.at, counter_offset=steps))


@pytest.fixture
def secret(door: Accounts, anna: Librarian, clock: FakeClock) -> str:
    """Anna has a second factor, set up a while ago."""
    secret = door.new_second_factor()
    door.set_second_factor("anna", secret, code(secret, clock), HERE)
    clock.pass_(minutes=5)
    return secret


def half(door: Accounts) -> str:
    """The password was right."""
    with pytest.raises(SecondFactorNeeded) as needed:
        door.sign_in("anna", PASSWORD)
    return needed.value.half


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_librarian_with_a_second_factor_signs_in_by_password_and_code(door: Accounts, secret: str, clock: FakeClock, steps: int) -> None:
    assert door.second_factor(half(door), code(secret, clock, steps), HERE).login == "anna"


def test_code_works_once(door: Accounts, secret: str, clock: FakeClock) -> None:
    door.second_factor(half(door), code(secret, clock), HERE)
    for steps in (0, -1):
        with pytest.raises(LoginRefused, match="wrong_code"):
            door.second_factor(half(door), code(secret, clock, steps), HERE)
    assert door.second_factor(half(door), code(secret, clock, 1), HERE).login == "anna"


@pytest.mark.parametrize("wrong", ["", "000000", "abcdef", "一二三四五六", "\udcff"])
def test_wrong_code_is_refused(door: Accounts, secret: str, wrong: str) -> None:
    with pytest.raises(LoginRefused, match="wrong_code"):
        door.second_factor(half(door), wrong, HERE)


def test_code_does_not_open_a_sign_in_that_was_forged_or_is_too_old(
    door: Accounts, secret: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = half(door)
    monkeypatch.setattr(passwords, "_CODE_WITHIN", timedelta(seconds=-1))
    for stands_for in (begun, "nonsense"):
        with pytest.raises(LoginRefused, match="^wrong$"):
            door.second_factor(stands_for, code(secret, clock), HERE)


def test_trying_codes_locks_the_account_though_the_password_is_right_each_time(door: Accounts, secret: str, clock: FakeClock) -> None:
    halves = []
    for _ in range(MOST_FAILURES):
        halves.append(half(door))
        with pytest.raises(LoginRefused, match="wrong_code"):
            door.second_factor(halves[-1], "000000", HERE)
    with pytest.raises(LoginRefused, match="locked"):
        door.sign_in("anna", PASSWORD)
    with pytest.raises(LoginRefused, match="wrong_code"):
        door.second_factor(halves[0], code(secret, clock), HERE)


def test_second_factor_is_set_by_a_right_code_only(door: Accounts, anna: Librarian, clock: FakeClock) -> None:
    secret = door.new_second_factor()
    for key, typed in ((secret, "000000"), ("not base32!", "123456")):
        with pytest.raises(Refused, match="code_wrong"):
            door.set_second_factor("anna", key, typed, HERE)
    assert door.sign_in("anna", PASSWORD).totp == ""
    assert secret in door.second_factor_address("anna", secret, "Refdesk")


def test_second_factor_ends_by_password_or_by_an_administrator(door: Accounts, secret: str) -> None:
    with pytest.raises(Refused, match="password_old"):
        door.end_own_second_factor("anna", "guess", HERE)
    door.end_own_second_factor("anna", PASSWORD, HERE)
    assert door.sign_in("anna", PASSWORD).login == "anna"


# --- roles and the audit log ---


@pytest.fixture
def admin(door: Accounts) -> Actor:
    """An administrator who is signed in somewhere."""
    door.set_password(door.invite("admin", "Admin", Role.ADMINISTRATOR), PASSWORD)
    return Actor("admin", "192.0.2.9", "Firefox")


def test_administrator_changes_role_name_and_address(door: Accounts, anna: Librarian, admin: Actor) -> None:
    cookie = door.begin(anna)
    door.change("anna", role=Role.LIBRARIAN, name="Anna B", email="anna@example.edu.cn", actor=admin)
    assert door.by_cookie(cookie) is not None
    changed = door.change("anna", role=Role.MANAGER, name="Anna B", email="anna@example.edu.cn", actor=admin)
    assert (changed.role, changed.name, changed.email) == (Role.MANAGER, "Anna B", "anna@example.edu.cn")
    assert door.by_cookie(cookie) is None
    with pytest.raises(NotFound):
        door.change("nobody", role=Role.MANAGER, name="", email="", actor=admin)


def test_disabled_account_signs_in_no_more_until_it_is_enabled(door: Accounts, anna: Librarian, admin: Actor) -> None:
    cookie = door.begin(anna)
    door.switch("anna", disabled=True, actor=admin)
    assert door.by_cookie(cookie) is None
    with pytest.raises(LoginRefused, match="^wrong$"):
        door.sign_in("anna", PASSWORD)
    door.switch("anna", disabled=False, actor=admin)
    assert door.sign_in("anna", PASSWORD).login == "anna"


def test_last_administrator_stays_one(door: Accounts, admin: Actor) -> None:
    with pytest.raises(Refused, match="last_administrator"):
        door.switch("admin", disabled=True, actor=admin)
    with pytest.raises(Refused, match="last_administrator"):
        door.change("admin", role=Role.EDITOR, name="", email="", actor=admin)
    assert door.sign_in("admin", PASSWORD).role is Role.ADMINISTRATOR


def test_audit_log_says_who_did_what_to_whom_from_where(door: Accounts, anna: Librarian, admin: Actor) -> None:
    door.begin(anna, replace(HERE, login=""))
    with pytest.raises(LoginRefused):
        door.sign_in("anna", "guess", HERE)
    door.change("anna", role=Role.MANAGER, name="Anna", email="", actor=admin)
    lines = [(line.who, line.deed, line.target, line.address) for _, line in door.audit(who="anna")]
    assert lines[:3] == [
        ("admin", Deed.ROLE_CHANGED, "anna", "192.0.2.9"),
        ("anna", Deed.SIGN_IN_REFUSED, "anna", "192.0.2.1"),
        ("anna", Deed.SIGNED_IN, "anna", "192.0.2.1"),
    ]
    (number, newest), *_ = door.audit(deed=Deed.ROLE_CHANGED)
    assert newest.detail == "librarian > manager"
    assert all(older < number for older, _ in door.audit(before=number))


def test_audit_log_cannot_be_changed(store: Store, door: Accounts, anna: Librarian) -> None:
    for change in ("delete from audit", "update audit set who = 'nobody'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.write(lambda s, sql=change: s._db.conn.execute(sql)).result()


def test_house_needs_its_first_administrator_until_somebody_can_sign_in(door: Accounts) -> None:
    assert door.needs_first_administrator()
    token = door.invite("admin", "Admin", Role.ADMINISTRATOR)
    assert door.needs_first_administrator()
    door.set_password(token, PASSWORD)
    assert not door.needs_first_administrator()
