"""Request forms as data and one stepper. Pure: a step takes what was typed and says what to ask next."""

import re
import unicodedata
from dataclasses import dataclass, replace

from bot import slots
from bot.domain import FormProgress
from bot.knowledge import Field, Form
from bot.slots import Almanac
from bot.text import bare, clean, has_words, is_question, normalise

LONGEST = 500
_LONGEST_DAY = 30
_SHORTEST_PART = 2
_FEW_WORDS = 10

_PATTERNS = {
    "phone": re.compile(r"\+?\d[\d -]{6,18}\d"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "card": re.compile(r"[A-Za-z0-9]{6,20}"),
    "contact": re.compile(r"\+?\d[\d -]{6,18}\d|[^@\s]+@[^@\s]+\.[^@\s]+"),
}
CHECKS = frozenset({"text", "date", "slot", *_PATTERNS})


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: the progress to keep, the field to ask for (None at the summary), and whether it was refused."""

    progress: FormProgress
    field: Field | None
    refused: bool = False


def start(form: Form, question: int, given: str = "") -> Step:
    """The first field of a form; with `given`, what the asker has named already is its value and the second one is asked for."""
    answers = ((form.fields[0].name, given[:LONGEST]),) if given else ()
    progress = FormProgress(form.id, answers, question)
    return Step(progress, pending(form, progress))


def pending(form: Form, progress: FormProgress) -> Field | None:
    """The field that is asked for now; None when all are filled in and the summary waits for a yes."""
    if progress.changing:
        return next((field for field in form.fields if field.name == progress.changing), None)
    return form.fields[len(progress.answers)] if len(progress.answers) < len(form.fields) else None


def choices(field: Field, almanac: Almanac) -> tuple[str, ...]:
    """What is offered for a field as a numbered list."""
    if field.check == "slot":
        return tuple(slot.title(field.language) for slot in slots.upcoming(field.slots, almanac))
    return field.choices


def fill(form: Form, progress: FormProgress, text: str, almanac: Almanac, *, skipped: bool = False) -> Step:
    """Take the answer to the pending field; a wrong value changes nothing and asks again."""
    field = pending(form, progress)
    if field is None:
        return Step(progress, None)
    value = "" if skipped and field.optional else accepted(field, text, almanac, progress.offered)
    if value is None:
        return Step(replace(progress, refusals=progress.refusals + 1), field, refused=True)
    if progress.changing:
        answers = tuple((name, value if name == field.name else old) for name, old in progress.answers)
    else:
        answers = (*progress.answers, (field.name, value))
    filled = replace(progress, answers=answers, offered=(), refusals=0, changing="")
    return Step(filled, pending(form, filled))


def back(form: Form, progress: FormProgress) -> Step:
    """Ask the previous field again; where one field was to be changed, leave it as it was."""
    answers = progress.answers if progress.changing else progress.answers[:-1]
    earlier = replace(progress, answers=answers, offered=(), refusals=0, changing="")
    return Step(earlier, pending(form, earlier))


def change(form: Form, progress: FormProgress, text: str) -> Step | None:
    """At the summary, the field that a message names in a few words ("改电话", "the phone is wrong") is asked for again."""
    said = bare(text)
    named = [field for field in form.fields if bare(field.label) in said and len(said) <= len(bare(field.label)) + _FEW_WORDS]
    field = max(named, key=lambda field: len(field.label), default=None)
    return Step(replace(progress, changing=field.name, offered=(), refusals=0), field) if field else None


def summary(form: Form, progress: FormProgress) -> str:
    """The filled-in fields, one a line, under their labels."""
    labels = {field.name: field.label for field in form.fields}
    return "\n".join(f"{labels[name]}: {value or '-'}" for name, value in progress.answers if name in labels)


def personal(form: Form, progress: FormProgress) -> tuple[tuple[str, str], ...]:
    """The answers that say who the asker is."""
    names = {field.name for field in form.fields if field.personal}
    return tuple((name, value) for name, value in progress.answers if name in names)


def accepted(field: Field, text: str, almanac: Almanac, offered: tuple[str, ...] = ()) -> str | None:
    """The value as it is stored; None when the field does not take it. A number means one of the choices that were `offered`."""
    value = clean(text).strip()
    if not has_words(value) or len(value) > LONGEST:
        return None
    if field.check == "slot":
        return _slot(field, value, almanac, offered)
    if field.choices:
        return _choice(field.choices, value)
    if field.check == "date":
        day = slots.day_in(value, almanac.now.date()) if _brief(value) else None
        return day.isoformat() if day else None
    if field.check == "text":
        return value
    plain = unicodedata.normalize("NFKC", value)
    return plain if _PATTERNS[field.check].fullmatch(plain) else None


def _choice(offered: tuple[str, ...], value: str) -> str | None:
    number = normalise(value).rstrip(".、)")
    if number.isdecimal() and 1 <= int(number) <= len(offered):
        return offered[int(number) - 1]
    said = bare(value)
    alike = [choice for choice in offered if len(said) >= _SHORTEST_PART and (said in bare(choice) or bare(choice) in said)]
    return next((choice for choice in offered if bare(choice) == said), alike[0] if len(alike) == 1 else None)


def _slot(field: Field, value: str, almanac: Almanac, offered: tuple[str, ...]) -> str | None:
    """A span that was offered and has not begun since, or another one in words."""
    if chosen := _choice(offered, value):
        return chosen if chosen in choices(field, almanac) else None
    slot = slots.meant(value, field.slots, almanac) if _brief(value) else None
    return slot.title(field.language) if slot else None


def _brief(value: str) -> bool:
    """Whether a message names a day, rather than mentions one in a sentence or a question."""
    return len(bare(value)) <= _LONGEST_DAY and not is_question(value)
