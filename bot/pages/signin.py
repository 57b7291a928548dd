"""Signing in and out, and choosing a password by a one-time link."""

import asyncio
import logging
import secrets
from dataclasses import astuple
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sanic import Request, Sanic
from sanic.response import HTTPResponse, redirect

from bot.errors import LoginRefused, NotFound, Refused, SecondFactorNeeded, SignOnRefused, SignOnUnavailable
from bot.pages.contexts import CodePage, LoginPage, SetupPage
from bot.pages.guard import actor_of
from bot.pages.render import SESSION_COOKIE, Pages, cookie_of, field, see_other
from bot.signon import Journey, SignOn

log = logging.getLogger("refdesk.signin")

_JOURNEY_COOKIE = "refdesk_signon"
_JOURNEY = 600


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


def mount_signon(app: Sanic[Any, Any], pages: Pages, university: SignOn, role: str, address: str) -> None:
    """/signon and /signon/back: away to the university's page, and in again. `address` is ours, `role` for who has no account yet."""
    back, sealed = f"{address}/signon/back", URLSafeTimedSerializer(pages.accounts.seal, salt="refdesk-signon")

    def refuse(request: Request, name: str, status: int) -> HTTPResponse:
        frame = pages.frame(request)
        response = pages.render(request, LoginPage(frame, error=pages.knowledge.phrase(f"login.{name}", frame.language)), status)
        response.delete_cookie(_JOURNEY_COOKIE, host_prefix=False)
        return response

    @app.get("/signon", name="signon")
    async def away(request: Request) -> HTTPResponse:
        journey = Journey.begin(local(str(request.args.get("next") or "")))
        try:
            response = redirect(await university.away(journey, back), status=303)
        except SignOnUnavailable as error:
            log.warning("single sign-on: %s", error)
            return refuse(request, "signon_down", 502)
        response.add_cookie(
            _JOURNEY_COOKIE,
            sealed.dumps(astuple(journey)),
            httponly=True,
            secure=pages.secure,
            samesite="Lax",
            max_age=_JOURNEY,
            host_prefix=False,
        )
        return response

    @app.get("/signon/back", name="signon_back")
    async def in_again(request: Request) -> HTTPResponse:
        try:
            journey = Journey(*sealed.loads(cookie_of(request, _JOURNEY_COOKIE), max_age=_JOURNEY))
        except BadSignature:
            return refuse(request, "too_late", 403)
        answer = {name: str(request.args.get(name) or "") for name in ("state", "code", "ticket", "error")}
        if not secrets.compare_digest(answer["state"].encode(), journey.state.encode()):
            return refuse(request, "signon_refused", 403)
        try:
            identity = await university.prove(journey, back, answer)
            account = await asyncio.to_thread(pages.accounts.admit, identity, role, actor_of(request))
        except SignOnUnavailable as error:
            log.warning("single sign-on: %s", error)
            return refuse(request, "signon_down", 502)
        except SignOnRefused as error:
            log.warning("single sign-on: %s", error)
            return refuse(request, "signon_refused", 403)
        except LoginRefused as refusal:
            return refuse(request, str(refusal), 403)
        response = await pages.sign_in(see_other(journey.onward or "/desk"), account, actor_of(request))
        response.delete_cookie(_JOURNEY_COOKIE, host_prefix=False)
        return response


def local(path: str) -> str:
    """Only a path of this site may follow a sign-in."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else ""
