"""The conductor: ask, claim, reply, close. The only room that joins understanding, answering and store."""

from bot.desk.base import Clock, Consultation
from bot.desk.blocks import BLOCK_HOURS, Blocks
from bot.desk.care import LONGEST_NOTE
from bot.desk.helping import LONGEST_CANNED, Aid, Helping
from bot.desk.lessons import LONGEST_EXAMPLE, Lessons, Waiting
from bot.desk.librarians import Librarians
from bot.desk.logbook import BY_HAND, Logbook, Logged
from bot.desk.patrons import LONGEST_QUESTION
from bot.desk.replies import LONGEST_REPLY
from bot.desk.requests import MOST_REQUESTS, Requests
from bot.desk.rooms import Rooms
from bot.desk.rota import LONGEST_SHIFT_NOTE, Rota
from bot.desk.shelves import OPEN, Sheet
from bot.desk.status import Incidents, Status


class Desk(
    Rooms,
    Librarians,
    Incidents,
    Requests,
    Logbook,
    Rota,
    Blocks,
    Lessons,
    Helping,
):
    """All that can be done with a question, from asking to closing. Every method is one transaction."""


__all__ = [
    "BLOCK_HOURS",
    "BY_HAND",
    "LONGEST_CANNED",
    "LONGEST_EXAMPLE",
    "LONGEST_NOTE",
    "LONGEST_QUESTION",
    "LONGEST_REPLY",
    "MOST_REQUESTS",
    "LONGEST_SHIFT_NOTE",
    "OPEN",
    "Aid",
    "Clock",
    "Consultation",
    "Desk",
    "Logged",
    "Sheet",
    "Status",
    "Waiting",
]
