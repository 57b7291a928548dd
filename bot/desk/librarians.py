"""The librarians' side of the desk: the steps of a ticket."""

from dataclasses import replace

from bot import tickets
from bot.desk.base import Consultation
from bot.desk.care import LONGEST_NOTE
from bot.desk.replies import Replies
from bot.desk.shelves import Shelves
from bot.domain import AlertKind, Conversation, EventName, Message, NoteKind, Ticket, TicketStatus
from bot.errors import MoveRefused, Refused
from bot.store import Session
from bot.text import clean


class Librarians(Shelves, Replies):
    """What librarians can do with a ticket."""

    def consultation(self, number: int) -> Consultation:
        """One ticket with its whole exchange."""

        def work(s: Session) -> Consultation:
            return self._consultation(s, replace(s.ticket(number), personal=s.personal(number)))

        return self.store.read(work)

    def claim(self, number: int, librarian: str) -> Ticket:
        """Take a ticket and those that are answered together with it; MoveRefused when a colleague was faster."""

        def work(s: Session) -> Ticket:
            ticket = s.ticket(number)
            if ticket.joined:
                raise MoveRefused(f"ticket {number}", ticket.status, f"it is answered together with {ticket.joined}")
            ticket = self._move(s, tickets.claim(ticket, librarian, self.clock.now()), EventName.CLAIMED, librarian)
            for follower in s.followers(number):
                self._move(s, tickets.hand_on(follower, librarian, self.clock.now()), EventName.CLAIMED, librarian)
            s.see_alerts(librarian, self.clock.now(), number)
            return ticket

        return self.store.write(work).result()

    def release(self, number: int, librarian: str, note: str = "") -> Ticket:
        """Give one's ticket back to the queue. A reply that is still held goes out first."""

        def work(s: Session) -> Ticket:
            self._own(s, number, librarian)
            self._flush(s, number)
            ticket = self._move(s, tickets.release(self._own(s, number, librarian)), EventName.RELEASED, librarian)
            for follower in s.followers(number):
                self._move(s, tickets.release(follower), EventName.RELEASED, librarian)
            if note:
                s.add_remark(number, NoteKind.RELEASED, librarian, _short(note), self.clock.now())
            return ticket

        return self.store.write(work).result()

    def transfer(self, number: int, librarian: str, to: str, note: str = "") -> Ticket:
        """Pass a ticket to a colleague, who has it from now on and is told. One may pass on one's own, or one that nobody has."""

        def work(s: Session) -> Ticket:
            self._may_pass(s, number, librarian)
            colleague = s.librarian(to)
            if colleague is None or colleague.disabled or to == librarian:
                raise Refused("colleague")
            now = self.clock.now()
            ticket = self._pass(s, tickets.hand_on(s.ticket(number), to, now), librarian, to)
            for follower in s.followers(number):
                self._pass(s, tickets.hand_on(follower, to, now), librarian, to)
            s.add_remark(number, NoteKind.TRANSFERRED, librarian, f"{colleague.name or to}\n{_short(note)}".strip(), now)
            s.add_alert(to, number, AlertKind.TRANSFERRED, librarian, now)
            return ticket

        return self.store.write(work).result()

    def transfer_to_team(self, number: int, librarian: str, team: str, members: tuple[str, ...], note: str = "") -> Ticket:
        """Pass a ticket to a topic team: it waits again, and the members are told."""

        def work(s: Session) -> Ticket:
            self._may_pass(s, number, librarian)
            now = self.clock.now()
            ticket = self._pass(s, tickets.hand_to_team(s.ticket(number), team), librarian, team)
            for follower in s.followers(number):
                self._pass(s, tickets.hand_to_team(follower, team), librarian, team)
            s.add_remark(number, NoteKind.TRANSFERRED, librarian, f"{team}\n{_short(note)}".strip(), now)
            for member in members:
                if member != librarian:
                    s.add_alert(member, number, AlertKind.TEAM, librarian, now)
            return ticket

        return self.store.write(work).result()

    def _may_pass(self, s: Session, number: int, librarian: str) -> None:
        ticket = s.ticket(number)
        if ticket.status is not TicketStatus.WAITING:
            self._own(s, number, librarian)
        self._flush(s, number)

    def _pass(self, s: Session, ticket: Ticket, librarian: str, to: str) -> Ticket:
        return self._move(s, ticket, EventName.TRANSFERRED, librarian, value=to)

    def close(self, number: int, librarian: str) -> Ticket:
        """End one's ticket; the bot answers this patron again. A reply that is still held goes out first."""

        def work(s: Session) -> Ticket:
            self._own(s, number, librarian)
            self._flush(s, number)
            return self._close(s, number, librarian)

        return self.store.write(work).result()

    def mark(self, number: int, librarian: str, urgent: bool) -> Ticket:
        """Put an open ticket before all others, or among them again; anybody at the desk may."""

        def work(s: Session) -> Ticket:
            ticket = s.ticket(number)
            if ticket.status is TicketStatus.CLOSED:
                raise MoveRefused(f"ticket {number}", ticket.status, "it is over")
            return self._move(s, replace(ticket, urgent=urgent), EventName.MARKED, librarian, value="urgent" if urgent else "")

        return self.store.write(work).result()

    def join(self, number: int, librarian: str, into: int) -> Ticket:
        """Answer a ticket together with another of one's own: replies go to both askers from now on."""

        def work(s: Session) -> Ticket:
            ticket, leader = s.ticket(number), self._own(s, into, librarian)
            if number == into or leader.joined or ticket.joined or s.followers(number) or leader.status is TicketStatus.CLOSED:
                raise MoveRefused(f"ticket {number}", ticket.status, f"it cannot be joined to {into}")
            if ticket.status is not TicketStatus.WAITING:
                self._own(s, number, librarian)
            self._flush(s, number)
            ticket = replace(tickets.hand_on(s.ticket(number), librarian, self.clock.now()), joined=into)
            return self._move(s, ticket, EventName.JOINED, librarian, value=str(into))

        return self.store.write(work).result()

    def part(self, number: int, librarian: str) -> Ticket:
        """Answer a joined ticket on its own again; it stays with whoever has it."""

        def work(s: Session) -> Ticket:
            ticket = self._own(s, number, librarian)
            return self._move(s, replace(ticket, joined=0), EventName.PARTED, librarian, value=str(ticket.joined))

        return self.store.write(work).result()

    def followers(self, number: int) -> tuple[Consultation, ...]:
        """The tickets that are answered together with this one, each with its exchange."""
        return self.store.read(lambda s: tuple(self._consultation(s, ticket) for ticket in s.followers(number)))

    def earlier(self, ticket: Ticket) -> tuple[Ticket, ...]:
        """The other tickets of the same asker, newest first."""
        return self.store.read(lambda s: tuple(other for other in s.tickets_of(ticket.conversation) if other.id != ticket.id))

    def record(self, conversation: int) -> tuple[Conversation, tuple[Message, ...], tuple[Ticket, ...]]:
        """All that was said in one place by one asker, the bot and the library, and the tickets that came of it."""
        return self.store.read(lambda s: (s.conversation_by_id(conversation), s.messages(conversation), s.tickets_of(conversation)))

    def stamp(self, number: int) -> str:
        """Differs whenever anything has changed that the page of a ticket shows."""
        return self.store.read(lambda s: s.stamp(s.ticket(number)))

    def closed(self, s: Session, ticket: Ticket, conversation: Conversation) -> None:
        """A ticket ends without words of ours; the bot answers this patron again."""
        self._move(s, ticket, EventName.CLOSED, ticket.claimed_by)
        self._over(s, ticket, conversation)


def _short(note: str) -> str:
    return clean(note)[:LONGEST_NOTE]
