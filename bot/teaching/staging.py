"""A copy of intents/ and knowledge/ in which what was approved is tried, before any file of the library changes."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot import training
from bot.check import check
from bot.domain import EntryDraft, Example
from bot.errors import RefdeskError, Refused
from bot.settings import Settings
from bot.teaching import edits


@dataclass(frozen=True, slots=True)
class Edited:
    """A file that learning changes: its path below the settings' folder, what it says now, and what it would say."""

    path: Path
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Staging:
    """The copy at `settings.root`, and the files that differ from those it was made of."""

    settings: Settings
    edited: tuple[Edited, ...]


def staged(settings: Settings, folder: Path, examples: Iterable[Example], drafts: Iterable[EntryDraft], today: date) -> Staging:
    """Copy the library's data into `folder` with what was approved written in. Refused names what has no place."""
    library = settings.library
    names = {"intents": library.intents, "knowledge": library.knowledge}
    for name, source in names.items():
        shutil.copytree(settings.at(source), folder / name, ignore=shutil.ignore_patterns("models", ".rasa", "__pycache__"))
    before = _texts(folder)
    for draft in drafts:
        _add_entry(folder, draft, today)
    _add_examples(folder, tuple(examples))
    after = _texts(folder)
    places = {"intents": library.intents, "knowledge": library.knowledge}
    edited = tuple(
        Edited(places[path.parts[0]].joinpath(*path.parts[1:]), before.get(path, ""), text)
        for path, text in after.items()
        if text != before.get(path)
    )
    here = library.model_copy(update={"intents": Path("intents"), "knowledge": Path("knowledge")})
    return Staging(settings.model_copy(update={"root": folder, "library": here}), edited)


def new_defects(settings: Settings, copy: Settings, today: date) -> tuple[str, ...]:
    """What `refdesk check` finds in the copy and did not find before: old defects do not hold learning up."""
    known = {(defect.path.name, defect.what) for defect in check(settings, today)}
    return tuple(
        f"{defect.path.name}:{defect.line}: {defect.what}" for defect in check(copy, today) if (defect.path.name, defect.what) not in known
    )


def _add_examples(folder: Path, examples: tuple[Example, ...]) -> None:
    files = sorted((folder / "intents" / "nlu").glob("*.yml"))
    for intent in dict.fromkeys(example.intent for example in examples):
        texts = tuple(dict.fromkeys(example.text for example in examples if example.intent == intent))
        for path in files:
            edited = edits.with_examples(path.read_text(encoding="utf-8"), intent, texts)
            if edited is not None:
                path.write_text(edited, encoding="utf-8")
                break
        else:
            raise Refused(f"intent {intent} has no examples yet that more could be added to")


def _add_entry(folder: Path, draft: EntryDraft, today: date) -> None:
    intents, entries = folder / "intents", folder / "knowledge" / f"{draft.topic}.yml"
    if any(row.id == draft.intent for row in training.read_catalogue(intents / "catalogue.yml")):
        raise Refused(f"intent {draft.intent} exists already")
    nlu = intents / "nlu" / f"{draft.topic}.yml"
    if not entries.is_file() or not nlu.is_file():
        raise Refused(f"topic {draft.topic} has no files in knowledge/ and intents/nlu/")
    _edit(intents / "catalogue.yml", edits.with_catalogue(_text(intents / "catalogue.yml"), draft))
    _edit(intents / "domain.yml", edits.with_domain(_text(intents / "domain.yml"), draft.intent))
    _edit(nlu, edits.with_intent(_text(nlu), draft.intent, draft.examples))
    _edit(entries, edits.with_entry(_text(entries), draft, today))


def install(settings: Settings, edited: tuple[Edited, ...]) -> None:
    """Write the files of the library; nothing is written when one of them was changed by somebody else meanwhile."""
    for file in edited:
        path = settings.at(file.path)
        if _text(path) != file.before:
            raise Refused(f"{file.path} was changed meanwhile; train again")
    for file in edited:
        path = settings.at(file.path)
        draft = path.with_name(f".{path.name}.new")
        try:
            draft.write_text(file.after, encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise RefdeskError(f"{file.path} cannot be written: {error.strerror}") from error


def _edit(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _texts(folder: Path) -> dict[Path, str]:
    return {path.relative_to(folder): _text(path) for path in sorted(folder.rglob("*.yml"))}
