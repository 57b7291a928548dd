"""Sessions: a random token in the browser's cookie, its digest in the store; listed and ended one by one."""

import hashlib
import secrets
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeTimedSerializer

from bot.accounts.base import Base, digest
from bot.domain import NOBODY, Actor, Deed, Librarian, LoginSession
from bot.errors import NotFound
from bot.store import Session

SESSION_LASTS = timedelta(hours=12)
_SEEN_EVERY = timedelta(minutes=5)
_LONGEST_AGENT = 200


class Sessions(Base):
    """Who is signed in where."""

    def begin(self, account: Librarian, actor: Actor = NOBODY) -> str:
        """A new session for an account that has proved itself; returns the cookie's value. Never an old one: no fixation."""
        token, now = secrets.token_urlsafe(32), self._now()

        def work(s: Session) -> None:
            s.end_old_sessions(now - SESSION_LASTS)
            s.begin_session(LoginSession(digest(token), account.login, now, now, actor.address, actor.agent[:_LONGEST_AGENT]))
            self._note(s, Actor(account.login, actor.address), Deed.SIGNED_IN, account.login)

        self._store.write(work).result()
        return token

    def by_cookie(self, cookie: str) -> Librarian | None:
        """Whose session this is; None when there is none, it is too old, or was ended."""
        session = self.session(cookie)
        account = self._store.read(lambda s: s.librarian(session.login)) if session else None
        if session is None or account is None or account.disabled:
            return None
        now = self._now()
        if now - session.seen_at > _SEEN_EVERY:
            self._store.write(lambda s: s.see_session(session.id, now))
        return account

    def session(self, cookie: str) -> LoginSession | None:
        """The session that a cookie opens."""
        return self._store.read(lambda s: s.login_session(digest(cookie), self._since())) if cookie else None

    def sessions(self, login: str) -> tuple[LoginSession, ...]:
        """Where an account is signed in, the newest first."""
        return self._store.read(lambda s: s.login_sessions(login, self._since()))

    def _since(self) -> datetime:
        return self._now() - SESSION_LASTS

    def sign_out(self, cookie: str, actor: Actor) -> None:
        """End this one session."""
        session = self.session(cookie)
        if session:
            self.end_session(session.login, session.id, actor, Deed.SIGNED_OUT)

    def end_session(self, login: str, number: str, actor: Actor, deed: Deed = Deed.SESSIONS_ENDED) -> None:
        """End one session of an account."""

        def work(s: Session) -> None:
            if not s.end_sessions(login, only=number):
                raise NotFound("this session")
            self._note(s, actor, deed, login)

        self._store.write(work).result()

    def end_sessions(self, login: str, actor: Actor = NOBODY) -> None:
        """Sign this account out everywhere."""

        def work(s: Session) -> None:
            if s.librarian(login) is None:
                raise NotFound(f"account {login}")
            s.end_sessions(login)
            self._note(s, actor, Deed.SESSIONS_ENDED, login)

        self._store.write(work).result()

    # --- forms ---

    @property
    def _csrf(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.seal, salt="refdesk-csrf")

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
