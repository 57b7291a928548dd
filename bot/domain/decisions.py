"""What to do about one message."""

from dataclasses import dataclass

from bot.domain.consultations import Conversation
from bot.domain.events import Note
from bot.domain.learning import Example
from bot.domain.understanding import Prediction
from bot.messages import Action, Reply


@dataclass(frozen=True, slots=True)
class Handover:
    """A ticket to be opened: for which stored question, why, the form's fields if one was filled in, and whether it is an emergency."""

    reason: str
    intent: str = ""
    question: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    personal: tuple[tuple[str, str], ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Effects:
    """What a message does beside being answered: a request is withdrawn, all that was kept of the asker is erased,
    databases are reported as faulty, the asker has read the notices of these incidents and hears when they are over, or has said
    of a closed ticket, `rated`, whether they are `satisfied`."""

    withdraw: int = 0
    erase: bool = False
    faults: tuple[str, ...] = ()
    incidents: tuple[int, ...] = ()
    rated: int = 0
    satisfied: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one message: what to say, what to remember, whom to ask, what to record."""

    action: Action
    replies: tuple[Reply, ...]
    conversation: Conversation
    handover: Handover | None = None
    notes: tuple[Note, ...] = ()
    prediction: Prediction | None = None
    new_question: bool = False
    examples: tuple[Example, ...] = ()
    effects: Effects = Effects()
