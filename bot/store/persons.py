"""Who is one person: a member of a group under the user id that they have in private, and everything that is theirs."""

from dataclasses import replace
from datetime import datetime

from bot.domain import Conversation, ConversationState
from bot.messages import Address
from bot.store import rows
from bot.store.conversations import Conversations

_THEIRS = ("messages", "tickets", "pushes")


class Persons(Conversations):
    """Ids that lead to the same person."""

    def known_as(self, address: Address) -> Address:
        """The address with the user id under which its person is known in private."""
        row = self._one("select known_as from persons where connector = ? and user = ?", address.connector, address.user)
        return replace(address, user=row["known_as"]) if row else address

    def is_person(self, member: Address, friend: Address) -> None:
        """From now on a member is known as this friend."""
        self._db.conn.execute(
            "insert into persons (connector, user, known_as) values (?, ?, ?)"
            " on conflict (connector, user) do update set known_as = excluded.known_as",
            (member.connector, member.user, friend.user),
        )

    def join(self, one: Conversation, other: Conversation) -> Conversation:
        """What was said and asked in one conversation belongs to the other; an open ticket is the other's too, if it has none."""
        for table in _THEIRS:
            self._db.conn.execute(f"update {table} set conversation = ? where conversation = ?", (other.id, one.id))
        if one.state is not ConversationState.BOT and other.state is ConversationState.BOT:
            other = replace(other, state=one.state, ticket=one.ticket, language=other.language or one.language)
        self.save_conversation(replace(one, state=ConversationState.BOT, ticket=0, question=0, options=(), form=None))
        return self.save_conversation(other)

    def give_code(self, code: str, friend: Address, now: datetime, until: datetime) -> None:
        """With this code a member of a group shows to be this friend; an earlier one of theirs ends."""
        self._db.conn.execute(
            "delete from person_codes where until <= ? or (connector = ? and user = ?)", (rows.stamp(now), friend.connector, friend.user)
        )
        self._insert("person_codes", {"code": code, "connector": friend.connector, "user": friend.user, "until": rows.stamp(until)})

    def use_code(self, code: str, connector: str, now: datetime) -> Address | None:
        """The friend whose code this is, once; None when it is nobody's any more."""
        row = self._one("select user from person_codes where code = ? and connector = ? and until > ?", code, connector, rows.stamp(now))
        self._db.conn.execute("delete from person_codes where code = ? and connector = ?", (code, connector))
        return Address(connector, row["user"]) if row else None
