"""What was handed over, gathered by what it says: the biggest heaps are what the bot should learn first. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from bot.text import bare

ALIKE = 64.0
_SLICE = 256


@dataclass(frozen=True, slots=True)
class Heap:
    """Questions that say nearly the same: the most typical wording, every other one, and the tickets they came by."""

    text: str
    texts: tuple[str, ...]
    tickets: tuple[int, ...]


def heaps(questions: Iterable[tuple[int, str]], *, most: int = 50) -> tuple[Heap, ...]:
    """Questions (ticket, words) in heaps, the biggest first; the same words apart from case and marks count as one wording."""
    wordings: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for ticket, text in questions:
        if key := bare(text):
            wordings[key].append((ticket, text))
    keys = sorted(wordings, key=lambda key: (-len(wordings[key]), key))
    found = [_heap([wordings[key] for key in together]) for together in _together(keys, [len(wordings[key]) for key in keys])]
    return tuple(sorted(found, key=lambda heap: (-len(heap.tickets), heap.text))[:most])


def _together(keys: list[str], weights: list[int]) -> Iterable[list[str]]:
    """Greedy: the wording with the most like it, weighed by how often they were said, takes them all; and again with the rest."""
    near: list[np.ndarray[tuple[int], np.dtype[np.intp]]] = []
    for start in range(0, len(keys), _SLICE):
        scores = process.cdist(keys[start : start + _SLICE], keys, scorer=fuzz.ratio, score_cutoff=ALIKE, dtype=np.uint8)
        near += [np.nonzero(row)[0] for row in scores]
    heavy = np.asarray(weights)
    free = np.ones(len(keys), bool)
    for at in sorted(range(len(keys)), key=lambda each: -int(heavy[near[each]].sum())):
        if free[at]:
            members = near[at][free[near[at]]]
            free[members] = False
            yield [keys[at], *(keys[member] for member in members if member != at)]


def _heap(wordings: list[list[tuple[int, str]]]) -> Heap:
    texts = tuple(group[0][1] for group in wordings)
    return Heap(texts[0], texts, tuple(sorted(ticket for group in wordings for ticket, _ in group)))
