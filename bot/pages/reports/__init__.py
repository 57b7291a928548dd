"""The figures of any period: the dashboard, the questions behind each number, and closed months. The address is the query."""

from typing import Any

from sanic import Sanic

from bot.desk import Desk
from bot.ledger import Ledger
from bot.months import Months
from bot.pages.render import Pages
from bot.pages.reports import closing, dashboard, drill


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, ledger: Ledger, months: Months) -> None:
    """/reports and what is below it."""
    dashboard.mount(app, pages, desk, ledger, months)
    drill.mount(app, pages, desk, ledger)
    closing.mount(app, pages, months)
