"""Plays weeks of questions through the real desk, with a simulated clock and librarians, so that a newcomer sees living figures.

Everything goes the way of real questions: understood, decided, stored, handed over, claimed, answered. What is made up is who
asks what and when: a scenario (knowledge/demo/*.yml) gives the shape, the words are those of intents/nlu.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot import forms
from bot.connector import Limits
from bot.desk import BY_HAND, Clock, Desk, Logged
from bot.domain import OUT_OF_SCOPE, Conversation, DeliveryStatus, IntentKind, Librarian, Role, TicketStatus
from bot.errors import Defect
from bot.hours import DutyHours
from bot.house import Mind, Progress
from bot.messages import Address, Language, Question, Reply, ReplyKind
from bot.store import Store
from bot.training import Example, Training

_AHEAD = timedelta(seconds=40)
_SLEEP = timedelta(minutes=30)
_LATE_RETURN = timedelta(minutes=40)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Part):
    """`share` of all questions come by it; `known` of these ask for something that the bot knows."""

    name: str
    share: float = Field(gt=0, le=1)
    known: float = Field(ge=0, le=1)


class Announcement(_Part):
    """News that bring a burst of questions about `intents`: `at` 0..1 of the period, `size` in ordinary days' questions."""

    title: str
    at: float = Field(ge=0, le=1)
    size: float = Field(gt=0)
    intents: tuple[str, ...]


class Colleague(_Part):
    """A librarian who looks at the queue `every` so many minutes and `needs` so many for a reply."""

    login: str
    name: str
    every: float = Field(gt=0)
    needs: float = Field(gt=0)


class Habits(_Part):
    """What patrons and librarians do, as shares of the times they could."""

    helpful: float
    unhelpful: float
    first_choice: float
    asks_person: float
    fills_form: float
    closes_after: float
    rates: float
    satisfied: float


class Scenario(_Part):
    """The shape of a period."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    announcements: tuple[Announcement, ...]
    hours: tuple[float, ...] = Field(min_length=24, max_length=24)
    librarians: tuple[Colleague, ...] = Field(min_length=1)
    replies: dict[Language, tuple[str, ...]]
    habits: Habits
    fields: dict[str, str]


def scenario(path: Path) -> Scenario:
    """Read a scenario; Defect names the key that is wrong."""
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise Defect(path, 0, "there is no such scenario") from error
    except yaml.YAMLError as error:
        raise Defect(path, 0, f"not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise Defect(path, 0, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is played: `questions` in the `days` that end at `until`, with dice that fall the same for the same `seed`."""

    days: int
    questions: int
    until: datetime
    seed: int = 2020


