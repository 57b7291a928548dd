"""People who sign in, and single values."""

from datetime import datetime

from bot.domain import AuditEntry, Librarian, LoginSession
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
            "insert into librarians (login, name, role, password, failures, locked_until, totp, totp_used, email, disabled, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (login) do update set name = excluded.name, role = excluded.role, password = excluded.password,"
            " failures = excluded.failures, locked_until = excluded.locked_until, totp = excluded.totp,"
            " totp_used = excluded.totp_used, email = excluded.email, disabled = excluded.disabled",
            (
                librarian.login, librarian.name, librarian.role.value, librarian.password, librarian.failures,
                rows.stamp(librarian.locked_until), librarian.totp, librarian.totp_used, librarian.email, int(librarian.disabled),
                rows.stamp(now),
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


class LoginSessions(Base):
    """Browsers that are signed in."""

    def begin_session(self, session: LoginSession) -> None:
        """A browser has signed in."""
        self._insert(
            "login_sessions",
            {
                "digest": session.id, "login": session.login, "begun_at": rows.stamp(session.begun_at),
                "seen_at": rows.stamp(session.seen_at), "address": session.address, "agent": session.agent,
            },
        )  # fmt: skip

    def login_session(self, digest: str, since: datetime) -> LoginSession | None:
        """A session that began after `since`."""
        row = self._one("select * from login_sessions where digest = ? and begun_at > ?", digest, rows.stamp(since))
        return rows.login_session_of(row) if row else None

    def login_sessions(self, login: str, since: datetime) -> tuple[LoginSession, ...]:
        """An account's sessions that began after `since`, the newest first."""
        found = self._rows(
            "select * from login_sessions where login = ? and begun_at > ? order by begun_at desc, rowid desc",
            login,
            rows.stamp(since),
        )
        return tuple(rows.login_session_of(row) for row in found)

    def see_session(self, digest: str, now: datetime) -> None:
        """A session was used."""
        self._db.conn.execute("update login_sessions set seen_at = ? where digest = ?", (rows.stamp(now), digest))

    def end_sessions(self, login: str, *, only: str = "") -> int:
        """End all sessions of an account, or `only` one; returns how many there were."""
        one, which = (" and digest = ?", (only,)) if only else ("", ())
        return self._db.conn.execute(f"delete from login_sessions where login = ?{one}", (login, *which)).rowcount

    def end_old_sessions(self, before: datetime) -> None:
        """Forget sessions that are over."""
        self._db.conn.execute("delete from login_sessions where begun_at <= ?", (rows.stamp(before),))


class Audit(Base):
    """The audit log; append-only."""

    def note(self, entry: AuditEntry) -> None:
        """Append a line."""
        self._insert(
            "audit",
            {
                "at": rows.stamp(entry.at), "who": entry.who, "deed": entry.deed.value, "target": entry.target,
                "address": entry.address, "detail": entry.detail,
            },
        )  # fmt: skip

    def audit(self, *, deed: str = "", who: str = "", before: int = 0, limit: int) -> tuple[tuple[int, AuditEntry], ...]:
        """Numbered lines, the newest first: of one kind, by or about one person, and older than line `before`."""
        found = self._rows(
            "select * from audit where (? = '' or deed = ?) and (? = '' or who = ? or target = ?) and (? = 0 or id < ?)"
            " order by id desc limit ?",
            deed, deed, who, who, who, before, before, limit,
        )  # fmt: skip
        return tuple((row["id"], rows.audit_of(row)) for row in found)


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
