"""Figures for other programs: read-only JSON behind a token. What each question and figure means is in bot.reports."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot import export, reports
from bot.errors import Refused, TooMuch
from bot.ledger import Ledger
from bot.limits import RateLimit
from bot.months import Months
from bot.reports import Query, Report, Table
from bot.tokens import Tokens

_PER_MINUTE = 120
_MOST_TABLE_ROWS = 1_000
_MOST_QUESTIONS = 5_000

Answer = Callable[[Request], Awaitable[dict[str, Any]]]


def mount(app: Sanic[Any, Any], ledger: Ledger, months: Months, tokens: Tokens) -> None:
    """/api/v1/report, /api/v1/questions, /api/v1/months."""
    rates = RateLimit(_PER_MINUTE)

    def guarded(answer: Answer) -> Callable[[Request], Awaitable[HTTPResponse]]:
        @wraps(answer)
        async def respond(request: Request) -> HTTPResponse:
            holder = await holder_of(request, tokens)
            if holder is None:
                return json_response({"error": "a token is needed"}, status=401, headers={"WWW-Authenticate": "Bearer"})
            try:
                rates.use(holder)
                body = await answer(request)
            except TooMuch as error:
                return json_response({"error": str(error)}, status=429)
            except Refused as error:
                return json_response({"error": str(error)}, status=400)
            return json_response(body, headers={"Cache-Control": "no-store"}, dumps=_dumps)

        return respond

    @app.get("/api/v1/report", name="api_report")
    @guarded
    async def report(request: Request) -> dict[str, Any]:
        found = await asyncio.to_thread(ledger.report, _query(request, ledger), librarians=False, most=_MOST_TABLE_ROWS)
        return _report(found)

    @app.get("/api/v1/questions", name="api_questions")
    @guarded
    async def questions(request: Request) -> dict[str, Any]:
        query, limit, after = _query(request, ledger), _number(request, "limit", _MOST_QUESTIONS), _number(request, "after", 0)
        if not 1 <= limit <= _MOST_QUESTIONS:
            raise Refused(f"limit: 1 to {_MOST_QUESTIONS}")
        return await asyncio.to_thread(_questions, ledger, query, after, limit)

    @app.get("/api/v1/months", name="api_months")
    @guarded
    async def closed(request: Request) -> dict[str, Any]:
        found = await asyncio.to_thread(months.closed)
        return {
            "months": [
                {
                    "month": month.month,
                    "closed_at": month.closed_at.isoformat(),
                    "checksum": month.checksum,
                    "figures": json.loads(month.figures),
                }
                for month in found
            ]
        }


async def holder_of(request: Request, tokens: Tokens) -> str | None:
    """Whose token a request carries; None without a good one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return await asyncio.to_thread(tokens.holder, key.strip()) if scheme.lower() == "bearer" and key else None


def _query(request: Request, ledger: Ledger) -> Query:
    given = {name: str(request.args.get(name)) for name in request.args}
    if "librarian" in given:
        raise Refused("librarian: what single librarians did is not told here")
    return reports.parse(given, datetime.now(ledger.duty.zone).date())


def _number(request: Request, name: str, otherwise: int) -> int:
    text = str(request.args.get(name) or otherwise)
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise Refused(f"{name}: a whole number")
    return int(text)


def _report(report: Report) -> dict[str, Any]:
    earlier = report.earlier
    return {
        "query": dict(report.query.pairs()),
        "compared_with": {"from": earlier.start.isoformat(), "to": earlier.end.isoformat()} if earlier else None,
        "tables": {table.name: _table(table) for table in report.tables},
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "labels": table.labels,
        "columns": [{"name": column.name, "kind": column.kind.value} for column in table.columns],
        "rows": [{"label": row.label, "values": [cell.value for cell in row.cells]} for row in table.rows],
    }


def _questions(ledger: Ledger, query: Query, after: int, limit: int) -> dict[str, Any]:
    """Questions by their numbers, without their words; `next` is what `after` must be for the following ones."""
    found: list[tuple[object, ...]] = []
    for part in ledger.stream(query, after=after):
        found += export.questions(part, ledger.duty.zone)
        if len(found) > limit:
            break
    shown = [dict(zip(export.QUESTION, row, strict=True)) for row in found[:limit]]
    return {"questions": shown, "next": shown[-1]["question"] if len(found) > limit else None}


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
