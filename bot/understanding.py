"""A message to its parts: what each means (an engine) and what each names (the tables)."""

from collections.abc import Sequence
from dataclasses import replace

from bot import lookups
from bot.domain import OUT_OF_SCOPE, Engine, Part
from bot.knowledge import Knowledge
from bot.listening import LIKELY, SETTLED, SURE, asked, is_story
from bot.text import normalise

MOST_QUESTIONS = 5
"""Questions in one message that are answered one by one; more go to a person together."""
_CLEAR = 0.75  # from this confidence two clauses of one sentence are two questions
_ELSEWHERE = 0.98  # and from this one the second has nothing to do with the library


def understand(text: str, engine: Engine, knowledge: Knowledge) -> tuple[Part, ...]:
    """The whole message first, then each question in it when there are several. What is told beside a question goes with it."""
    if is_story(text):
        return _story(text, engine, knowledge)
    singles = list[Part]()
    questions = knowledge.turns.questions(text)[: MOST_QUESTIONS + 1]
    whole = part_of(text, engine, knowledge)
    for question in questions:
        singles += _clauses(question, engine, knowledge) or (() if len(questions) == 1 else (part_of(question, engine, knowledge),))
    said = whole.prediction
    if not singles and said.confidence < SETTLED and (core := knowledge.turns.core(text)):
        part = part_of(core, engine, knowledge)
        if part.prediction.confidence >= SURE and (said.confidence < LIKELY or part.prediction.intent == said.intent):
            return (replace(part, text=text),)  # what the rest tells made the whole doubtful
    return (whole, *singles)


def _story(text: str, engine: Engine, knowledge: Knowledge) -> tuple[Part, ...]:
    """A long message as a whole, which the engine hears out; and each of its questions when it surely asks several things."""
    sentences = (part_of(sentence, engine, knowledge) for sentence in asked(text)[-MOST_QUESTIONS:])
    sure = [part for part in sentences if part.prediction.intent != OUT_OF_SCOPE and part.prediction.confidence >= SURE]
    several = len({part.prediction.intent for part in sure}) > 1
    return (part_of(text, engine, knowledge), *(sure if several else ()))


def joined(text: str, pending: Sequence[str], engine: Engine, knowledge: Knowledge) -> Part:
    """A message together with the fragments before it."""
    # Chinese is written without gaps, and the engine takes notice of them.
    words = [*filter(None, pending), text]
    together = ("" if any(not word.isascii() for word in words) else " ").join(words)
    return replace(part_of(together, engine, knowledge), after=tuple(pending))


def _clauses(text: str, engine: Engine, knowledge: Knowledge) -> tuple[Part, ...]:
    """Clauses that are clearly questions of their own, with the follow-ups between them; () when there are not several."""
    turns = knowledge.turns
    clauses = turns.clauses(text)[: MOST_QUESTIONS + 1]
    if len(normalise(text)) > 200 or not clauses:
        return ()
    found, heads = list[Part](), set[str]()
    for clause in clauses:
        follow_up = turns.follow_up(clause)
        part = part_of(clause, engine, knowledge)
        clear = part.prediction.intent != OUT_OF_SCOPE and part.prediction.confidence >= _CLEAR
        if heads and follow_up is not None and follow_up.facet != "how":
            found.append(part)
        elif clear:
            found.append(part)
            heads.add(part.prediction.intent)
        elif heads and part.prediction.intent == OUT_OF_SCOPE and part.prediction.confidence >= _ELSEWHERE:
            found.append(part)
        else:
            return ()
    return tuple(found) if len(heads) > 1 or len(found) > 1 else ()


def part_of(text: str, engine: Engine, knowledge: Knowledge) -> Part:
    """One text as a whole."""
    prediction = engine.predict(text)
    entities = knowledge.finder.find(text, typos=False)
    entities += lookups.named(prediction.intent, text, knowledge, entities)
    return Part(text, replace(prediction, entities=(*prediction.entities, *entities)))
