"""A university's single sign-on on loopback, which speaks the real protocols: CAS 3.0 and OpenID Connect with PKCE."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.connectors.loopback import Asked, Platform, Told, platform

CLIENT, SECRET = "refdesk", "client-secret"


class CasServer:
    """Tickets are good once, and for the service they were made for (CAS 3.0, section 2.5)."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {"displayName": "梅老师", "mail": "mei@example.edu.cn"}
        self.broken: Told | None = None
        self._tickets: dict[str, tuple[str, str]] = {}

    def signs_in(self, address: str, user: str) -> str:
        """What the login page does with somebody who proved themselves: sends the browser back with a ticket."""
        service = parse_qs(urlsplit(address).query)["service"][0]
        ticket = f"ST-{secrets.token_hex(8)}"
        self._tickets[ticket] = service, user
        return f"{service}&{urlencode({'ticket': ticket})}"

    def __call__(self, asked: Asked) -> Told:
        assert asked.path == "/cas/p3/serviceValidate"
        if self.broken:
            return self.broken
        service, user = self._tickets.pop(asked.query["ticket"], ("", ""))
        if not service or service != asked.query["service"]:
            return self._told('<cas:authenticationFailure code="INVALID_TICKET">not recognized</cas:authenticationFailure>')
        told = "".join(f"<cas:{name}>{escape(value)}</cas:{name}>" for name, value in self.attributes.items())
        return self._told(
            f"<cas:authenticationSuccess><cas:user>{escape(user)}</cas:user>"
            f"<cas:attributes>{told}</cas:attributes></cas:authenticationSuccess>"
        )

    @staticmethod
    def _told(inside: str) -> Told:
        return Told(f"<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>{inside}</cas:serviceResponse>")


class OpenIdProvider:
    """Codes are good once and need the verifier of their challenge; ID tokens are signed with RS256. `changes` to claims are lies."""

    def __init__(self) -> None:
        self.issuer = ""
        self.changes: dict[str, Any] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.shown = self.key
        self.broken: Told | None = None
        self._codes: dict[str, tuple[Mapping[str, str], str]] = {}

    def signs_in(self, address: str, user: str) -> str:
        """What the authorization endpoint does with somebody who proved themselves."""
        query = dict(parse_qsl(urlsplit(address).query))
        assert (query["client_id"], query["response_type"], query["code_challenge_method"]) == (CLIENT, "code", "S256")
        code = secrets.token_hex(8)
        self._codes[code] = query, user
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def __call__(self, asked: Asked) -> Told | dict[str, Any]:
        if self.broken:
            return self.broken
        path = asked.path
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return {"issuer": self.issuer, **{name: f"{self.issuer}/{end}" for name, end in ends.items()}}
        return {"keys": [self.shown.as_dict(private=False)]} if path == "/keys" else self._token(dict(parse_qsl(asked.raw.decode())))

    def _token(self, form: Mapping[str, str]) -> Told | dict[str, Any]:
        query, user = self._codes.pop(form.get("code", ""), ({}, ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if not query or challenge != query["code_challenge"] or form.get("redirect_uri") != query["redirect_uri"]:
            return Told({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": f"id-{user}", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": query["nonce"],
            "preferred_username": user, "name": "梅老师", "email": "mei@example.edu.cn", **self.changes,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "one"}, {name: value for name, value in claims.items() if value is not None}, self.key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": token}


@contextmanager
def cas() -> Iterator[tuple[CasServer, str]]:
    """A CAS server and its address."""
    server = CasServer()
    with platform(server) as place:
        yield server, f"{place.url}/cas"


@contextmanager
def provider() -> Iterator[tuple[OpenIdProvider, Platform]]:
    """An OpenID provider and where it listens."""
    server = OpenIdProvider()
    with platform(server) as place:
        server.issuer = place.url
        yield server, place
