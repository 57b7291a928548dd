"""What is no question of its own: somebody who has just come, an answer to the bot's own question, words that steer, follow-ups."""

from dataclasses import dataclass, replace

from bot.answering.base import POPULAR, Situation
from bot.answering.choices import Choices
from bot.domain import Decision, EventName, Note, Prediction
from bot.messages import INTENT, START, Choice, ReplyKind
from bot.text import language_of


@dataclass(frozen=True)
class Steering(Choices):
    """Rules about the conversation itself."""

    def _safe(self, s: Situation) -> Decision | None:
        """Dangers, other people's data and the bot's own insides: a fixed sentence and a person at once, whatever else is going on."""
        guard = None if s.question.choice else self.knowledge.danger(s.question.text) or self.knowledge.danger(s.whole.text)
        if guard is None:
            return None
        s = replace(s, language=language_of(s.question.text) or s.language)  # also in the middle of a form
        s = replace(s, conversation=replace(s.conversation, language=s.language))
        return self._hand_over(s, guard.danger, intro=self._phrase(s, f"safety.{guard.danger}"), urgent=guard.urgent)

    def _named(self, s: Situation) -> Decision | None:
        if s.question.choice == START:
            titles = ((intent, self._phrase(s, f"popular.{intent}")) for intent in POPULAR if intent in self.kinds)
            options = tuple(Choice(str(number), title, f"{INTENT}{intent}") for number, (intent, title) in enumerate(titles, 1))
            conversation = replace(s.conversation, options=options, form=None, question=0, entry="", intent="")
            decision = self._say(
                s, ReplyKind.SOCIAL, self._phrase(s, "welcome"), conversation=conversation, notes=(Note(EventName.SOCIAL, "welcome"),)
            )
            return replace(decision, replies=(replace(decision.replies[0], choices=options),))
        intent = s.question.choice.removeprefix(INTENT)
        offered = any(s.question.choice == option.value for option in s.conversation.options)
        if intent == s.question.choice or intent not in self.kinds or offered:
            return None
        s = replace(s, conversation=replace(s.conversation, options=(), form=None))
        return self._understood(s, s.question.text, Prediction(intent, 1.0, engine="menu"))

    def _steering(self, s: Situation) -> Decision | None:
        text, cue, asked = s.question.text, self.knowledge.cue, s.conversation.question
        if cue("human", text):
            return self._hand_over(s, "asked_for_person", question=asked)
        if s.conversation.entry and cue("unhelpful", text):
            entry = self.knowledge.entry(s.conversation.entry, s.language)
            note = Note(EventName.UNHELPFUL, s.conversation.intent, s.conversation.entry, asked)
            fresh = "trouble" not in s.conversation.facets_shown and not self._held_back(s.conversation.intent)
            if entry and fresh and entry.facet("trouble"):
                return self._show_facet(s, entry, "trouble", (note,))
            return self._hand_over(s, "unhelpful", intent=s.conversation.intent, question=asked, notes=(note,))
        if s.conversation.entry and cue("helpful", text):
            note = Note(EventName.HELPFUL, s.conversation.intent, s.conversation.entry, asked)
            return self._say(s, ReplyKind.SOCIAL, self._phrase(s, "glad"), notes=(note,))
        if cue("cancel", text):
            return self._say(s, ReplyKind.SOCIAL, self._phrase(s, "nothing_to_cancel"), conversation=replace(s.conversation, options=()))
        return None
