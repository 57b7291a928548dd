"""Pure: question + prediction + knowledge + conversation -> Decision. No database, no model library.

The order of the questions it asks is the order of the functions below; the first that answers decides.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot import forms, lookups
from bot.domain import (
    OUT_OF_SCOPE,
    Candidate,
    Conversation,
    Decision,
    Entry,
    EventName,
    Handover,
    IntentKind,
    Note,
    Part,
    Prediction,
    Risk,
)
from bot.knowledge import Form, Knowledge
from bot.messages import INTENT, START, Action, Choice, Language, Link, Question, Reply, ReplyKind
from bot.text import bare, has_words, language_of, normalise

MOST_CHOICES = 3
POPULAR = ("vpn_setup", "database_access", "due_date_extension", "textbook_platform", "opening_hours", "book_delivery")
"""Often asked, shown to people who have just come; their titles are the phrases popular.INTENT."""
_LEAST_CANDIDATE = 0.04
_SHORT_FOLLOW_UP = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """From which confidence the bot speaks. Answers to `suggest` and `off` intents go to a librarian as a draft, in shadow all do."""

    answer_at: float = 0.71
    margin: float = 0.05
    clarify_at: float = 0.21
    forget_after: timedelta = timedelta(minutes=30)
    suggest: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    shadow: bool = False


def lead(prediction: Prediction) -> float:
    """How far the best intent is ahead of the second."""
    return prediction.confidence - (prediction.runners_up[0].confidence if prediction.runners_up else 0.0)


def sure_of(prediction: Prediction, policy: Policy) -> bool:
    """Whether the bot may speak: confident enough, and far enough ahead."""
    return prediction.confidence >= policy.answer_at and lead(prediction) >= policy.margin


def worth_offering(prediction: Prediction, kinds: Mapping[str, IntentKind]) -> tuple[Candidate, ...]:
    """In-scope candidates for "did you mean", best first."""
    fitting = (c for c in prediction.candidates() if kinds.get(c.intent) not in (None, IntentKind.SOCIAL, IntentKind.HUMAN))
    return tuple(c for c in fitting if c.confidence >= _LEAST_CANDIDATE)[:MOST_CHOICES]


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision depends on. `today` is the calendar's day, `now` the clock's time."""

    question: Question
    whole: Part
    parts: tuple[Part, ...]
    conversation: Conversation
    now: datetime
    today: date
    language: Language


