"""What the files of knowledge/ must look like; pydantic says what does not."""

import re
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.care import Danger
from bot.domain import Risk
from bot.messages import Language

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Strict(BaseModel):
    """A row that names every key it has no use for."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Both(Strict):
    """A text in both languages."""

    zh: Words
    en: Words

    def get(self, language: Language) -> str:
        """The text in a language."""
        return self.en if language is Language.EN else self.zh


class LinkRow(Strict):
    """A titled address of an entry."""

    label: Both
    url: Words


class EntryRow(Strict):
    """One curated answer as it stands in a file."""

    id: Words
    intent: Words
    title: Both
    owner: Words
    source: Words
    reviewed_on: date
    review_by: date
    risk: Risk
    answer: Both
    valid_from: date | None = None
    valid_until: date | None = None
    campus: str = ""
    entity: str = ""
    links: tuple[LinkRow, ...] = ()
    facets: dict[str, Both] = {}


class SafeguardRow(Strict):
    """One kind of danger in conversation/safety.yml."""

    kind: Danger
    urgent: bool
    say: Both
    always: tuple[re.Pattern[str], ...]
    alone: tuple[re.Pattern[str], ...] = ()
    unless: tuple[re.Pattern[str], ...] = ()


class TopicRow(Strict):
    """Whom, when or where follow-ups are about, in conversation/turns.yml."""

    facet: Words
    words: tuple[Words, ...]
    also: tuple[Words, ...] = ()


class TurnsRow(Strict):
    """conversation/turns.yml."""

    facets: dict[str, tuple[Words, ...]]
    topics: tuple[TopicRow, ...]
    filler: tuple[Words, ...]
    links: tuple[Words, ...]
    asking: tuple[re.Pattern[str], ...]
    trouble: tuple[re.Pattern[str], ...]
    wishes: tuple[re.Pattern[str], ...]
    openings: tuple[re.Pattern[str], ...]
    dangling: tuple[re.Pattern[str], ...]
    unhelpful: tuple[re.Pattern[str], ...]


class FieldRow(Strict):
    """One question of a request form."""

    name: Words
    label: Both
    ask: Both
    again: Both
    check: str = "text"
    choices: tuple[Both, ...] = ()
    slots: tuple[str, ...] = ()
    optional: bool = False
    personal: bool = False


class FormRow(Strict):
    """A request form."""

    id: Words
    title: Both
    fields: tuple[FieldRow, ...]
