"""Request forms: a form that is being filled in."""

from dataclasses import dataclass, replace

from bot import forms
from bot.answering.base import Base, Situation
from bot.domain import Decision, EventName, Handover, Note
from bot.knowledge import Form
from bot.messages import Action, Choice, Reply, ReplyKind


@dataclass(frozen=True)
class Requests(Base):
    """Rules while a form is active."""

    def _form(self, s: Situation) -> Decision | None:
        progress = s.conversation.form
        form = self.knowledge.form(progress.form, s.language) if progress else None
        if progress is None or form is None:
            return None
        text = s.question.choice or s.question.text
        if self.knowledge.cue("cancel", text):
            note = Note(EventName.FORM_LEFT, intent=form.id, question=progress.question)
            return self._say(
                s, ReplyKind.FORM, self._phrase(s, "form_left"), conversation=replace(s.conversation, form=None), notes=(note,)
            )
        if self.knowledge.cue("back", text):
            return self._ask(s, forms.back(form, progress), form)
        if forms.pending(form, progress) is None:
            if not self.knowledge.cue("confirm", text):
                return self._ask(s, forms.Step(progress, None, refused=True), form)
            done = replace(s.conversation, form=None)
            handover = Handover("form", form.id, progress.question, progress.answers)
            return Decision(Action.FORM, (), done, handover)
        step = forms.fill(form, progress, text, s.today, skipped=self.knowledge.cue("skip", text))
        return self._ask(s, step, form)

    def _ask(self, s: Situation, step: forms.Step, form: Form, intro: str = "") -> Decision:
        field, choices = step.field, tuple[Choice, ...]()
        if field is None:
            text = self._phrase(s, "form_confirm", summary=forms.summary(form, step.progress))
            choices = (Choice("1", self._phrase(s, "form_submit"), "1"),)
        else:
            text = field.again if step.refused else field.ask
            choices = tuple(Choice(str(number), title, str(number)) for number, title in enumerate(field.choices, 1))
        conversation = replace(s.conversation, form=step.progress, options=())
        reply = Reply(ReplyKind.FORM, intro + text, choices=choices, form=form.id, language=s.language, intent=form.id, action=Action.FORM)
        return Decision(Action.FORM, (reply,), conversation)
