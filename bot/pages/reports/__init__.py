"""The figures of any period: the dashboard, the questions behind each number, and closed months. The address is the query."""

import asyncio
import contextlib
from typing import Any

from sanic import Sanic

from bot.desk import Desk
from bot.errors import StoreUnusable
from bot.ledger import Ledger
from bot.months import Months
from bot.pages.render import Pages
from bot.pages.reports import closing, dashboard, drill, taking


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, ledger: Ledger, months: Months) -> None:
    """/reports and what is below it."""
    dashboard.mount(app, pages, desk, ledger, months)
    drill.mount(app, pages, desk, ledger)
    taking.mount(app, pages, desk, ledger)
    closing.mount(app, pages, months)

    @app.after_server_start
    async def warm(app: Sanic[Any, Any]) -> None:
        app.ctx.reading_ahead = asyncio.create_task(_read_ahead(ledger))


async def _read_ahead(ledger: Ledger) -> None:
    """The first visitor after a start should not wait for the columns."""
    with contextlib.suppress(StoreUnusable):  # stopped already
        await asyncio.to_thread(ledger.columns)
