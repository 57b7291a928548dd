"""What all pages of the desk work with, and the list of tickets that stands beside each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sanic import Request

from bot.desk import Desk
from bot.domain import OUT_OF_SCOPE, Hit, Librarian, QueueRow, Tally, Window
from bot.live import Hub
from bot.messages import Language, Who
from bot.pages.desk.contexts import Filter, HitLine, Pane, Person, QueueLine
from bot.pages.desk.query import AGES, Query, asked
from bot.pages.render import Pages
from bot.presence import Looker, Presence
from bot.text import normalise

PAGE_SIZE = 50
_AROUND = 16
_FEW = 3


@dataclass(frozen=True)
class Workroom:
    """The desk and its pages; `teams` are topic teams with the logins of their members, `undo` is how long a reply can be taken back,
    `picture_hosts` are where pictures of patrons are fetched from."""

    pages: Pages
    desk: Desk
    hub: Hub
    presence: Presence
    teams: Mapping[str, tuple[str, ...]]
    undo: timedelta
    picture_hosts: tuple[str, ...] = ()

    def say(self, request: Request, phrase: str, **values: object) -> str:
        """A sentence in the language of the page."""
        return self.pages.knowledge.phrase(phrase, self.pages.frame(request).language, **values)

    def title(self, intent: str, language: Language) -> str:
        """The name of a topic; '' for none."""
        if intent == OUT_OF_SCOPE:
            return self.pages.knowledge.phrase("reason.out_of_scope", language)
        return self.desk.knowledge.title(intent, language, datetime.now(self.pages.zone).date()) if intent else ""

    def topics(self, language: Language) -> tuple[tuple[str, str], ...]:
        """Every intent with its name, by name; what is out of scope last."""
        named = sorted(((intent, self.title(intent, language)) for intent in self.desk.answering.kinds), key=lambda pair: pair[1])
        return (*named, (OUT_OF_SCOPE, self.title(OUT_OF_SCOPE, language)))

    def teams_of(self, login: str) -> tuple[str, ...]:
        """The topic teams that somebody belongs to."""
        return tuple(team for team, members in self.teams.items() if login in members)

    def counts(self, tally: Tally, login: str) -> tuple[tuple[str, int], ...]:
        """How many tickets are waiting, mine (those of my teams included), and open."""
        teams = self.teams_of(login)
        mine = sum(n for who, n in tally.mine if who == login) + sum(n for team, n in tally.teams if team in teams)
        return ("waiting", tally.waiting), ("mine", mine), ("all", tally.open)

    def colleagues(self) -> tuple[Person, ...]:
        """Everybody with an account, those online first."""
        online = self.presence.online()
        accounts = self.desk.store.read(lambda s: s.librarians())
        known = (Person(each.login, each.name or each.login, each.login in online) for each in accounts if not each.disabled)
        return tuple(sorted(known, key=lambda person: (not person.online, person.name)))

    def pane(self, request: Request, user: Librarian, current: int = 0) -> Pane:
        """The list of tickets as the query of this request wants it."""
        query, language, tally = asked(request), self.pages.frame(request).language, self.desk.tally()
        names = self.desk.store.read(lambda s: tuple((each.login, each.name or each.login) for each in s.librarians()))
        pane = Pane(
            query, self.counts(tally, user.login), self._filters(query, language), names,
            alerts=self.desk.alerts(user.login), held=self.desk.held_by(user.login), current=current, stamp=tally.stamp,
        )  # fmt: skip
        return self._searched(pane) if query.q else self._listed(pane, user, language)

    def _searched(self, pane: Pane) -> Pane:
        """With what was found, and with what may have been meant where that is little."""
        query = pane.query
        found = self.desk.search(query.q, channel=query.channel, language=query.language, page=query.page, size=PAGE_SIZE)
        suggested = self.desk.suggest(query.q) if len(found) < _FEW and query.page == 1 else ()
        hits = tuple(_hit(hit, query.q) for hit in found[:PAGE_SIZE])
        return replace(pane, hits=hits, total=len(hits), suggestions=suggested, more=len(found) > PAGE_SIZE)

    def _listed(self, pane: Pane, user: Librarian, language: Language) -> Pane:
        """With a page of tickets."""
        query, now = pane.query, self.desk.clock.now()
        selection = query.selection(user.login, self.teams_of(user.login), now)
        sheet = self.desk.sheet(selection, closing=query.closing, page=query.page, size=PAGE_SIZE)
        looking, known, last = self.presence.looking(), dict(pane.names), max(1, -(-sheet.total // PAGE_SIZE))
        lines = tuple(self._line(row, language, now, people(looking, row.ticket.id, user.login, known)) for row in sheet.rows)
        return replace(pane, lines=lines, total=sheet.total, pages=last, more=query.page < last)

    def _line(self, row: QueueRow, language: Language, now: datetime, lookers: tuple[Person, ...]) -> QueueLine:
        waited = int((now - row.ticket.opened_at).total_seconds() // 60)
        news = row.last_who is Who.PATRON and row.ticket.answered_at is not None
        return QueueLine(row, self.title(row.ticket.intent, language), waited, closes_in(row.window, now), news, lookers)

    def _filters(self, query: Query, language: Language) -> tuple[Filter, ...]:
        def name(kind: str, value: str) -> str:
            if kind == "topic":
                return self.title(value, language) or value
            return value if kind == "college" else self.pages.knowledge.phrase(f"{kind}.{value}", language)

        found = [
            Filter(kind, getattr(query, kind), tuple((value, name(kind, value), n) for value, n in values))
            for kind, values in self.desk.choices().items()
        ]
        ages = tuple((age, self.pages.knowledge.phrase(f"queue.age_{age}", language), 0) for age in AGES)
        return (*found, Filter("age", query.age, ages))


def people(looking: Mapping[int, tuple[Looker, ...]], ticket: int, me: str, names: Mapping[str, str]) -> tuple[Person, ...]:
    """Who else has a ticket open."""
    return tuple(
        Person(each.login, names.get(each.login, each.login), True, each.typing) for each in looking.get(ticket, ()) if each.login != me
    )


def closes_in(window: Window | None, now: datetime) -> int:
    """Seconds until nothing can be pushed any more; 0 when that is so already, or never."""
    if window is None or window.closes_at is None or window.left == 0:
        return 0
    return max(0, int((window.closes_at - now).total_seconds()))


def _hit(hit: Hit, words: str) -> HitLine:
    """The words around the first one that was found."""
    text = " ".join(hit.text.split())
    at, length = _place(text, words)
    start = max(0, at - _AROUND) if length else 0
    before = ("…" if start else "") + text[start:at]
    return HitLine(hit, before, text[at : at + length], text[at + length : at + length + 8 * _AROUND])


def _place(text: str, words: str) -> tuple[int, int]:
    """Where the first of the words stands; normalised letter by letter, so that places stay the same."""
    plain = "".join(normalise(letter)[:1] or letter for letter in text)
    for word in words.split():
        wanted = "".join(normalise(letter)[:1] or letter for letter in word)
        if (at := plain.find(wanted)) >= 0:
            return at, len(wanted)
    return 0, 0
