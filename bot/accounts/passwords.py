"""Passwords and second factors: argon2 hashes, lock-out after repeated failures, time-based codes (RFC 6238)."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from itsdangerous import BadSignature, URLSafeTimedSerializer

from bot.accounts.base import Base
from bot.domain import NOBODY, Actor, Deed, Librarian
from bot.errors import LoginRefused, Refused, SecondFactorNeeded
from bot.store import Session

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
_FEWEST_CHARACTERS = 4
_CODE_WITHIN = timedelta(minutes=5)
_STEP = 30

_HASHER = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified against when there is no such account, so that a wrong name takes as long as a wrong password."""
    return _HASHER.hash(secrets.token_hex(16))


class Passwords(Base):
    """Proving who one is."""

    def sign_in(self, login: str, password: str, actor: Actor = NOBODY) -> Librarian:
        """The account, if the password is right; every refusal sounds the same, but for a locked account.
        SecondFactorNeeded where the account has one: go on with `second_factor`."""
        known = self._store.read(lambda s: s.librarian(login))
        if known and known.locked_until and known.locked_until > self._now():
            raise LoginRefused("locked")
        right = _matches(known.password if known and known.password else _nobody(), password[:LONGEST_PASSWORD])
        half = bool(known and known.totp)
        account = self._store.write(lambda s: self._judge(s, login, right, actor, half=half)).result() if known else None
        if account is None:
            raise LoginRefused("wrong")
        if half:
            raise SecondFactorNeeded(self._half.dumps(login))
        return account

    def second_factor(self, half: str, code: str, actor: Actor = NOBODY) -> Librarian:
        """The account, if the code belongs to the sign-in that `half` stands for. A code works once."""
        try:
            login = str(self._half.loads(half, max_age=int(_CODE_WITHIN.total_seconds())))
        except BadSignature as error:
            raise LoginRefused("wrong") from error
        account = self._store.write(lambda s: self._judge_code(s, login, code, actor)).result()
        if account is None:
            raise LoginRefused("wrong_code")
        return account

    @property
    def _half(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.seal, salt="refdesk-second-factor")

    def _judge_code(self, s: Session, login: str, code: str, actor: Actor) -> Librarian | None:
        account = s.librarian(login)
        if account and account.locked_until and account.locked_until > self._now():
            return None
        step = _step_of(account.totp, code, self._now(), account.totp_used) if account and account.totp else 0
        account = self._judge(s, login, bool(step), actor)
        return self._change(s, login, lambda a: replace(a, totp_used=step)) if account else None

    def _judge(self, s: Session, login: str, right: bool, actor: Actor, *, half: bool = False) -> Librarian | None:
        """Count failures. `half` of a proof, a password before its code, forgives none: codes could be tried without end."""
        account = s.librarian(login)
        if account is None:
            return None
        right = right and not account.disabled
        failures = account.failures + (not right) if half or not right else 0
        locked = self._now() + LOCKED_FOR if failures >= MOST_FAILURES else None
        account = replace(account, failures=0 if locked else failures, locked_until=locked)
        s.save_librarian(account, self._now())
        if not right:
            self._note(s, actor, Deed.SIGN_IN_REFUSED, login, "locked" if locked else "")
        return account if right else None

    def _set_password(self, s: Session, login: str, password: str) -> Librarian:
        hashed = _HASHER.hash(password)
        account = self._change(s, login, lambda a: replace(a, password=hashed, failures=0, locked_until=None))
        s.end_sessions(login)
        return account

    def change_password(self, login: str, old: str, new: str, actor: Actor) -> Librarian:
        """Another password for oneself; all sessions end, so begin a new one."""
        acceptable(login, new)
        self._prove(login, old)

        def work(s: Session) -> Librarian:
            self._note(s, actor, Deed.PASSWORD_SET, login)
            return self._set_password(s, login, new)

        return self._store.write(work).result()

    # --- second factor ---

    @staticmethod
    def new_second_factor() -> str:
        """A secret (base32) for an authenticator app; nothing is stored yet."""
        return pyotp.random_base32()

    @staticmethod
    def second_factor_address(login: str, secret: str, issuer: str) -> str:
        """What an authenticator app reads from a QR code (otpauth:)."""
        return pyotp.TOTP(secret, name=login, issuer=issuer).provisioning_uri()

    def set_second_factor(self, login: str, secret: str, code: str, actor: Actor) -> None:
        """Ask for codes from now on, once a code proves that the app has the secret."""
        step = _step_of(secret, code, self._now(), 0)
        if not step:
            raise Refused("code_wrong")

        def work(s: Session) -> None:
            self._change(s, login, lambda a: replace(a, totp=secret, totp_used=step))
            self._note(s, actor, Deed.SECOND_FACTOR_ON, login)

        self._store.write(work).result()

    def end_own_second_factor(self, login: str, password: str, actor: Actor) -> None:
        """Sign in by password alone again; the password is asked for, lest an open browser be enough."""
        self._prove(login, password)
        self.end_second_factor(login, actor)

    def _prove(self, login: str, password: str) -> None:
        known = self._store.read(lambda s: s.librarian(login))
        if not _matches(known.password if known and known.password else _nobody(), password[:LONGEST_PASSWORD]):
            raise Refused("password_old")

    def end_second_factor(self, login: str, actor: Actor) -> None:
        """Sign in by password alone again, for somebody who lost the app."""

        def work(s: Session) -> None:
            self._change(s, login, lambda a: replace(a, totp="", totp_used=0))
            self._note(s, actor, Deed.SECOND_FACTOR_OFF, login)

        self._store.write(work).result()


def acceptable(login: str, password: str) -> None:
    """Refused says what is wrong with a new password."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Refused("password_length")
    if len(set(password)) < _FEWEST_CHARACTERS or login.casefold() in password.casefold():
        raise Refused("password_weak")


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _step_of(secret: str, code: str, now: datetime, used: int) -> int:
    """The time step that a code stands for, one early or late included; 0 when it is wrong or was used."""
    code, this = code.replace(" ", ""), int(now.timestamp()) // _STEP
    try:
        generator = pyotp.TOTP(secret)
        right = [step for step in (this - 1, this, this + 1) if secrets.compare_digest(generator.generate_otp(step), code)]
    except (ValueError, TypeError):  # no base32, or a code that is not ASCII
        return 0
    return max((step for step in right if step > used), default=0)
