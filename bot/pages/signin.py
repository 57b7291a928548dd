"""Signing in and out, and choosing a password by a one-time link."""

import asyncio
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot.errors import LoginRefused, NotFound, Refused, SecondFactorNeeded
from bot.pages.contexts import CodePage, LoginPage, SetupPage
from bot.pages.guard import actor_of
from bot.pages.render import SESSION_COOKIE, Pages, cookie_of, field, see_other


def mount(app: Sanic[Any, Any], pages: Pages) -> None:
    """/login, /login/code, /logout, /setup/TOKEN."""
    accounts = pages.accounts

    def say(request: Request, name: str) -> str:
        return pages.knowledge.phrase(name, pages.frame(request).language)

    @app.get("/login", name="login")
    async def show(request: Request) -> HTTPResponse:
        return pages.render(request, LoginPage(pages.frame(request), next=local(str(request.args.get("next") or ""))))

    @app.post("/login", name="login_post")
    async def sign_in(request: Request) -> HTTPResponse:
        login, onward = field(request, "login").strip(), local(field(request, "next"))
        try:
            account = await asyncio.to_thread(accounts.sign_in, login, field(request, "password"), actor_of(request))
        except SecondFactorNeeded as needed:
            return pages.render(request, CodePage(pages.frame(request), needed.half, onward))
        except LoginRefused as refusal:
            return pages.render(request, LoginPage(pages.frame(request), login, onward, say(request, f"login.{refusal}")), 403)
        return await pages.sign_in(see_other(onward or "/desk"), account, actor_of(request))

    @app.post("/login/code", name="login_code")
    async def second_factor(request: Request) -> HTTPResponse:
        half, onward = field(request, "half"), local(field(request, "next"))
        try:
            account = await asyncio.to_thread(accounts.second_factor, half, field(request, "code"), actor_of(request))
        except LoginRefused as refusal:
            if str(refusal) == "wrong_code":
                return pages.render(request, CodePage(pages.frame(request), half, onward, say(request, "login.wrong_code")), 403)
            return pages.render(request, LoginPage(pages.frame(request), "", onward, say(request, "login.too_late")), 403)
        return await pages.sign_in(see_other(onward or "/desk"), account, actor_of(request))

    @app.post("/logout", name="logout")
    async def sign_out(request: Request) -> HTTPResponse:
        user = pages.frame(request).user
        if user:
            await asyncio.to_thread(accounts.sign_out, cookie_of(request, SESSION_COOKIE), actor_of(request, user))
        response = see_other("/login")
        response.delete_cookie(SESSION_COOKIE, host_prefix=False)
        return response

    @app.get("/setup/<token:str>", name="setup")
    async def invited(request: Request, token: str) -> HTTPResponse:
        try:
            login = await asyncio.to_thread(accounts.invited, token)
        except NotFound:
            return pages.notice(request, 404, say(request, "setup.used"))
        return pages.render(request, SetupPage(pages.frame(request), login, token))

    @app.post("/setup/<token:str>", name="setup_post")
    async def set_password(request: Request, token: str) -> HTTPResponse:
        password = field(request, "password")
        try:
            login = await asyncio.to_thread(accounts.invited, token)
            if password != field(request, "again"):
                raise Refused("password_differs")
            account = await asyncio.to_thread(accounts.set_password, token, password, actor_of(request))
        except NotFound:
            return pages.notice(request, 404, say(request, "setup.used"))
        except Refused as refusal:
            return pages.render(request, SetupPage(pages.frame(request), login, token, say(request, f"setup.{refusal}")), 400)
        if account.totp:  # a new password does not replace the second factor
            return see_other("/login")
        return await pages.sign_in(see_other("/desk"), account, actor_of(request))


def local(path: str) -> str:
    """Only a path of this site may follow a sign-in."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else ""
