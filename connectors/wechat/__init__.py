"""WeChat official accounts (公众号, 服务号): /webhooks/wechat.

Protocol: developers.weixin.qq.com, doc/subscription/guide/dev/push ("消息推送", "消息加解密说明"),
doc/subscription/guide/product/message/Passive_user_reply_message and doc/service/api/customer/message.

    settings    the section [connectors.wechat] and its menu table
    payload     bytes to fields and back: XML and JSON, DTDs refused
    incoming    fields to a Question
    replies     replies to what goes out: pages of at most 2048 bytes, cards, menus
    official    the connector
    refusals    what WeChat's refusals mean, in plain words
    player      plays the platform against a running server, for tests and `refdesk simulate wechat`
    commands    `refdesk wechat ...` and `refdesk simulate wechat`
"""

from collections.abc import Mapping
from typing import Any

from bot.connector import Connector
from bot.errors import WrongSetting
from connectors.wechat.commands import commands, simulate
from connectors.wechat.official import Official
from connectors.wechat.settings import settings_of

__all__ = ["build", "commands", "intents", "simulate"]


def build(section: Mapping[str, Any]) -> Connector | None:
    """On when `connectors.wechat.token` is set; WrongSetting when what is set does not fit together."""
    settings = settings_of(section)
    return Official(settings) if settings.token else None


def intents(section: Mapping[str, Any]) -> tuple[str, ...]:
    """The intents that the menu asks about, for `refdesk check`; none where the settings cannot be read, which is told elsewhere."""
    try:
        settings = settings_of(section)
    except WrongSetting:
        return ()
    return tuple(each.intent for button in settings.menu for each in (button, *button.sub) if each.intent)
