"""Who is on duty when: weekly shifts of people, and what is different on single days. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's weekly duty: weekdays 0 (Monday) to 6, local times. It holds from `since` to `until`, both included, so that the
    past keeps the duty it had."""

    id: int
    login: str
    days: tuple[int, ...]
    start: time
    end: time
    since: date
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


class SpecialKind(StrEnum):
    """CLOSED: nobody is on duty. EXTRA: a day worked as a Monday (调休). OFF: one person is away. ON: one person is there as well."""

    CLOSED = "closed"
    EXTRA = "extra"
    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Special:
    """What is different on one day; `login` for OFF and ON, times for ON."""

    id: int
    day: date
    kind: SpecialKind
    login: str = ""
    start: time = time(0)
    end: time = time(0)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """One person's hours on one day."""

    login: str
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class ShiftNote:
    """What somebody left for the next shift."""

    at: datetime
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Roster:
    """The duty table of people."""

    shifts: tuple[Shift, ...] = ()
    specials: tuple[Special, ...] = ()

    def decides(self, day: date) -> bool:
        """Whether it says anything about a day; otherwise the calendar of the settings does."""
        return any(shift.since <= day for shift in self.shifts) or any(special.day == day for special in self.specials)

    def on(self, day: date, *, closed: bool, weekday: int) -> tuple[Duty, ...]:
        """Everybody's hours on a day that the calendar calls `closed`, or worked as `weekday`; by time."""
        specials = [special for special in self.specials if special.day == day]
        kinds = {special.kind for special in specials}
        off = {special.login for special in specials if special.kind is SpecialKind.OFF}
        if SpecialKind.EXTRA in kinds:
            closed, weekday = False, 0
        regular = [shift for shift in self.shifts if shift.holds(day) and weekday in shift.days and shift.login not in off]
        there = [] if closed or SpecialKind.CLOSED in kinds else [Duty(shift.login, shift.start, shift.end) for shift in regular]
        there += [Duty(special.login, special.start, special.end) for special in specials if special.kind is SpecialKind.ON]
        return tuple(sorted(there, key=lambda duty: (duty.start, duty.end, duty.login)))
