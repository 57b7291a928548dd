"""The one SQLite file: a writer that batches units of work, readers beside it. Central types in, central types out."""

from bot.store.deliveries import parts
from bot.store.session import Session
from bot.store.writer import Store

__all__ = ["Session", "Store", "parts"]
