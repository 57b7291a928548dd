"""People who sign in, and single values."""

from datetime import datetime

from bot.domain import Librarian
from bot.store import rows
from bot.store.base import Base


class People(Base):
    """Accounts and their invitations."""

    def librarian(self, login: str) -> Librarian | None:
        """An account by its login."""
        row = self._one("select * from librarians where login = ?", login)
        return rows.librarian_of(row) if row else None

    def librarians(self) -> tuple[Librarian, ...]:
        """Every account, by login."""
        return tuple(rows.librarian_of(row) for row in self._rows("select * from librarians order by login"))

    def save_librarian(self, librarian: Librarian, now: datetime) -> None:
        """Make or change an account."""
        self._db.conn.execute(
            "insert into librarians (login, name, role, password, failures, locked_until, session, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (login) do update set name = excluded.name, role = excluded.role, password = excluded.password,"
            " failures = excluded.failures, locked_until = excluded.locked_until, session = excluded.session",
            (
                librarian.login, librarian.name, librarian.role.value, librarian.password, librarian.failures,
                rows.stamp(librarian.locked_until), librarian.session, rows.stamp(now),
            ),
        )  # fmt: skip

    def invite(self, digest: str, login: str, expires_at: datetime) -> None:
        """Remember the digest of a one-time link; an older link for the same login ends."""
        self._db.conn.execute("delete from invitations where login = ?", (login,))
        self._insert("invitations", {"digest": digest, "login": login, "expires_at": rows.stamp(expires_at)})

    def invited(self, digest: str, now: datetime) -> str | None:
        """The login that a one-time link is for; None when it is used, expired or never was."""
        row = self._one("select login from invitations where digest = ? and expires_at > ?", digest, rows.stamp(now))
        return row["login"] if row else None

    def use_invitation(self, digest: str) -> None:
        """A one-time link works once."""
        self._db.conn.execute("delete from invitations where digest = ?", (digest,))


class Facts(Base):
    """Single values under a name."""

    def fact(self, name: str, make: str = "") -> str:
        """A stored single value; `make` is stored and returned when there is none."""
        row = self._one("select value from facts where name = ?", name)
        if row is None and make:
            self._insert("facts", {"name": name, "value": make})
        return row["value"] if row else make

    def set_fact(self, name: str, value: str) -> None:
        """Store a single value in place of an older one."""
        self._db.conn.execute(
            "insert into facts (name, value) values (?, ?) on conflict (name) do update set value = excluded.value", (name, value)
        )
