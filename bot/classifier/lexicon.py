"""Finds the synonym classes of intents/lexicon.yml in a text. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable

from bot.text import normalise

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[\u3400-\u9fff]|[^\sa-z0-9\u3400-\u9fff]")


class Lexicon:
    """Phrases by their tokens. The longest phrase at a place counts and shields what is inside it."""

    def __init__(self, classes: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        exact: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._stems: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
        for name, phrases in classes:
            for phrase in phrases:
                tokens = tuple(_TOKEN.findall(normalise(phrase).removesuffix("*")))
                if tokens and phrase.endswith("*"):
                    self._stems[tokens[:-1]].append((tokens[-1], name))
                elif tokens:
                    exact[tokens].append(name)
        self._exact = {tokens: tuple(names) for tokens, names in exact.items()}
        # How long a phrase beginning with this token can be; the stems of one word begin with anything.
        self._longest: dict[str, int] = defaultdict(lambda: 1)
        for tokens in self._exact:
            self._longest[tokens[0]] = max(self._longest[tokens[0]], len(tokens))
        for head in self._stems:
            if head:
                self._longest[head[0]] = max(self._longest[head[0]], len(head) + 1)
        self._longest.default_factory = None

    def replaced(self, message: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The classes found, in order; and the normalised message's tokens with each phrase replaced by '@class'."""
        tokens = _TOKEN.findall(message)
        classes: dict[str, None] = {}
        sequence: list[str] = []
        at = 0
        while at < len(tokens):
            length, names = self._at(tokens, at)
            if names:
                classes.update(dict.fromkeys(names))
                sequence.append("@" + names[0])
            else:
                sequence.append(tokens[at])
            at += length
        return tuple(classes), tuple(sequence)

    def _at(self, tokens: list[str], at: int) -> tuple[int, tuple[str, ...]]:
        for length in range(min(self._longest.get(tokens[at], 1), len(tokens) - at), 0, -1):
            piece = tuple(tokens[at : at + length])
            names = self._exact.get(piece, ())
            stems = self._stems.get(piece[:-1])
            if stems and piece[-1].isascii():
                names += tuple(name for stem, name in stems if piece[-1].startswith(stem))
            if names:
                return length, tuple(dict.fromkeys(names))
        return 1, ()
