"""Consultations that came by phone, at a desk or by mail, written down by hand: they count as answered by a librarian."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from bot.desk.base import Base
from bot.domain import Event, EventName
from bot.errors import Refused, TooMuch
from bot.messages import Address, Language, Question
from bot.store import Session
from bot.text import clean

BY_HAND = ("phone", "desk", "mail", "weibo", "other")
"""Channels that only people listen to."""
LONGEST_LOGGED = 5_000


@dataclass(frozen=True, slots=True)
class Logged:
    """What is written down: the channel (one of BY_HAND), the topic (an intent, '' for none), what was asked, and when (None: now)."""

    channel: str
    topic: str = ""
    text: str = ""
    language: Language = Language.ZH
    college: str = ""
    at: datetime | None = None


class Logbook(Base):
    """What librarians write down."""

    def log(self, librarian: str, entry: Logged) -> int:
        """Count a consultation that was held elsewhere; returns the number of its question.

        Refused says `wrong_channel`, `wrong_topic` or `not_yet` (a time that has not come); TooMuch when the text is too long.
        """
        now = self.clock.now()
        at, text = entry.at or now, clean(entry.text)
        if entry.channel not in BY_HAND:
            raise Refused("wrong_channel")
        if entry.topic and entry.topic not in self.answering.kinds:
            raise Refused("wrong_topic")
        if at > now:
            raise Refused("not_yet")
        if len(text) > LONGEST_LOGGED:
            raise TooMuch("characters in a note", LONGEST_LOGGED)
        return self.store.write(lambda s: self._log(s, librarian, entry, text, at)).result()

    def _log(self, s: Session, librarian: str, entry: Logged, text: str, at: datetime) -> int:
        conversation = s.conversation(Address(entry.channel, f"by-hand-{librarian}"), "")
        question = Question(f"by-hand-{secrets.token_hex(12)}", conversation.address, text, at, entry.language)
        number = s.add_question(conversation, question, None, at)
        for name, who in ((EventName.ASKED, ""), (EventName.LOGGED, librarian)):
            s.record(
                Event(name, at, entry.channel, "", number, entry.topic, librarian=who, language=entry.language.value, college=entry.college)
            )
        return number
