"""Earned autonomy: which intents the bot answers alone, and why. Pure, but for the small file that the evidence is kept in.

An intent is held back ("suggest": its answer goes to a librarian as a draft) while the lower bound of how often its answers
are right is under the bar. What counts is what cross-validation found, together with what was said of answers that were sent.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.answering import Policy
from bot.classifier import storage
from bot.domain import OUT_OF_SCOPE, Event, EventName, IntentKind
from bot.errors import EvidenceUnusable
from bot.evaluation import Case, Share, by_intent

FILE = "evidence.json"
VERSION = 1
NOTHING = Share(0, 0)
# Courtesy is always said, and these always fetch a person: there is no answer to hold back.
ANSWERED = frozenset({IntentKind.FAQ, IntentKind.LOOKUP, IntentKind.FORM})


class Mode(StrEnum):
    """How far the bot goes alone with an intent."""

    AUTO = "auto"
    SUGGEST = "suggest"
    OFF = "off"
    SHADOW = "shadow"


class Why(StrEnum):
    """What put an intent into its mode."""

    COURTESY = "courtesy"
    PERSON = "person"
    SETTING = "setting"
    NO_BAR = "no_bar"
    NO_EVIDENCE = "no_evidence"
    UNDER_BAR = "under_bar"
    PROVEN = "proven"


class Doubt(StrEnum):
    """What is the matter with the evidence."""

    ABSENT = "absent"
    DAMAGED = "damaged"
    FILES = "files"
    THRESHOLDS = "thresholds"
    ENGINE = "engine"


_SAID = {
    Doubt.ABSENT: "there is no evidence yet, so that it holds nothing back",
    Doubt.DAMAGED: "the evidence cannot be read, so that it holds nothing back",
    Doubt.FILES: "the evidence is of other files than those in intents/; it counts until there is new",
    Doubt.THRESHOLDS: "the evidence was measured with other thresholds; it counts until there is new",
    Doubt.ENGINE: "the evidence is of another engine than the one that answers; it counts until there is new",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The settings that decide which answers are sent, and so what evidence is about."""

    answer_at: float
    margin: float
    clarify_at: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """How often each intent's answers were right in cross-validation. `made_from` is the digest of intents/, `engine` what was measured."""

    made_from: str
    engine: str
    thresholds: Thresholds
    sent_right: Mapping[str, Share]


@dataclass(frozen=True, slots=True)
class Standing:
    """One intent: its mode in force and why, what cross-validation found, what was said of its answers, and `bound`,
    the lower bound of both together, which the bar is held against (0 where nothing is known)."""

    intent: str
    kind: IntentKind
    mode: Mode
    why: Why
    crossed: Share
    confirmed: Share
    bound: float


@dataclass(frozen=True)
class Autonomy:
    """How far the bot may go alone. `policy` is what the settings say, `in_force` what holds once the bar is applied;
    `fault` says what is wrong with a file of evidence that could not be read."""

    policy: Policy
    kinds: Mapping[str, IntentKind]
    bar: float = 0.0
    evidence: Evidence | None = None
    confirmed: Mapping[str, Share] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    fault: str = ""

    def in_force(self) -> Policy:
        """The policy that the bot answers by."""
        held = {standing.intent for standing in self.standings() if standing.why is Why.UNDER_BAR}
        return replace(self.policy, suggest=self.policy.suggest | held)

    def standings(self) -> tuple[Standing, ...]:
        """Every intent; those with an answer first, the least proven of them on top."""
        found = [self._standing(intent, kind) for intent, kind in self.kinds.items()]
        return tuple(sorted(found, key=lambda each: (each.kind not in ANSWERED, each.bound)))

    def complaints(self) -> tuple[str, ...]:
        """What the log should say: a damaged file always, all else only while there is a bar."""
        said = (f"understanding.autonomy_bar: {_SAID[doubt]}; run `refdesk evaluate --cross`" for doubt in self.doubts if self.bar)
        return (self.fault, *said) if self.fault else tuple(said)

    def _standing(self, intent: str, kind: IntentKind) -> Standing:
        crossed = self.evidence.sent_right.get(intent, NOTHING) if self.evidence else NOTHING
        confirmed = self.confirmed.get(intent, NOTHING)
        bound = Share(crossed.hits + confirmed.hits, crossed.total + confirmed.total).bounds[0]
        mode, why = self._mode(intent, kind, bound)
        return Standing(intent, kind, mode, why, crossed, confirmed, bound)

    def _mode(self, intent: str, kind: IntentKind, bound: float) -> tuple[Mode, Why]:
        if kind not in ANSWERED:
            return Mode.AUTO, Why.COURTESY if kind is IntentKind.SOCIAL else Why.PERSON
        if intent in self.policy.off:
            return Mode.OFF, Why.SETTING
        if self.policy.shadow:
            return Mode.SHADOW, Why.SETTING
        if intent in self.policy.suggest:
            return Mode.SUGGEST, Why.SETTING
        if not self.bar:
            return Mode.AUTO, Why.NO_BAR
        if self.evidence is None:
            return Mode.AUTO, Why.NO_EVIDENCE
        return (Mode.SUGGEST, Why.UNDER_BAR) if bound < self.bar else (Mode.AUTO, Why.PROVEN)


