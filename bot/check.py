"""Every defect of intents/, knowledge/ and refdesk.toml, with file and line: `refdesk check`."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from bot import connector, forms, house, knowledge, training
from bot.desk.rooms import CALL
from bot.domain import OUT_OF_SCOPE, IntentKind
from bot.errors import Defect, DefectsFound, RefdeskError, WrongSetting
from bot.hours import DutyHours
from bot.knowledge import Field, Form, Knowledge
from bot.messages import Language, Reply, ReplyKind
from bot.settings import Settings
from bot.text import bare, normalise
from bot.training import Example, Training

# The tightest platform: a passive WeChat reply takes 2048 bytes of UTF-8.
LONGEST_ANSWER = 2048
# Examples of two intents that are this similar teach nothing but doubt.
NEAR_DUPLICATE = 96.0
_SLICE = 1000
# Two texts of which one is shorter than this cannot be so similar without being equal: one character more is 4 % of 25.
_SHORTEST = 12


def check(settings: Settings, today: date) -> tuple[Defect, ...]:
    """All defects, by file and line."""
    found: list[Defect] = list(_settings(settings))
    trained, curated = _read(settings, found)
    if trained:
        house.complain(house.earned(settings, {intent.id: intent.kind for intent in trained.intents}))
        found += duplicates(trained)
        found += near_duplicates(trained)
        found += _languages(trained, settings)
        found += _domain(trained, settings)
        found += _menus(trained, settings)
    if curated:
        found += entries(curated, today)
        found += _forms(curated, settings)
    if trained and curated:
        found += _coverage(trained, curated, settings)
    once = {str(defect): defect for defect in found}  # an entry has the same fault in both its languages
    return tuple(sorted(once.values(), key=lambda d: (str(d.path), d.line, d.what)))


def _settings(settings: Settings) -> Iterator[Defect]:
    try:
        house.hours(settings)
        house.connectors(settings)
    except (WrongSetting, RefdeskError) as error:
        yield Defect(settings.root / "refdesk.toml", 0, str(error))


def _read(settings: Settings, found: list[Defect]) -> tuple[Training | None, Knowledge | None]:
    trained, curated = None, None
    try:
        trained = training.read(settings.at(settings.library.intents))
    except DefectsFound as error:
        found += error.defects
    try:
        curated = knowledge.read(settings.at(settings.library.knowledge))
    except DefectsFound as error:
        found += error.defects
    return trained, curated


def duplicates(trained: Training) -> Iterator[Defect]:
    """The same text twice: a duplicate within an intent, a contradiction between two."""
    seen: dict[str, Example] = {}
    for example in trained.examples:
        # Punctuation alone is a text too ("？？？"), so what is bare of words is compared as it stands.
        first = seen.setdefault(bare(example.text) or normalise(example.text), example)
        if first is not example:
            where = f"{first.path.name}:{first.line}"
            what = "duplicate" if first.intent == example.intent else f"contradiction: {first.intent} there, {example.intent} here"
            yield Defect(example.path, example.line, f"{example.text[:60]!r} stands at {where} already ({what})")


def near_duplicates(trained: Training) -> Iterator[Defect]:
    """Pairs of different intents that differ in next to nothing (rapidfuzz ratio)."""
    plain = ((bare(example.text), example) for example in trained.examples)
    listed = sorted(((text, example) for text, example in plain if len(text) >= _SHORTEST), key=lambda pair: len(pair[0]))
    texts, examples = [text for text, _ in listed], [example for _, example in listed]
    for start in range(0, len(texts), _SLICE):
        part = texts[start : start + _SLICE]
        # A ratio this high needs lengths within a few per cent, so only the neighbours by length can match.
        longest = int(len(part[-1]) * (200 / NEAR_DUPLICATE - 1)) + 1
        end = next((at for at in range(start, len(texts)) if len(texts[at]) > longest), len(texts))
        scores = process.cdist(part, texts[start:end], scorer=fuzz.ratio, score_cutoff=NEAR_DUPLICATE, dtype=np.uint8, workers=-1)
        for row, column in zip(*np.nonzero(scores), strict=True):
            one, other = examples[start + row], examples[start + column]
            if column > row and one.intent != other.intent and texts[start + row] != texts[start + column]:
                what = f"{one.text[:40]!r} ({one.intent}) is nearly {other.text[:40]!r} ({other.intent}, {other.path.name}:{other.line})"
                yield Defect(one.path, one.line, what)


def _languages(trained: Training, settings: Settings) -> Iterator[Defect]:
    catalogue = settings.at(settings.library.intents) / "catalogue.yml"
    spoken: dict[str, set[Language]] = defaultdict(set)
    for example in trained.examples:
        spoken[example.intent].add(example.language)
    for intent in (*(row.id for row in trained.intents), OUT_OF_SCOPE):
        for language in Language:
            if language not in spoken[intent]:
                yield Defect(catalogue, 0, f"intent {intent} has no {language} examples in nlu/")


def _menus(trained: Training, settings: Settings) -> Iterator[Defect]:
    """Intents that the settings of a channel ask about, such as entries of a menu, and that there are not."""
    path, known = settings.root / "refdesk.toml", {row.id for row in trained.intents}
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for name, section in settings.connectors.items():
        mentioned = connector.offers(name, "intents")
        for intent in mentioned(section) if mentioned else ():
            if intent not in known:
                line = next((at for at, text in enumerate(lines, 1) if f'"{intent}"' in text), 0)
                yield Defect(path, line, f"connectors.{name}: there is no intent {intent}")


def _domain(trained: Training, settings: Settings) -> Iterator[Defect]:
    path = settings.at(settings.library.intents) / "domain.yml"
    try:
        listed = {str(intent) for intent in training.plain(training.parse(path))["intents"]}
    except Defect as defect:
        yield defect
        return
    except (KeyError, TypeError) as error:
        yield Defect(path, 0, f"expected a list under the key intents: {error}")
        return
    expected = {row.id for row in trained.intents} | {OUT_OF_SCOPE}
    for intent in sorted(expected ^ listed):
        yield Defect(path, 0, f"intent {intent} is {'missing from' if intent in expected else 'only in'} domain.yml")


def entries(curated: Knowledge, today: date) -> Iterator[Defect]:
    """Entries past their review, that no date reaches, or too long for a channel."""
    for entry in curated.entries:
        path, line = curated.places[entry.id]
        if entry.review_by < today:
            yield Defect(path, line, f"entry {entry.id}: its review was due on {entry.review_by}")
        if entry.reviewed_on > today:
            yield Defect(path, line, f"entry {entry.id}: reviewed_on {entry.reviewed_on} lies in the future")
        if entry.review_by <= entry.reviewed_on:
            yield Defect(path, line, f"entry {entry.id}: review_by {entry.review_by} is not after reviewed_on {entry.reviewed_on}")
        if entry.valid_from and entry.valid_until and entry.valid_from > entry.valid_until:
            yield Defect(
                path, line, f"entry {entry.id}: no date reaches it, valid_from {entry.valid_from} is after valid_until {entry.valid_until}"
            )
        elif entry.valid_until and entry.valid_until < today:
            yield Defect(path, line, f"entry {entry.id}: no date reaches it any more, valid_until {entry.valid_until} is past")
        said = Reply(
            ReplyKind.ANSWER, f"{entry.answer.rstrip()}\n{curated.phrase('checked', entry.language, date=entry.reviewed_on)}", entry.links
        ).plain()
        if (size := len(said.encode())) > LONGEST_ANSWER:
            yield Defect(
                path, line, f"entry {entry.id} ({entry.language}): {size} bytes with its links, the tightest channel takes {LONGEST_ANSWER}"
            )


def _forms(curated: Knowledge, settings: Settings) -> Iterator[Defect]:
    folder = settings.at(settings.library.knowledge) / "forms"
    for language, form in curated.forms:
        for field in form.fields:
            if language is Language.ZH and field.check not in forms.CHECKS:
                yield Defect(
                    folder,
                    0,
                    f"form {form.id}: field {field.name} has unknown check {field.check!r}; known are {', '.join(sorted(forms.CHECKS))}",
                )
            if wrong := _slots(form, field):
                yield Defect(folder, 0, wrong)
    offered = {form.id for _, form in curated.forms}
    for called in sorted(name.removeprefix(CALL) for name in curated.cues if name.startswith(CALL)):
        if called not in offered:
            yield Defect(folder.with_name("cues.yml"), 0, f"{CALL}{called}: there is no form {called} in knowledge/forms")


def _slots(form: Form, field: Field) -> str | None:
    """What is wrong with the weekly table of a slot."""
    if (field.check == "slot") != bool(field.slots):
        return f"form {form.id}: field {field.name}: check slot and slots belong together"
    try:
        DutyHours("UTC", field.slots)
    except WrongSetting as error:
        return f"form {form.id}: field {field.name}: slots {error.why}"
    return None


def _coverage(trained: Training, curated: Knowledge, settings: Settings) -> Iterator[Defect]:
    known = {row.id: row.kind for row in trained.intents}
    always = {entry.intent for entry in curated.entries if not (entry.valid_from or entry.valid_until or entry.entity or entry.campus)}
    offered = {form.id for _, form in curated.forms}
    catalogue = settings.at(settings.library.intents) / "catalogue.yml"
    for entry in curated.entries:
        if entry.intent not in known and entry.language is Language.ZH:
            yield Defect(*curated.places[entry.id], f"entry {entry.id}: intent {entry.intent!r} is not in catalogue.yml")
    for intent, kind in known.items():
        if intent not in always:
            yield Defect(catalogue, 0, f"intent {intent} has no entry in knowledge/ that holds on every date")
        if kind is IntentKind.FORM and intent not in offered:
            yield Defect(Path(catalogue), 0, f"intent {intent} is a form, but knowledge/forms has none of this id")
