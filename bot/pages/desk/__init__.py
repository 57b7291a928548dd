"""What librarians work with: the queue, one ticket, the steps they take, and the news of all that."""

from typing import Any

from sanic import Sanic

from bot.desk import Desk
from bot.live import Hub
from bot.pages.desk import events, queue, steps, ticket
from bot.pages.render import Pages


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, hub: Hub) -> None:
    """/desk and what is below it."""
    queue.mount(app, pages, desk)
    ticket.mount(app, pages, desk)
    steps.mount(app, pages, desk)
    events.mount(app, pages, desk, hub)
