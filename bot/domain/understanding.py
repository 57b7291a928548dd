"""What a message means: intents, candidates, things that are named."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

OUT_OF_SCOPE = "out_of_scope"


class IntentKind(StrEnum):
    """How an intent is answered; see intents/catalogue.yml."""

    FAQ = "faq"
    LOOKUP = "lookup"
    FORM = "form"
    HUMAN = "human"
    SOCIAL = "social"


@dataclass(frozen=True, slots=True)
class Entity:
    """Something named in a message: kind is database, textbook, course, college or campus; value is canonical."""

    kind: str
    value: str
    text: str = ""
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent with its confidence, 0..1."""

    intent: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a message means: the best intent, the next best ones, what is named in it, and who says so."""

    intent: str
    confidence: float
    runners_up: tuple[Candidate, ...] = ()
    entities: tuple[Entity, ...] = ()
    engine: str = "builtin"

    def candidates(self) -> tuple[Candidate, ...]:
        """Best first, the winner included."""
        return (Candidate(self.intent, self.confidence), *self.runners_up)


class Engine(Protocol):
    """What understands: the built-in classifier, or a Rasa server."""

    def predict(self, text: str) -> Prediction:
        """What a message means. Any text is fine; raises EngineUnavailable when no answer can be had."""


@dataclass(frozen=True, slots=True)
class Part:
    """A message, or one of the questions in it, with what it was understood as. `after` are the earlier fragments included."""

    text: str
    prediction: Prediction
    after: tuple[str, ...] = ()
