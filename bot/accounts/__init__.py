"""Who may sign in: passwords, second factors, sessions, roles, one-time links, and the log of who did what."""

from bot.accounts.passwords import LOCKED_FOR, LONGEST_PASSWORD, MOST_FAILURES, SHORTEST_PASSWORD
from bot.accounts.people import INVITATION_LASTS, LOGIN, People
from bot.accounts.sessions import SESSION_LASTS, Sessions


class Accounts(People, Sessions):
    """Everything about the people who sign in, over the store."""


__all__ = ["INVITATION_LASTS", "LOCKED_FOR", "LOGIN", "LONGEST_PASSWORD", "MOST_FAILURES", "SESSION_LASTS", "SHORTEST_PASSWORD", "Accounts"]
