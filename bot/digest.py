"""A mail that says how many questions wait while nobody has the desk open. It tells numbers and topics, never a patron's words."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage

from bot import post
from bot.desk import Desk
from bot.domain import QueueRow, TicketStatus
from bot.messages import Language
from bot.settings import Mail

log = logging.getLogger("refdesk.digest")

_FACT = "digest"  # when the last one went out, and up to which ticket it told
_MOST_LINES = 20


class Digest:
    """Sends when there is news: tickets that came after the last mail. What is urgent does not wait for the interval."""

    def __init__(self, desk: Desk, mail: Mail, address: str, online: Callable[[], frozenset[str]]) -> None:
        self._desk, self._mail, self._address, self._online = desk, mail, address.rstrip("/"), online

    def run(self) -> bool:
        """Send one if it is due. A failure is logged, and the next run tries again; True when one was sent."""
        if self._online():
            return False
        now, (last, told) = self._desk.clock.now(), self._state()
        waiting = self._desk.queue((TicketStatus.WAITING,))
        news = [row for row in waiting if row.ticket.id > told]
        early = last is not None and now - last < timedelta(minutes=self._mail.every_minutes)
        if not news or (early and not any(row.ticket.urgent for row in news)):
            return False
        try:
            post.send(self._compose(waiting, now), self._mail)
        except post.NOT_SENT as error:
            log.warning("the digest could not be sent: %s", error)
            return False
        newest = max(row.ticket.id for row in waiting)
        self._desk.store.write(lambda s: s.set_fact(_FACT, f"{now.isoformat()} {newest}")).result()
        return True

    def _state(self) -> tuple[datetime | None, int]:
        at, _, told = self._desk.store.read(lambda s: s.fact(_FACT)).partition(" ")
        return (datetime.fromisoformat(at), int(told)) if at else (None, 0)

    def _compose(self, waiting: tuple[QueueRow, ...], now: datetime) -> EmailMessage:
        say, language = self._desk.knowledge.phrase, Language(self._mail.language)
        lines = [say("digest.line", language, **self._about(row, now, language)) for row in waiting[:_MOST_LINES]]
        if len(waiting) > _MOST_LINES:
            lines.append(say("digest.more", language, count=len(waiting) - _MOST_LINES))
        mail = post.letter(self._mail, self._mail.to, say("digest.subject", language, count=len(waiting)), "digest")
        body = say("digest.body", language, count=len(waiting), lines="\n".join(lines), address=f"{self._address}/desk")
        mail.set_content(body, cte="base64")
        return mail

    def _about(self, row: QueueRow, now: datetime, language: Language) -> dict[str, object]:
        """What a line says of one ticket."""
        say, ticket = self._desk.knowledge.phrase, row.ticket
        today = now.astimezone(self._desk.hours.zone).date()
        topic = self._desk.knowledge.title(ticket.intent, language, today) if ticket.intent else say(f"reason.{ticket.reason}", language)
        minutes = int((now - ticket.opened_at).total_seconds() // 60)
        urgent = say("digest.urgent", language) if ticket.urgent else ""
        channel = say(f"channel.{row.connector}", language)
        return {"ticket": ticket.id, "topic": f"{urgent}{topic}", "channel": channel, "hours": minutes // 60, "minutes": minutes % 60}
