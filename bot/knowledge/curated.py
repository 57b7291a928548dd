"""Everything curated, read: choose an Entry by intent, entity, language, campus and date; phrases, cues and forms."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from bot.care import Safeguard
from bot.domain import Entity, Entry
from bot.messages import Language
from bot.tables import Finder, Row, Traits
from bot.text import bare, flat
from bot.turns import Turns


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a request form in one language. `check` names a validator of bot.forms; `slots` is the weekly table that a
    `slot` is chosen from, written as calendar.duty."""

    name: str
    label: str
    ask: str
    again: str
    check: str
    choices: tuple[str, ...]
    optional: bool = False
    personal: bool = False
    slots: tuple[str, ...] = ()
    language: Language = Language.ZH


@dataclass(frozen=True, slots=True)
class Form:
    """A request form in one language; `id` is the intent that offers it."""

    id: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Knowledge:
    """Everything curated. `places` says for each entry id in which file and line it stands."""

    entries: tuple[Entry, ...]
    facts: Mapping[tuple[str, Language], str]
    phrases: Mapping[tuple[str, Language], str]
    cues: Mapping[str, frozenset[str]]
    rows: tuple[Row, ...]
    forms: tuple[tuple[Language, Form], ...] = ()
    places: Mapping[str, tuple[Path, int]] = field(default_factory=dict)
    safeguards: tuple[Safeguard, ...] = ()
    turns: Turns = Turns()

    @cached_property
    def finder(self) -> Finder:
        """The index over the tables."""
        return Finder(self.rows)

    @cached_property
    def traits(self) -> Traits:
        """The index over what rows have in common."""
        return Traits(self.rows)

    @cached_property
    def _by_intent(self) -> dict[str, list[Entry]]:
        grouped: dict[str, list[Entry]] = {}
        for entry in self.entries:
            grouped.setdefault(entry.intent, []).append(entry)
        return grouped

    def choose(self, intent: str, language: Language, today: date, entities: Iterable[Entity] = (), campus: str = "") -> Entry | None:
        """The most particular entry that is valid today; an entry in the other language rather than none."""
        named = {entity.value for entity in entities}
        fitting = [
            entry
            for entry in self._by_intent.get(intent, ())
            if entry.current(today) and entry.campus in ("", campus) and (not entry.entity or entry.entity in named)
        ]
        return max(fitting, key=lambda e: (e.language is language, bool(e.entity), bool(e.campus), bool(e.valid_from)), default=None)

    def entry(self, entry_id: str, language: Language) -> Entry | None:
        """An entry by id, in the language if it has it."""
        found = [entry for entry in self.entries if entry.id == entry_id]
        return next((entry for entry in found if entry.language is language), found[0] if found else None)

    def title(self, intent: str, language: Language, today: date) -> str:
        """How an intent is called in front of patrons."""
        entry = self.choose(intent, language, today)
        return entry.title if entry else intent

    def said_in_chinese(self) -> Iterator[str]:
        """Everything that the bot may say by itself in Chinese."""
        yield from (phrase for (_, language), phrase in self.phrases.items() if language is Language.ZH)
        for entry in self.entries:
            if entry.language is Language.ZH:
                yield from (entry.title, entry.answer, *(text for _, text in entry.facets), *(link.title for link in entry.links))

    def phrase(self, name: str, language: Language, /, **values: object) -> str:
        """A sentence of phrases.yml with its {placeholders} filled in."""
        return self.phrases[name, language].format(**values)

    def cue(self, name: str, text: str) -> bool:
        """Whether the whole message, spaces and punctuation aside, is one of the cue's phrases."""
        return bare(text) in self.cues.get(name, frozenset())

    def danger(self, text: str) -> Safeguard | None:
        """The first safeguard that a message has a cue of."""
        plain_text = flat(text)
        return next((guard for guard in self.safeguards if guard.meant_by(plain_text)), None)

    def form(self, form_id: str, language: Language) -> Form | None:
        """A request form in one language."""
        return next((form for spoken, form in self.forms if form.id == form_id and spoken is language), None)
