"""Finds the synonym classes of intents/lexicon.yml in a text. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.text import normalise

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[\u3400-\u9fff]|[^\sa-z0-9\u3400-\u9fff]")

# The class whose phrases turn what follows into what is not asked for, and how many tokens that reaches.
NEGATOR = "negator"
_NEGATED = 3


@dataclass(slots=True)
class _Node:
    """Where the phrases stand that begin alike: the classes of the phrase that ends here, the nodes one token further, and the
    classes of phrases whose last word begins with a stem."""

    names: tuple[str, ...] = ()
    further: dict[str, "_Node"] = field(default_factory=dict)
    stems: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Lexicon:
    """Phrases as a tree of their tokens. The longest phrase at a place counts and shields what is inside it."""

    def __init__(self, classes: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._root = _Node()
        for name, phrases in classes:
            for phrase in phrases:
                tokens = _TOKEN.findall(normalise(phrase).removesuffix("*"))
                if not tokens:
                    continue
                node = self._root
                for token in tokens[:-1]:
                    node = node.further.setdefault(token, _Node())
                if phrase.endswith("*"):
                    node.stems[tokens[-1]] = (*node.stems.get(tokens[-1], ()), name)
                else:
                    node = node.further.setdefault(tokens[-1], _Node())
                    node.names = (*node.names, name)

    def replaced(self, message: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The classes found, in order; and the normalised message's tokens with each phrase replaced by '@class'."""
        tokens = _TOKEN.findall(message)
        classes: dict[str, None] = {}
        sequence: list[str] = []
        begins = self._root.further
        at = 0
        negated_until = 0
        while at < len(tokens):
            token = tokens[at]
            # Only words have stems; of the characters, most begin no phrase.
            length, names = self._at(tokens, at) if token in begins or token.isascii() else (1, ())
            if names:
                if at < negated_until:
                    names = tuple(f"no {name}" for name in names)
                elif NEGATOR in names:
                    negated_until = at + length + _NEGATED
                for name in names:
                    classes[name] = None
                sequence.append("@" + names[0])
            else:
                sequence.append(token)
            at += length
        return tuple(classes), tuple(sequence)

    def _at(self, tokens: list[str], at: int) -> tuple[int, tuple[str, ...]]:
        """How many tokens the longest phrase at this place has, and its classes."""
        node = self._root
        longest = 1
        found: tuple[str, ...] = ()
        for end in range(at, len(tokens)):
            token = tokens[end]
            further = node.further.get(token)
            names = further.names if further is not None else ()
            if node.stems and token.isascii():
                for size in range(1, len(token) + 1):
                    if token[:size] in node.stems:
                        names += node.stems[token[:size]]
            if names:
                longest, found = end + 1 - at, names
            if further is None:
                break
            node = further
        return longest, found if len(found) < 2 else tuple(dict.fromkeys(found))
