"""A message to its parts: what each means (an engine) and what each names (the tables)."""

from dataclasses import replace

from bot import lookups
from bot.domain import Engine, Part
from bot.knowledge import Knowledge
from bot.text import questions_in


def understand(text: str, engine: Engine, knowledge: Knowledge) -> tuple[Part, ...]:
    """The whole message first, then each question in it when there are several."""
    questions = questions_in(text)
    singles = questions if len(questions) > 1 else ()
    return tuple(_part(piece, engine, knowledge) for piece in (text, *singles))


def _part(text: str, engine: Engine, knowledge: Knowledge) -> Part:
    prediction = engine.predict(text)
    entities = knowledge.finder.find(text, typos=False)
    entities += lookups.named(prediction.intent, text, knowledge, entities)
    return Part(text, replace(prediction, entities=(*prediction.entities, *entities)))