@dataclass
class _Time:
    """The simulated clock."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


@dataclass(order=True)
class _Moment:
    """Something that happens; `number` keeps things of the same time in the order they were planned."""

    at: datetime
    number: int
    act: Callable[[], None] = field(compare=False)


def play(store: Store, mind: Mind, training: Training, plan: Scenario, extent: Extent, *, duty: DutyHours, progress: Progress) -> None:
    """Fill a database with a scenario."""
    _Play(store, mind, training, plan, extent, duty).run(progress)


class _Play:
    def __init__(self, store: Store, mind: Mind, training: Training, plan: Scenario, extent: Extent, duty: DutyHours) -> None:
        self.plan, self.extent, self.duty, self.dice = plan, extent, duty, random.Random(extent.seed)
        self.begin = extent.until - timedelta(days=extent.days)
        self.time = _Time(self.begin)
        limits = {channel.name: Limits(100_000) for channel in plan.channels}
        self.desk = Desk(store, mind.engine, mind.answering, duty, limits=limits, address="", clock=Clock(self.time), secret="")
        self.texts = _Texts(training, mind, self.dice)
        self.agenda: list[_Moment] = []
        self.numbers = itertools.count(1)
        self.asked = 0

    def run(self, progress: Progress) -> None:
        for colleague in self.plan.librarians:
            account = Librarian(colleague.login, colleague.name, Role.LIBRARIAN)
            self.desk.store.write(lambda s, a=account: s.save_librarian(a, self.begin)).result()  # type: ignore[misc]
            self.plan_at(self.begin + timedelta(minutes=colleague.every), lambda c=colleague: self.look(c))  # type: ignore[misc]
        for at in self.arrivals():
            self.plan_at(at, self.arrive)
        while self.agenda:
            moment = heapq.heappop(self.agenda)
            if moment.at > self.extent.until:
                break
            self.time.at = moment.at
            moment.act()
            progress("asking", min(1.0, self.asked / self.extent.questions))

    def plan_at(self, at: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, _Moment(at, next(self.numbers), act))

    # --- when ---

    def arrivals(self) -> Iterable[datetime]:
        """As many times as there are questions, by the weights of days and hours."""
        slots = [self.begin + timedelta(hours=hour) for hour in range(self.extent.days * 24)]
        weights = [self._weight(slot) for slot in slots]
        for slot in self.dice.choices(slots, weights, k=self.extent.questions):
            yield slot + timedelta(seconds=self.dice.uniform(0, 3600))

    def _weight(self, at: datetime) -> float:
        local = at.astimezone(self.duty.zone)
        ordinary = self.plan.hours[local.hour] * (0.5 if local.weekday() >= 5 else 1.0)
        return ordinary * (1.0 + sum(size for _, size in self._bursts(at)))

    def _bursts(self, at: datetime) -> list[tuple[Announcement, float]]:
        """What announcements still bring at a time: their size, halved every day and a half."""
        passed = [(news, (at - self.begin) / timedelta(days=1) - news.at * self.extent.days) for news in self.plan.announcements]
        return [(news, news.size * 0.5 ** (days / 1.5)) for news, days in passed if days >= 0]

    # --- patrons ---

    def arrive(self) -> None:
        self.asked += 1
        channel = self.dice.choices(self.plan.channels, [each.share for each in self.plan.channels])[0]
        if channel.name in BY_HAND:
            self.log(channel)
            return
        address = Address(channel.name, f"demo-{self.dice.randrange(self.extent.questions)}")
        bursts = self._bursts(self.time.at)
        news = self.dice.choices([None, *(each for each, _ in bursts)], [1.0, *(size for _, size in bursts)])[0]
        known = self.dice.random() < channel.known
        self.say(address, self.texts.known(news.intents if news else ()) if known else self.texts.unknown(), patience=12)

    def log(self, channel: Channel) -> None:
        """A call, a letter, a visit: somebody on duty writes it down, tomorrow if nobody is."""
        begins = self.time.at if self.duty.on_duty(self.time.at) else self.duty.next_duty(self.time.at)
        if begins is None:
            return
        colleague = self.dice.choice(self.plan.librarians).login
        topic = self.texts.topic() if self.dice.random() < channel.known else ""
        wait = timedelta(minutes=self.dice.uniform(1, 30))
        self.plan_at(begins + wait, lambda: self._write_down(colleague, Logged(channel.name, topic)))

    def _write_down(self, colleague: str, entry: Logged) -> None:
        self.desk.log(colleague, entry)

    def say(self, address: Address, text: str, patience: int) -> None:
        replies = self.desk.ask(Question(f"demo-{next(self.numbers)}", address, text, asked_at=self.time.at)).result()
        answer = self._reaction(address, replies) if replies and patience else ""
        if answer:
            self.plan_at(self.time.at + _AHEAD * self.dice.uniform(0.3, 3), lambda: self.say(address, answer, patience - 1))

    def _reaction(self, address: Address, replies: tuple[Reply, ...]) -> str:
        last, habits, luck = replies[-1], self.plan.habits, self.dice.random()
        if last.kind is ReplyKind.CLARIFY:
            return "1" if luck < habits.first_choice else "0" if luck < habits.first_choice + habits.asks_person else ""
        if last.kind is ReplyKind.FORM:
            return self._form(address, last)
        if last.kind is ReplyKind.ANSWER and luck < habits.unhelpful:
            return "没用" if last.language is Language.ZH else "that didn't help"
        if last.kind is ReplyKind.ANSWER and luck > 1 - habits.helpful:
            return "有用" if last.language is Language.ZH else "that helped"
        return ""

    def _form(self, address: Address, asked: Reply) -> str:
        """The next answer to a request form; those who do not want it ask for a person."""
        conversation = self.desk.store.read(lambda s: s.existing_conversation(address))
        filled = conversation.form if conversation else None
        form = self.desk.knowledge.form(filled.form, asked.language) if filled else None
        if filled is None or form is None:
            return "1" if self.dice.random() < self.plan.habits.fills_form else "0"
        pending = forms.pending(form, filled)
        if pending is None or pending.choices:
            return "1"
        return self.plan.fields.get(pending.check, self.plan.fields["text"])

    # --- librarians ---

    def look(self, colleague: Colleague) -> None:
        """Somebody on duty takes the oldest waiting ticket; off duty they come back when duty begins."""
        now = self.time.at
        if not self.duty.on_duty(now):
            begins = self.duty.next_duty(now)
            if begins:
                self.plan_at(begins + timedelta(minutes=self.dice.uniform(0, colleague.every)), lambda: self.look(colleague))
            return
        self.desk.tidy(_LATE_RETURN)
        waiting = self.desk.queue((TicketStatus.WAITING,))
        if not waiting:
            self.plan_at(now + timedelta(minutes=colleague.every) * self.dice.uniform(0.5, 1.5), lambda: self.look(colleague))
            return
        number = waiting[0].ticket.id
        self.desk.claim(number, colleague.login)
        needed = timedelta(minutes=colleague.needs) * self.dice.lognormvariate(0, 0.6)
        self.plan_at(now + needed, lambda: self.answer(colleague, number))

    def answer(self, colleague: Colleague, number: int) -> None:
        consultation = self.desk.consultation(number)
        if consultation.ticket.status is TicketStatus.CLAIMED and consultation.ticket.claimed_by == colleague.login:
            language = consultation.conversation.language or Language.ZH
            self.desk.reply(number, colleague.login, self.dice.choice(self.plan.replies[language]))
            if self.dice.random() < self.plan.habits.closes_after:
                later = self.time.at + timedelta(minutes=self.dice.uniform(3, 25))
                self.plan_at(later, lambda: self.close(colleague, number))
            self._deliver()
        self.plan_at(self.time.at + timedelta(minutes=1), lambda: self.look(colleague))

    def close(self, colleague: Colleague, number: int) -> None:
        ticket = self.desk.consultation(number).ticket
        if ticket.status is TicketStatus.ANSWERED and ticket.claimed_by == colleague.login:
            self.desk.close(number, colleague.login)
            self._deliver()
            self._rated(self.desk.consultation(number).conversation)

    def _rated(self, conversation: Conversation) -> None:
        """Some patrons say whether they are satisfied."""
        if conversation.rating and self.dice.random() < self.plan.habits.rates:
            pleased = self.dice.random() < self.plan.habits.satisfied
            word = {Language.EN: ("not satisfied", "satisfied")}.get(conversation.language or Language.ZH, ("不满意", "满意"))[pleased]
            self.plan_at(self.time.at + _AHEAD * self.dice.uniform(0.5, 5), lambda: self.say(conversation.address, word, 0))

    def _deliver(self) -> None:
        """There is no platform behind the channels: what is due has arrived."""
        store, now = self.desk.store, self.time.at
        for parcel in store.read(lambda s: s.due(now)):
            store.write(lambda s, number=parcel.id: s.settle(number, DeliveryStatus.DELIVERED, now)).result()  # type: ignore[misc]


class _Texts:
    """Words to ask with, from the training examples."""

    def __init__(self, training: Training, mind: Mind, dice: random.Random) -> None:
        self._dice = dice
        self._by_intent: dict[str, list[Example]] = {}
        for example in training.examples:
            self._by_intent.setdefault(example.intent, []).append(example)
        kinds: Mapping[str, IntentKind] = mind.answering.kinds
        self._known = [intent for intent in self._by_intent if kinds.get(intent) in (IntentKind.FAQ, IntentKind.LOOKUP, IntentKind.FORM)]
        self._unknown = [intent for intent in (OUT_OF_SCOPE, "human_agent", "complaint") if intent in self._by_intent]

    def known(self, preferred: tuple[str, ...]) -> str:
        """A question that the bot has an answer to, about `preferred` intents where there are any."""
        likely = [intent for intent in preferred if intent in self._by_intent]
        return self._of(self._dice.choice(likely or self._known))

    def topic(self) -> str:
        """What a consultation is about."""
        return self._dice.choice(self._known)

    def unknown(self) -> str:
        """A question for people."""
        return self._of(self._dice.choices(self._unknown, [10, 2, 1][: len(self._unknown)])[0])

    def _of(self, intent: str) -> str:
        return self._dice.choice(self._by_intent[intent]).text
