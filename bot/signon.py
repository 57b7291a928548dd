"""Campus single sign-on: CAS 3.0 and OpenID Connect. Says who somebody is; whether they may come in is for bot.accounts.

CAS: https://apereo.github.io/cas/development/protocol/CAS-Protocol-Specification.html sections 2.1 and 2.5 (/p3/serviceValidate).
OpenID Connect: code flow with PKCE (Core 1.0 section 3.1, Discovery 1.0, RFC 7636), by Authlib and joserfc.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.errors import SignOnRefused, SignOnUnavailable
from bot.settings import SignOnSection

_WITHIN = 8.0
_CAS = "{http://www.yale.edu/tp/cas}"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_LEEWAY = 60


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the university says somebody is."""

    login: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Journey:
    """What the browser keeps, sealed, while its owner is at the university's page."""

    state: str
    nonce: str
    verifier: str
    onward: str = ""

    @classmethod
    def begin(cls, onward: str) -> "Journey":
        """A new one, with secrets that nobody can guess."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), onward)


class SignOn(Protocol):
    """One way to ask the university. `back` is our own address that it sends the browser to."""

    async def away(self, journey: Journey, back: str) -> str:
        """Where to send the browser. SignOnUnavailable when the university's server cannot be asked."""

    async def prove(self, journey: Journey, back: str, answer: Mapping[str, str]) -> Identity:
        """Who came back with this query. SignOnRefused when it proves nothing, SignOnUnavailable when nobody could be asked."""


def build(section: SignOnSection) -> SignOn | None:
    """What the settings say; None where there is no single sign-on."""
    if section.kind == "cas":
        return Cas(section.url.rstrip("/"), section.login_claim)
    if section.kind == "oidc":
        return OpenIdConnect(section.url.rstrip("/"), section.client_id, section.client_secret, section.login_claim)
    return None


@dataclass(frozen=True, slots=True)
class Cas:
    """CAS 3.0. `claim` is the attribute that holds the login; '' takes the user itself."""

    server: str
    claim: str = ""

    async def away(self, journey: Journey, back: str) -> str:
        """The login page; the service carries our state, so that the ticket is good for this browser only."""
        return f"{self.server}/login?{urlencode({'service': self._service(journey, back)})}"

    async def prove(self, journey: Journey, back: str, answer: Mapping[str, str]) -> Identity:
        """Validate the ticket with the CAS server."""
        query = {"service": self._service(journey, back), "ticket": answer.get("ticket", "")}
        if not query["ticket"]:
            raise SignOnRefused("no ticket")
        try:
            async with httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client:
                response = await client.get(f"{self.server}/p3/serviceValidate", params=query)
            tree = ElementTree.fromstring(response.raise_for_status().content)
        except (httpx.HTTPError, ElementTree.ParseError) as error:
            raise SignOnUnavailable(f"{self.server}: {type(error).__name__}") from error
        return self._identity(tree)

    @staticmethod
    def _service(journey: Journey, back: str) -> str:
        return f"{back}?{urlencode({'state': journey.state})}"

    def _identity(self, tree: ElementTree.Element) -> Identity:
        failure, success = tree.find(f"{_CAS}authenticationFailure"), tree.find(f"{_CAS}authenticationSuccess")
        if success is None:
            raise SignOnRefused(failure.get("code", "refused") if failure is not None else "refused")
        attributes = success.find(f"{_CAS}attributes")
        told = {each.tag.removeprefix(_CAS): (each.text or "").strip() for each in (attributes if attributes is not None else ())}
        login = told.get(self.claim, "") if self.claim else (success.findtext(f"{_CAS}user") or "").strip()
        return _known(
            login, told.get("displayName") or told.get("cn") or told.get("name") or "", told.get("mail") or told.get("email") or ""
        )


@dataclass(frozen=True, slots=True)
class OpenIdConnect:
    """OpenID Connect. `claim` is the claim that holds the login; '' takes preferred_username, else sub."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str = ""

    async def away(self, journey: Journey, back: str) -> str:
        """The authorization endpoint with state, nonce and a PKCE challenge."""
        where = await self._discover()
        async with self._client(back) as client:
            address, _ = client.create_authorization_url(
                where["authorization_endpoint"], state=journey.state, nonce=journey.nonce, code_verifier=journey.verifier
            )
        return str(address)

    async def prove(self, journey: Journey, back: str, answer: Mapping[str, str]) -> Identity:
        """Change the code for an ID token, and believe that only if its signature, issuer, audience, time and nonce hold."""
        if not answer.get("code"):
            raise SignOnRefused(answer.get("error", "no code"))
        where = await self._discover()
        try:
            async with self._client(back) as client:
                token = await client.fetch_token(where["token_endpoint"], code=answer["code"], code_verifier=journey.verifier)
                keys = (await client.request("GET", where["jwks_uri"], withhold_token=True)).raise_for_status().json()
            opened = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=_ALGORITHMS)
            claims = CodeIDToken(opened.claims, opened.header, self._expected(), {"nonce": journey.nonce, "client_id": self.client_id})
            claims.validate(leeway=_LEEWAY)
        except httpx.HTTPError as error:
            raise SignOnUnavailable(f"{self.issuer}: {type(error).__name__}") from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise SignOnRefused(f"{type(error).__name__}: {error}") from error
        told = {name: value for name, value in opened.claims.items() if isinstance(value, str)}
        login = told.get(self.claim, "") if self.claim else told.get("preferred_username") or told.get("sub", "")
        return _known(login, told.get("name", ""), told.get("email", ""))

    def _expected(self) -> dict[str, Any]:
        return {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}}

    def _client(self, back: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.client_id, self.client_secret, redirect_uri=back, scope="openid profile email", code_challenge_method="S256",
            timeout=_WITHIN, trust_env=False,
        )  # fmt: skip

    async def _discover(self) -> Mapping[str, str]:
        """Where the endpoints are; a provider that calls itself otherwise than its address is not believed."""
        try:
            async with httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client:
                found = (await client.get(f"{self.issuer}/.well-known/openid-configuration")).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignOnUnavailable(f"{self.issuer}: {type(error).__name__}") from error
        told = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
        if told.get("issuer", "").rstrip("/") != self.issuer or not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(told):
            raise SignOnUnavailable(f"{self.issuer}: its discovery document is not its own")
        return told


def _known(login: str, name: str, email: str) -> Identity:
    if not login:
        raise SignOnRefused("the university told no login")
    return Identity(login, name, email)
