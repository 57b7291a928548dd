"""How the bot learns from librarians: drafts that a second person approves become lines of intents/ and knowledge/, a model is trained
and judged, and takes its place or does not."""

from bot.teaching.likeness import Alike, Known, Likeness
from bot.teaching.teacher import Now, Progress, Teacher

__all__ = ["Alike", "Known", "Likeness", "Now", "Progress", "Teacher"]
