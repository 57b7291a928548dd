"""Several questions in one message: each is answered or handed over, none is dropped."""

from dataclasses import dataclass, replace

from bot.answering.base import Situation, worth_offering
from bot.answering.followups import FollowUps
from bot.domain import Decision, Effects, Handover, IntentKind, Part
from bot.messages import Choice, Reply, ReplyKind
from bot.understanding import MOST_QUESTIONS

_FORM = "form:"


@dataclass(frozen=True)
class Several(FollowUps):
    """Rules about the single questions of a message."""

    def _several(self, s: Situation) -> Decision | None:
        if len(s.parts) > MOST_QUESTIONS:
            return self._hand_over(s, "several", intro=self._phrase(s, "handover_several", count=len(s.parts)))
        answered, open_parts = self._said_to_each(s)
        rest = tuple(part for part in open_parts if self._separate(s, part, answered))
        if not answered:
            if self._knows(s.whole.prediction) or len(rest) < 2:
                return None
            return self._hand_over(s, "several", intro=self._rest(s, rest))
        if len(answered) + bool(rest) < 2:
            return None if self._knows(s.whole.prediction) or rest else answered[0]
        return self._together_said(s, answered, rest)

    def _said_to_each(self, s: Situation) -> tuple[tuple[Decision, ...], tuple[Part, ...]]:
        """What is said to the questions that were understood, each in the light of those before it; and the others."""
        decisions, others, talk = list[Decision](), list[Part](), s
        for part in s.parts:
            if self.kinds.get(part.prediction.intent) is IntentKind.SOCIAL and not self.knowledge.turns.asks(part.text):
                continue
            decision = self._single(talk, part)
            if decision is None:
                others.append(part)
            elif all(decision.replies != earlier.replies or decision.handover for earlier in decisions):
                decisions.append(decision)
                talk = replace(talk, conversation=replace(decision.conversation, options=()))
        return tuple(decisions), tuple(others)

    def _single(self, s: Situation, part: Part) -> Decision | None:
        if (facet := self._facet_of(s, part.text)) is not None:
            return facet
        return self._understood(s, part.text, part.prediction) if self._knows(part.prediction) else None

    def _separate(self, s: Situation, part: Part, answered: tuple[Decision, ...]) -> bool:
        """Whether a part that was not understood is a question of its own, not something told or asked beside the others."""
        turns, whole = self.knowledge.turns, s.whole.prediction
        if turns.opens(part.text) or not turns.wants(part.text):
            return False
        told = {reply.intent for decision in answered for reply in decision.replies}
        covered = self._knows(whole) and (whole.intent in told or not answered)
        likely = worth_offering(part.prediction, self.kinds)
        near = likely[0].intent if likely and likely[0].confidence >= self.policy.clarify_at else ""
        if near and near in told or turns.follow_up(part.text) and (covered or not answered):
            return False
        return turns.asks(part.text) or not covered or bool(near)

    def _rest(self, s: Situation, parts: tuple[Part, ...]) -> str:
        quoted = ("”、“" if s.language == "zh" else "”, “").join(part.text for part in parts)
        return self._phrase(s, "handover_rest" if len(parts) == 1 else "handover_all", text=quoted, count=len(parts))

    def _together_said(self, s: Situation, decisions: tuple[Decision, ...], rest: tuple[Part, ...]) -> Decision:
        handover = next((decision.handover for decision in decisions if decision.handover), None)
        replies = [reply for decision in decisions for reply in decision.replies]
        if rest:
            handover = handover or Handover("second_question")
            replies.append(Reply(ReplyKind.NOTICE, self._rest(s, rest), language=s.language))
        options = () if handover else self._options(s, decisions)
        # The numbers stand once, under the last reply; while people have the conversation there is nothing to choose.
        replies = [replace(reply, choices=()) for reply in replies]
        replies[-1] = replace(replies[-1], choices=options)
        talk = replace(decisions[-1].conversation, options=options)
        notes = tuple(note for decision in decisions for note in decision.notes)
        faults = tuple(dict.fromkeys(name for decision in decisions for name in decision.effects.faults))
        said = Decision(decisions[0].action, tuple(replies), talk, handover, notes, s.whole.prediction, new_question=True)
        return replace(said, effects=Effects(faults=faults))

    def _options(self, s: Situation, decisions: tuple[Decision, ...]) -> tuple[Choice, ...]:
        """The choices of all answers under one numbering; several forms are told apart by their titles."""
        offered = [option for decision in decisions for option in decision.conversation.options]
        listed = [option for option in offered if option.key != "0"]
        if sum(option.value.startswith(_FORM) for option in listed) > 1:
            listed = [self._titled(s, option) for option in listed]
        numbered = tuple(replace(option, key=str(number)) for number, option in enumerate(listed, 1))
        return (*numbered, *[option for option in offered if option.key == "0"][:1])

    def _titled(self, s: Situation, option: Choice) -> Choice:
        """A form by its title; a book of a list has its own."""
        if not option.value.startswith(_FORM):
            return option
        form = option.value.removeprefix(_FORM).partition(":")[0]
        return replace(option, title=self._phrase(s, "form_offer_titled", title=self.knowledge.title(form, s.language, s.today)))
