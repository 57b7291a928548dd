"""Who may come in: connections by the access token, pushes by their signature.

Protocol: botuniverse/onebot-11, communication/authorization and communication/http-post: `X-Signature` is the HMAC-SHA1 of
the raw body. In NapCat the secret is the token of the HTTP client.
"""

import hashlib
import hmac
import logging

from sanic import Request
from sanic.response import HTTPResponse, json

from connectors.onebot.settings import Settings

log = logging.getLogger("refdesk.onebot")


class Doors:
    """The checks of one connector; each gives the response that refuses, or None."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def allowed(self, account: str) -> bool:
        """Whether an account may be served; one that is not named yet may."""
        return not account or not self._settings.self_id or account in self._settings.self_id

    def connection(self, request: Request) -> HTTPResponse | None:
        """Before a connection is accepted: the token, the account, and that a connection is wanted at all."""
        given = request.headers.get("authorization", "")
        token = given[7:].strip() if given[:7].lower() == "bearer " else str(request.args.get("access_token", ""))
        if not token:
            return json({"error": "missing access token"}, status=401, headers={"WWW-Authenticate": "Bearer"})
        if not hmac.compare_digest(token.encode(errors="surrogateescape"), self._settings.access_token.encode()):
            log.warning("a connection with a wrong access token was refused")
            return json({"error": "wrong access token"}, status=403)
        if not self.allowed(request.headers.get("x-self-id", "")):
            log.warning("account %.20s is not among connectors.onebot.self_id", request.headers.get("x-self-id", ""))
            return json({"error": "this account is not among connectors.onebot.self_id"}, status=403)
        if request.headers.get("upgrade", "").lower() != "websocket":
            return json({"error": "connect by WebSocket, or POST"}, status=426, headers={"Upgrade": "websocket"})
        return None

    def push(self, request: Request) -> HTTPResponse | None:
        """Before an event is read: the signature with the secret over the raw body."""
        secret, given = self._settings.secret, request.headers.get("x-signature", "")
        if not secret:
            return json({"error": "HTTP POST is off: connectors.onebot.secret is not set"}, status=403)
        if not given:
            return json({"error": "missing x-signature"}, status=401)
        proper = "sha1=" + hmac.new(secret.encode(), request.body, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), proper.encode()):
            log.warning("a push with a wrong signature was refused")
            return json({"error": "wrong x-signature"}, status=403)
        return None
