"""What chat platforms that are pushed to ask of the house besides answers: what they must not forget, and second thoughts."""

import re
from collections.abc import Callable
from datetime import datetime

from bot import tickets
from bot.connector import Kept
from bot.desk import Desk
from bot.domain import Event, EventName, TicketStatus
from bot.messages import Address, Language
from bot.store import Session

_KEY = re.compile(r"refdesk-([0-9]{1,18})(?:-([0-9]{1,6}))?")


class Platform:
    """Over one desk; every method is one transaction, awaited elsewhere (see bot.app.Doors)."""

    def __init__(self, desk: Desk, now: Callable[[], datetime]) -> None:
        self._desk, self._store, self._now = desk, desk.store, now

    def recall(self, name: str) -> str:
        """What was remembered under a name; '' when nothing was."""
        return self._store.read(lambda s: s.fact(name))

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name; on disk when this returns."""
        self._store.write(lambda s: s.set_fact(name, value)).result()

    def undeliver(self, connector: str, key: str, why: str) -> bool:
        """A reply that counted as delivered was not: it waits in the mailbox again. False while it is still due."""
        found = _KEY.fullmatch(key)
        if found is None:
            return True
        parcel, part = int(found[1]), int(found[2] or 0)
        return self._store.write(lambda s: s.undeliver(connector, parcel, part, why)).result()

    def end(self, address: Address, holder: str = "") -> None:
        """The platform says that this conversation is over: an open ticket is closed, the bot speaks again. With the
        beginning of an agent's name only a ticket that such an agent has."""
        self._store.write(lambda s: self._end(s, address, holder)).result()

    def _end(self, s: Session, address: Address, holder: str) -> None:
        conversation = s.existing_conversation(address)
        if conversation is None or not conversation.ticket:
            return
        ticket = s.ticket(conversation.ticket)
        if ticket.status is not TicketStatus.CLOSED and ticket.claimed_by.startswith(holder):
            self._desk.closed(s, tickets.close(ticket, self._now()), conversation)

    def judge(self, address: Address, helpful: bool) -> None:
        """The rating that an asker gave after a conversation with a librarian; the first one counts."""
        self._store.write(lambda s: self._judge(s, address, helpful)).result()

    def _judge(self, s: Session, address: Address, helpful: bool) -> None:
        conversation = s.existing_conversation(address)
        ticket = s.last_ticket(conversation.id) if conversation else None
        if conversation is None or ticket is None or s.judged(ticket.question, ticket.id):
            return
        name = EventName.HELPFUL if helpful else EventName.UNHELPFUL
        s.record(
            Event(
                name, self._now(), address.connector, conversation.visitor, ticket.question, ticket.intent, "", ticket.id,
                ticket.claimed_by, conversation.language or "", room=address.room,
            )
        )  # fmt: skip

    def phrase(self, name: str, language: Language = Language.ZH, **values: object) -> str:
        """A sentence of knowledge/phrases.yml."""
        return self._desk.knowledge.phrase(name, language, **values)

    def keep(self, connector: str, external: str, body: str) -> bool:
        """Store what a platform brought until it is dealt with; False when it came before. On disk when this returns."""
        return self._store.write(lambda s: s.keep(connector, external, body, self._now())).result()

    def kept(self, connector: str) -> tuple[Kept, ...]:
        """What was not dealt with, in order."""
        return self._store.read(lambda s: s.kept(connector))

    def done(self, connector: str, external: str) -> None:
        """It was dealt with."""
        self._store.write(lambda s: s.done(connector, external)).result()

    def keep_page(self, connector: str, brought: tuple[Kept, ...], name: str, value: str) -> None:
        """Store all that came together, and how far one has come with it, in one transaction."""
        self._store.write(lambda s: self._keep_page(s, connector, brought, name, value)).result()

    def _keep_page(self, s: Session, connector: str, brought: tuple[Kept, ...], name: str, value: str) -> None:
        for each in brought:
            s.keep(connector, each.id, each.body, self._now())
        s.set_fact(name, value)
