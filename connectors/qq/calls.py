"""How QQ's API takes its token and says no.

Protocol: bot.q.qq.com/wiki/develop/api-v2, access-token and api-call-guide; error codes of autogen/api. A refusal is a body
`{err_code, message, trace_id}`, on older hosts `{code, message}`, under any HTTP status. The token is the same for every
caller; in its last minute the platform gives a new one and takes both.
"""

import re
from typing import Final

from connectors.qq.settings import Settings
from connectors.shared.api import Api, ApiError, Dialect, TokenCall

BAD_TOKEN: Final = frozenset({401, 11241, 11242, 11243, 11244})
BUSY: Final = frozenset({22009, 100001})
"""Too many calls in a short time."""
NO_SUCH_BOT: Final = frozenset({10004, 100007, 100016})
"""No token is given: the number or the secret is wrong, or the bot is banned."""
PASSING: Final = BAD_TOKEN | BUSY | NO_SUCH_BOT | {40034100}
"""Refusals that end by themselves or by an administrator's hand; 40034100 is too many messages that answer nothing."""
CLOSED: Final = frozenset({40034005, 40034024, 40034026, 40034128, 304027, 304103})
"""A message that takes no more replies: too old, replied to often enough, or not known."""
TAKEN: Final = 40054005
"""This msg_seq of this message was used already."""
NO_LINKS: Final = frozenset({304003, 40054010})
NOT_THESE_WORDS: Final = NO_LINKS | {40034006, 1100101}
"""The platform's own check of content: what exactly it minds is not told."""
NO_MARKDOWN: Final = frozenset({304036, 40034011, 40034090, 40034127})
TOO_LONG: Final = frozenset({40054007, 40054018})
AUDITED: Final = frozenset({304023, 304024})
"""Taken, and shown once the platform has looked at it."""

DIALECT: Final = Dialect(
    codes=("err_code", "code"),
    words=("message", "msg"),
    dead_token=BAD_TOKEN,
    busy=BUSY,
    margin=50,
    authorization="QQBot",
    unauthorized=True,
    empty=True,
    trace="X-Tps-trace-ID",
)


def api_of(settings: Settings) -> Api:
    """The client of one bot; tokens come from a host of their own."""
    body = {"appId": settings.app_id, "clientSecret": settings.secret}
    return Api(settings.api, TokenCall(f"{settings.token_base}/app/getAppAccessToken", body=body), dialect=DIALECT)


def told(error: ApiError) -> str:
    """What went wrong, for logs and notes: without whom it was about."""
    return re.sub(r"/(users|groups|channels|dms)/[^/\s]+", r"/\1/…", str(error))
