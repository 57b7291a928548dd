"""Keys of programs that read figures."""

from datetime import datetime

from bot.domain import ApiToken
from bot.store import rows
from bot.store.base import Base


class Tokens(Base):
    """Stored by their digests."""

    def add_token(self, name: str, digest: str, now: datetime) -> None:
        """Keep a new key."""
        self._insert("api_tokens", {"name": name, "digest": digest, "created_at": rows.stamp(now)})

    def tokens(self) -> tuple[ApiToken, ...]:
        """All of them by name, revoked ones too."""
        return tuple(rows.token_of(row) for row in self._rows("select * from api_tokens order by name"))

    def token(self, name: str) -> ApiToken | None:
        """A key by its name."""
        row = self._one("select * from api_tokens where name = ?", name)
        return rows.token_of(row) if row else None

    def token_behind(self, digest: str) -> ApiToken | None:
        """The key with this digest, if it was not revoked."""
        row = self._one("select * from api_tokens where digest = ? and revoked_at is null", digest)
        return rows.token_of(row) if row else None

    def token_used(self, name: str, now: datetime) -> None:
        """Note when a key was used."""
        self._db.conn.execute("update api_tokens set used_at = ? where name = ?", (rows.stamp(now), name))

    def revoke_token(self, name: str, now: datetime) -> None:
        """A key opens nothing any more."""
        self._db.conn.execute("update api_tokens set revoked_at = coalesce(revoked_at, ?) where name = ?", (rows.stamp(now), name))
