"""What one unit of work may do with the database: all rooms of the store together."""

from bot.store.deliveries import Deliveries
from bot.store.events import Events
from bot.store.examples import Examples
from bot.store.groups import Groups
from bot.store.inbox import Inbox
from bot.store.people import Facts, People
from bot.store.tickets import Tickets


class Session(Deliveries, Tickets, Events, Groups, People, Facts, Inbox, Examples):
    """Reads and writes inside one transaction."""
