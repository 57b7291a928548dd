"""What the bot never answers by itself, as knowledge/conversation/safety.yml says: the cues, and what is said instead. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Danger(StrEnum):
    """Kinds of messages that go to a person at once; each is also the reason of its ticket."""

    EMERGENCY = "emergency"
    DISTRESS = "distress"
    PRIVATE = "private"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Safeguard:
    """One kind of danger: its cues, and whether its tickets come before all others. What is said is the phrase `safety.KIND`."""

    danger: Danger
    urgent: bool
    always: tuple[re.Pattern[str], ...]
    alone: tuple[re.Pattern[str], ...] = ()
    unless: tuple[re.Pattern[str], ...] = ()

    def meant_by(self, flat: str) -> bool:
        """Whether a message, as `flat` makes it, has one of the cues."""
        if any(pattern.search(flat) for pattern in self.always):
            return True
        return any(pattern.search(flat) for pattern in self.alone) and not any(pattern.search(flat) for pattern in self.unless)
