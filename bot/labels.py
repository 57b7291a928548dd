"""Stored words as people read them: channels, topics, entries, days, conditions."""

from collections.abc import Callable, Mapping
from datetime import date

from bot.knowledge import Knowledge
from bot.messages import Language
from bot.reports import UNKNOWN

_PHRASES = {
    "channel": "channel", "language": "language", "reason": "reason", "result": "reports", "weekday": "reports.weekday",
    "form_state": "reports", "measure": "reports",
}  # fmt: skip


class Labels:
    """Words in one language. `names` are those of librarians by their login, `rooms` gives those of groups."""

    def __init__(
        self, knowledge: Knowledge, spoken: Language, today: date, *, names: Mapping[str, str], rooms: Callable[[str], str]
    ) -> None:
        self._knowledge, self._spoken, self._today = knowledge, spoken, today
        self._names, self._rooms = names, rooms

    def __call__(self, kind: str, word: str) -> str:
        """What people read in place of a stored word."""
        if word in (UNKNOWN, ""):
            return self._phrase(f"reports.no_{kind}") or self._phrase("reports.unnamed")
        if kind in ("helpful", "satisfied", "handed_over", "timed", "duty", "logged"):
            return self._phrase(f"reports.is_{kind}_{word}") or word
        if kind in _PHRASES:
            return self._phrase(f"{_PHRASES[kind]}.{word}") or word
        return self._named(kind, word)

    def _named(self, kind: str, word: str) -> str:
        match kind:
            case "topic":
                return self._phrase(f"reports.topic_{word}") or self._knowledge.title(word, self._spoken, self._today)
            case "entry":
                entry = self._knowledge.entry(word, self._spoken)
                return entry.title if entry else word
            case "form":
                form = self._knowledge.form(word, self._spoken)
                return form.title if form else word
            case "librarian":
                return self._names.get(word, word)
            case "room":
                return self._rooms(word)
            case "hour":
                return word.replace("T", " ") + ":00"
            case _:
                return word

    def _phrase(self, name: str) -> str:
        return self._knowledge.phrase(name, self._spoken) if (name, self._spoken) in self._knowledge.phrases else ""
