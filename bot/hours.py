"""When librarians are on duty, and what may honestly be promised by it. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from bot.errors import WrongSetting
from bot.roster import Duty, Roster

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHIFT = re.compile(r"(\w{3})(?:-(\w{3}))?\s+(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
_FURTHEST = 60


@dataclass(frozen=True)
class DutyHours:
    """The duty table: weekly shifts, closed days, and working days moved to a weekend (调休, worked as a Monday). Where the `roster`
    of people says something about a day, it goes before the shifts."""

    timezone: str
    shifts: tuple[str, ...]
    closed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    roster: Roster = Roster()

    def __post_init__(self) -> None:
        """Parse eagerly, so that a wrong setting stops the start and not a question."""
        _ = self.week, self.closed_days, self.extra_days

    @cached_property
    def zone(self) -> ZoneInfo:
        """The library's time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def week(self) -> tuple[tuple[tuple[time, time], ...], ...]:
        """For each weekday, Monday first, its shifts in order."""
        days: list[list[tuple[time, time]]] = [[] for _ in _DAYS]
        for shift in self.shifts:
            match = _SHIFT.fullmatch(shift.strip().lower())
            if not match or match[1] not in _DAYS or (match[2] or match[1]) not in _DAYS:
                raise WrongSetting("calendar.duty", f"{shift!r} is not like 'mon-fri 08:30-12:00'")
            start, end = _clock(match[3]), _clock(match[4])
            if start >= end:
                raise WrongSetting("calendar.duty", f"{shift!r} ends before it starts")
            first, last = _DAYS.index(match[1]), _DAYS.index(match[2] or match[1])
            if first > last:
                raise WrongSetting("calendar.duty", f"{shift!r} ends before it starts; the week starts on mon")
            for number in range(first, last + 1):
                days[number].append((start, end))
        return tuple(tuple(sorted(day)) for day in days)

    @cached_property
    def closed_days(self) -> frozenset[date]:
        """Days without duty."""
        return frozenset(_days("calendar.closed", self.closed))

    @cached_property
    def extra_days(self) -> frozenset[date]:
        """Days worked as a Monday, whatever their weekday."""
        return frozenset(_days("calendar.extra", self.extra))

    def shifts_on(self, day: date) -> tuple[tuple[time, time], ...]:
        """The shifts of one day, in order."""
        if self.roster.decides(day):
            return tuple((duty.start, duty.end) for duty in self.people_on(day))
        if day in self.extra_days:
            return self.week[0]
        return () if day in self.closed_days else self.week[day.weekday()]

    def people_on(self, day: date) -> tuple[Duty, ...]:
        """Who is on duty on one day, by the roster."""
        worked_as = 0 if day in self.extra_days else day.weekday()
        return self.roster.on(day, closed=day in self.closed_days and day not in self.extra_days, weekday=worked_as)

    def people_at(self, now: datetime) -> tuple[str, ...]:
        """The logins of those on duty now, by the roster."""
        local = now.astimezone(self.zone)
        return tuple(duty.login for duty in self.people_on(local.date()) if duty.start <= local.time() < duty.end)

    def on_duty(self, now: datetime) -> bool:
        """Whether a librarian answers now."""
        local = now.astimezone(self.zone)
        return any(start <= local.time() < end for start, end in self.shifts_on(local.date()))

    def next_duty(self, now: datetime) -> datetime | None:
        """When the next shift begins, in local time; None when none does within two months."""
        local = now.astimezone(self.zone)
        for ahead in range(_FURTHEST):
            day = local.date() + timedelta(days=ahead)
            for start, _ in self.shifts_on(day):
                begins = datetime.combine(day, start, self.zone)
                if begins > local:
                    return begins
        return None


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text.zfill(5))
    except ValueError as error:
        raise WrongSetting("calendar.duty", f"{text} is not a time of day") from error


def _days(key: str, spans: tuple[str, ...]) -> Iterator[date]:
    for span in spans:
        first, _, last = span.partition("..")
        try:
            day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError as error:
            raise WrongSetting(key, f"{span!r} is not like '2026-10-01' or '2026-10-01..2026-10-08'") from error
        if day > end:
            raise WrongSetting(key, f"{span!r} ends before it starts")
        while day <= end:
            yield day
            day += timedelta(days=1)
