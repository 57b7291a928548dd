"""Labelled messages + what was predicted + the policy -> figures. Pure; reads no file, asks no model."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.answering import Policy, lead, sure_of, worth_offering
from bot.domain import OUT_OF_SCOPE, IntentKind, Prediction
from bot.messages import Language

_SURE = 1.96  # two-sided 95 %
_MARGINS = (0.05, 0.0, 0.1, 0.2)
ANSWER, CLARIFY, PERSON = "answer", "clarify", "person"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message with what it means. `kind` tells out-of-scope messages apart: near, own, far, care, odd."""

    text: str
    intent: str
    language: Language = Language.ZH
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One message, what was predicted, and what the bot would do about it: answer, clarify or fetch a person."""

    row: Labelled
    prediction: Prediction
    action: str
    choices: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the predicted intent is the labelled one."""
        return self.prediction.intent == self.row.intent

    @property
    def in_scope(self) -> bool:
        """Whether there is an intent that answers it."""
        return self.row.intent != OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share, 0..1; 0 of nothing is 0."""
        return self.hits / self.total if self.total else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % Wilson interval."""
        return wilson(self.hits, self.total)


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a set of messages was met."""

    sent_right: Share
    in_scope_answered: Share
    out_of_scope_answered: Share
    by_kind: tuple[tuple[str, Share], ...]
    choice_right: Share
    top_right: Share
    clarified: Share
    cases: int


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """One line of the per-intent table. `sent_right` is the precision of its answers, `answered` their reach."""

    intent: str
    sent_right: Share
    answered: Share
    top_right: Share
    taken_for: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """Risk and coverage if the bot answered from this confidence on."""

    answer_at: float
    sent_right: Share
    in_scope_answered: Share
    out_of_scope_answered: Share


@dataclass(frozen=True)
class Evaluated:
    """One engine on one set of messages. `milliseconds` are the time of each prediction, empty when they were made in bulk."""

    name: str
    rows: tuple[Labelled, ...]
    predictions: tuple[Prediction, ...]
    policy: Policy
    kinds: Mapping[str, IntentKind]
    milliseconds: tuple[float, ...] = ()

    def cases(self) -> tuple[Case, ...]:
        """What the bot would do about each message."""
        return judge(self.rows, self.predictions, self.policy, self.kinds)


@dataclass(frozen=True)
class Lesson:
    """One point of the learning curve: the share of the examples that was learned from, and the figures then."""

    share: float
    examples: int
    figures: Figures


def wilson(hits: int, total: int, z: float = _SURE) -> tuple[float, float]:
    """Between which shares the true one lies, by Wilson's score interval; (0, 1) for no evidence."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    middle = share + square / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return max(0.0, (middle - reach) / (1 + square / total)), min(1.0, (middle + reach) / (1 + square / total))


def judge(rows: Sequence[Labelled], predictions: Sequence[Prediction], policy: Policy, kinds: Mapping[str, IntentKind]) -> tuple[Case, ...]:
    """What the bot would do about each message, were it the first of a conversation; the rules of `Answering._understood`."""
    return tuple(_case(row, prediction, policy, kinds) for row, prediction in zip(rows, predictions, strict=True))


def _case(row: Labelled, prediction: Prediction, policy: Policy, kinds: Mapping[str, IntentKind]) -> Case:
    kind = kinds.get(prediction.intent)
    if kind is IntentKind.HUMAN and prediction.confidence >= policy.clarify_at:
        return Case(row, prediction, ANSWER)
    if kind is not None and sure_of(prediction, policy):
        return Case(row, prediction, ANSWER)
    offered = worth_offering(prediction, kinds)
    if offered and offered[0].confidence >= policy.clarify_at:
        return Case(row, prediction, CLARIFY, tuple(candidate.intent for candidate in offered))
    return Case(row, prediction, PERSON)


def figures(cases: Iterable[Case]) -> Figures:
    """Every figure over some messages."""
    all_cases = tuple(cases)
    inside = [case for case in all_cases if case.in_scope]
    outside = [case for case in all_cases if not case.in_scope]
    sent = [case for case in all_cases if case.action == ANSWER]
    asked = [case for case in inside if case.action == CLARIFY]
    names = sorted({case.row.kind for case in outside if case.row.kind})
    return Figures(
        sent_right=_share(sent, lambda case: case.right),
        in_scope_answered=_share(inside, _answered_rightly),
        out_of_scope_answered=_share(outside, _answered),
        by_kind=tuple((name, _share((case for case in outside if case.row.kind == name), _answered)) for name in names),
        choice_right=_share(asked, lambda case: case.row.intent in case.choices),
        top_right=_share(inside, lambda case: case.right),
        clarified=_share(all_cases, lambda case: case.action == CLARIFY),
        cases=len(all_cases),
    )


def by_language(cases: Iterable[Case]) -> tuple[tuple[Language, Figures], ...]:
    """The figures of each language that occurs."""
    grouped: dict[Language, list[Case]] = defaultdict(list)
    for case in cases:
        grouped[case.row.language].append(case)
    return tuple((language, figures(grouped[language])) for language in sorted(grouped))