@dataclass(frozen=True)
class Answering:
    """The rules, with the knowledge and the policy they are applied to."""

    knowledge: Knowledge
    kinds: Mapping[str, IntentKind]
    policy: Policy

    def decide(self, question: Question, parts: tuple[Part, ...], conversation: Conversation, now: datetime, today: date) -> Decision:
        """What to do about one message. `parts[0]` is the whole message; further parts are its single questions."""
        context = self._remembered(conversation, now)
        # A form keeps its language: an e-mail address in it is no change of language.
        # Neither does a tap on a menu tell one: its words are the library's.
        tapped = question.choice == START or question.choice.startswith(INTENT)
        spoken = context.language if context.form or tapped else question.language or language_of(question.text)
        language = spoken or context.language or Language.ZH
        s = Situation(question, parts[0], parts[1:], replace(context, language=language, last_at=now), now, today, language)
        steps: tuple[Callable[[Situation], Decision | None], ...] = (
            self._named, self._form, self._offered, self._wordless, self._steering, self._facet, self._several,
        )  # fmt: skip
        for step in steps:
            if (decision := step(s)) is not None:
                return decision
        return self._understood(s, s.whole.text, s.whole.prediction)

    def _remembered(self, conversation: Conversation, now: datetime) -> Conversation:
        """Context ends after a silence."""
        if conversation.last_at and now - conversation.last_at > self.policy.forget_after:
            return Conversation(conversation.id, conversation.address, conversation.visitor, conversation.state, conversation.language)
        return conversation

    # --- somebody who has just come, or tapped a menu ---

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

    # --- a form that is being filled in ---

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

    # --- an answer to the bot's own "did you mean" ---

    def _offered(self, s: Situation) -> Decision | None:
        options = s.conversation.options
        typed = s.question.choice or normalise(s.question.text).rstrip(".、)。 ")
        chosen = next((o for o in options if typed in (o.key, o.value) or (bare(typed) and bare(typed) == bare(o.title))), None)
        if chosen is None:
            return None
        s = replace(s, conversation=replace(s.conversation, options=()))
        verb, _, value = chosen.value.partition(":")
        if verb == "human":
            reason = "asked_for_person" if value == "form" else "none_of_these"
            return self._hand_over(s, reason, question=s.conversation.question)
        if verb == "form":
            form = self.knowledge.form(value, s.language)
            if form is not None:
                step = forms.start(form, s.conversation.question)
                decision = self._ask(s, step, form, self._phrase(s, "form_start", title=form.title) + "\n")
                return replace(decision, notes=(Note(EventName.FORM_STARTED, intent=value, question=s.conversation.question),))
        note = Note(EventName.CHOSEN, intent=value, question=s.conversation.question)
        asked = s.conversation.question
        decision = self._answer(s, value, s.whole.prediction, question=asked, new=not asked)
        return replace(decision, notes=(note, *decision.notes))

    # --- nothing to understand ---

    def _wordless(self, s: Situation) -> Decision | None:
        if has_words(s.question.text) and len(bare(s.question.text)) > 1:
            return None
        name = "attachment" if s.question.attachments else "no_words"
        options = (Choice("0", self._phrase(s, "form_offer_human"), "human"),)
        conversation = replace(s.conversation, options=options)
        reply = Reply(ReplyKind.NOTICE, self._phrase(s, name), choices=options, language=s.language, action=Action.CLARIFY)
        notes = (Note(EventName.CLARIFIED),) if s.question.attachments else ()
        return Decision(Action.CLARIFY, (reply,), conversation, notes=notes, new_question=bool(s.question.attachments))

    # --- words that steer ---

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

    # --- "收费不" after an answer ---

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

    # --- two questions in one message ---

    def _several(self, s: Situation) -> Decision | None:
        asked = [part for part in s.parts if self.kinds.get(part.prediction.intent) is not IntentKind.SOCIAL]
        sure = {
            part.prediction.intent: part for part in asked if sure_of(part.prediction, self.policy) and part.prediction.intent in self.kinds
        }
        open_parts = [part for part in asked if part.prediction.intent not in sure]
        if not sure or len(sure) + len(open_parts) < 2:
            return None
        decisions = [self._understood(s, part.text, part.prediction) for part in sure.values()]
        replies = [reply for decision in decisions for reply in decision.replies]
        handover = next((decision.handover for decision in decisions if decision.handover), None)
        if open_parts and handover is None:
            handover = Handover("second_question")
            replies.append(Reply(ReplyKind.NOTICE, self._phrase(s, "handover_rest", text=open_parts[0].text), language=s.language))
        notes = tuple(note for decision in decisions for note in decision.notes)
        last = decisions[-1].conversation
        return Decision(decisions[0].action, tuple(replies), last, handover, notes, s.whole.prediction, new_question=True)

    # --- a question that was understood, more or less ---

    def _understood(self, s: Situation, text: str, prediction: Prediction) -> Decision:
        intent, kind = prediction.intent, self.kinds.get(prediction.intent)
        if not sure_of(prediction, self.policy) and (inherited := self._inherited(s, text, prediction)):
            return self._answer(s, inherited, prediction, new=True)
        if kind is IntentKind.HUMAN and prediction.confidence >= self.policy.clarify_at:
            reason = "complaint" if intent == "complaint" else "asked_for_person"
            return self._hand_over(s, reason, intent=intent, prediction=prediction, intro=self._entry_text(s, intent))
        if sure_of(prediction, self.policy) and kind is IntentKind.SOCIAL:
            note = Note(EventName.SOCIAL, intent)
            return self._say(s, ReplyKind.SOCIAL, self._entry_text(s, intent), notes=(note,), intent=intent, prediction=prediction)
        if sure_of(prediction, self.policy) and kind is not None:
            return self._answer(s, intent, prediction, new=True)
        likely = worth_offering(prediction, self.kinds)
        if likely and likely[0].confidence >= self.policy.clarify_at:
            return self._clarify(s, likely, prediction)
        reason = "out_of_scope" if intent == OUT_OF_SCOPE or not likely else "unsure"
        return self._hand_over(s, reason, intent="" if intent == OUT_OF_SCOPE else intent, prediction=prediction)

    def _inherited(self, s: Situation, text: str, prediction: Prediction) -> str | None:
        """The previous lookup, when a short message only names another database, course or college ("那 EI 呢")."""
        previous = s.conversation.intent
        kinds = lookups.KINDS.get(previous, frozenset())
        named = any(entity.kind in kinds for entity in prediction.entities)
        return previous if named and prediction.intent != OUT_OF_SCOPE and len(text) <= _SHORT_FOLLOW_UP else None

    def _clarify(self, s: Situation, likely: Iterable[Candidate], prediction: Prediction) -> Decision:
        titles = [(self.knowledge.title(c.intent, s.language, s.today), c.intent) for c in likely]
        options = (
            *(Choice(str(number), title, f"intent:{intent}") for number, (title, intent) in enumerate(titles, 1)),
            Choice("0", self._phrase(s, "human_choice"), "human"),
        )
        reply = Reply(
            ReplyKind.CLARIFY, self._phrase(s, "clarify"), choices=options, language=s.language, intent=titles[0][1], action=Action.CLARIFY
        )
        note = Note(EventName.CLARIFIED, titles[0][1])
        conversation = replace(s.conversation, options=options, entry="", intent="", entities=())
        return Decision(Action.CLARIFY, (reply,), conversation, notes=(note,), prediction=prediction, new_question=True)

    def _answer(self, s: Situation, intent: str, prediction: Prediction, question: int = 0, new: bool = False) -> Decision:
        """The curated answer to an intent, or a person where no answer may be given."""
        entry = self.knowledge.choose(intent, s.language, s.today, prediction.entities, s.question.campus)
        if entry is None:
            return self._hand_over(s, "no_entry", intent=intent, question=question, prediction=prediction)
        if entry.risk is Risk.HIGH and entry.review_by < s.today:
            return self._hand_over(s, "overdue_entry", intent=intent, question=question, prediction=prediction)
        if reason := self._held_back(intent):
            return self._hand_over(s, reason, intent=intent, question=question, prediction=prediction)
        if self.kinds.get(intent) is IntentKind.FORM:
            return self._offer_form(s, entry, prediction, question, new)
        found = lookups.look_up(intent, prediction.entities, self.knowledge, s.language)
        text, links = found or (f"{entry.answer.rstrip()}\n{self._checked(s, entry)}", entry.links)
        return self._reply(s, ReplyKind.ANSWER, text, links, entry, prediction, question, new)

    def _offer_form(self, s: Situation, entry: Entry, prediction: Prediction, question: int, new: bool) -> Decision:
        options = (
            Choice("1", self._phrase(s, "form_offer_fill"), f"form:{entry.intent}"),
            Choice("0", self._phrase(s, "form_offer_human"), "human:form"),
        )
        text = f"{entry.answer.rstrip()}\n{self._checked(s, entry)}"
        decision = self._reply(s, ReplyKind.FORM, text, entry.links, entry, prediction, question, new)
        reply = replace(decision.replies[0], choices=options, form=entry.intent, action=Action.FORM)
        return replace(decision, action=Action.FORM, replies=(reply,), conversation=replace(decision.conversation, options=options))

    def _reply(
        self,
        s: Situation,
        kind: ReplyKind,
        text: str,
        links: tuple[Link, ...],
        entry: Entry,
        prediction: Prediction,
        question: int,
        new: bool,
    ) -> Decision:
        reply = Reply(kind, text, links, entry=entry.id, language=s.language, intent=entry.intent, action=Action.ANSWER)
        conversation = replace(
            s.conversation, intent=entry.intent, entry=entry.id, entities=prediction.entities, facets_shown=(), options=()
        )
        note = Note(EventName.ANSWERED, entry.intent, entry.id, question)
        return Decision(Action.ANSWER, (reply,), conversation, notes=(note,), prediction=prediction, new_question=new)

    # --- small things ---

    def _held_back(self, intent: str) -> str:
        """Why the answer to an intent goes to a librarian instead of the patron; '' when the bot may give it."""
        if intent in self.policy.off:
            return "switched_off"
        return "suggested" if self.policy.shadow or intent in self.policy.suggest else ""

    def _hand_over(
        self,
        s: Situation,
        reason: str,
        *,
        intent: str = "",
        question: int = 0,
        notes: tuple[Note, ...] = (),
        prediction: Prediction | None = None,
        intro: str = "",
    ) -> Decision:
        replies = (Reply(ReplyKind.NOTICE, intro, language=s.language, intent=intent),) if intro else ()
        conversation = replace(s.conversation, options=(), form=None)
        return Decision(
            Action.ESCALATE,
            replies,
            conversation,
            Handover(reason, intent, question),
            notes,
            prediction or s.whole.prediction,
            new_question=not question,
        )

    def _say(
        self,
        s: Situation,
        kind: ReplyKind,
        text: str,
        *,
        conversation: Conversation | None = None,
        notes: tuple[Note, ...] = (),
        intent: str = "",
        prediction: Prediction | None = None,
    ) -> Decision:
        reply = Reply(kind, text, language=s.language, intent=intent, action=Action.SOCIAL)
        return Decision(Action.SOCIAL, (reply,), conversation or s.conversation, notes=notes, prediction=prediction)

    def _entry_text(self, s: Situation, intent: str) -> str:
        entry = self.knowledge.choose(intent, s.language, s.today)
        return entry.answer.rstrip() if entry else ""

    def _checked(self, s: Situation, entry: Entry) -> str:
        return self._phrase(s, "checked", date=entry.reviewed_on.isoformat())

    def _phrase(self, s: Situation, name: str, **values: object) -> str:
        return self.knowledge.phrase(name, s.language, **values)
