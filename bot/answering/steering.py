"""What is no question of its own: somebody who has just come, an answer to the bot's own question, words that steer, follow-ups."""

from dataclasses import dataclass, replace

from bot.answering.base import POPULAR, Situation
from bot.answering.verdicts import Verdicts
from bot.domain import Decision, EventName, Note, Prediction
from bot.messages import INTENT, START, Choice, Language, ReplyKind, Script
from bot.text import language_of


@dataclass(frozen=True)
class Steering(Verdicts):
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
        if s.conversation.entry and (cue("unhelpful", text) or self.knowledge.turns.regrets(text)):
            return self._regretted(s)
        if s.conversation.entry and cue("helpful", text):
            note = Note(EventName.HELPFUL, s.conversation.intent, s.conversation.entry, asked)
            return self._say(s, ReplyKind.SOCIAL, self._phrase(s, "glad"), notes=(note,))
        if cue("cancel", text):
            return self._say(s, ReplyKind.SOCIAL, self._phrase(s, "nothing_to_cancel"), conversation=replace(s.conversation, options=()))
        return None

    def _acknowledged(self, s: Situation) -> Decision | None:
        """ "好的", "哦" ask for nothing, neither a person nor what was on offer."""
        if not self.knowledge.cue("acknowledged", s.question.text):
            return None
        talk = replace(s.conversation, pending=s.pending)
        return self._say(s, ReplyKind.SOCIAL, self._phrase(s, "acknowledged"), conversation=talk, notes=(Note(EventName.SOCIAL, "thanks"),))

    def _tongue(self, s: Situation) -> Decision | None:
        """ "請用繁體", "in English please": the last answer again, that way, or a word that it will be so."""
        text, cue = s.question.text, self.knowledge.cue
        wanted = next((name for name in ("traditional", "simplified", "english", "chinese") if cue(f"in_{name}", text)), "")
        if not wanted:
            return None
        talk = s.conversation
        if wanted in tuple(Script):
            s = replace(s, language=Language.ZH, conversation=replace(talk, script=Script(wanted), script_asked=True, language=Language.ZH))
        else:
            language = Language.EN if wanted == "english" else Language.ZH
            s = replace(s, language=language, conversation=replace(talk, language=language))
        if not talk.intent or not talk.entry:
            return self._say(s, ReplyKind.SOCIAL, self._phrase(s, f"tongue.{wanted}"), notes=(Note(EventName.SOCIAL, "language"),))
        return self._answer(s, talk.intent, Prediction(talk.intent, 1.0, entities=talk.entities, engine="again"), question=talk.question)
