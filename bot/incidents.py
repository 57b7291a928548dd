"""What is out of order, as values: incidents that librarians set, what the monitor saw, what askers reported."""

from dataclasses import dataclass
from datetime import datetime

from bot.messages import Language


@dataclass(frozen=True, slots=True)
class Incident:
    """A disturbance that a librarian announced. Its notice is put before the answers of its `intents` until it has ended; with
    `databases`, only before those that name one of them. `expected_at` is when the librarian thinks that it will be over."""

    id: int
    notice_zh: str
    notice_en: str
    intents: tuple[str, ...]
    databases: tuple[str, ...]
    opened_by: str
    opened_at: datetime
    expected_at: datetime | None = None
    ended_at: datetime | None = None

    def notice(self, language: Language) -> str:
        """Its words in a language; those in the other one rather than none."""
        return (self.notice_en or self.notice_zh) if language is Language.EN else (self.notice_zh or self.notice_en)

    def concerns(self, intent: str, named: frozenset[str]) -> bool:
        """Whether the answer to an intent, which names these things, is about what is out of order."""
        return intent in self.intents and (not self.databases or bool(named.intersection(self.databases)))


@dataclass(frozen=True, slots=True)
class Fault:
    """What speaks for a fault of one database: since when the monitor cannot reach it, and how many askers reported it lately."""

    database: str
    down_since: datetime | None = None
    reports: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """What the monitor saw at one address. `since` is when it last changed between up and down, `detail` why it is down."""

    database: str
    url: str
    up: bool
    since: datetime
    checked_at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """How much is stored of one asker: messages with words, since when, and requests that are still open."""

    messages: int = 0
    since: datetime | None = None
    open_requests: int = 0
