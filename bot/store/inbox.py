"""What platforms brought: kept until it is dealt with, and known for ever, so that it is dealt with once."""

from datetime import datetime

from bot.connector import Kept
from bot.store import rows
from bot.store.base import Base


class Inbox(Base):
    """Things that were acknowledged before anything was done about them."""

    def keep(self, connector: str, external: str, body: str, at: datetime) -> bool:
        """Store one; False when it came before."""
        done = self._db.conn.execute(
            "insert into inbox (connector, external, body, at) values (?, ?, ?, ?) on conflict (connector, external) do nothing",
            (connector, external, body, rows.stamp(at)),
        )
        return done.rowcount > 0

    def kept(self, connector: str) -> tuple[Kept, ...]:
        """All that was not dealt with, in the order in which it came."""
        found = self._rows("select external, body from inbox where connector = ? and not done order by id", connector)
        return tuple(Kept(row["external"], row["body"]) for row in found)

    def done(self, connector: str, external: str) -> None:
        """It was dealt with; only its id is kept."""
        self._db.conn.execute("update inbox set done = 1, body = '' where connector = ? and external = ?", (connector, external))
