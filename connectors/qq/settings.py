"""The section [connectors.qq]: the bot's number and secret as the console of q.qq.com shows them, and what it may do."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from bot.errors import WrongSetting

API = "https://api.bot.qq.com"
SANDBOX = "https://sandbox.api.sgroup.qq.com"
_DOMAIN = re.compile(r"[a-z0-9.-]+\.[a-z0-9-]+")


def _listed(value: Any) -> Any:
    """A list, also as an environment variable can hold it: divided by commas."""
    return tuple(filter(None, (each.strip() for each in value.split(",")))) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Settings(BaseModel):
    """`transport`: the platform calls us, or we hold a connection to its gateway. `binding`: whether the console may check
    the address. `max_age`: seconds after which a signed request is refused, 0 for never. `link_domains`: what is registered
    in the console (消息URL配置), and `group_links` whether groups take links at all. `markdown`: the bot may send markdown
    with buttons. `unprompted`: it may write first, where nothing can be replied to any more. `guilds`: it serves guilds
    (频道), which its gateway must know. `message_bytes`: what a message takes; the platform names no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    app_id: str = ""
    secret: str = ""
    sandbox: bool = False
    api_base: str = ""
    token_base: str = API
    transport: Literal["webhook", "gateway"] = "webhook"
    binding: bool = True
    max_age: int = Field(0, ge=0)
    link_domains: Names = ()
    group_links: bool = False
    markdown: bool = False
    unprompted: bool = False
    guilds: bool = True
    message_bytes: int = Field(3000, ge=300, le=12_000)

    @field_validator("api_base", "token_base")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("https", "http") or not urlsplit(value).hostname):
            raise ValueError("needs to begin with https://")
        return value.rstrip("/")

    @field_validator("link_domains")
    @classmethod
    def _are_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(each.lower() for each in value)
        if wrong := next((each for each in lowered if not _DOMAIN.fullmatch(each)), None):
            raise ValueError(f"{wrong!r} is no domain such as lib.example.edu.cn")
        return lowered

    @property
    def api(self) -> str:
        """The host of everything but tokens: what is set, or production, or the sandbox."""
        return self.api_base or (SANDBOX if self.sandbox else API)

    @property
    def age(self) -> timedelta | None:
        """How old a signed request may be; None for any age."""
        return timedelta(seconds=self.max_age) if self.max_age else None


def settings_of(section: Mapping[str, Any]) -> Settings:
    """The settings; WrongSetting names the key, never the secret."""
    try:
        settings = Settings.model_validate(section)
    except ValidationError as error:
        fault = error.errors()[0]
        why = "no such key" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise WrongSetting(f"connectors.qq.{'.'.join(map(str, fault['loc']))}", why) from None
    if bool(settings.app_id) != bool(settings.secret):
        raise WrongSetting(f"connectors.qq.{'secret' if settings.app_id else 'app_id'}", "is needed beside the other key")
    return settings
