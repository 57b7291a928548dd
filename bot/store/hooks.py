"""Where replies hang on messages: which message still takes one, and under which number."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain import Parcel, Window
from bot.store import rows
from bot.store.base import Base

_OPEN = (
    "select m.id, m.external, m.open_until, m.open_quota - (select count(*) from hangings h where h.message = m.id) as places"
    " from messages m where m.conversation = ? and m.open_until > ?"
)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A place that was given to one part of a reply: its `number` among the replies to the message with the id `hook`.

    The message takes replies `until` then. `left` is how many parts find a place, this one included; `again` that the
    place was given to this very part before."""

    id: int
    hook: str
    number: int
    until: datetime
    left: int
    again: bool = False


class Hooks(Base):
    """The places of messages that replies hang on."""

    def hang(self, parcel: Parcel, part: int, now: datetime) -> Hanging | None:
        """The place for a part of a reply: the one it has, else one at the message it answers, else at the newest open one.

        None when no message of the asker takes a reply any more."""
        open_ = [row for row in self._rows(_OPEN, parcel.message.conversation, rows.stamp(now)) if row["places"] > 0]
        left = sum(row["places"] for row in open_)
        has = self._one(
            "select h.id, h.number, m.external, m.open_until from hangings h join messages m on m.id = h.message"
            " where h.parcel = ? and h.part = ? and m.open_until > ? order by h.id desc limit 1",
            parcel.id, part, rows.stamp(now),
        )  # fmt: skip
        if has:
            return _hanging(has["id"], has, has["number"], left + 1, again=True)
        if not open_:
            return None
        chosen = max(open_, key=lambda row: (row["external"] == parcel.answers, row["id"]))
        last = self._one("select coalesce(max(number), 0) as n from hangings where message = ?", chosen["id"])
        number = (last["n"] if last else 0) + 1
        given = self._insert("hangings", {"message": chosen["id"], "number": number, "parcel": parcel.id, "part": part})
        return _hanging(given, chosen, number, left)

    def give_up(self, hanging: Hanging, shut: datetime | None) -> None:
        """The platform does not take this place: its number is used up, and with `shut` the message takes no more at all."""
        self._db.conn.execute("update hangings set parcel = null, part = null where id = ?", (hanging.id,))
        if shut:
            self._db.conn.execute(
                "update messages set open_until = min(open_until, ?) where id = (select message from hangings where id = ?)",
                (rows.stamp(shut), hanging.id),
            )

    def places(self, conversation: int, now: datetime) -> Window:
        """How many replies find a place at messages of this conversation, and until when."""
        open_ = [row for row in self._rows(_OPEN, conversation, rows.stamp(now)) if row["places"] > 0]
        if open_:
            return Window(sum(row["places"] for row in open_), rows.moment(max(row["open_until"] for row in open_)))
        last = self._one("select max(open_until) as at from messages where conversation = ?", conversation)
        return Window(0, rows.moment(last["at"]) if last else None)


def _hanging(number: int, row: rows.Row, place: int, left: int, again: bool = False) -> Hanging:
    return Hanging(number, row["external"], place, datetime.fromisoformat(row["open_until"]), left, again)
