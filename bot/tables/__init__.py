"""The curated tables (databases, textbooks, free resources, subject librarians) and what of them a message names."""

from bot.tables.finder import Finder
from bot.tables.reading import SHAPES, Row, Shape, read
from bot.tables.traits import Traits

__all__ = ["SHAPES", "Finder", "Row", "Shape", "Traits", "read"]
