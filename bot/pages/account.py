"""One's own account: where one is signed in, the password, the second factor."""

import asyncio
from collections.abc import Callable
from typing import Any

import segno
from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.domain import Librarian
from bot.errors import NotFound, Refused
from bot.pages.contexts import AccountPage
from bot.pages.guard import actor_of, signed_in
from bot.pages.render import SESSION_COOKIE, Pages, cookie_of, field, see_other


def mount(app: Sanic[Any, Any], pages: Pages) -> None:
    """/account and its steps."""
    guard, accounts = signed_in(pages), pages.accounts

    def page(request: Request, user: Librarian, *, secret: str = "", done: str = "", error: str = "") -> AccountPage:
        frame, current = pages.frame(request), accounts.session(cookie_of(request, SESSION_COOKIE))
        said = {name: pages.knowledge.phrase(f"account.{name}", frame.language) for name in (done, error) if name}
        issuer = pages.knowledge.phrase("app.name", frame.language)
        address = accounts.second_factor_address(user.login, secret, issuer) if secret else ""
        picture = segno.make(address, error="m").svg_data_uri(scale=5, border=2, light="white") if secret else ""
        sessions = accounts.sessions(user.login)
        return AccountPage(frame, user, sessions, current.id if current else "", secret, picture, said.get(done, ""), said.get(error, ""))

    async def attempt(request: Request, user: Librarian, work: Callable[[], object], secret: str = "") -> HTTPResponse | None:
        """Carry a step out; the page with the reason where it was refused."""
        try:
            await asyncio.to_thread(work)
        except NotFound:
            return see_other("/account")
        except Refused as refusal:
            return pages.render(request, page(request, user, secret=secret, error=str(refusal)), 400)
        return None

    @app.get("/account", name="account")
    @guard
    async def show(request: Request, user: Librarian) -> HTTPResponse:
        done = str(request.args.get("done") or "")
        return pages.render(request, page(request, user, done=done if done in ("password_set", "factor_on", "factor_off") else ""))

    @app.post("/account/password", name="account_password")
    @guard
    async def password(request: Request, user: Librarian) -> HTTPResponse:
        def work() -> None:
            if field(request, "password") != field(request, "again"):
                raise Refused("password_differs")
            accounts.change_password(user.login, field(request, "old"), field(request, "password"), actor_of(request, user))

        return await attempt(request, user, work) or await pages.sign_in(
            see_other("/account?done=password_set"), user, actor_of(request, user)
        )

    @app.post("/account/factor/new", name="account_factor_new")
    @guard
    async def new_factor(request: Request, user: Librarian) -> HTTPResponse:
        return pages.render(request, page(request, user, secret=accounts.new_second_factor()))

    @app.post("/account/factor", name="account_factor")
    @guard
    async def factor(request: Request, user: Librarian) -> HTTPResponse:
        secret, code = field(request, "secret"), field(request, "code")
        refused = await attempt(
            request, user, lambda: accounts.set_second_factor(user.login, secret, code, actor_of(request, user)), secret
        )
        return refused or see_other("/account?done=factor_on")

    @app.post("/account/factor/end", name="account_factor_end")
    @guard
    async def end_factor(request: Request, user: Librarian) -> HTTPResponse:
        password, actor = field(request, "password"), actor_of(request, user)
        refused = await attempt(request, user, lambda: accounts.end_own_second_factor(user.login, password, actor))
        return refused or see_other("/account?done=factor_off")

    @app.post("/account/sessions/<number:str>/end", name="account_session_end")
    @guard
    async def end_session(request: Request, user: Librarian, number: str) -> HTTPResponse:
        return await attempt(request, user, lambda: accounts.end_session(user.login, number, actor_of(request, user))) or see_other(
            "/account"
        )
