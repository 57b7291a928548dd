"""The roster as it is edited: what a change must be like, and that promises go by it from then on."""

from dataclasses import replace
from datetime import date, timedelta

from bot.desk.base import Base
from bot.errors import NotFound, Refused
from bot.roster import Roster, Shift, ShiftNote, Special, SpecialKind
from bot.store import Session

LONGEST_SHIFT_NOTE = 1000
_FURTHEST = timedelta(days=400)


class Rota(Base):
    """Who is on duty when. Every change is in force at once."""

    @property
    def roster(self) -> Roster:
        """As it stands."""
        return self.hours.roster

    def today(self) -> date:
        """The calendar's day in the library's time zone."""
        return self.clock.calendar().astimezone(self.hours.zone).date()

    def add_shift(self, shift: Shift) -> None:
        """A weekly shift, from `since` on. Refused: wrong_times, wrong_days, wrong_date (it cannot begin in the past)."""
        if shift.start >= shift.end:
            raise Refused("wrong_times")
        if not shift.days or not set(shift.days) <= set(range(7)):
            raise Refused("wrong_days")
        if not self.today() <= shift.since <= self.today() + _FURTHEST:
            raise Refused("wrong_date")

        def work(s: Session) -> Roster:
            self._known(s, shift.login)
            s.add_shift(replace(shift, days=tuple(sorted(set(shift.days)))))
            return s.roster()

        self._adopt(self.store.write(work).result())

    def end_shift(self, number: int) -> None:
        """Today is the first day without it."""

        def work(s: Session) -> Roster:
            if not s.end_shift(number, self.today() - timedelta(days=1)):
                raise NotFound(f"shift {number}")
            return s.roster()

        self._adopt(self.store.write(work).result())

    def add_special(self, special: Special) -> None:
        """What is different on one day, today at the earliest. Refused: wrong_date, wrong_times."""
        if not self.today() <= special.day <= self.today() + _FURTHEST:
            raise Refused("wrong_date")
        if special.kind is SpecialKind.ON and special.start >= special.end:
            raise Refused("wrong_times")

        def work(s: Session) -> Roster:
            if special.kind in (SpecialKind.ON, SpecialKind.OFF):
                self._known(s, special.login)
            s.add_special(special)
            return s.roster()

        self._adopt(self.store.write(work).result())

    def remove_special(self, number: int) -> None:
        """A day, today at the earliest, is as usual again."""

        def work(s: Session) -> Roster:
            if not s.remove_special(number, self.today()):
                raise NotFound(f"day {number}")
            return s.roster()

        self._adopt(self.store.write(work).result())

    def leave_note(self, author: str, text: str) -> None:
        """For the next shift, in place of the note before; '' takes it away."""
        note = ShiftNote(self.clock.now(), author, text.strip()[:LONGEST_SHIFT_NOTE])
        self.store.write(lambda s: s.add_shift_note(note)).result()

    def shift_note(self) -> ShiftNote | None:
        """What the last shift left."""
        return self.store.read(lambda s: s.shift_note())

    def _adopt(self, roster: Roster) -> None:
        self.hours = replace(self.hours, roster=roster)

    @staticmethod
    def _known(s: Session, login: str) -> None:
        account = s.librarian(login)
        if account is None or account.disabled:
            raise NotFound(f"account {login}")
