"""Signing in and out, and choosing a password by a one-time link."""

import asyncio
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.errors import LoginRefused, NotFound, Refused
from bot.pages.contexts import LoginPage, SetupPage
from bot.pages.render import SESSION_COOKIE, Pages, field, see_other


def mount(app: Sanic[Any, Any], pages: Pages) -> None:
    """/login, /logout, /setup/TOKEN."""

    @app.get("/login", name="login")
    async def show(request: Request) -> HTTPResponse:
        return pages.render(request, LoginPage(pages.frame(request), next=_local(str(request.args.get("next") or ""))))

    @app.post("/login", name="login_post")
    async def sign_in(request: Request) -> HTTPResponse:
        login, onward = field(request, "login").strip(), _local(field(request, "next"))
        try:
            account = await asyncio.to_thread(pages.accounts.sign_in, login, field(request, "password"))
        except LoginRefused as refusal:
            error = pages.knowledge.phrase(f"login.{refusal}", pages.frame(request).language)
            return pages.render(request, LoginPage(pages.frame(request), login, onward, error), 403)
        return pages.sign_in(see_other(onward or "/desk"), account)

    @app.post("/logout", name="logout")
    async def sign_out(request: Request) -> HTTPResponse:
        user = pages.frame(request).user
        if user:
            await asyncio.to_thread(pages.accounts.end_sessions, user.login)
        response = see_other("/login")
        response.delete_cookie(SESSION_COOKIE, host_prefix=False)
        return response

    @app.get("/setup/<token:str>", name="setup")
    async def invited(request: Request, token: str) -> HTTPResponse:
        try:
            login = await asyncio.to_thread(pages.accounts.invited, token)
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("setup.used", pages.frame(request).language))
        return pages.render(request, SetupPage(pages.frame(request), login, token))

    @app.post("/setup/<token:str>", name="setup_post")
    async def set_password(request: Request, token: str) -> HTTPResponse:
        frame, password = pages.frame(request), field(request, "password")
        try:
            login = await asyncio.to_thread(pages.accounts.invited, token)
            if password != field(request, "again"):
                raise Refused("password_differs")
            account = await asyncio.to_thread(pages.accounts.set_password, token, password)
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("setup.used", frame.language))
        except Refused as refusal:
            return pages.render(request, SetupPage(frame, login, token, pages.knowledge.phrase(f"setup.{refusal}", frame.language)), 400)
        return pages.sign_in(see_other("/desk"), account)


def _local(path: str) -> str:
    """Only a path of this site may follow a sign-in."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else ""
