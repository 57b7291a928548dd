"""Askers who are shut out for a time."""

from dataclasses import replace
from datetime import datetime

from bot.domain import Block
from bot.store import rows
from bot.store.base import Base

_IN_FORCE = "lifted_at is null and until > ?"


class Blocks(Base):
    """Blocks, kept after they have ended."""

    def add_block(self, block: Block) -> Block:
        """Shut somebody out; an earlier block of theirs ends."""
        self._db.conn.execute(
            f"update blocks set lifted_at = ?, lifted_by = ? where visitor = ? and {_IN_FORCE}",
            (rows.stamp(block.begun_at), block.librarian, block.visitor, rows.stamp(block.begun_at)),
        )
        values = {
            "visitor": block.visitor, "connector": block.connector, "begun_at": rows.stamp(block.begun_at),
            "until": rows.stamp(block.until), "reason": block.reason, "librarian": block.librarian, "ticket": block.ticket,
        }  # fmt: skip
        return replace(block, id=self._insert("blocks", values))

    def block_of(self, visitor: str, now: datetime) -> Block | None:
        """What shuts an asker out now."""
        row = self._one(f"select * from blocks where visitor = ? and {_IN_FORCE} order by id desc limit 1", visitor, rows.stamp(now))
        return _block(row) if row else None

    def blocks(self, now: datetime) -> tuple[Block, ...]:
        """All that are in force, the first to end before the others."""
        return tuple(_block(row) for row in self._rows(f"select * from blocks where {_IN_FORCE} order by until, id", rows.stamp(now)))

    def lift_block(self, number: int, librarian: str, now: datetime) -> bool:
        """End a block early; False when it is not in force."""
        at = rows.stamp(now)
        changed = self._db.conn.execute(
            f"update blocks set lifted_at = ?, lifted_by = ? where id = ? and {_IN_FORCE}", (at, librarian, number, at)
        )
        return bool(changed.rowcount)


def _block(row: rows.Row) -> Block:
    begun, until = rows.moment(row["begun_at"]), rows.moment(row["until"])
    assert begun
    assert until
    return Block(row["id"], row["visitor"], row["connector"], begun, until, row["reason"], row["librarian"], row["ticket"])
