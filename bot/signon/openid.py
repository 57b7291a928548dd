"""OpenID Connect: code flow with PKCE (Core 1.0 section 3.1, Discovery 1.0, RFC 7636), by Authlib and joserfc."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.errors import SignOnRefused, SignOnUnavailable
from bot.signon.base import WITHIN, Identity, Journey, known

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_LEEWAY = 60


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
        return known(login, told.get("name", ""), told.get("email", ""))

    def _expected(self) -> dict[str, Any]:
        return {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}}

    def _client(self, back: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.client_id, self.client_secret, redirect_uri=back, scope="openid profile email", code_challenge_method="S256",
            timeout=WITHIN, trust_env=False,
        )  # fmt: skip

    async def _discover(self) -> Mapping[str, str]:
        """Where the endpoints are; a provider that calls itself otherwise than its address is not believed."""
        try:
            async with httpx.AsyncClient(timeout=WITHIN, trust_env=False) as client:
                found = (await client.get(f"{self.issuer}/.well-known/openid-configuration")).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignOnUnavailable(f"{self.issuer}: {type(error).__name__}") from error
        told = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
        if told.get("issuer", "").rstrip("/") != self.issuer or not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(told):
            raise SignOnUnavailable(f"{self.issuer}: its discovery document is not its own")
        return told
