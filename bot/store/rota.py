"""The roster: weekly shifts, single days, and the notes that one shift leaves for the next."""

from datetime import date, time

from bot.roster import Roster, Shift, ShiftNote, Special, SpecialKind
from bot.store import rows
from bot.store.base import Base


class Rota(Base):
    """Who is on duty when."""

    def roster(self) -> Roster:
        """Every shift and single day, past ones too: figures are counted with the duty of their time."""
        shifts = self._rows("select * from shifts order by login, start, id")
        specials = self._rows("select * from specials order by day, id")
        return Roster(tuple(_shift(row) for row in shifts), tuple(_special(row) for row in specials))

    def add_shift(self, shift: Shift) -> int:
        """Store a new shift; returns its number."""
        return self._insert(
            "shifts",
            {
                "login": shift.login, "days": "".join(map(str, shift.days)), "start": f"{shift.start:%H:%M}",
                "end": f"{shift.end:%H:%M}", "since": shift.since.isoformat(), "until": shift.until and shift.until.isoformat(),
            },
        )  # fmt: skip

    def end_shift(self, number: int, last: date) -> bool:
        """A shift holds for the last time on a day; one that never held is removed. False when there is none."""
        removed = self._db.conn.execute("delete from shifts where id = ? and since > ?", (number, last.isoformat())).rowcount
        ended = self._db.conn.execute("update shifts set until = ? where id = ? and until is null", (last.isoformat(), number)).rowcount
        return bool(removed or ended)

    def add_special(self, special: Special) -> int:
        """Store what is different on one day; returns its number."""
        return self._insert(
            "specials",
            {
                "day": special.day.isoformat(), "kind": special.kind.value, "login": special.login,
                "start": f"{special.start:%H:%M}", "end": f"{special.end:%H:%M}", "note": special.note,
            },
        )  # fmt: skip

    def remove_special(self, number: int, today: date) -> bool:
        """A day is as usual again; days that are over stay as they were. False when there is none."""
        return bool(self._db.conn.execute("delete from specials where id = ? and day >= ?", (number, today.isoformat())).rowcount)

    def add_shift_note(self, note: ShiftNote) -> None:
        """Leave a note; an empty one says that nothing is left to say."""
        self._insert("shift_notes", {"at": rows.stamp(note.at), "author": note.author, "text": note.text})

    def shift_note(self) -> ShiftNote | None:
        """The newest note, unless it is empty."""
        row = self._one("select * from shift_notes order by id desc limit 1")
        at = rows.moment(row["at"]) if row else None
        return ShiftNote(at, row["author"], row["text"]) if row and at and row["text"] else None


def _shift(row: rows.Row) -> Shift:
    days, until = tuple(int(day) for day in row["days"]), row["until"]
    return Shift(
        row["id"], row["login"], days, time.fromisoformat(row["start"]), time.fromisoformat(row["end"]),
        date.fromisoformat(row["since"]), date.fromisoformat(until) if until else None,
    )  # fmt: skip


def _special(row: rows.Row) -> Special:
    return Special(
        row["id"], date.fromisoformat(row["day"]), SpecialKind(row["kind"]), row["login"],
        time.fromisoformat(row["start"]), time.fromisoformat(row["end"]), row["note"],
    )  # fmt: skip
