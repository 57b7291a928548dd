"""From a request to a query, and what a wrong one is told."""

from datetime import datetime

from sanic import Request

from bot.desk import Desk
from bot.errors import Refused
from bot.labels import Labels
from bot.pages.render import Pages
from bot.reports import Query, parse


def given(request: Request) -> dict[str, str]:
    """The parameters of an address; of one that is given twice, the first."""
    return {name: str(request.args.get(name)) for name in request.args}


def asked(request: Request, pages: Pages) -> tuple[Query, str]:
    """The query, and what is wrong with it; the last 30 days take the place of a wrong one."""
    today = datetime.now(pages.zone).date()
    try:
        return parse(given(request), today), ""
    except Refused as refusal:
        return parse({}, today), pages.knowledge.phrase(f"reports.{refusal}", pages.frame(request).language)


def labels(request: Request, pages: Pages, desk: Desk) -> Labels:
    """Words for this visitor."""
    today = datetime.now(pages.zone).date()
    names = {person.login: person.name or person.login for person in desk.store.read(lambda s: s.librarians())}
    return Labels(desk.knowledge, pages.frame(request).language, today, names=names, rooms=desk.room_name)
