"""What one unit of work may do with the database: all rooms of the store together."""

from bot.store.deliveries import Deliveries
from bot.store.events import Events
from bot.store.groups import Groups
from bot.store.inbox import Inbox
from bot.store.people import Audit, Facts, LoginSessions, People
from bot.store.queue import Queue
from bot.store.remarks import Remarks
from bot.store.search import Search
from bot.store.tickets import Tickets


class Session(
    Deliveries,
    Tickets,
    Queue,
    Remarks,
    Search,
    Events,
    Groups,
    Inbox,
    People,
    LoginSessions,
    Audit,
    Facts,
):
    """Reads and writes inside one transaction."""
