"""Examples: words labelled with an intent, waiting for a librarian's review."""

from datetime import datetime

from bot.domain import Example
from bot.store import rows
from bot.store.base import Base

AWAITING = "awaiting"


class Examples(Base):
    """What could be learned from."""

    def add_example(self, example: Example, conversation: int, at: datetime) -> None:
        """Keep an example for review; the same words with the same label are kept once while they wait."""
        known = self._one(
            "select 1 from examples where text = ? and intent = ? and status = ?", example.text, example.intent, example.status
        )
        if known is None:
            values = {"text": example.text, "intent": example.intent, "source": example.source, "question": example.question}
            self._insert("examples", {**values, "conversation": conversation, "status": example.status, "at": rows.stamp(at)})

    def examples(self, status: str = AWAITING, limit: int = 200) -> tuple[Example, ...]:
        """Examples in this state, oldest first."""
        found = self._rows("select * from examples where status = ? order by id limit ?", status, limit)
        return tuple(
            Example(row["text"], row["intent"], row["source"], row["question"], row["status"], row["id"], rows.moment(row["at"]))
            for row in found
        )

    def review_example(self, number: int, status: str) -> None:
        """Note what a librarian decided about an example."""
        self._db.conn.execute("update examples set status = ? where id = ?", (status, number))
