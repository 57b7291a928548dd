"""Finds the synonym classes of intents/lexicon.yml in a text. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable

from bot.text import normalise

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[\u3400-\u9fff]|[^\sa-z0-9\u3400-\u9fff]")

# The class whose phrases turn what follows into what is not asked for, and how many tokens that reaches.
NEGATOR = "negator"
_NEGATED = 3


class Lexicon:
    """Phrases by their tokens. The longest phrase at a place counts and shields what is inside it."""

    def __init__(self, classes: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        exact: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._stems: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name, phrases in classes:
            for phrase in phrases:
                tokens = tuple(_TOKEN.findall(normalise(phrase).removesuffix("*")))
                if tokens and phrase.endswith("*"):
                    self._stems[tokens[:-1]][tokens[-1]].append(name)
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
        self._stems.default_factory = None

    def replaced(self, message: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The classes found, in order; and the normalised message's tokens with each phrase replaced by '@class'."""
        tokens = _TOKEN.findall(message)
        classes: dict[str, None] = {}
        sequence: list[str] = []
        at = 0
        negated_until = 0
        while at < len(tokens):
            token = tokens[at]
            # Only words have stems; of the characters, most begin no phrase.
            length, names = self._at(tokens, at) if token in self._longest or token.isascii() else (1, ())
            if names:
                if at < negated_until:
                    names = tuple(f"no {name}" for name in names)
                elif NEGATOR in names:
                    negated_until = at + length + _NEGATED
                classes.update(dict.fromkeys(names))
                sequence.append("@" + names[0])
            else:
                sequence.append(token)
            at += length
        return tuple(classes), tuple(sequence)

    def _at(self, tokens: list[str], at: int) -> tuple[int, tuple[str, ...]]:
        for length in range(min(self._longest.get(tokens[at], 1), len(tokens) - at), 0, -1):
            piece = tuple(tokens[at : at + length])
            names = self._exact.get(piece, ())
            stems = self._stems.get(piece[:-1])
            if stems and piece[-1].isascii():
                starts = (piece[-1][:size] for size in range(1, len(piece[-1]) + 1))
                names += tuple(name for start in starts for name in stems.get(start, ()))
            if names:
                return length, tuple(dict.fromkeys(names))
        return 1, ()
