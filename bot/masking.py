"""What identifies a person in a text, hidden: numbers of phones, cards and documents, addresses of mail. Pure."""

import re

HIDDEN = "●●●"
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Five digits or more, also with spaces or dashes between them; with letters in front or an X behind, as on cards.
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{0,3}\+?\d(?:[ -]?\d){4,}[Xx]?(?!\d)")


def masked(text: str) -> str:
    """A text that can be shown in lists and statistics; years and other short numbers stay."""
    return _NUMBER.sub(_hidden, _MAIL.sub(HIDDEN, text))


def _hidden(found: re.Match[str]) -> str:
    return found[0] if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}|\d{4}[ -]\d{4}", found[0]) else HIDDEN
