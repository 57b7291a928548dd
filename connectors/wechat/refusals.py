"""What WeChat's refusals mean, in plain words and with what to do about them.

Error numbers: developers.weixin.qq.com "全局返回码", "获取稳定版接口调用凭据" and "自定义菜单".
"""

import re
from typing import Final

from connectors.shared.api import ApiError, ApiRefused

NO_MENU: Final = 46003
"""The account has no menu: no fault."""
FORBIDDEN: Final = frozenset({48001, 50001, 50002})
"""The account has no right to a call."""
_WHERE = "in the console under 设置与开发 > 开发接口管理 > 基本配置"
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-f:]*:[0-9a-f:]+\b")
_WRONG_SECRET = f"app_secret is wrong: reset it {_WHERE} and copy it again"
_FAULTS: Final = {
    40001: _WRONG_SECRET,
    40125: _WRONG_SECRET,
    40013: "app_id is wrong: copy AppID (wx...) from the console, not the gh_ number and not the account's name",
    40243: "app_secret is frozen in the console; unfreeze it there",
    41002: "app_id is missing",
    41004: "app_secret is missing",
    45009: "today's number of calls is used up; it starts anew at midnight",
    50004: "this account may not use the interface at all",
    40018: "a name in the menu is too long: 4 Chinese characters in the first row, 8 below",
    40025: "a name below an entry of the menu is too long: 8 Chinese characters",
    40054: "an address in the menu is wrong: it begins with https:// or http://",
    40055: "an address in the menu is wrong: it begins with https:// or http://",
    65301: "there is no such menu",
}
_CALLS: Final = {
    "/cgi-bin/menu/": "the menu by interface: a 订阅号 needs 微信认证 for it, every 服务号 may; else make the menu in the console",
    "/cgi-bin/customservice/": "customer-service messages (客服消息): they need 微信认证",
}


def explained(error: ApiError) -> str:
    """What happened and what to do."""
    if not isinstance(error, ApiRefused):
        return f"WeChat cannot be asked ({error.why}): may this server reach the internet? ({error.path})"
    if error.errcode == 40164:
        address = _IP.search(error.errmsg.lower())
        return f"{address[0] if address else 'this server'} is not on the IP allow list: add it {_WHERE} > IP 白名单"
    if error.errcode in FORBIDDEN:
        what = next((what for path, what in _CALLS.items() if error.path.startswith(path)), error.path)
        return f"this account has no permission for {what}"
    return f"{_FAULTS[error.errcode]} ({error.errcode})" if error.errcode in _FAULTS else f"WeChat refuses it: {error}"
