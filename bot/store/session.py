"""What one unit of work may do with the database: all rooms of the store together."""

from bot.store.deliveries import Deliveries
from bot.store.figures import Rollups
from bot.store.people import Facts, People
from bot.store.tickets import Tickets


class Session(Deliveries, Tickets, Rollups, People, Facts):
    """Reads and writes inside one transaction."""
