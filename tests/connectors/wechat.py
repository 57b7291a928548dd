"""An official account for tests: its settings, its followers by the player, and its API on loopback."""

from collections.abc import Mapping
from typing import Any

from connectors.shared.envelope import Key
from connectors.wechat.player import Player, Shown
from tests.connectors.loopback import Asked, Platform, Told
from tests.serving import Served

TOKEN = "libraryRefToken2026"
AES = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OLD_AES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
APP_ID = "wx5823bf96d3bd56c7"
SAFE: Mapping[str, Any] = {"token": TOKEN, "encoding_aes_key": AES, "app_id": APP_ID}
HINT = "（未完，回复“更多”接着看）"
NO_MORE = "已经全部显示了。还有问题请直接输入。"
SEND = "/cgi-bin/message/custom/send"


def verified(api: Platform) -> dict[str, Any]:
    """The settings of an account that may push."""
    return {**SAFE, "app_secret": "s" * 32, "api_base": api.url, "verified": True}


def player(served: Served, mode: str = "safe", *, json: bool = False, key: str = AES) -> Player:
    """The platform of this account."""
    return Player(served.client(), TOKEN, Key.from_setting(key, APP_ID), mode, json)


class AccountApi:
    """WeChat's side of the API: hands out tokens, takes messages; `verdicts` are used up first, one a message."""

    def __init__(self) -> None:
        self.verdicts: list[Told | dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []

    def __call__(self, asked: Asked) -> Told | dict[str, Any]:
        if asked.path == "/cgi-bin/stable_token":
            return {"access_token": f"token-{asked.body['force_refresh']}", "expires_in": 7200}
        verdict = self.verdicts.pop(0) if self.verdicts else {"errcode": 0, "errmsg": "ok"}
        if verdict == {"errcode": 0, "errmsg": "ok"}:
            self.sent.append(asked.body)
        return verdict

    def texts(self, user: str) -> list[str]:
        """What was pushed to a follower."""
        return [each["text"]["content"] for each in self.sent if each["touser"] == user and each["msgtype"] == "text"]


class WechatChannel:
    """Followers of the account, as the contract plays them."""

    name = "wechat"
    routes = frozenset({"/webhooks/wechat"})

    def __init__(self, section: Mapping[str, Any], mode: str, *, json: bool = False, api: AccountApi | None = None) -> None:
        self.section, self._mode, self._json, self._api = section, mode, json, api
        self._heard: dict[str, dict[str, str]] = {}
        self._count = 0

    def user(self, asker: str) -> str:
        return f"oTestFollower_{asker}"

    def send(self, served: Served, asker: str, text: str, number: str) -> tuple[str, ...]:
        shown = player(served, self._mode, json=self._json).text(self.user(asker), text, number)
        if shown.text and shown.text != NO_MORE:
            self._heard.setdefault(asker, {})[number] = shown.text.removesuffix(HINT)
        return (shown.text,) if shown.text else ()

    def heard(self, served: Served, asker: str) -> tuple[str, ...]:
        while self._more(served, asker):
            pass
        pushed = self._api.texts(self.user(asker)) if self._api else []
        said = self._heard.get(asker, {})
        more = tuple(text for number, text in said.items() if number.startswith("more-"))
        answers = tuple(text for number, text in said.items() if not number.startswith("more-"))
        return (*answers, *(text.removesuffix(HINT) for text in pushed), *more)

    def _more(self, served: Served, asker: str) -> bool:
        self._count += 1
        return self.send(served, asker, "更多", f"more-{self._count}") != (NO_MORE,)


def text_of(shown: Shown) -> str:
    """A text without its hint."""
    return shown.text.removesuffix(HINT).rstrip()
