"""The section [connectors.wechat]: keys as the console of mp.weixin.qq.com names them, and the account's menu."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from bot.errors import WrongSetting
from bot.messages import INTENT
from connectors.shared.envelope import Key

API = "https://api.weixin.qq.com"
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")


class Button(BaseModel):
    """One entry of the menu: it asks about an intent, opens a page, or opens a list of such entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    intent: str = ""
    url: str = ""
    sub: tuple["Button", ...] = ()

    @model_validator(mode="after")
    def _does_one_thing(self) -> "Button":
        if sum(map(bool, (self.intent, self.url, self.sub))) != 1:
            raise ValueError(f"menu entry {self.name!r} needs exactly one of intent, url, sub")
        if len(self.sub) > 5 or any(each.sub for each in self.sub):
            raise ValueError(f"menu entry {self.name!r}: at most five entries below it, and none below those")
        return self

    @property
    def key(self) -> str:
        """What the platform sends back for a tap: a question's choice."""
        return INTENT + self.intent

    def shape(self) -> dict[str, Any]:
        """As POST /cgi-bin/menu/create takes it."""
        if self.sub:
            return {"name": self.name, "sub_button": [each.shape() for each in self.sub]}
        if self.url:
            return {"type": "view", "name": self.name, "url": self.url}
        return {"type": "click", "name": self.name, "key": self.key}


class Settings(BaseModel):
    """`verified` accounts (微信认证) may push messages; `cards` shows short answers with one link as a card;
    `msgmenu` lets a verified account show choices as a menu to tap, at the price of one of its five messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    token: str = ""
    encoding_aes_key: str = ""
    previous_encoding_aes_key: str = ""
    app_id: str = ""
    app_secret: str = ""
    api_base: str = API
    verified: bool = False
    cards: bool = False
    msgmenu: bool = False
    menu: tuple[Button, ...] = ()

    def keys(self) -> tuple[Key, ...]:
        """The keys of safe mode, the current one first; none in plain mode."""
        given = (self.encoding_aes_key, self.previous_encoding_aes_key)
        return tuple(Key.from_setting(each, self.app_id) for each in given if each) if self.encoding_aes_key else ()

    def titles(self) -> dict[str, str]:
        """What a tap on the menu says, by its key."""
        return {each.key: each.name for button in self.menu for each in (button, *button.sub) if each.intent}


def settings_of(section: Mapping[str, Any]) -> Settings:
    """The settings, checked as far as that is possible without the platform; WrongSetting names the key, never a secret."""
    try:
        settings = Settings.model_validate(section)
    except ValidationError as error:
        fault = error.errors()[0]
        why = "no such key" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise WrongSetting(f"connectors.wechat.{'.'.join(map(str, fault['loc']))}", why) from None
    if settings.token:
        _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if not _TOKEN.fullmatch(settings.token):
        raise WrongSetting("connectors.wechat.token", "3 to 32 letters and digits, as in the console")
    for name in ("encoding_aes_key", "previous_encoding_aes_key"):
        try:
            if given := getattr(settings, name):
                Key.from_setting(given, "")
        except ValueError as error:
            raise WrongSetting(f"connectors.wechat.{name}", str(error)) from None
    if settings.encoding_aes_key and not settings.app_id:
        raise WrongSetting("connectors.wechat.app_id", "is needed with encoding_aes_key: it is part of every sealed message")
    if settings.verified and not (settings.app_id and settings.app_secret):
        raise WrongSetting("connectors.wechat.app_secret", "a verified account pushes replies, which needs app_id and app_secret")
    if len(settings.menu) > 3:
        raise WrongSetting("connectors.wechat.menu", "at most three entries")
