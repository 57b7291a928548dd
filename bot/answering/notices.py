"""Notices of incidents, put before the answers of the intents concerned."""

from dataclasses import dataclass, replace

from bot.answering.base import Base, Situation
from bot.domain import Decision
from bot.incidents import Incident
from bot.messages import Reply, ReplyKind

_ANNOUNCED_ON = frozenset({ReplyKind.ANSWER, ReplyKind.FORM})


@dataclass(frozen=True)
class Notices(Base):
    """What everybody who asks about it should hear first."""

    def _announced(self, s: Situation, decision: Decision) -> Decision:
        """The decision with the notices of every incident that it is about, each once."""
        told: list[Incident] = []
        replies = list(decision.replies)
        for incident in s.background.incidents:
            at = next((at for at, reply in enumerate(replies) if self._about(incident, decision, reply)), None)
            if at is not None:
                replies[at] = replace(replies[at], text=f"{self._notice(s, incident)}\n\n{replies[at].text}")
            elif decision.handover and incident.concerns(decision.handover.intent, self._entities_of(s, decision)):
                replies.insert(0, Reply(ReplyKind.NOTICE, self._notice(s, incident), language=s.language, intent=decision.handover.intent))
            else:
                continue
            told.append(incident)
        effects = replace(decision.effects, incidents=tuple(incident.id for incident in told))
        return replace(decision, replies=tuple(replies), effects=effects) if told else decision

    def _about(self, incident: Incident, decision: Decision, reply: Reply) -> bool:
        filling = reply.form and decision.conversation.form is not None  # every step of a form would repeat it
        named = frozenset(entity.value for entity in decision.conversation.entities)
        return reply.kind in _ANNOUNCED_ON and not filling and incident.concerns(reply.intent, named)

    @staticmethod
    def _entities_of(s: Situation, decision: Decision) -> frozenset[str]:
        return frozenset(entity.value for entity in (decision.prediction or s.whole.prediction).entities)

    def _notice(self, s: Situation, incident: Incident) -> str:
        when = incident.expected_at
        until = self._phrase(s, "incident_expected", when=f"{when.astimezone(s.almanac.hours.zone):%m-%d %H:%M}") if when else ""
        return self._phrase(s, "incident_notice", notice=incident.notice(s.language), expected=until)
