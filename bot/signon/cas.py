"""CAS 3.0: https://apereo.github.io/cas/development/protocol/CAS-Protocol-Specification.html sections 2.1 and 2.5 (/p3/serviceValidate)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx

from bot.errors import SignOnRefused, SignOnUnavailable
from bot.signon.base import WITHIN, Identity, Journey, known

_CAS = "{http://www.yale.edu/tp/cas}"


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
            async with httpx.AsyncClient(timeout=WITHIN, trust_env=False) as client:
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
        return known(
            login, told.get("displayName") or told.get("cn") or told.get("name") or "", told.get("mail") or told.get("email") or ""
        )
