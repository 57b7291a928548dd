"""Who is on duty when: two weeks at a glance, weekly shifts, single days, and the note for the next shift."""

import asyncio
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.desk import Desk
from bot.domain import Deed, Librarian, Role
from bot.errors import NotFound, Refused
from bot.pages.contexts import RosterDay, RosterPage
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import Pages, field, fields, see_other
from bot.roster import Shift, Special, SpecialKind

_WEEKS = 2
_WEEKDAYS = frozenset("0123456")
_LONGEST_NOTE = 100


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk, adopt: Callable[[], None]) -> None:
    """/desk/roster. `adopt` is told that duty has changed."""
    plans = signed_in(pages, Role.MANAGER, Role.ADMINISTRATOR)

    async def attempt(request: Request, user: Librarian, what: str, work: Callable[[], object]) -> HTTPResponse:
        try:
            await asyncio.to_thread(work)
        except NotFound:
            return pages.render(request, _page(pages, desk, request, user, "not_found"), 404)
        except Refused as refusal:
            return pages.render(request, _page(pages, desk, request, user, str(refusal)), 400)
        adopt()
        await asyncio.to_thread(pages.accounts.note, actor_of(request, user), Deed.EDITED, "roster", what)
        return see_other("/desk/roster")

    @app.get("/desk/roster", name="roster")
    @signed_in(pages)
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, _page(pages, desk, request, user))

    @app.post("/desk/roster/note", name="roster_note")
    @signed_in(pages)
    async def note(request: Request, user: Librarian) -> HTTPResponse:
        await asyncio.to_thread(desk.leave_note, user.login, field(request, "text"))
        return see_other("/desk/roster")

    @app.post("/desk/roster/shifts", name="roster_shift")
    @plans
    async def add_shift(request: Request, user: Librarian) -> HTTPResponse:
        def work() -> None:
            days = tuple(int(day) for day in fields(request, "days") if day in _WEEKDAYS)
            since = _date(field(request, "since")) if field(request, "since") else desk.today()
            desk.add_shift(Shift(0, field(request, "login"), days, _time(request, "start"), _time(request, "end"), since))

        return await attempt(request, user, f"shift of {field(request, 'login')[:64]}", work)

    @app.post("/desk/roster/shifts/<number:int>/end", name="roster_shift_end")
    @plans
    async def end_shift(request: Request, user: Librarian, number: int) -> HTTPResponse:
        return await attempt(request, user, f"end of shift {number}", lambda: desk.end_shift(number))

    @app.post("/desk/roster/days", name="roster_day")
    @plans
    async def add_special(request: Request, user: Librarian) -> HTTPResponse:
        def work() -> None:
            kind = field(request, "kind")
            if kind not in tuple(SpecialKind):
                raise Refused("wrong_days")
            on = kind == SpecialKind.ON
            start, end = (_time(request, "start"), _time(request, "end")) if on else (time(0), time(0))
            login = field(request, "login") if kind in (SpecialKind.ON, SpecialKind.OFF) else ""
            text = field(request, "note").strip()[:_LONGEST_NOTE]
            desk.add_special(Special(0, _date(field(request, "day")), SpecialKind(kind), login, start, end, text))

        return await attempt(request, user, f"{field(request, 'day')[:10]} {field(request, 'kind')[:10]}", work)

    @app.post("/desk/roster/days/<number:int>/end", name="roster_day_end")
    @plans
    async def remove_special(request: Request, user: Librarian, number: int) -> HTTPResponse:
        return await attempt(request, user, f"day {number} as usual", lambda: desk.remove_special(number))


def _page(pages: Pages, desk: Desk, request: Request, user: Librarian, error: str = "") -> RosterPage:
    frame, today, hours = pages.frame(request), desk.today(), desk.hours
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=number) for number in range(7 * _WEEKS)]
    shown = [
        RosterDay(day, hours.people_on(day), bool(hours.shifts_on(day)), tuple(each for each in hours.roster.specials if each.day == day))
        for day in days
    ]
    names = tuple((account.login, account.name or account.login) for account in pages.accounts.everybody() if not account.disabled)
    told = pages.knowledge.phrase(f"roster.{error}", frame.language) if error else ""
    may_edit = user.role in (Role.MANAGER, Role.ADMINISTRATOR)
    weeks = tuple(tuple(shown[start : start + 7]) for start in range(0, len(shown), 7))
    return RosterPage(frame, weeks, today, hours.roster, names, may_edit, hours.shifts, desk.shift_note(), told)


def _time(request: Request, name: str) -> time:
    try:
        return time.fromisoformat(field(request, name))
    except ValueError as error:
        raise Refused("wrong_times") from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("wrong_date") from error
