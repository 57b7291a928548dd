"""The section [connectors.onebot]: how a OneBot implementation proves itself, and which accounts it may bring."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from bot.errors import WrongSetting

_SHORTEST_TOKEN = 8


def _listed(value: Any) -> Any:
    """Account numbers as a list, a single number, or as an environment variable can hold them: divided by commas."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return tuple(filter(None, (each.strip() for each in value.split(",")))) if isinstance(value, str) else value


Policy = Literal["leave", "approve", "reject"]


class Settings(BaseModel):
    """`access_token`: what an implementation must show when it connects, and what we show to its HTTP API. `self_id`: the
    accounts that may come, none for any. `secret`: signs what is pushed by HTTP POST, which is off without it. `api_base`:
    the implementation's HTTP API, for accounts that push and are not connected. `answer_timeout`: seconds to wait for the
    answer to an action. `message_bytes`: what fits one message. `message_format`: how messages are sent. `friend_requests`
    and `group_invites`: what is done about them; "leave" leaves them to whoever uses the account."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    access_token: str = ""
    self_id: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    secret: str = ""
    api_base: str = ""
    answer_timeout: float = Field(30.0, gt=0, le=300)
    message_bytes: int = Field(3000, ge=300, le=12_000)
    message_format: Literal["array", "string"] = "array"
    friend_requests: Policy = "leave"
    group_invites: Policy = "leave"

    @field_validator("access_token", "secret")
    @classmethod
    def _is_hard_to_guess(cls, value: str) -> str:
        if value and (len(value) < _SHORTEST_TOKEN or not value.isascii()):
            raise ValueError(f"needs at least {_SHORTEST_TOKEN} letters, digits or marks")
        return value

    @field_validator("self_id")
    @classmethod
    def _are_accounts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := next((each for each in value if not each.isdecimal()), None):
            raise ValueError(f"{wrong!r} is no account number")
        return value

    @field_validator("api_base")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("https", "http") or not urlsplit(value).hostname):
            raise ValueError("needs to begin with http://")
        return value.rstrip("/")


def settings_of(section: Mapping[str, Any]) -> Settings:
    """The settings; WrongSetting names the key, never a secret."""
    try:
        settings = Settings.model_validate(section)
    except ValidationError as error:
        fault = error.errors()[0]
        why = "no such key" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise WrongSetting(f"connectors.onebot.{'.'.join(map(str, fault['loc']))}", why) from None
    if section and not settings.access_token:
        raise WrongSetting("connectors.onebot.access_token", "is needed: without it anybody could speak for your readers")
    return settings
