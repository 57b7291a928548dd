"""Keys with which other programs read figures: made at the command line, shown once, kept as a digest, revocable."""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.domain import ApiToken
from bot.errors import NotFound, Refused
from bot.store import Session, Store

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_PREFIX = "refdesk_"
_NOTED_EVERY = timedelta(hours=1)


class Tokens:
    """Over one store. The digest of 32 random bytes needs no salt and no slow hash: there is nothing to guess."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now

    def issue(self, name: str) -> str:
        """A new key; it can never be shown again. Refused when the name is taken or none."""
        if not _NAME.fullmatch(name):
            raise Refused(f"token name {name!r}: small letters, digits, - . _ only")
        key = _PREFIX + secrets.token_urlsafe(32)

        def work(s: Session) -> None:
            if s.token(name):
                raise Refused(f"there is a token {name} already")
            s.add_token(name, _digest(key), self._now())

        self._store.write(work).result()
        return key

    def holder(self, key: str) -> str | None:
        """Whose key this is; None when it is none of ours or was revoked."""
        found = self._store.read(lambda s: s.token_behind(_digest(key)))
        if found is None:
            return None
        now = self._now()
        if found.used_at is None or now - found.used_at >= _NOTED_EVERY:
            self._store.write(lambda s: s.token_used(found.name, now)).result()
        return found.name

    def all(self) -> tuple[ApiToken, ...]:
        """Every key by its name."""
        return self._store.read(lambda s: s.tokens())

    def revoke(self, name: str) -> None:
        """End a key for good; NotFound."""
        if self._store.read(lambda s: s.token(name)) is None:
            raise NotFound(f"token {name}")
        self._store.write(lambda s: s.revoke_token(name, self._now())).result()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
