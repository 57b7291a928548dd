"""Who may sign in: argon2 hashes, lock-out after repeated failures, one-time links, signed session cookies."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from itsdangerous import BadSignature, URLSafeTimedSerializer

from bot.domain import Librarian, Role
from bot.errors import LoginRefused, NotFound, Refused
from bot.store import Session, Store

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
INVITATION_LASTS = timedelta(days=2)
SESSION_LASTS = timedelta(hours=12)

_HASHER = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified against when there is no such account, so that a wrong name takes as long as a wrong password."""
    return _HASHER.hash(secrets.token_hex(16))


class Accounts:
    """Sign-in over the store. A session cookie is login and session number, signed, at most SESSION_LASTS old."""

    def __init__(self, store: Store, secret: str, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._signer = URLSafeTimedSerializer(secret, salt="refdesk-session")
        self._csrf = URLSafeTimedSerializer(secret, salt="refdesk-csrf")

    def sign_in(self, login: str, password: str) -> Librarian:
        """The account, if the password is right; every refusal sounds the same, but for a locked account."""
        known = self._store.read(lambda s: s.librarian(login))
        if known and known.locked_until and known.locked_until > self._now():
            raise LoginRefused("locked")
        right = _matches(known.password if known and known.password else _nobody(), password[:LONGEST_PASSWORD])
        if known is None:
            raise LoginRefused("wrong")
        return self._store.write(lambda s: self._judge(s, login, right)).result() or self._refuse()

    def _refuse(self) -> Librarian:
        raise LoginRefused("wrong")

    def _judge(self, s: Session, login: str, right: bool) -> Librarian | None:
        account = s.librarian(login)
        if account is None:
            return None
        failures = 0 if right else account.failures + 1
        locked = self._now() + LOCKED_FOR if failures >= MOST_FAILURES else None
        account = replace(account, failures=0 if locked else failures, locked_until=locked)
        s.save_librarian(account, self._now())
        return account if right else None

    def cookie(self, account: Librarian) -> str:
        """A session for this account."""
        return self._signer.dumps([account.login, account.session])

    def by_cookie(self, value: str) -> Librarian | None:
        """Whose session this is; None when it is forged, too old, or was ended."""
        try:
            login, session = self._signer.loads(value, max_age=int(SESSION_LASTS.total_seconds()))
        except (BadSignature, ValueError, TypeError):
            return None
        account = self._store.read(lambda s: s.librarian(str(login)))
        return account if account and account.session == session else None

    def csrf(self, cookie: str) -> str:
        """The token that forms of a session send back."""
        return self._csrf.dumps(hashlib.sha256(cookie.encode()).hexdigest())

    def csrf_holds(self, token: str, cookie: str) -> bool:
        """Whether a form was made for this session."""
        try:
            bound = self._csrf.loads(token, max_age=int(SESSION_LASTS.total_seconds()))
        except BadSignature:
            return False
        return secrets.compare_digest(str(bound), hashlib.sha256(cookie.encode()).hexdigest())

    def end_sessions(self, login: str) -> None:
        """Sign this account out everywhere."""
        self._store.write(lambda s: self._change(s, login, lambda a: replace(a, session=a.session + 1))).result()

    def invite(self, login: str, name: str, role: Role) -> str:
        """Make the account if need be, and a one-time token with which its owner sets a password."""
        token = secrets.token_urlsafe(24)

        def work(s: Session) -> None:
            if s.librarian(login) is None:
                s.save_librarian(Librarian(login, name, role), self._now())
            s.invite(_digest(token), login, self._now() + INVITATION_LASTS)

        self._store.write(work).result()
        return token

    def invited(self, token: str) -> str:
        """Whom a one-time token is for."""
        login = self._store.read(lambda s: s.invited(_digest(token), self._now()))
        if login is None:
            raise NotFound("this one-time link (it may be used or expired)")
        return login

    def set_password(self, token: str, password: str) -> Librarian:
        """Use up a one-time token; all earlier sessions of the account end."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise Refused("password_length")
        hashed = _HASHER.hash(password)

        def work(s: Session) -> Librarian:
            login = s.invited(_digest(token), self._now())
            if login is None:
                raise NotFound("this one-time link (it may be used or expired)")
            s.use_invitation(_digest(token))
            return self._change(s, login, lambda a: replace(a, password=hashed, session=a.session + 1, failures=0, locked_until=None))

        return self._store.write(work).result()

    def needs_first_administrator(self) -> bool:
        """Whether nobody can sign in yet."""
        return not any(account.password for account in self._store.read(lambda s: s.librarians()))

    def _change(self, s: Session, login: str, change: Callable[[Librarian], Librarian]) -> Librarian:
        account = s.librarian(login)
        if account is None:
            raise NotFound(f"account {login}")
        changed = change(account)
        s.save_librarian(changed, self._now())
        return changed


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
