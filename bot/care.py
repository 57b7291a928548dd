"""What the bot never answers by itself, as knowledge/conversation/safety.yml says: the cues, and what is said instead. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from bot.text import clean, simplified

_TITLE = re.compile(r"《[^》]*》")
_APOSTROPHE = re.compile(r"['’]")
_NO_LETTER = re.compile(r"[\W_]+")
_BETWEEN_HANZI = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")


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


def flat(text: str) -> str:
    """The whole message as cues are looked for in it: simplified, lower case, no marks, no spaces between Chinese characters."""
    folded = simplified(unicodedata.normalize("NFKC", clean(text)).lower())
    words = _NO_LETTER.sub(" ", _APOSTROPHE.sub("", _TITLE.sub(" ", folded)))
    return _BETWEEN_HANZI.sub("", words).strip()
