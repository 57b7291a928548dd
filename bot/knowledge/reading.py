"""knowledge/ from its files: facts filled in, and every defect with its file and line."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot import tables
from bot.care import Safeguard
from bot.domain import Entry
from bot.errors import Defect, DefectsFound
from bot.knowledge.curated import Field, Form, Knowledge
from bot.knowledge.shapes import Both, EntryRow, FormRow, SafeguardRow, TurnsRow
from bot.messages import Language, Link
from bot.text import bare
from bot.training import parse, plain
from bot.turns import Topic, Turns

NOT_ENTRIES = frozenset({"library", "phrases", "cues"})
FACETS = frozenset({"price", "time", "who", "where", "how", "trouble"})
_FACT = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


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
                for line, row in self._list(path, EntryRow):
                    entries += self._entries(path, line, row, facts, places)
        forms = [
            form for path in sorted((self.folder / "forms").glob("*.yml")) for _, row in self._list(path, FormRow) for form in _forms(row)
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
                both = Both.model_validate(value)
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
        for line, row in self._list(path, SafeguardRow):
            found.append(Safeguard(row.kind, row.urgent, row.always, row.alone, row.unless))
            for language in Language:
                phrases[f"safety.{row.kind}", language] = self._fill(row.say.get(language), language, facts, (path, line))
        return tuple(found)

    def _turns(self, path: Path) -> Turns:
        root, content = self._mapping(path)
        try:
            row = TurnsRow.model_validate(content)
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
        self, path: Path, line: int, row: EntryRow, facts: Mapping[tuple[str, Language], str], places: dict[str, tuple[Path, int]]
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


def _forms(row: FormRow) -> Iterable[tuple[Language, Form]]:
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
