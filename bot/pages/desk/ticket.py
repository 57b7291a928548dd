"""One ticket: the exchange, what the bot thought of it, and what its channel allows."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot import lookups
from bot.desk import Consultation, Desk
from bot.domain import Entry, Librarian, Message
from bot.errors import NotFound
from bot.messages import Language
from bot.pages.contexts import CandidateLine, TicketPage
from bot.pages.desk.queue import closes_in
from bot.pages.guard import signed_in
from bot.pages.render import Pages

_HELD_BACK = frozenset({"suggested", "switched_off"})


def mount(app: Sanic[Any, Any], pages: Pages, desk: Desk) -> None:
    """/desk/tickets/NUMBER."""

    @app.get("/desk/tickets/<number:int>", name="ticket")
    @signed_in(pages)
    async def ticket(request: Request, user: Librarian, number: int) -> HTTPResponse:
        try:
            return pages.render(request, page(pages, desk, request, desk.consultation(number)))
        except NotFound:
            return pages.notice(request, 404, pages.knowledge.phrase("desk.no_ticket", pages.frame(request).language, number=number))


def page(pages: Pages, desk: Desk, request: Request, consultation: Consultation, draft: str = "", error: str = "") -> TicketPage:
    """What a ticket's page shows."""
    frame, ticket, today = pages.frame(request), consultation.ticket, datetime.now(pages.zone).date()
    question, window = consultation.question(), desk.reach(consultation.conversation)
    found = question.prediction.candidates()[:3] if question.prediction and question.prediction.intent else ()
    intent = ticket.intent or (found[0].intent if found else "")
    spoken = consultation.conversation.language or frame.language
    form = desk.knowledge.form(ticket.intent, frame.language)
    labels = {each.name: each.label for each in form.fields} if form else {}
    return TicketPage(
        frame,
        ticket,
        desk.knowledge.title(intent, frame.language, today) if intent else "",
        consultation.conversation.address.connector,
        question,
        consultation.messages,
        tuple(CandidateLine(candidate, desk.knowledge.title(candidate.intent, frame.language, today)) for candidate in found),
        _draft(desk, intent, question, spoken, today),
        ticket.reason in _HELD_BACK,
        tuple((labels.get(name, name), value) for name, value in (*ticket.fields, *ticket.personal)),
        window,
        closes_in(window, desk.clock.now()),
        draft,
        error,
    )


def _draft(desk: Desk, intent: str, question: Message, spoken: Language, today: date) -> Entry | None:
    """What the bot would have said about a question; an answer from the tables where the question names something in them."""
    entities = question.prediction.entities if question.prediction else ()
    entry = desk.knowledge.choose(intent, spoken, today, entities)
    found = lookups.look_up(intent, entities, desk.knowledge, spoken)
    return replace(entry, answer=found.text, links=found.links) if entry and found else entry
