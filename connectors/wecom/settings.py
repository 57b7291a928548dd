"""The section [connectors.wecom]: keys as WeCom's console names them."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot.errors import WrongSetting
from connectors.shared.envelope import Key


class Settings(BaseModel):
    """`open_kfid` may name several accounts; `handover` says who takes those who need a person, `servicer_userid` which agent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    corp_id: str = ""
    secret: str = ""
    token: str = ""
    encoding_aes_key: str = ""
    open_kfid: str = ""
    api_base: str = "https://qyapi.weixin.qq.com"
    handover: Literal["desk", "agents"] = "desk"
    servicer_userid: str = ""

    @field_validator("encoding_aes_key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if value:
            Key.from_setting(value, "")
        return value

    @field_validator("api_base")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("needs to begin with https://")
        return value

    @property
    def missing(self) -> tuple[str, ...]:
        """The required keys that are not set."""
        return tuple(name for name in ("corp_id", "secret", "token", "encoding_aes_key", "open_kfid") if not getattr(self, name))

    @property
    def accounts(self) -> tuple[str, ...]:
        """The customer-service accounts served here; the first is the one of addresses without a room."""
        return tuple(filter(None, (name.strip() for name in self.open_kfid.split(","))))


def settings_of(section: Mapping[str, Any]) -> Settings:
    """The settings, each by itself; WrongSetting names the key, never a secret."""
    try:
        return Settings.model_validate(section)
    except ValidationError as error:
        fault = error.errors()[0]
        why = "no such key" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise WrongSetting(f"connectors.wecom.{'.'.join(map(str, fault['loc']))}", why) from error
