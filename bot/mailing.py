"""The brief by mail: every week or month, of the one that is over."""

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from email.message import EmailMessage

from bot import house, post
from bot.accounts import Accounts
from bot.brief import CONTENT_TYPES, Format, Writer
from bot.desk import Desk
from bot.domain import NOBODY, Deed
from bot.ledger import Ledger
from bot.messages import Language
from bot.reports import Query
from bot.settings import Settings

log = logging.getLogger("refdesk.mailing")

_FACT = "brief_mailed"  # the last day of the period that was sent
_MOST_ROWS = 1000
_NOT_BEFORE = 6  # o'clock: what was written at night is in
_ATTACHED = (Format.DOCX, Format.XLSX)


class Mailing:
    """Sends each period once. A failure is logged, and the next run tries again."""

    def __init__(self, settings: Settings, desk: Desk, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._settings, self._desk, self._ledger, self._now = settings, desk, ledger, now

    def run(self) -> bool:
        """Send the brief of the last week or month if that has not been done; True when it was sent."""
        now = self._now().astimezone(self._desk.hours.zone)
        query = period(now.date(), self._settings.reports.send)
        if now.hour < _NOT_BEFORE or self._desk.store.read(lambda s: s.fact(_FACT)) == query.end.isoformat():
            return False
        try:
            post.send(self._letter(query, now), self._settings.mail)
        except post.NOT_SENT as error:
            log.warning("the brief of %s to %s could not be sent: %s", query.start, query.end, error)
            return False
        self._desk.store.write(lambda s: s.set_fact(_FACT, query.end.isoformat())).result()
        to = ", ".join(self._settings.reports.to)
        Accounts(self._desk.store, "-", self._now).note(NOBODY, Deed.EXPORTED, f"brief mailed to {to}", query.address())
        return True

    def _letter(self, query: Query, now: datetime) -> EmailMessage:
        mail, language = self._settings.mail, Language(self._settings.mail.language)
        report = self._ledger.report(query, most=_MOST_ROWS)
        words = house.words(self._settings, self._desk.store, self._desk.knowledge, language)
        writer = Writer(report, words, f"{now:%Y-%m-%d %H:%M}")
        document = writer.document()
        letter = post.letter(mail, self._settings.reports.to, words.say("subject", title=document.title, period=document.subtitle), "brief")
        address = f"{house.address(self._settings).rstrip('/')}/reports?{query.address()}"
        letter.set_content("\n\n".join((*document.sentences(), words.say("mail_more", address=address))), cte="base64")
        for shape in _ATTACHED:
            maintype, subtype = CONTENT_TYPES[shape].split("/")
            name = f"refdesk-{query.start}-{query.end}.{shape}"
            letter.add_attachment(writer.write(shape), maintype=maintype, subtype=subtype, filename=name)
        return letter


def period(today: date, send: str) -> Query:
    """The last week from Monday to Sunday, or the last month, that is over."""
    if send == "weekly":
        end = today - timedelta(days=today.isoweekday())
        return Query(end - timedelta(days=6), end)
    end = today.replace(day=1) - timedelta(days=1)
    return Query(end.replace(day=1), end)