def thresholds(policy: Policy) -> Thresholds:
    """Those of a policy."""
    return Thresholds(policy.answer_at, policy.margin, policy.clarify_at)


def gathered(cases: Iterable[Case], made_from: str, engine: str, policy: Policy) -> Evidence:
    """The evidence in cross-validated cases that were judged by `policy`."""
    lines = by_intent(cases)
    return Evidence(made_from, engine, thresholds(policy), {line.intent: line.sent_right for line in lines if line.intent != OUT_OF_SCOPE})


def confirmed(verdicts: Iterable[Event]) -> dict[str, Share]:
    """How many of each intent's judged answers helped. A question counts once for an intent, by the last thing said about it:
    "did not help" is both an event of its own and the reason of the handover that follows."""
    last: dict[tuple[int, str], bool] = {}
    for event in verdicts:
        if event.intent and event.question:
            last[event.question, event.intent] = event.name is EventName.HELPFUL
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for (_, intent), helped in last.items():
        counts[intent][helped] += 1
    return {intent: Share(count[True], count.total()) for intent, count in counts.items()}


def doubts(evidence: Evidence, made_from: str, policy: Policy, engine: str) -> tuple[Doubt, ...]:
    """Whether the evidence is about something else than what answers now. It counts all the same: were old evidence dropped,
    every intent that is held back would speak after the next edit of an example."""
    found = (
        (evidence.made_from != made_from, Doubt.FILES),
        (evidence.thresholds != thresholds(policy), Doubt.THRESHOLDS),
        (evidence.engine != engine, Doubt.ENGINE),
    )
    return tuple(doubt for holds, doubt in found if holds)


# --- the file ---

_Share01 = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Thresholds(_Strict):
    answer_at: _Share01
    margin: _Share01
    clarify_at: _Share01


class _Share(_Strict):
    hits: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]


class _File(_Strict):
    version: Literal[1]
    made_from: str
    engine: str
    thresholds: _Thresholds
    sent_right: dict[str, _Share]


def write(path: Path, evidence: Evidence) -> None:
    """Keep evidence; a reader never sees half of it."""
    content = json.dumps({"version": VERSION, **asdict(evidence)}, ensure_ascii=False, indent=1, sort_keys=True)
    storage.write(path, content.encode() + b"\n")


def read(path: Path) -> Evidence | None:
    """Evidence that was kept, None when there is none; EvidenceUnusable when the file is damaged or of another version."""
    try:
        found = _File.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EvidenceUnusable(path, f"cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EvidenceUnusable(path, f"is damaged or of another version ({f'{place}: ' if place else ''}{first['msg']})") from error
    for intent, share in found.sent_right.items():
        if share.hits > share.total:
            raise EvidenceUnusable(path, f"is damaged ({intent}: {share.hits} of {share.total} answers right)")
    t = found.thresholds
    shares = {intent: Share(share.hits, share.total) for intent, share in found.sent_right.items()}
    return Evidence(found.made_from, found.engine, Thresholds(t.answer_at, t.margin, t.clarify_at), shares)
