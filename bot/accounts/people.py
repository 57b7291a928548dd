"""Accounts: made by invitation, given roles, switched off."""

import re
import secrets
from dataclasses import replace
from datetime import timedelta

from bot.accounts.base import digest
from bot.accounts.passwords import Passwords, acceptable
from bot.domain import NOBODY, Actor, AuditEntry, Deed, Librarian, Role
from bot.errors import LoginRefused, NotFound, Refused
from bot.signon import Identity
from bot.store import Session

INVITATION_LASTS = timedelta(days=2)
LOGIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a login looks like."""


class People(Passwords):
    """Who may sign in as what."""

    AUDIT_LINES = 100

    def invite(self, login: str, name: str, role: Role, actor: Actor = NOBODY) -> str:
        """Make the account if need be, and a one-time token with which its owner sets a password."""
        token = secrets.token_urlsafe(24)

        def work(s: Session) -> None:
            if s.librarian(login) is None:
                s.save_librarian(Librarian(login, name, role), self._now())
            s.invite(digest(token), login, self._now() + INVITATION_LASTS)
            self._note(s, actor, Deed.INVITED, login, role.value)

        self._store.write(work).result()
        return token

    def invited(self, token: str) -> str:
        """Whom a one-time token is for."""
        login = self._store.read(lambda s: s.invited(digest(token), self._now()))
        if login is None:
            raise NotFound("this one-time link (it may be used or expired)")
        return login

    def set_password(self, token: str, password: str, actor: Actor = NOBODY) -> Librarian:
        """Use up a one-time token; all earlier sessions of the account end."""
        acceptable(self.invited(token), password)

        def work(s: Session) -> Librarian:
            login = s.invited(digest(token), self._now())
            if login is None:
                raise NotFound("this one-time link (it may be used or expired)")
            s.use_invitation(digest(token))
            self._note(s, replace(actor, login=login), Deed.PASSWORD_SET, login)
            return self._set_password(s, login, password)

        return self._store.write(work).result()

    def needs_first_administrator(self) -> bool:
        """Whether nobody can sign in yet."""
        return not any(account.password for account in self.everybody())

    def admit(self, identity: Identity, role: str, actor: Actor) -> Librarian:
        """The account of somebody whom the university vouches for; made with `role` where there is none. LoginRefused without one."""

        def work(s: Session) -> Librarian | None:
            account = s.librarian(identity.login)
            if account is None and role and LOGIN.fullmatch(identity.login):
                account = Librarian(identity.login, identity.name or identity.login, Role(role), email=identity.email)
                s.save_librarian(account, self._now())
                self._note(s, actor, Deed.INVITED, identity.login, f"{role} (single sign-on)")
            if account is None or account.disabled:
                self._note(s, actor, Deed.SIGN_IN_REFUSED, identity.login, "single sign-on")
                return None
            return account

        account = self._store.write(work).result()
        if account is None:
            raise LoginRefused("no_account")
        return account

    def everybody(self) -> tuple[Librarian, ...]:
        """Every account, by login."""
        return self._store.read(lambda s: s.librarians())

    def change(self, login: str, *, role: Role, name: str, email: str, actor: Actor) -> Librarian:
        """Another role, name or address. Another role ends the account's sessions."""

        def work(s: Session) -> Librarian:
            before = s.librarian(login)
            after = self._change(s, login, lambda a: replace(a, role=role, name=name, email=email))
            if before and before.role is not role:
                self._keep_an_administrator(s)
                s.end_sessions(login)
                self._note(s, actor, Deed.ROLE_CHANGED, login, f"{before.role} > {role}")
            return after

        return self._store.write(work).result()

    def switch(self, login: str, *, disabled: bool, actor: Actor) -> None:
        """Let somebody sign in no more, or again."""

        def work(s: Session) -> None:
            self._change(s, login, lambda a: replace(a, disabled=disabled))
            self._keep_an_administrator(s)
            s.end_sessions(login)
            self._note(s, actor, Deed.DISABLED if disabled else Deed.ENABLED, login)

        self._store.write(work).result()

    @staticmethod
    def _keep_an_administrator(s: Session) -> None:
        """A house without anybody who may change accounts could never be mended from its pages."""
        if not any(account.role is Role.ADMINISTRATOR and not account.disabled for account in s.librarians()):
            raise Refused("last_administrator")

    def audit(self, *, deed: str = "", who: str = "", before: int = 0) -> tuple[tuple[int, AuditEntry], ...]:
        """Numbered lines of the audit log, the newest first, AUDIT_LINES at a time."""
        return self._store.read(lambda s: s.audit(deed=deed, who=who, before=before, limit=self.AUDIT_LINES))
