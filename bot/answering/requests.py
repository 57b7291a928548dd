"""Request forms: a form that is being filled in, and questions asked in between."""

from dataclasses import dataclass, replace

from bot import forms
from bot.answering.base import Situation, sure_of
from bot.answering.followups import FollowUps
from bot.answering.notices import Notices
from bot.answering.own import Own
from bot.domain import Conversation, Decision, EventName, Handover, IntentKind, Note
from bot.knowledge import Form
from bot.messages import Action, Choice, Language, Reply, ReplyKind
from bot.text import has_words, is_question

FACETS = ("price", "time", "who", "where", "how")
_STUCK_AT = 2
_ANSWERED_ASIDE = frozenset({IntentKind.FAQ, IntentKind.LOOKUP, IntentKind.FORM})


@dataclass(frozen=True)
class Requests(FollowUps, Own, Notices):
    """Rules while a form is active."""

    def _form(self, s: Situation) -> Decision | None:
        progress = s.conversation.form
        form = self.knowledge.form(progress.form, s.language) if progress else None
        if progress is None or form is None:
            return None
        text, cue = s.question.choice or s.question.text, self.knowledge.cue
        if cue("cancel", text):
            return self._left(s, form)
        if cue("back", text):
            return self._ask(s, forms.back(form, progress), form)
        if own := self._own(s):
            return self._go_on(s, own, form) if own.conversation.form else own
        field = forms.pending(form, progress)
        if field is None and cue("confirm", text):
            return self._submitted(s, form)
        if field and field.optional and cue("skip", text) and (has_words(text) or text.strip() == "-"):
            return self._ask(s, forms.fill(form, progress, text, s.almanac, skipped=True), form)
        if cue("human", text):
            return self._with_person(s, form)
        if s.question.attachments and not has_words(text):
            return self._ask(s, forms.Step(progress, field), form, self._phrase(s, "form_attachment") + "\n")
        return self._answered(s, form, text)

    def _answered(self, s: Situation, form: Form, text: str) -> Decision:
        """A value, else a question in between, else what the field asks for once more."""
        progress = s.conversation.form
        assert progress is not None
        field = forms.pending(form, progress)
        if field is None and (changed := forms.change(form, progress, text)):
            return self._ask(s, changed, form)
        step = forms.fill(form, progress, text, s.almanac) if field else None
        open_field = field is not None and field.check == "text" and not field.choices
        # A title may be any words, so only what is worded as a question and is no title in 《》 can be one there.
        refused = step is None or step.refused
        if (refused or (open_field and "《" not in text)) and (aside := self._aside(s, refused)):
            return self._go_on(s, aside, form)
        return self._ask(s, step or forms.Step(progress, None), form)

    def _aside(self, s: Situation, refused: bool) -> Decision | None:
        """The answer to a question that comes in the middle of a form; None when the message is none that the bot can answer."""
        text, prediction = s.question.text, s.whole.prediction
        entry = self.knowledge.entry(s.conversation.entry, s.language) if s.conversation.entry else None
        for name in FACETS:
            if self.knowledge.cue(name, text):
                told = entry.facet(name) if entry and not self._held_back(entry.intent) else ""
                note = Note(EventName.ANSWERED, entry.intent, entry.id, value=f"facet:{name}") if entry and told else None
                return self._say(
                    s, ReplyKind.ANSWER, told or self._phrase(s, "form_aside_unknown"), notes=(note,) if note else (),
                    intent=entry.intent if entry else "",
                )  # fmt: skip
        if not sure_of(prediction, self.policy):
            return None
        kind = self.kinds.get(prediction.intent)
        if kind is IntentKind.SOCIAL and refused:
            return self._understood(s, text, prediction)
        if kind not in _ANSWERED_ASIDE or not is_question(text):
            return None
        decision = self._answer(s, prediction.intent, prediction, new=True)
        return self._say(s, ReplyKind.NOTICE, self._phrase(s, "form_aside_unknown")) if decision.handover else decision

    def _go_on(self, s: Situation, decision: Decision, form: Form) -> Decision:
        """What was said in between, without its own choices, and then the form again."""
        progress = s.conversation.form
        assert progress is not None
        asked = self._ask(s, forms.Step(progress, forms.pending(form, progress)), form, self._phrase(s, "form_goes_on", title=form.title))
        said = tuple(replace(reply, choices=()) for reply in decision.replies)
        conversation = replace(decision.conversation, form=asked.conversation.form, options=())
        return replace(decision, replies=(*said, *asked.replies), conversation=conversation)

    def _left(self, s: Situation, form: Form) -> Decision:
        assert s.conversation.form is not None
        note = Note(EventName.FORM_LEFT, intent=form.id, question=s.conversation.form.question)
        conversation = replace(s.conversation, form=None)
        return self._say(s, ReplyKind.FORM, self._phrase(s, "form_left"), conversation=conversation, notes=(note,))

    def _with_person(self, s: Situation, form: Form) -> Decision:
        """A librarian goes on with what was filled in so far."""
        assert s.conversation.form is not None
        handed = self._hand_over(s, "asked_for_person", intent=form.id, question=s.conversation.form.question)
        assert handed.handover is not None
        return replace(handed, handover=self._carrying(s, form, handed.handover))

    def _submitted(self, s: Situation, form: Form) -> Decision:
        assert s.conversation.form is not None
        # A second tap on the button must find out that the first one was enough.
        again = (Choice("1", self._phrase(s, "form_submit"), "sent:"),)
        done = replace(s.conversation, form=None, options=again, asked="")
        handover = Handover("form", form.id, s.conversation.form.question)
        return Decision(Action.FORM, (), done, self._carrying(s, form, handover))

    @staticmethod
    def _carrying(s: Situation, form: Form, handover: Handover) -> Handover:
        """A ticket with the form's fields; the personal ones apart."""
        assert s.conversation.form is not None
        private = forms.personal(form, s.conversation.form)
        public = tuple(answer for answer in s.conversation.form.answers if answer not in private)
        return replace(handover, fields=public, personal=private)

    def _ask(self, s: Situation, step: forms.Step, form: Form, intro: str = "") -> Decision:
        field, offered = step.field, tuple[str, ...]()
        if field is None:
            label = form.fields[-1].label if s.language is Language.ZH else form.fields[-1].label.lower()
            text = self._phrase(s, "form_confirm", summary=forms.summary(form, step.progress), label=label)
            choices: tuple[Choice, ...] = (Choice("1", self._phrase(s, "form_submit"), "1"),)
        else:
            text = field.again if step.refused else field.ask
            offered = forms.choices(field, s.almanac)
            choices = tuple(Choice(str(number), title, str(number)) for number, title in enumerate(offered, 1))
            if step.refused and step.progress.refusals >= _STUCK_AT:
                text += "\n" + self._phrase(s, "form_stuck")
        conversation = replace(s.conversation, form=replace(step.progress, offered=offered), options=())
        reply = Reply(ReplyKind.FORM, intro + text, choices=choices, form=form.id, language=s.language, intent=form.id, action=Action.FORM)
        return Decision(Action.FORM, (reply,), conversation)

    def _with_expiry(self, s: Situation, before: Conversation, decision: Decision) -> Decision:
        """Tell politely that a form which was left lying is over, and answer what was said now."""
        left = before.form
        form = self.knowledge.form(left.form, s.language) if left and s.conversation.form is None else None
        if left is None or form is None:
            return decision
        note = Note(EventName.FORM_LEFT, intent=form.id, question=left.question, value="expired")
        told = Reply(ReplyKind.NOTICE, self._phrase(s, "form_expired", title=form.title), language=s.language, intent=form.id)
        return replace(decision, replies=(told, *decision.replies), notes=(note, *decision.notes))
