"""For administrators: accounts, roles, one-time links, and the audit log."""

import asyncio
from collections.abc import Callable
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.accounts import LOGIN
from bot.domain import Deed, Librarian, Role
from bot.errors import Refused
from bot.pages.contexts import AuditPage, PeoplePage
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import Pages, field, see_other

_LONGEST_NAME = 100


def mount(app: Sanic[Any, Any], pages: Pages, address: str) -> None:
    """/desk/people, /desk/audit. One-time links begin with `address`."""
    guard, accounts = signed_in(pages, Role.ADMINISTRATOR), pages.accounts

    def page(request: Request, *, link: str = "", invited: str = "", error: str = "") -> PeoplePage:
        frame = pages.frame(request)
        told = pages.knowledge.phrase(f"people.{error}", frame.language) if error else ""
        return PeoplePage(frame, accounts.everybody(), tuple(Role), link, invited, told)

    async def attempt(request: Request, work: Callable[[], object]) -> HTTPResponse:
        try:
            await asyncio.to_thread(work)
        except Refused as refusal:
            why = str(refusal) if str(refusal) in ("last_administrator", "wrong_login") else "not_found"
            return pages.render(request, page(request, error=why), 400)
        return see_other("/desk/people")

    @app.get("/desk/people", name="people")
    @guard
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, page(request))

    @app.post("/desk/people", name="people_invite")
    @guard
    async def invite(request: Request, user: Librarian) -> HTTPResponse:
        login, name, role = field(request, "login").strip(), _name(request), _role(request)
        if not LOGIN.fullmatch(login) or role is None:
            return pages.render(request, page(request, error="wrong_login"), 400)
        token = await asyncio.to_thread(accounts.invite, login, name or login, role, actor_of(request, user))
        return pages.render(request, page(request, link=f"{address}/setup/{token}", invited=login))

    @app.post("/desk/people/<login:str>", name="people_change")
    @guard
    async def change(request: Request, user: Librarian, login: str) -> HTTPResponse:
        role, email = _role(request), field(request, "email").strip()[:_LONGEST_NAME]
        if role is None:
            return pages.render(request, page(request, error="wrong_login"), 400)
        name = _name(request) or login
        return await attempt(request, lambda: accounts.change(login, role=role, name=name, email=email, actor=actor_of(request, user)))

    @app.post("/desk/people/<login:str>/<step:disable|enable|sessions|factor>", name="people_step")
    @guard
    async def step(request: Request, user: Librarian, login: str, step: str) -> HTTPResponse:
        actor = actor_of(request, user)
        steps: dict[str, Callable[[], object]] = {
            "disable": lambda: accounts.switch(login, disabled=True, actor=actor),
            "enable": lambda: accounts.switch(login, disabled=False, actor=actor),
            "sessions": lambda: accounts.end_sessions(login, actor),
            "factor": lambda: accounts.end_second_factor(login, actor),
        }
        return await attempt(request, steps[step])

    @app.get("/desk/audit", name="audit")
    @guard
    async def audit(request: Request, user: Librarian) -> HTTPResponse:
        deed, who = str(request.args.get("deed") or ""), str(request.args.get("who") or "").strip()
        before = str(request.args.get("before") or "0")
        older = int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else 0
        lines = await asyncio.to_thread(lambda: accounts.audit(deed=deed, who=who, before=older))
        more = lines[-1][0] if len(lines) == accounts.AUDIT_LINES else 0
        return pages.render(request, AuditPage(pages.frame(request), tuple(line for _, line in lines), tuple(Deed), deed, who, more))


def _name(request: Request) -> str:
    return field(request, "name").strip()[:_LONGEST_NAME]


def _role(request: Request) -> Role | None:
    """The chosen role; None when it is none of ours."""
    value = field(request, "role")
    return Role(value) if value in tuple(Role) else None
