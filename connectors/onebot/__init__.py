"""QQ by an implementation of OneBot v11, such as NapCat: /webhooks/onebot.

Protocol: botuniverse/onebot-11. An implementation signs in to QQ as an ordinary user, which QQ's terms do not allow;
the official bot (connectors/qq) is the recommended way. See the README.

    settings    the section [connectors.onebot]
    segments    messages: arrays of segments and CQ codes, both ways
    events      what is reported, as values
    wire        actions, and their answers by echo or over HTTP
    accounts    which accounts are connected, and the way to each asker
    doors       who may come in
    intake      what comes in, and what is done about it
    sending     replies as actions
    onebot      the connector
    player      plays an implementation, for tests and `refdesk simulate onebot`
    commands    `refdesk simulate onebot`
"""

from collections.abc import Mapping
from typing import Any

from bot.connector import Connector
from connectors.onebot.commands import simulate
from connectors.onebot.onebot import OneBot
from connectors.onebot.settings import settings_of

__all__ = ["build", "simulate"]


def build(section: Mapping[str, Any]) -> Connector | None:
    """On when `connectors.onebot.access_token` is set."""
    settings = settings_of(section)
    return OneBot(settings) if settings.access_token else None
