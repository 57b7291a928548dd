"""Request forms as data and one stepper. Pure: a step takes what was typed and says what to ask next."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.domain import FormProgress
from bot.knowledge import Field, Form
from bot.text import bare, clean, normalise

LONGEST = 500
_HALF_A_YEAR = timedelta(days=183)

_PATTERNS = {
    "phone": re.compile(r"\+?\d[\d -]{6,18}\d"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "card": re.compile(r"[A-Za-z0-9]{6,20}"),
    "contact": re.compile(r"\+?\d[\d -]{6,18}\d|[^@\s]+@[^@\s]+\.[^@\s]+"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: the progress to keep, the field to ask for (None at the summary), and whether it was refused."""

    progress: FormProgress
    field: Field | None
    refused: bool = False


def start(form: Form, question: int) -> Step:
    """The first field of a form."""
    return Step(FormProgress(form.id, (), question), form.fields[0])


def pending(form: Form, progress: FormProgress) -> Field | None:
    """The field that is asked for now; None when all are filled in and the summary waits for a yes."""
    return form.fields[len(progress.answers)] if len(progress.answers) < len(form.fields) else None


def fill(form: Form, progress: FormProgress, text: str, today: date, skipped: bool) -> Step:
    """Take the answer to the pending field; a wrong value changes nothing and asks again."""
    field = pending(form, progress)
    if field is None:
        return Step(progress, None)
    value = "" if skipped and field.optional else accepted(field, text, today)
    if value is None:
        return Step(progress, field, refused=True)
    filled = replace(progress, answers=(*progress.answers, (field.name, value)))
    return Step(filled, pending(form, filled))


def back(form: Form, progress: FormProgress) -> Step:
    """Ask the previous field again."""
    earlier = replace(progress, answers=progress.answers[:-1])
    return Step(earlier, pending(form, earlier))


def summary(form: Form, progress: FormProgress) -> str:
    """The filled-in fields, one a line, under their labels."""
    labels = {field.name: field.label for field in form.fields}
    return "\n".join(f"{labels[name]}: {value or '-'}" for name, value in progress.answers)


def accepted(field: Field, text: str, today: date) -> str | None:
    """The value as it is stored; None when the field does not take it."""
    value = clean(text).strip()
    if not value or len(value) > LONGEST:
        return None
    if field.choices:
        return _choice(field.choices, value)
    check = _CHECKS.get(field.check)
    return check(value, today) if check else (value if field.check == "text" or _fits(field.check, value) else None)


def _fits(check: str, value: str) -> bool:
    return bool(_PATTERNS[check].fullmatch(normalise(value)))


def _choice(choices: tuple[str, ...], value: str) -> str | None:
    number = normalise(value).rstrip(".、)")
    if number.isdecimal() and 1 <= int(number) <= len(choices):
        return choices[int(number) - 1]
    return next((choice for choice in choices if bare(choice) == bare(value)), None)


def _future_date(value: str, today: date) -> str | None:
    """A day from today on, as 2026-11-22, 11-22, 11/22, 11月22日; without a year, the next one within half a year."""
    numbers = [int(number) for number in re.findall(r"\d+", normalise(value))]
    try:
        day = date(*numbers) if len(numbers) == 3 else date(today.year, *numbers)
        if len(numbers) == 2 and day < today and (later := date(today.year + 1, *numbers)) - today <= _HALF_A_YEAR:
            day = later
    except (ValueError, TypeError, OverflowError):
        return None
    return day.isoformat() if day >= today else None


_CHECKS: dict[str, Callable[[str, date], str | None]] = {"date": _future_date}
CHECKS = frozenset({"text", *_PATTERNS, *_CHECKS})
