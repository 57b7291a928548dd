"""What a librarian looks at, as the address of the page says it: view, order, filters, words and page."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sanic import Request

from bot.desk import OPEN
from bot.domain import Selection, TicketStatus

VIEWS: Mapping[str, tuple[TicketStatus, ...]] = {
    "waiting": (TicketStatus.WAITING,), "mine": OPEN, "all": OPEN, "closed": (TicketStatus.CLOSED,),
}  # fmt: skip
AGES: Mapping[str, timedelta] = {
    "hour": timedelta(hours=1), "hours": timedelta(hours=4), "day": timedelta(days=1), "week": timedelta(days=7),
}  # fmt: skip
_LONGEST = 200
_FURTHEST_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Query:
    """The query of an address; what is not said has these values."""

    view: str = "waiting"
    sort: str = "age"
    channel: str = ""
    topic: str = ""
    college: str = ""
    language: str = ""
    age: str = ""
    q: str = ""
    page: int = 1

    @property
    def closing(self) -> bool:
        """Whether what closes first comes first."""
        return self.sort == "closing"

    @property
    def filters(self) -> int:
        """How many filters are set."""
        return sum(bool(value) for value in (self.channel, self.topic, self.college, self.language, self.age))

    def link(self, path: str = "/desk", **changes: object) -> str:
        """An address with this query, after some changes; another view or filter begins at its first page."""
        now = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        usual = Query()
        said = {each.name: getattr(now, each.name) for each in fields(self) if getattr(now, each.name) != getattr(usual, each.name)}
        return f"{path}?{urlencode(said)}" if said else path

    def here(self, path: str) -> str:
        """An address with the same query, page and all."""
        return self.link(path, page=self.page)

    def selection(self, login: str, teams: tuple[str, ...], now: datetime) -> Selection:
        """The tickets that are looked at."""
        mine = self.view == "mine"
        return Selection(
            VIEWS[self.view], login if mine else "", teams if mine else (), self.channel, self.topic, self.college, self.language,
            now - AGES[self.age] if self.age else None,
        )  # fmt: skip


def asked(request: Request) -> Query:
    """The query of a request; what makes no sense is as if it were not said."""

    def said(name: str) -> str:
        return str(request.args.get(name) or "").strip()[:_LONGEST]

    view, age, page = said("view"), said("age"), said("page")
    return Query(
        view if view in VIEWS else "waiting", "closing" if said("sort") == "closing" else "age", said("channel"), said("topic"),
        said("college"), said("language") if said("language") in ("zh", "en") else "", age if age in AGES else "", said("q"),
        min(max(int(page), 1), _FURTHEST_PAGE) if page.isascii() and page.isdecimal() else 1,
    )  # fmt: skip
