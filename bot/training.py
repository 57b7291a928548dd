"""Rasa-format YAML to examples; every defect an error with file and line.

intents/ is a Rasa 3 project: nlu/*.yml hold the examples, domain.yml lists the intents, catalogue.yml says what
each intent means, config.yml and lexicon.yml say how they are learned.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain import OUT_OF_SCOPE, IntentKind
from bot.errors import Defect, DefectsFound
from bot.messages import Language
from bot.text import language_of, normalise


@dataclass(frozen=True, slots=True)
class Example:
    """One training message and where it stands."""

    text: str
    intent: str
    path: Path
    line: int

    @property
    def language(self) -> Language:
        """The language it is counted under."""
        return language_of(self.text) or Language.ZH


@dataclass(frozen=True, slots=True)
class Intent:
    """One row of catalogue.yml."""

    id: str
    kind: IntentKind
    covers: str
    excludes: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """Everything that intents/ says. `digest` changes when any of it does."""

    examples: tuple[Example, ...]
    intents: tuple[Intent, ...]
    lexicon: tuple[tuple[str, tuple[str, ...]], ...]
    digest: str

    def kind(self, intent: str) -> IntentKind | None:
        """The kind of an intent; None for out_of_scope and unknown ones."""
        return next((row.kind for row in self.intents if row.id == intent), None)


def parse(path: Path) -> yaml.Node:
    """The node tree of a YAML file; Defect with file and line when it is malformed or unreadable."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except UnicodeDecodeError as error:
        raise Defect(path, 0, f"not UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise Defect(path, 0, f"cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Defect(path, mark.line + 1 if mark else 0, f"malformed YAML: {getattr(error, 'problem', error)}") from error
    if node is None:
        raise Defect(path, 0, "the file is empty")
    return node


def plain(node: yaml.Node) -> Any:
    """A node as Python values."""
    loader = yaml.CSafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def read(folder: Path) -> Training:
    """All of intents/; DefectsFound when anything in it cannot be used."""
    defects: list[Defect] = []
    examples: list[Example] = []
    intents: tuple[Intent, ...] = ()
    lexicon: tuple[tuple[str, tuple[str, ...]], ...] = ()
    try:
        intents = read_catalogue(folder / "catalogue.yml")
        lexicon = _lexicon(folder / "lexicon.yml")
    except Defect as defect:
        defects.append(defect)
    files = sorted((folder / "nlu").glob("*.yml"))
    if not files:
        defects.append(Defect(folder / "nlu", 0, "no training files (*.yml)"))
    for path in files:
        try:
            for item in _examples(path):
                (examples if isinstance(item, Example) else defects).append(item)  # type: ignore[arg-type]
        except Defect as defect:
            defects.append(defect)
    defects += _unknown(examples, intents)
    if defects:
        raise DefectsFound(defects)
    return Training(tuple(examples), intents, lexicon, digest(folder))


def digest(folder: Path) -> str:
    """SHA-256 over the files that a model is made of, by name and content."""
    whole = hashlib.sha256()
    for path in [folder / "catalogue.yml", folder / "lexicon.yml", *sorted((folder / "nlu").glob("*.yml"))]:
        whole.update(path.name.encode() + b"\0" + (path.read_bytes() if path.exists() else b"") + b"\0")
    return whole.hexdigest()


def read_catalogue(path: Path) -> tuple[Intent, ...]:
    """catalogue.yml alone: what each intent means and how it is answered."""
    try:
        rows = plain(parse(path))["intents"]
        return tuple(Intent(row["id"], IntentKind(row["kind"]), row["covers"], row.get("not", "")) for row in rows)
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise Defect(path, 0, f"every intent needs id, kind and covers: {error}") from error


def _lexicon(path: Path) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Synonym classes: name -> phrases, normalised."""
    root = parse(path)
    try:
        content = plain(root)
    except (ValueError, yaml.YAMLError) as error:
        raise Defect(path, 0, f"malformed value: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(words, list) for words in content.values()):
        raise Defect(path, 0, "expected a mapping of class name to a list of phrases")
    return tuple((str(name), tuple(sorted({normalise(str(word)) for word in words}))) for name, words in sorted(content.items()))


def _examples(path: Path) -> Iterator[Example | Defect]:
    root = parse(path)
    if not isinstance(root, yaml.MappingNode):
        raise Defect(path, root.start_mark.line + 1, "expected the keys version and nlu")
    for key, value in root.value:
        if key.value == "version":
            continue
        if key.value != "nlu" or not isinstance(value, yaml.SequenceNode):
            raise Defect(path, key.start_mark.line + 1, f"unexpected key {key.value!r}; a training file has version and nlu")
        for block in value.value:
            yield from _block(path, block)


def _block(path: Path, block: yaml.Node) -> Iterator[Example | Defect]:
    line = block.start_mark.line + 1
    fields = {str(key.value): value for key, value in block.value} if isinstance(block, yaml.MappingNode) else {}
    if set(fields) != {"intent", "examples"} or not all(isinstance(value.value, str) for value in fields.values()):
        yield Defect(path, line, "each item of nlu needs exactly intent and examples: |")
        return
    first = fields["examples"].start_mark.line + 2
    rows = [row for row in fields["examples"].value.splitlines() if row.strip()]
    if not rows:
        yield Defect(path, line, f"intent {fields['intent'].value} has no examples")
    for number, row in enumerate(fields["examples"].value.splitlines(), first):
        text = row.strip().removeprefix("- ").strip()
        if not row.strip():
            continue
        if not row.lstrip().startswith("- ") or not normalise(text):
            yield Defect(path, number, f"an example starts with '- ' and has words: {row.strip()[:40]!r}")
        elif "[" in text or "]" in text or "{" in text:
            yield Defect(path, number, f"brackets mark entities in Rasa's format and are not allowed in examples: {text[:40]!r}")
        else:
            yield Example(text, fields["intent"].value, path, number)


def _unknown(examples: list[Example], intents: tuple[Intent, ...]) -> Iterator[Defect]:
    known = {intent.id for intent in intents} | {OUT_OF_SCOPE}
    told: set[str] = set()
    for example in examples:
        if intents and example.intent not in known and example.intent not in told:
            told.add(example.intent)
            yield Defect(example.path, example.line, f"intent {example.intent!r} is not in catalogue.yml")
