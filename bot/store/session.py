"""What one unit of work may do with the database: all rooms of the store together."""

from bot.store.blocks import Blocks
from bot.store.canned import Canned
from bot.store.deliveries import Deliveries
from bot.store.examples import Examples
from bot.store.figures import Rollups
from bot.store.groups import Groups
from bot.store.inbox import Inbox
from bot.store.incidents import Incidents
from bot.store.people import Audit, Facts, LoginSessions, People
from bot.store.queue import Queue
from bot.store.remarks import Remarks
from bot.store.requests import Requests
from bot.store.rota import Rota
from bot.store.search import Search
from bot.store.tokens import Tokens


class Session(
    Deliveries,
    Requests,
    Queue,
    Remarks,
    Search,
    Rollups,
    Rota,
    Incidents,
    Groups,
    Inbox,
    People,
    LoginSessions,
    Audit,
    Blocks,
    Canned,
    Facts,
    Tokens,
    Examples,
):
    """Reads and writes inside one transaction."""
