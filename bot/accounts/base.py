"""What all of accounts stands on: the store, the clock, the audit log, and changing one account."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from bot.domain import Actor, AuditEntry, Deed, Librarian
from bot.errors import NotFound
from bot.store import Session, Store


class Base:
    """The store, the clock, and the secret that seals what browsers keep.

    Every public method of the classes above is one transaction, its line of the audit log included.
    """

    def __init__(self, store: Store, secret: str, now: Callable[[], datetime]) -> None:
        self._store, self.seal, self._now = store, secret, now

    def _change(self, s: Session, login: str, change: Callable[[Librarian], Librarian]) -> Librarian:
        account = s.librarian(login)
        if account is None:
            raise NotFound(f"account {login}")
        changed = change(account)
        s.save_librarian(changed, self._now())
        return changed

    def _note(self, s: Session, actor: Actor, deed: Deed, target: str = "", detail: str = "") -> None:
        s.note(AuditEntry(self._now(), actor.login, deed, target, actor.address, detail))

    def note(self, actor: Actor, deed: Deed, target: str = "", detail: str = "") -> None:
        """Keep in the audit log what was done elsewhere, such as an export."""
        self._store.write(lambda s: self._note(s, actor, deed, target, detail)).result()


def digest(token: str) -> str:
    """What is stored of a secret that somebody else keeps."""
    return hashlib.sha256(token.encode()).hexdigest()
