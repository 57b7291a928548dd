"""Templates, languages and cookies: what all page handlers share."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sanic import Request
from sanic.response import HTTPResponse, html, redirect

from bot.accounts import SESSION_LASTS, Accounts
from bot.domain import Actor, Librarian
from bot.knowledge import Knowledge
from bot.messages import Language
from bot.pages.contexts import Frame, NoticePage

HERE = Path(__file__).parent
SESSION_COOKIE = "refdesk_session"
LANGUAGE_COOKIE = "refdesk_language"
_YEAR = 365 * 24 * 3600


class _Page(Protocol):
    @property
    def frame(self) -> Frame: ...


class Pages:
    """Renders contexts. `secure` marks cookies for HTTPS only; with `signon` the university can vouch for people."""

    def __init__(self, knowledge: Knowledge, accounts: Accounts, zone: ZoneInfo, *, secure: bool, signon: bool = False) -> None:
        self.signon = signon
        self.knowledge, self.accounts, self.zone, self.secure = knowledge, accounts, zone, secure
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def frame(self, request: Request) -> Frame:
        """What is common to every page of this request."""
        cookie = cookie_of(request, SESSION_COOKIE)
        user = self.accounts.by_cookie(cookie) if cookie else None
        return Frame(language(request), request.path, user, self.accounts.csrf(cookie), request.args.get("embed") == "1")

    def render(self, request: Request, page: _Page, status: int = 200) -> HTTPResponse:
        """The page as HTML; the template is named after the context: ChatPage -> chat.html."""
        frame = page.frame
        name = type(page).__name__.removesuffix("Page").lower()
        words = self._words(frame.language)
        text = self._templates.get_template(f"{name}.html").render(page=page, frame=frame, **words)
        response = html(text, status=status, headers={"Cache-Control": "no-store"})
        if request.args.get("lang") in ("zh", "en"):
            response.add_cookie(LANGUAGE_COOKIE, frame.language.value, secure=self.secure, samesite="Lax", max_age=_YEAR, host_prefix=False)
        return response

    def notice(self, request: Request, status: int, text: str) -> HTTPResponse:
        """An error or a short message as a page."""
        return self.render(request, NoticePage(self.frame(request), status, text), status)

    def _words(self, spoken: Language) -> dict[str, Any]:
        def t(key: str, **values: object) -> str:
            return self.knowledge.phrase(key, spoken, **values)

        def local(at: datetime | None) -> str:
            return f"{at.astimezone(self.zone):%m-%d %H:%M}" if at else ""

        def seconds(value: float | None) -> str:
            if value is None:
                return "–"
            minutes, rest = divmod(round(value), 60)
            hours, minutes = divmod(minutes, 60)
            if spoken is Language.EN:
                return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
            return f"{hours} 小时 {minutes} 分" if hours else f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"

        def percent(value: float | None) -> str:
            return "–" if value is None else f"{value:.1%}"

        return {"t": t, "local": local, "seconds": seconds, "percent": percent, "signon": self.signon}

    async def sign_in(self, response: HTTPResponse, account: Librarian, actor: Actor) -> HTTPResponse:
        """Give the browser a new session."""
        response.add_cookie(
            SESSION_COOKIE,
            await asyncio.to_thread(self.accounts.begin, account, actor),
            httponly=True,
            secure=self.secure,
            samesite="Lax",
            max_age=int(SESSION_LASTS.total_seconds()),
            host_prefix=False,
        )
        return response


def language(request: Request) -> Language:
    """?lang=, else the cookie, else what the browser asks for; Chinese first."""
    for wish in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wish in ("zh", "en"):
            return Language(wish)
    accepted = request.headers.get("accept-language", "").lower()
    return Language.EN if accepted.startswith("en") and "zh" not in accepted else Language.ZH


def cookie_of(request: Request, name: str) -> str:
    """A cookie, '' when missing or not one that we gave out: ours are ASCII."""
    value = str(request.cookies.get(name) or "")
    return value if value.isascii() else ""


def field(request: Request, name: str) -> str:
    """A form field, '' when missing."""
    return str(request.form.get(name) or "") if request.form else ""


def fields(request: Request, name: str) -> tuple[str, ...]:
    """All values of a form field."""
    return tuple(str(value) for value in request.form.getlist(name, [])) if request.form else ()


def see_other(path: str) -> HTTPResponse:
    """Go on with GET."""
    return redirect(path, status=303)
