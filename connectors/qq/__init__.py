"""The official QQ bot (QQ 机器人): friends, groups and guilds, by /webhooks/qq or by the platform's gateway.

Protocol: bot.q.qq.com/wiki/develop/api-v2; where its editions differ, the files say what is done about it.

    settings    the section [connectors.qq]
    signature   Ed25519 of events, and the console's check of the address
    events      payloads to a Question, or to who lets the bot in
    calls       the API's token and its refusals
    intake      kept first, worked on afterwards
    people      who is the same person in a group and among friends
    gateway     the connection for libraries without a public address
    links       texts without addresses that are not registered
    sending     replies to what goes out: text, markdown, buttons
    official    the connector
    player, standin  play the platform and its API, for tests and `refdesk simulate qq`
    doctor      what is wrong with the settings
    commands    `refdesk qq doctor` and `refdesk simulate qq`
"""

from collections.abc import Mapping
from typing import Any

from bot.connector import Connector
from connectors.qq.commands import commands, simulate
from connectors.qq.official import Official
from connectors.qq.settings import settings_of

__all__ = ["build", "commands", "simulate"]


def build(section: Mapping[str, Any]) -> Connector | None:
    """On when `connectors.qq.app_id` and `secret` are set; WrongSetting when what is set does not fit together."""
    settings = settings_of(section)
    return Official(settings) if settings.app_id else None
