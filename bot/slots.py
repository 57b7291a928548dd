"""Days and hours as people write them ("周三下午", "12月1日 10:00", "tomorrow morning"), and those that can still be had. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.hours import DutyHours
from bot.messages import Language
from bot.roster import SpecialKind
from bot.text import normalise

MOST_OFFERED = 6
_FURTHEST = timedelta(days=30)
_HALF_A_YEAR = timedelta(days=183)
_AHEAD = (
    ("大后天", 3),
    ("后天", 2),
    ("明天", 1),
    ("明日", 1),
    ("今天", 0),
    ("今日", 0),
    ("day after tomorrow", 2),
    ("tomorrow", 1),
    ("today", 0),
)
_WEEKDAY = re.compile(r"(下)?(?:周|星期|礼拜)([一二三四五六日天])|\b(next )?(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?\b")
_ENGLISH = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DATE = re.compile(r"(?<![\d/.-])(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?(?![\d/.-])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*\.? (\d{{1,2}})\b|\b(\d{{1,2}})(?:st|nd|rd|th)? ({'|'.join(_MONTHS)})[a-z]*")
_TIME = re.compile(r"(上午|早上|下午|晚上|傍晚)?\s*(\d{1,2})\s*(?:[:时]\s*(\d{2})|点\s*(半|\d{1,2})?分?|(?=\s*[ap]m))\s*(am|pm)?")
_MORNING, _AFTERNOON = re.compile(r"上午|早上|morning|\bam\b"), re.compile(r"下午|afternoon|\bpm\b")


@dataclass(frozen=True, slots=True)
class Almanac:
    """What day and time it is at the library (aware, in its time zone), and on which days it is closed."""

    now: datetime
    hours: DutyHours


@dataclass(frozen=True, slots=True)
class Slot:
    """A span of one day, in the library's time."""

    begins: datetime
    ends: datetime

    def title(self, language: Language) -> str:
        """How it is offered, and how it is stored."""
        day = self.begins
        if language is Language.EN:
            return f"{day:%a} {day.day} {day:%b} {day:%H:%M}–{self.ends:%H:%M}"
        weekday, begins, ends = "一二三四五六日"[day.weekday()], f"{day.hour}:{day:%M}", f"{self.ends.hour}:{self.ends:%M}"
        return f"{day.month}月{day.day}日 周{weekday} {begins}–{ends}"  # as short as it can be: it has to fit a line of a phone


def upcoming(shifts: tuple[str, ...], almanac: Almanac, most: int = MOST_OFFERED) -> tuple[Slot, ...]:
    """The next spans of a weekly table (as calendar.duty) that have not begun yet."""
    hours, found = _table(shifts, almanac), list[Slot]()
    for ahead in range(_FURTHEST.days):
        found += _free(hours, almanac, almanac.now.date() + timedelta(days=ahead))
        if len(found) >= most:
            break
    return tuple(found[:most])


def meant(text: str, shifts: tuple[str, ...], almanac: Almanac) -> Slot | None:
    """The span that somebody means; None when the day is past, closed, too far away or not told, or the time is not served."""
    day = day_in(text, almanac.now.date())
    if day is None or day - almanac.now.date() > _FURTHEST:
        return None
    free = tuple(_free(_table(shifts, almanac), almanac, day))
    text = _without_day(normalise(text))
    if at := _time_in(text):
        return next((slot for slot in free if slot.begins.time() <= at < slot.ends.time()), None)
    if _MORNING.search(text):
        free = tuple(slot for slot in free if slot.begins.hour < 12)
    elif _AFTERNOON.search(text):
        free = tuple(slot for slot in free if slot.begins.hour >= 12)
    return free[0] if len(free) == 1 else None


def day_in(text: str, today: date) -> date | None:
    """The day that a text names, today or later; without a year, the next one within half a year."""
    text = normalise(text)
    for word, ahead in _AHEAD:
        if word in text:
            return today + timedelta(days=ahead)
    if match := _WEEKDAY.search(text):
        wanted = "一二三四五六日".index(match[2].replace("天", "日")) if match[2] else _ENGLISH.index(match[4])
        monday = today - timedelta(days=today.weekday())
        if match[1] or match[3]:
            return monday + timedelta(days=7 + wanted)
        return today + timedelta(days=(wanted - today.weekday()) % 7)
    if named := _NAMED.search(text):
        return _dated("", _MONTHS.index(named[1] or named[4]) + 1, int(named[2] or named[3]), today)
    match = _DATE.search(text)
    return _dated(match[1], int(match[2]), int(match[3]), today) if match else None


def _dated(year: str | None, month: int, number: int, today: date) -> date | None:
    try:
        day = date(int(year) if year else today.year, month, number)
        if not year and day < today and (later := date(today.year + 1, month, number)) - today <= _HALF_A_YEAR:
            day = later
    except ValueError:
        return None
    return day if day >= today else None


def _without_day(text: str) -> str:
    """So that the 12-01 of a date is not taken for a time."""
    return _WEEKDAY.sub(" ", _NAMED.sub(" ", _DATE.sub(" ", text)))


def _time_in(text: str) -> time | None:
    match = _TIME.search(text)
    if match is None:
        return None
    hour, minute = int(match[2]), 30 if match[4] == "半" else int(match[3] or match[4] or 0)
    late = match[1] in ("下午", "晚上", "傍晚") or match[5] == "pm" or (match[1] is None and match[5] is None and _AFTERNOON.search(text))
    hour += 12 if late and hour < 12 else 0
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _table(shifts: tuple[str, ...], almanac: Almanac) -> DutyHours:
    """The weekly table on the library's days: closed and moved ones as the calendar and the roster have them, people's hours aside."""
    hours, specials = almanac.hours, almanac.hours.roster.specials
    moved = tuple(special.day.isoformat() for special in specials if special.kind is SpecialKind.EXTRA)
    shut = tuple(special.day.isoformat() for special in specials if special.kind is SpecialKind.CLOSED)
    extra = tuple(day.isoformat() for day in sorted(hours.extra_days) if day.isoformat() not in shut)
    return DutyHours(hours.timezone, shifts, (*hours.closed, *shut), (*extra, *moved))


def _free(hours: DutyHours, almanac: Almanac, day: date) -> Iterator[Slot]:
    for start, end in hours.shifts_on(day):
        begins = datetime.combine(day, start, almanac.now.tzinfo)
        if begins > almanac.now:
            yield Slot(begins, datetime.combine(day, end, almanac.now.tzinfo))
