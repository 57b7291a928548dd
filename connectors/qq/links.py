"""Texts without the addresses that the platform would refuse.

Protocol: in a message only addresses of domains that are registered in the console (消息URL配置) pass; a single other one
has the whole message refused (304003, 40054010). What looks like an address counts as one, with or without https://.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_ADDRESS = re.compile(
    r"(?P<colon>[:：][ \t]*)?"
    r"(?P<url>https?://[^\s<>\"“”‘’，。；！？、（）【】《》「」]+"
    r"|(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:cn|com|net|org|edu|gov|io|info|cc|top|xyz|vip|site|online)(?![\w-])(?:[:/][^\s<>\"“”，。；！？、（）【】《》「」]*)?)",
    re.IGNORECASE,
)
_MAILBOX = re.compile(r"/mailbox/([0-9a-z]{8,64})/?$")


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text, and whether an address is missing in it that its reader would need."""

    text: str
    missing: bool


def strip(text: str, allowed: Callable[[str], bool], mark: str) -> Stripped:
    """A text with the addresses of `allowed` hosts only. Of an address of our mailbox the code stays, of one behind a
    title the title, of any other one the `mark`."""
    missing = False

    def instead(found: re.Match[str]) -> str:
        nonlocal missing
        colon, written = found["colon"] or "", found["url"]
        url = written.rstrip(".,;:!?)'")
        rest = written[len(url) :]
        if allowed(host_of(url)):
            return found[0]
        if code := _MAILBOX.search(url):
            return f"{colon}{code[1]}{rest}"
        missing = True
        ends_line = found.end() == len(text) or text[found.end()] == "\n"
        return rest if colon and ends_line else f"{colon}{mark}{rest}"

    return Stripped(_ADDRESS.sub(instead, text), missing)


def host_of(url: str) -> str:
    """The host of an address, in lower case; '' when there is none."""
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def below(host: str, domains: tuple[str, ...]) -> bool:
    """Whether a host is one of these domains or belongs to one."""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
