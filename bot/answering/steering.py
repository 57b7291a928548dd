"""What is no question of its own: somebody who has just come, an answer to the bot's own question, words that steer, follow-ups."""

from dataclasses import dataclass, replace

from bot import forms
from bot.answering.base import POPULAR, Situation
from bot.answering.requests import Requests
from bot.domain import Decision, Entry, EventName, Note, Prediction
from bot.messages import INTENT, START, Action, Choice, Reply, ReplyKind
from bot.text import bare, has_words, language_of, normalise


@dataclass(frozen=True)
class Steering(Requests):
    """Rules about the conversation itself."""

    def _safe(self, s: Situation) -> Decision | None:
        """Dangers, other people's data and the bot's own insides: a fixed sentence and a person at once, whatever else is going on."""
        guard = None if s.question.choice else self.knowledge.danger(s.question.text)
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

    def _offered(self, s: Situation) -> Decision | None:
        options = s.conversation.options
        typed = s.question.choice or normalise(s.question.text).rstrip(".、)。 ")
        chosen = next((o for o in options if typed in (o.key, o.value) or (bare(typed) and bare(typed) == bare(o.title))), None)
        if chosen is None:
            return None
        verb, _, value = chosen.value.partition(":")
        if row := self._row_choice(s, verb, value):
            return row
        s = replace(s, conversation=replace(s.conversation, options=()))
        if own := self._own_choice(s, verb, value):
            return own
        if verb == "human":
            reason = "asked_for_person" if value == "form" else "none_of_these"
            return self._hand_over(s, reason, question=s.conversation.question)
        if verb == "form":
            value, _, given = value.partition(":")
            form = self.knowledge.form(value, s.language)
            if form is not None:
                step = forms.start(form, s.conversation.question, given)
                decision = self._ask(s, step, form, self._phrase(s, "form_start", title=form.title) + "\n")
                return replace(decision, notes=(Note(EventName.FORM_STARTED, intent=value, question=s.conversation.question),))
        note = Note(EventName.CHOSEN, intent=value, question=s.conversation.question)
        asked = s.conversation.question
        meant = replace(s.whole.prediction, entities=s.conversation.entities)
        decision = self._answer(s, value, meant, question=asked, new=not asked)
        return replace(decision, notes=(note, *decision.notes))

    def _wordless(self, s: Situation) -> Decision | None:
        if has_words(s.question.text) and len(bare(s.question.text)) > 1:
            return None
        name = "attachment" if s.question.attachments else "no_words"
        options = (Choice("0", self._phrase(s, "form_offer_human"), "human"),)
        conversation = replace(s.conversation, options=options)
        reply = Reply(ReplyKind.NOTICE, self._phrase(s, name), choices=options, language=s.language, action=Action.CLARIFY)
        notes = (Note(EventName.CLARIFIED),) if s.question.attachments else ()
        return Decision(Action.CLARIFY, (reply,), conversation, notes=notes, new_question=bool(s.question.attachments))

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

    def _facet(self, s: Situation) -> Decision | None:
        entry = self.knowledge.entry(s.conversation.entry, s.language) if s.conversation.entry else None
        if entry is None:
            return None
        for name in ("price", "time", "who", "where", "how"):
            if self.knowledge.cue(name, s.question.text):
                # Held back since the answer was given: the server was started anew in between.
                if reason := self._held_back(entry.intent):
                    return self._hand_over(s, reason, intent=entry.intent)
                note = Note(EventName.ANSWERED, entry.intent, entry.id, value=f"facet:{name}")
                if entry.facet(name):
                    return replace(self._show_facet(s, entry, name, (note,)), new_question=True)
                return self._hand_over(s, "unsure", intent=entry.intent, intro=self._phrase(s, "facet_missing"))
        return None

    def _show_facet(self, s: Situation, entry: Entry, name: str, notes: tuple[Note, ...]) -> Decision:
        reply = Reply(
            ReplyKind.ANSWER,
            entry.facet(name),
            links=entry.links,
            entry=entry.id,
            language=s.language,
            intent=entry.intent,
            action=Action.ANSWER,
        )
        conversation = replace(s.conversation, facets_shown=(*s.conversation.facets_shown, name), options=())
        return Decision(Action.ANSWER, (reply,), conversation, notes=notes)
