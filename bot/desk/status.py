"""What librarians do about disturbances, and how those who asked meanwhile hear that one is over."""

from dataclasses import dataclass
from datetime import datetime

from bot.desk.base import Base
from bot.desk.effects import LATELY
from bot.domain import ConversationState
from bot.errors import NotFound, Refused, TooMuch
from bot.incidents import Check, Fault, Incident
from bot.messages import Language, Reply, ReplyKind
from bot.store import Session
from bot.text import clean

LONGEST_NOTICE = 300


@dataclass(frozen=True, slots=True)
class Status:
    """All that is known about what is out of order. `askers` are the numbers of those who have read each notice in force."""

    incidents: tuple[Incident, ...]
    askers: tuple[int, ...]
    ended: tuple[Incident, ...]
    faults: tuple[Fault, ...]
    checks: tuple[Check, ...]
    history: tuple[Check, ...]


class Incidents(Base):
    """Announcing disturbances and ending them."""

    def status(self) -> Status:
        """What is out of order now, and what was."""

        def work(s: Session) -> Status:
            current = s.incidents()
            askers = tuple(s.count_askers(incident.id) for incident in current)
            return Status(
                current, askers, s.incidents(ended=True, limit=10), s.faults(self.clock.now() - LATELY), s.checks(), s.check_history(30)
            )

        return self.store.read(work)

    def announce(self, incident: Incident) -> Incident:
        """Put a notice before the answers that it concerns; Refused when it says nothing, or concerns nothing."""
        words = tuple(clean(text) for text in (incident.notice_zh, incident.notice_en))
        if not any(words):
            raise Refused("empty")
        if max(map(len, words)) > LONGEST_NOTICE:
            raise TooMuch("characters in a notice", LONGEST_NOTICE)
        if not incident.intents or not set(incident.intents) <= set(self.answering.kinds):
            raise Refused("intents")
        if not set(incident.databases) <= {row.name for row in self.knowledge.rows if row.kind == "database"}:
            raise Refused("databases")
        if incident.expected_at and incident.expected_at <= self.clock.now():
            raise Refused("past")
        said = Incident(
            0, words[0], words[1], incident.intents, incident.databases, incident.opened_by, self.clock.now(), incident.expected_at
        )
        return self.store.write(lambda s: s.open_incident(said)).result()

    def end_incident(self, number: int, librarian: str) -> int:
        """The disturbance is over; tells everybody who has read its notice, once, where their channel still takes a message.
        Returns how many are told. To end it again changes nothing."""
        return self.store.write(lambda s: self._end_incident(s, number, librarian)).result()

    def _end_incident(self, s: Session, number: int, librarian: str) -> int:
        now, incident = self.clock.now(), s.incident(number)
        if incident is None:
            raise NotFound(f"incident {number}")
        s.end_incident(number, librarian, now)
        return sum(self._told_over(s, incident, conversation, now) for conversation in s.tell_askers(number))

    def _told_over(self, s: Session, incident: Incident, number: int, now: datetime) -> bool:
        conversation = s.conversation_by_id(number)
        window = self._window(s, number, conversation.address.connector, now)
        shut = window is not None and (window.left == 0 or (window.closes_at is not None and window.closes_at <= now))
        # Nobody is interrupted while a librarian speaks, a group has not asked, and stale news is no news.
        if shut or conversation.state is ConversationState.HUMAN or conversation.address.room:
            return False
        language = conversation.language or Language.ZH
        text = self._phrase("incident_over", language, notice=incident.notice(language))
        reply = Reply(ReplyKind.NOTICE, text, language=language)
        s.add_reply(conversation, reply, now, due=True, deadline=window.closes_at if window else None)
        return True
