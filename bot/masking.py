"""What identifies a person in a text, hidden: numbers of phones, cards and documents, addresses of mail. Pure."""

import re
from collections.abc import Iterable

HIDDEN = "●●●"
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Five digits or more, also with spaces or dashes between them; with letters in front or an X behind, as on cards.
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{0,3}\+?\d(?:[ -]?\d){4,}[Xx]?(?!\d)")
_ACCOUNT = re.compile(r"(?:微信号?|wechat|qq|vx|v信)\s*(?:号|:|：|是)?\s*[:：]?\s*[A-Za-z0-9_-]{5,20}", re.IGNORECASE)
_CALLED = re.compile(
    r"(?:我叫|我是|姓名[:：]?|my name is|i am called)\s*([\u4e00-\u9fff]{2,3}(?=[,，。;；、\s]|$)|[A-Z][a-z]+(?: [A-Z][a-z]+)*)"
)
_ROLES = frozenset(
    "学生 老师 教师 新生 研究生 本科生 博士生 硕士生 毕业生 校友 留学生 大一 大二 大三 大四 研一 研二 研三 馆员 访客".split()
)
_SPACES = re.compile(r"[ \t]{2,}")
_LEFT_OVER = re.compile(r"[（(]\s*[)）]|(?<=[,，:：])\s*[,，]")


def masked(text: str) -> str:
    """A text that can be shown in lists and statistics; years and other short numbers stay."""
    return _NUMBER.sub(_hidden, _MAIL.sub(HIDDEN, text))


def redacted(text: str, personal: Iterable[str] = ()) -> str:
    """A text that can teach the bot: without what identifies its asker, names, and the `personal` values of a request form."""
    for value in sorted({value.strip() for value in personal if len(value.strip()) > 1}, key=len, reverse=True):
        text = text.replace(value, "")
    text = _NUMBER.sub(lambda found: _hidden(found).replace(HIDDEN, ""), _ACCOUNT.sub("", _MAIL.sub("", text)))
    text = _CALLED.sub(lambda found: found[0] if found[1] in _ROLES else found[0].removesuffix(found[1]), text)
    return _SPACES.sub(" ", _LEFT_OVER.sub("", text)).strip()


def _hidden(found: re.Match[str]) -> str:
    return found[0] if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}|\d{4}[ -]\d{4}", found[0]) else HIDDEN
