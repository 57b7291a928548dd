"""WeCom customer service (微信客服): WeChat users write to a library's customer-service account, POST /webhooks/wecom rings.

Protocol: developer.work.weixin.qq.com paths 90930 (callback), 94670 (receiving), 94677 (sending), 94669 (sessions).

    settings    the section [connectors.wecom]
    payloads    WeCom's words and ours
    sessions    who speaks in a customer's session, and what may be sent in it
    intake      the event is a doorbell: fetching what customers sent
    events      what an entry of sync_msg means
    service     the connector
    standin     stands in for WeCom, for tests and `refdesk simulate wecom`
    commands    `refdesk simulate wecom`
"""

from collections.abc import Mapping
from typing import Any

from bot.connector import Connector
from bot.errors import WrongSetting
from connectors.wecom.commands import simulate
from connectors.wecom.service import Wecom
from connectors.wecom.settings import settings_of

__all__ = ["Wecom", "build", "simulate"]


def build(section: Mapping[str, Any]) -> Connector | None:
    """On when corp_id, secret, token, encoding_aes_key and open_kfid are set; some without the others is a mistake."""
    settings = settings_of(section)
    if settings.missing and len(settings.missing) < 5:
        raise WrongSetting(f"connectors.wecom.{settings.missing[0]}", "is needed beside the other keys")
    return None if settings.missing else Wecom(settings)
