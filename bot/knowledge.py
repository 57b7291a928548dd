"""knowledge/: load and check it; choose an Entry by intent, entity, language, campus and date; fill facts into it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bot import tables
from bot.care import Danger, Safeguard
from bot.domain import Entity, Entry, Risk
from bot.errors import Defect, DefectsFound
from bot.messages import Language, Link
from bot.tables import Finder, Row, Traits
from bot.text import bare, flat
from bot.training import parse, plain
from bot.turns import Topic, Turns

NOT_ENTRIES = frozenset({"library", "phrases", "cues"})
FACETS = frozenset({"price", "time", "who", "where", "how", "trouble"})
_FACT = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Both(_Strict):
    zh: _Words
    en: _Words

    def get(self, language: Language) -> str:
        return self.en if language is Language.EN else self.zh


class _LinkRow(_Strict):
    label: _Both
    url: _Words


class _EntryRow(_Strict):
    id: _Words
    intent: _Words
    title: _Both
    owner: _Words
    source: _Words
    reviewed_on: date
    review_by: date
    risk: Risk
    answer: _Both
    valid_from: date | None = None
    valid_until: date | None = None
    campus: str = ""
    entity: str = ""
    links: tuple[_LinkRow, ...] = ()
    facets: dict[str, _Both] = {}


class _SafeguardRow(_Strict):
    kind: Danger
    urgent: bool
    say: _Both
    always: tuple[re.Pattern[str], ...]
    alone: tuple[re.Pattern[str], ...] = ()
    unless: tuple[re.Pattern[str], ...] = ()


class _TopicRow(_Strict):
    facet: _Words
    words: tuple[_Words, ...]
    also: tuple[_Words, ...] = ()


class _TurnsRow(_Strict):
    facets: dict[str, tuple[_Words, ...]]
    topics: tuple[_TopicRow, ...]
    filler: tuple[_Words, ...]
    links: tuple[_Words, ...]
    asking: tuple[re.Pattern[str], ...]
    trouble: tuple[re.Pattern[str], ...]
    wishes: tuple[re.Pattern[str], ...]
    openings: tuple[re.Pattern[str], ...]
    dangling: tuple[re.Pattern[str], ...]
    unhelpful: tuple[re.Pattern[str], ...]


class _FieldRow(_Strict):
    name: _Words
    label: _Both
    ask: _Both
    again: _Both
    check: str = "text"
    choices: tuple[_Both, ...] = ()
    slots: tuple[str, ...] = ()
    optional: bool = False
    personal: bool = False


class _FormRow(_Strict):
    id: _Words
    title: _Both
    fields: tuple[_FieldRow, ...]


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


def read(folder: Path) -> Knowledge:
    """All of knowledge/; DefectsFound lists everything that cannot be used."""
    reader = _Reader(folder)
    knowledge = reader.read()
    if reader.defects:
        raise DefectsFound(reader.defects)
    return knowledge


class _Reader:
    """Reads one folder, collecting defects instead of stopping at the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.defects: list[Defect] = []

    def read(self) -> Knowledge:
        facts = self._facts(self.folder / "library.yml")
        phrases: dict[tuple[str, Language], str] = {}
        for path in (self.folder / "phrases.yml", *sorted((self.folder / "interface").glob("*.yml"))):
            phrases |= self._both(path, facts)
        safeguards = self._safeguards(self.folder / "conversation" / "safety.yml", facts, phrases)
        turns = self._turns(self.folder / "conversation" / "turns.yml")
        cues = self._cues(self.folder / "cues.yml")
        rows, wrong = tables.read(self.folder / "tables")
        self.defects += wrong
        places: dict[str, tuple[Path, int]] = {}
        entries: list[Entry] = []
        for path in sorted(self.folder.glob("*.yml")):
            if path.stem not in NOT_ENTRIES:
                for line, row in self._list(path, _EntryRow):
                    entries += self._entries(path, line, row, facts, places)
        forms = [
            form for path in sorted((self.folder / "forms").glob("*.yml")) for _, row in self._list(path, _FormRow) for form in _forms(row)
        ]
        return Knowledge(tuple(entries), facts, phrases, cues, rows, tuple(forms), places, safeguards, turns)

    def _content(self, path: Path) -> yaml.Node | None:
        try:
            return parse(path)
        except Defect as defect:
            self.defects.append(defect)
            return None

    def _list(self, path: Path, model: type[Any]) -> Iterable[tuple[int, Any]]:
        root = self._content(path)
        if root is not None and not isinstance(root, yaml.SequenceNode):
            self.defects.append(Defect(path, 1, "expected a list of entries, each starting with '- id:'"))
        for node in root.value if isinstance(root, yaml.SequenceNode) else ():
            line = node.start_mark.line + 1
            try:
                yield line, model.model_validate(plain(node))
            except ValidationError as error:
                for fault in error.errors():
                    self.defects.append(Defect(path, _line(node, fault["loc"]), f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"))
            except (ValueError, yaml.YAMLError) as error:
                self.defects.append(_malformed(path, line, error))

    def _mapping(self, path: Path) -> tuple[yaml.Node | None, dict[str, Any]]:
        root = self._content(path)
        try:
            content = plain(root) if root is not None else {}
        except (ValueError, yaml.YAMLError) as error:
            self.defects.append(_malformed(path, 0, error))
            return root, {}
        if not isinstance(content, dict):
            self.defects.append(Defect(path, 1, "expected keys, each followed by a colon"))
            return root, {}
        return root, {str(key): value for key, value in content.items()}

    def _facts(self, path: Path) -> dict[tuple[str, Language], str]:
        facts: dict[tuple[str, Language], str] = {}
        root, content = self._mapping(path)
        for section, values in content.items():
            if not isinstance(values, dict):
                self.defects.append(Defect(path, _line(root, (section,)), f"{section}: expected keys below it"))
                continue
            for key, value in values.items():
                for language in Language:
                    text = value.get(language.value) if isinstance(value, dict) else value
                    if not isinstance(text, str) or not text.strip():
                        self.defects.append(Defect(path, _line(root, (section, key)), f"{section}.{key}: needs a text, or zh and en texts"))
                    else:
                        facts[f"{section}.{key}", language] = text
        return facts

    def _both(self, path: Path, facts: Mapping[tuple[str, Language], str]) -> dict[tuple[str, Language], str]:
        root, content = self._mapping(path)
        found: dict[tuple[str, Language], str] = {}
        for key, value in content.items():
            try:
                both = _Both.model_validate(value)
            except ValidationError:
                self.defects.append(Defect(path, _line(root, (key,)), f"{key}: needs zh and en"))
                continue
            for language in Language:
                found[key, language] = self._fill(both.get(language), language, facts, (path, _line(root, (key,))))
        return found

    def _safeguards(
        self, path: Path, facts: Mapping[tuple[str, Language], str], phrases: dict[tuple[str, Language], str]
    ) -> tuple[Safeguard, ...]:
        found: list[Safeguard] = []
        for line, row in self._list(path, _SafeguardRow):
            found.append(Safeguard(row.kind, row.urgent, row.always, row.alone, row.unless))
            for language in Language:
                phrases[f"safety.{row.kind}", language] = self._fill(row.say.get(language), language, facts, (path, line))
        return tuple(found)

    def _turns(self, path: Path) -> Turns:
        root, content = self._mapping(path)
        try:
            row = _TurnsRow.model_validate(content)
        except ValidationError as error:
            for fault in error.errors() if root else ():
                self.defects.append(Defect(path, _line(root, fault["loc"]), f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"))
            return Turns()
        topics = tuple(Topic(topic.facet, topic.words, topic.also) for topic in row.topics)
        for name in sorted({*row.facets, *(topic.facet for topic in topics)} - FACETS):
            self.defects.append(Defect(path, _line(root, ("facets",)), f"unknown facet {name}; known are {', '.join(sorted(FACETS))}"))
        return Turns(
            tuple(row.facets.items()), topics, row.filler, row.links,
            row.asking, row.trouble, row.wishes, row.openings, row.dangling, row.unhelpful,
        )  # fmt: skip

    def _cues(self, path: Path) -> dict[str, frozenset[str]]:
        root, content = self._mapping(path)
        for name, words in content.items():
            if not isinstance(words, list):
                self.defects.append(Defect(path, _line(root, (name,)), f"{name}: expected a list of phrases"))
                continue
            for word in words:  # YAML takes a bare yes or no for true or false
                if not isinstance(word, str):
                    self.defects.append(Defect(path, _line(root, (name,)), f"{name}: {word!r} is no text; put it in quotes"))
        return {name: frozenset(bare(str(word)) for word in words) for name, words in content.items() if isinstance(words, list)}

    def _fill(self, text: str, language: Language, facts: Mapping[tuple[str, Language], str], place: tuple[Path, int]) -> str:
        def fact(match: re.Match[str]) -> str:
            value = facts.get((match[1], language))
            if value is None:
                self.defects.append(Defect(*place, f"unknown fact {{{{{match[1]}}}}}; library.yml has no such key"))
                return match[0]
            return value

        return _FACT.sub(fact, text)

    def _entries(
        self, path: Path, line: int, row: _EntryRow, facts: Mapping[tuple[str, Language], str], places: dict[str, tuple[Path, int]]
    ) -> Iterable[Entry]:
        if row.id in places:
            self.defects.append(Defect(path, line, f"entry {row.id} stands in {places[row.id][0].name}:{places[row.id][1]} already"))
        for name in sorted(set(row.facets) - FACETS):
            self.defects.append(Defect(path, line, f"entry {row.id}: unknown facet {name}; known are {', '.join(sorted(FACETS))}"))
        places[row.id] = (path, line)
        for language in Language:

            def fill(text: str, language: Language = language) -> str:
                return self._fill(text, language, facts, (path, line))

            yield Entry(
                id=row.id,
                intent=row.intent,
                language=language,
                title=fill(row.title.get(language)),
                answer=fill(row.answer.get(language)),
                owner=row.owner,
                source=row.source,
                reviewed_on=row.reviewed_on,
                review_by=row.review_by,
                risk=row.risk,
                links=tuple(Link(fill(link.label.get(language)), fill(link.url)) for link in row.links),
                campus=row.campus,
                entity=row.entity,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                facets=tuple((name, fill(text.get(language))) for name, text in row.facets.items()),
            )


def _forms(row: _FormRow) -> Iterable[tuple[Language, Form]]:
    for language in Language:
        fields = tuple(
            Field(
                f.name, f.label.get(language), f.ask.get(language), f.again.get(language), f.check,
                tuple(choice.get(language) for choice in f.choices), f.optional, f.personal, f.slots, language,
            )
            for f in row.fields
        )  # fmt: skip
        yield language, Form(row.id, row.title.get(language), fields)


def _malformed(path: Path, line: int, error: Exception) -> Defect:
    """A value that YAML reads but Python does not take: 2026-02-30, or {{fact}} without quotes."""
    mark = getattr(error, "problem_mark", None)
    return Defect(path, mark.line + 1 if mark else line, f"malformed value: {getattr(error, 'problem', error)}")


def _line(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """The line of a key inside a node: as deep as the path can be followed."""
    line = node.start_mark.line + 1 if node else 0
    for key in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(name, value) for name, value in node.value if name.value == str(key)]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line + 1
    return line
