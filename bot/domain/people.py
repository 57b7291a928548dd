"""Who signs in, what they may do, and what they did."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A key with which another program reads figures, under the name it was given."""

    name: str
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class Role(StrEnum):
    """What a signed-in person may do."""

    LIBRARIAN = "librarian"
    MANAGER = "manager"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Librarian:
    """Somebody who signs in. `password` is an argon2 hash or ''; `totp` the base32 secret of a second factor or '';
    `totp_used` the time step of the last code, so that none works twice. Who is `disabled` cannot sign in."""

    login: str
    name: str
    role: Role
    password: str = ""
    failures: int = 0
    locked_until: datetime | None = None
    totp: str = ""
    totp_used: int = 0
    email: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where: the login ('' before one is known), the network address and the browser."""

    login: str = ""
    address: str = ""
    agent: str = ""


NOBODY = Actor()
"""Whoever works at the command line."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One browser that is signed in. `id` names it without being able to open it."""

    id: str
    login: str
    begun_at: datetime
    seen_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Block:
    """An asker who is shut out `until` a time: the pseudonym they have in events, why, by whom, and for which ticket."""

    id: int
    visitor: str
    connector: str
    begun_at: datetime
    until: datetime
    reason: str
    librarian: str
    ticket: int


class Deed(StrEnum):
    """What the audit log keeps."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"
    INVITED = "invited"
    PASSWORD_SET = "password_set"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    EXPORTED = "exported"
    DELETED = "deleted"
    EDITED = "edited"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom or what, when, from where. Append-only."""

    at: datetime
    who: str
    deed: Deed
    target: str = ""
    address: str = ""
    detail: str = ""
