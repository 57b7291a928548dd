"""knowledge/: load and check it; choose an Entry by intent, entity, language, campus and date; fill facts into it."""

from bot.knowledge.curated import Field, Form, Knowledge
from bot.knowledge.reading import read

__all__ = ["Field", "Form", "Knowledge", "read"]
