"""Campus single sign-on: CAS 3.0 and OpenID Connect. Says who somebody is; whether they may come in is for bot.accounts."""

from bot.settings import SignOnSection
from bot.signon.base import Identity, Journey, SignOn
from bot.signon.cas import Cas

__all__ = ["Identity", "Journey", "SignOn", "build"]


def build(section: SignOnSection) -> SignOn | None:
    """What the settings say; None where there is no single sign-on."""
    if section.kind == "cas":
        return Cas(section.url.rstrip("/"), section.login_claim)
    if section.kind == "oidc":
        from bot.signon.openid import OpenIdConnect  # 14 MB of libraries, for those who use it

        return OpenIdConnect(section.url.rstrip("/"), section.client_id, section.client_secret, section.login_claim)
    return None
