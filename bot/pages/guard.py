"""Who may come in: pages for people with an account, and forms that carry the token of their session."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.domain import Actor, Librarian, Role
from bot.pages.render import SESSION_COOKIE, Pages, cookie_of, field, see_other

Handler = Callable[..., Awaitable[HTTPResponse | None]]


def signed_in(pages: Pages, *roles: Role) -> Callable[[Handler], Handler]:
    """Only for people with an account, or for some `roles`; a POST must carry the CSRF token of its session."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request, *args: Any, **kwargs: Any) -> HTTPResponse | None:
            frame = pages.frame(request)
            if frame.user is None:
                if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "text/html"):
                    return see_other(f"/login?next={request.path}")
                return json_response({"error": "sign in first"}, status=401)
            if roles and frame.user.role not in roles:
                return pages.notice(request, 403, pages.knowledge.phrase("people.not_yours", frame.language))
            if request.method == "POST" and not pages.accounts.csrf_holds(field(request, "csrf"), cookie_of(request, SESSION_COOKIE)):
                return pages.notice(request, 403, pages.knowledge.phrase("desk.csrf", frame.language))
            return await handler(request, frame.user, *args, **kwargs)

        return guarded

    return wrap


def actor_of(request: Request, user: Librarian | None = None) -> Actor:
    """Who is at the other end, for the audit log."""
    return Actor(user.login if user else "", request.client_ip or "", request.headers.get("user-agent", ""))
