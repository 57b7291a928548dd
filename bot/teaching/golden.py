"""The golden set: labelled messages with which a new model is compared with the one at work before it may take its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import evaluation, evaluator
from bot.answering import Policy
from bot.domain import OUT_OF_SCOPE, Change, Engine, IntentKind
from bot.evaluation import Case, Figures, Labelled

_LESS_RIGHT = 0.005
_LESS_ANSWERED = 0.01
_MOST_CHANGES = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What differs between two models on the golden set, and why the new one must not take over ('' when it may)."""

    messages: int
    changes: tuple[Change, ...]
    reasons: tuple[str, ...]


def read(paths: Sequence[Path], kinds: Mapping[str, IntentKind]) -> tuple[Labelled, ...]:
    """The golden set; empty where the library has none."""
    return evaluator.labelled(paths, frozenset(kinds) | {OUT_OF_SCOPE}) if paths else ()


def compare(rows: tuple[Labelled, ...], old: Engine, new: Engine, policy: Policy, kinds: Mapping[str, IntentKind]) -> Verdict:
    """Run both models."""
    before, after = (
        evaluation.judge(rows, tuple(engine.predict(row.text) for row in rows), policy, kinds) if rows else () for engine in (old, new)
    )
    differing = evaluation.changes(before, after)
    changes = tuple(_change(one, other) for one, other in differing[:_MOST_CHANGES])
    reasons = _reasons(evaluation.figures(before), evaluation.figures(after)) if rows else ()
    return Verdict(len(rows), changes, reasons)


def _change(before: Case, after: Case) -> Change:
    return Change(before.row.text, before.row.intent, _act(before), _act(after), _good(after) > _good(before))


def _act(case: Case) -> str:
    return f"{case.action} {case.prediction.intent}"


def _good(case: Case) -> int:
    """A wrong answer is worst, a right one best; asking back or fetching a person is between, and right for what is out of scope."""
    if case.action == evaluation.ANSWER:
        return 2 if case.right else 0
    return 1 if case.in_scope else 2


def _reasons(before: Figures, after: Figures) -> tuple[str, ...]:
    found = []
    if after.sent_right.value < before.sent_right.value - _LESS_RIGHT:
        found.append(f"sent answers right: {before.sent_right.value:.1%} > {after.sent_right.value:.1%}")
    if after.in_scope_answered.value < before.in_scope_answered.value - _LESS_ANSWERED:
        found.append(f"in-scope questions answered rightly: {before.in_scope_answered.value:.1%} > {after.in_scope_answered.value:.1%}")
    if after.out_of_scope_answered.value > before.out_of_scope_answered.value + _LESS_RIGHT:
        found.append(f"out-of-scope messages answered: {before.out_of_scope_answered.value:.1%} > {after.out_of_scope_answered.value:.1%}")
    return tuple(found)
