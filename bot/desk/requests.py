"""Requests of all askers, for those who work them off or report on them."""

from dataclasses import replace
from datetime import datetime

from bot.desk.base import Base
from bot.domain import Ticket
from bot.store import Session

MOST_REQUESTS = 5_000


class Requests(Base):
    """What was applied for."""

    def requests(self, start: datetime, end: datetime, form: str = "", *, limit: int = MOST_REQUESTS) -> tuple[Ticket, ...]:
        """Requests sent from `start` to before `end`, newest first, with their personal fields; only those of a form if given."""

        def work(s: Session) -> tuple[Ticket, ...]:
            return tuple(replace(ticket, personal=s.personal(ticket.id)) for ticket in s.requests(start, end, form, limit=limit))

        return self.store.read(work)
