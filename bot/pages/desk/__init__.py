"""What librarians work with: the queue, one ticket, the steps they take, and the news of all that."""

from typing import Any

from sanic import Sanic

from bot.pages.desk import events, pictures, queue, steps, ticket
from bot.pages.desk.workroom import Workroom


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """/desk and what is below it."""
    queue.mount(app, room)
    ticket.mount(app, room)
    steps.mount(app, room)
    events.mount(app, room)
    pictures.mount(app, room)


__all__ = ["Workroom", "mount"]
