"""A message to its parts: what each means (an engine) and what each names (the tables)."""

from dataclasses import replace

from bot import lookups
from bot.domain import OUT_OF_SCOPE, Engine, Part
from bot.knowledge import Knowledge
from bot.listening import LIKELY, SURE, asks
from bot.text import questions_in


def understand(text: str, engine: Engine, knowledge: Knowledge) -> tuple[Part, ...]:
    """The whole message first, then each question in it when there are several. A sentence that neither asks nor means anything to
    the engine tells what the question is about, and is none itself."""
    whole, pieces = _part(text, engine, knowledge), questions_in(text)
    parts = [_part(piece, engine, knowledge) for piece in pieces] if len(pieces) > 1 else []
    singles = [part for part in parts if part.prediction.intent != OUT_OF_SCOPE or asks(part.text)]
    if len(singles) == 1 and whole.prediction.confidence < LIKELY and singles[0].prediction.confidence >= SURE:
        return (replace(singles[0], text=text),)  # what the rest tells made the whole doubtful
    return (whole, *singles) if len(singles) > 1 else (whole,)


def _part(text: str, engine: Engine, knowledge: Knowledge) -> Part:
    prediction = engine.predict(text)
    entities = knowledge.finder.find(text, typos=False)
    entities += lookups.named(prediction.intent, text, knowledge, entities)
    return Part(text, replace(prediction, entities=(*prediction.entities, *entities)))
