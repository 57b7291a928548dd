"""Answers from the tables, and choices from their lists."""

from dataclasses import dataclass, replace

from bot import lookups
from bot.answering.base import Base, Situation
from bot.domain import Decision, Prediction
from bot.lookups import Found, Outlook
from bot.messages import Action, Reply, ReplyKind


@dataclass(frozen=True)
class LookedUp(Base):
    """What the tables know."""

    def _look_up(self, s: Situation, intent: str, prediction: Prediction) -> Found | None:
        outlook = Outlook(s.background.faults, s.background.incidents, s.almanac.hours.zone)
        return lookups.look_up(intent, prediction.entities, self.knowledge, s.language, outlook=outlook)

    @staticmethod
    def _offering_rows(decision: Decision, found: Found | None) -> Decision:
        """The answer with what can be chosen from it, and what it reports."""
        if found is None:
            return decision
        replies = (replace(decision.replies[0], choices=found.options), *decision.replies[1:])
        conversation = replace(decision.conversation, options=found.options, asked="")
        return replace(decision, replies=replies, conversation=conversation, effects=replace(decision.effects, faults=found.faulty))

    def _row_choice(self, s: Situation, verb: str, value: str) -> Decision | None:
        """The book that was chosen from a list, which stays open for another choice; None when something else was chosen."""
        if verb != "book":
            return None
        found = lookups.book(value, self.knowledge, s.language)
        if found is None:
            return self._say(s, ReplyKind.NOTICE, self._phrase(s, "lookup_book_gone"))
        conversation = s.conversation
        reply = Reply(
            ReplyKind.ANSWER, found.text, found.links, entry=conversation.entry, language=s.language, intent=conversation.intent,
            action=Action.ANSWER,
        )  # fmt: skip
        return Decision(Action.ANSWER, (reply,), conversation)
