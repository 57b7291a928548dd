"""Conversations: one for each asker in each place."""

from dataclasses import replace

from bot.domain import Conversation
from bot.errors import NotFound
from bot.messages import Address
from bot.store import rows
from bot.store.base import Base


class Conversations(Base):
    """What is remembered of askers."""

    def conversation(self, address: Address, visitor: str) -> Conversation:
        """The conversation at an address, begun if there is none yet."""
        found = self.existing_conversation(address)
        if found:
            return found
        new = Conversation(0, address, visitor)
        number = self._insert(
            "conversations",
            {"connector": address.connector, "user": address.user, "room": address.room, "visitor": visitor, "state": new.state.value},
        )
        return self.save_conversation(replace(new, id=number))

    def existing_conversation(self, address: Address) -> Conversation | None:
        """The conversation at an address, if one was begun."""
        row = self._one(
            "select * from conversations where connector = ? and user = ? and room = ?", address.connector, address.user, address.room
        )
        return rows.conversation_of(row) if row else None

    def conversation_by_id(self, number: int) -> Conversation:
        """A conversation by its number."""
        row = self._one("select * from conversations where id = ?", number)
        if row is None:
            raise NotFound(f"conversation {number}")
        return rows.conversation_of(row)

    def conversations_of(self, visitor: str) -> tuple[Conversation, ...]:
        """Everywhere that one asker has written."""
        return tuple(rows.conversation_of(row) for row in self._rows("select * from conversations where visitor = ?", visitor))

    def save_conversation(self, conversation: Conversation) -> Conversation:
        """Remember a conversation as it is now."""
        self._db.conn.execute(
            "update conversations set state = ?, ticket = ?, memory = ?, last_at = ? where id = ?",
            (
                conversation.state.value,
                conversation.ticket,
                rows.CONVERSATION.dump_json(conversation).decode(),
                rows.stamp(conversation.last_at),
                conversation.id,
            ),
        )
        self.changed.add(conversation.id)
        return conversation

    def in_room(self, connector: str, room: str) -> tuple[Conversation, ...]:
        """Every conversation in a group."""
        found = self._rows("select * from conversations where connector = ? and room = ? order by id", connector, room)
        return tuple(rows.conversation_of(row) for row in found)
