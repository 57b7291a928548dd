"""What every rule of answering stands on: the policy, the situation, and the ways to end a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from bot.domain import Candidate, Conversation, Decision, Entry, Handover, IntentKind, Note, Part, Prediction, Ticket
from bot.hours import DutyHours
from bot.incidents import Fault, Held, Incident
from bot.knowledge import Knowledge
from bot.messages import Action, Language, Question, Reply, ReplyKind, Script
from bot.slots import Almanac

MOST_CHOICES = 3
POPULAR = ("vpn_setup", "database_access", "due_date_extension", "textbook_platform", "opening_hours", "book_delivery")
"""Often asked, shown to people who have just come; their titles are the phrases popular.INTENT."""
_LEAST_CANDIDATE = 0.01


@dataclass(frozen=True, slots=True)
class Policy:
    """From which confidence the bot speaks. Answers to `suggest` and `off` intents go to a librarian as a draft, in shadow all do.
    After a silence of `forget_after` the context ends; up to a pause of `join_within` short messages belong together.
    Chinese is written in this `script`; None: in that of the asker."""

    answer_at: float = 0.84
    margin: float = 0.05
    clarify_at: float = 0.20
    forget_after: timedelta = timedelta(minutes=30)
    suggest: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    shadow: bool = False
    join_within: timedelta = timedelta(seconds=60)
    script: Script | None = None
    form_expires_after: timedelta = timedelta(hours=2)
    keep_days: int = 730
    keep_personal_days: int = 180


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
class Background:
    """What is known beside the conversation: what is out of order, the library's time and closed days, and the asker's own
    open requests and how much is kept of them, where the message may be about these."""

    incidents: tuple[Incident, ...] = ()
    faults: tuple[Fault, ...] = ()
    almanac: Almanac | None = None
    requests: tuple[Ticket, ...] = ()
    kept: Held | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision depends on. `today` is the calendar's day, `now` the clock's time. `pending` are the fragments just
    before, `joined` the message together with them, `continues` the question that they began, if one was counted."""

    question: Question
    whole: Part
    parts: tuple[Part, ...]
    conversation: Conversation
    now: datetime
    today: date
    language: Language
    background: Background = Background()
    pending: tuple[str, ...] = ()
    joined: Part | None = None
    continues: int = 0

    @property
    def almanac(self) -> Almanac:
        """The library's time and closed days; midnight of today where only the day is known."""
        zone = DutyHours("Asia/Shanghai", ())
        return self.background.almanac or Almanac(datetime.combine(self.today, time.min, zone.zone), zone)


@dataclass(frozen=True)
class Base:
    """The knowledge and the policy that the rules are applied to."""

    knowledge: Knowledge
    kinds: Mapping[str, IntentKind]
    policy: Policy

    def _knows(self, prediction: Prediction) -> bool:
        """Whether the bot may speak, and has something to say: what is surely out of scope is nothing it knows."""
        return sure_of(prediction, self.policy) and prediction.intent in self.kinds

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
        urgent: bool = False,
    ) -> Decision:
        replies = (Reply(ReplyKind.NOTICE, intro, language=s.language, intent=intent),) if intro else ()
        conversation = replace(s.conversation, options=(), form=None, asked="")
        return Decision(
            Action.ESCALATE,
            replies,
            conversation,
            Handover(reason, intent, question, urgent=urgent),
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
