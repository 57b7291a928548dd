"""The questions behind a number."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot import reports
from bot.desk import Desk
from bot.domain import Librarian
from bot.ledger import Ledger
from bot.pages.guard import signed_in
from bot.pages.render import Pages
from bot.pages.reports import asking
from bot.pages.reports.contexts import Label, Line, RowsPage
from bot.pages.reports.dashboard import MANAGERS, SHOWN
from bot.reports import Columns

AT_ONCE = 50
_LONGEST = 160


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, ledger: Ledger) -> None:
    """/reports/rows."""

    @app.get("/reports/rows", name="report_rows")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        query, error = asking.asked(request, pages)
        if not (user.role in MANAGERS and ledger.librarians):
            query = query.without("librarian")
        label = asking.labels(request, pages, desk)
        found = await asyncio.to_thread(ledger.questions, query)
        count = max(1, -(-len(found) // AT_ONCE))
        number = min(max(1, _number(request)), count)
        shown = _newest(found, number)
        texts = await asyncio.to_thread(ledger.texts, shown)
        page = RowsPage(
            pages.frame(request),
            query,
            tuple((field, label(field, value), query.without(field)) for field, value in query.where),
            replace(query, where=tuple(pair for pair in query.where if pair[0] in SHOWN)),
            len(found),
            reports.figures(found, desk.hours),
            tuple(_lines(shown, texts, label, pages)),
            number,
            count,
            error,
        )
        return pages.render(request, page, 400 if error else 200)


def _number(request: Request) -> int:
    text = str(request.args.get("page") or "1")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def _newest(found: Columns, number: int) -> Columns:
    """One page of questions, by the time they were asked."""
    order = found.numbers["at"].argsort(kind="stable")[::-1]
    return found.take(order[(number - 1) * AT_ONCE : number * AT_ONCE])


def _lines(shown: Columns, texts: dict[int, str], label: Label, pages: Pages) -> list[Line]:
    def word(name: str, place: int) -> str:
        return shown.vocabulary(name)[int(shown.codes[name][place])]

    lines = []
    for place in range(len(shown)):
        number, waited = int(shown.numbers["question"][place]), float(shown.first_answer[place])
        at = datetime.fromtimestamp(int(shown.numbers["at"][place]), UTC).astimezone(pages.zone)
        text = texts.get(number, "")
        lines.append(
            Line(
                number,
                f"{at:%Y-%m-%d %H:%M}",
                label("channel", word("connector", place)),
                label("topic", word("intent", place)),
                word("college", place),
                word("result", place),
                None if waited != waited else waited,
                int(shown.numbers["ticket"][place]),
                text if len(text) <= _LONGEST else text[:_LONGEST] + "…",
            )
        )
    return lines