def by_intent(cases: Iterable[Case]) -> tuple[IntentFigures, ...]:
    """The per-intent table, by name; `taken_for` are the commonest wrong first guesses about its messages."""
    all_cases = tuple(cases)
    said: dict[str, list[Case]] = defaultdict(list)
    meant: dict[str, list[Case]] = defaultdict(list)
    for case in all_cases:
        meant[case.row.intent].append(case)
        if case.action == ANSWER:
            said[case.prediction.intent].append(case)
    table = []
    for intent in sorted(meant.keys() | said.keys()):
        wrong = Counter(case.prediction.intent for case in meant[intent] if not case.right)
        table.append(
            IntentFigures(
                intent=intent,
                sent_right=_share(said[intent], lambda case: case.right),
                answered=_share(meant[intent], _answered_rightly if intent != OUT_OF_SCOPE else _answered),
                top_right=_share(meant[intent], lambda case: case.right),
                taken_for=tuple(sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:3]),
            )
        )
    return tuple(table)


def confusions(cases: Iterable[Case], most: int = 20) -> tuple[tuple[str, str, int], ...]:
    """The commonest (meant, predicted, times) among wrong first guesses."""
    counted = Counter((case.row.intent, case.prediction.intent) for case in cases if not case.right)
    return tuple((meant, said, times) for (meant, said), times in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:most])


def calibration(cases: Iterable[Case], bins: int = 10) -> tuple[tuple[float, Share], ...]:
    """How often the first guess is right, by its confidence: (mean confidence, share right) of each bin that has cases."""
    binned: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        binned[min(bins - 1, int(case.prediction.confidence * bins))].append(case)
    return tuple(
        (sum(case.prediction.confidence for case in binned[at]) / len(binned[at]), _share(binned[at], lambda case: case.right))
        for at in sorted(binned)
    )


def curve(
    rows: Sequence[Labelled], predictions: Sequence[Prediction], policy: Policy, kinds: Mapping[str, IntentKind], steps: int = 100
) -> tuple[Point, ...]:
    """Risk and coverage for every threshold, the rest of the policy as it is."""
    return tuple(_point(rows, predictions, replace(policy, answer_at=step / steps), kinds) for step in range(steps + 1))


def _point(rows: Sequence[Labelled], predictions: Sequence[Prediction], policy: Policy, kinds: Mapping[str, IntentKind]) -> Point:
    found = figures(judge(rows, predictions, policy, kinds))
    return Point(policy.answer_at, found.sent_right, found.in_scope_answered, found.out_of_scope_answered)


def propose(
    rows: Sequence[Labelled],
    predictions: Sequence[Prediction],
    kinds: Mapping[str, IntentKind],
    precision: float = 0.97,
    choices: float = 0.90,
    policy: Policy | None = None,
) -> Policy:
    """The most talkative policy that keeps its promise on cross-validated predictions.

    `answer_at` and `margin` are the pair that answers most in-scope questions rightly while the lower 95 % bound of the
    share of right answers is at least `precision`; where none does, the bot answers only when certain. `clarify_at` is
    the lowest confidence from which the lower bound for "the right one is among the choices" is at least `choices`,
    counted over in-scope questions that would be met with choices.

    Training lines are rid of duplicates and written to be hard, so a stranger's messages fare better than
    cross-validation says.
    """
    start = policy or Policy()
    # HUMAN kinds are answered from clarify_at on, hence out of the search for answer_at.
    spoken = [
        (prediction.confidence, lead(prediction), prediction.intent == row.intent)
        for row, prediction in zip(rows, predictions, strict=True)
        if kinds.get(prediction.intent) not in (None, IntentKind.HUMAN)
    ]
    best: tuple[int, Policy] | None = None
    for margin in _MARGINS:
        clear = sorted(((confidence, right) for confidence, distance, right in spoken if distance >= margin), reverse=True)
        hits, total = 0, 0
        for step in range(99, 19, -1):
            while total < len(clear) and clear[total][0] >= step / 100:
                hits += clear[total][1]
                total += 1
            if total and wilson(hits, total)[0] >= precision and (best is None or hits > best[0]):
                best = hits, replace(start, answer_at=step / 100, margin=margin)
    found = best[1] if best else replace(start, answer_at=1.0)
    # Not lower: human intents act from clarify_at on, and a faint idea is no reason to fetch a person.
    for step in range(20, max(21, round(found.answer_at * 100))):
        tried = replace(found, clarify_at=step / 100)
        share = figures(judge(rows, predictions, tried, kinds)).choice_right
        if share.bounds[0] >= choices:
            return tried
    return replace(found, clarify_at=min(start.clarify_at, found.answer_at))


def unready(cases: Iterable[Case], precision: float) -> frozenset[str]:
    """The intents whose answers are not proven right often enough: lower bound under `precision`. Candidates for "suggest"."""
    return frozenset(line.intent for line in by_intent(cases) if line.intent != OUT_OF_SCOPE and line.sent_right.bounds[0] < precision)


def changes(before: Sequence[Case], after: Sequence[Case]) -> tuple[tuple[Case, Case], ...]:
    """The messages about which two models act differently."""
    return tuple(
        (old, new)
        for old, new in zip(before, after, strict=True)
        if (old.action, old.prediction.intent) != (new.action, new.prediction.intent)
    )


def _answered(case: Case) -> bool:
    return case.action == ANSWER


def _answered_rightly(case: Case) -> bool:
    return case.action == ANSWER and case.right


def _share(cases: Iterable[Case], hit: Callable[[Case], bool]) -> Share:
    listed = list(cases)
    return Share(sum(map(hit, listed)), len(listed))
