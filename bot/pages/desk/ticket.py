"""One ticket: the exchange, what the bot thought of it, what its channel allows, and who else is there."""

import asyncio
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse

from bot import lookups
from bot.desk import Consultation, Desk
from bot.domain import OUT_OF_SCOPE, Entry, Librarian, Message, QueueRow, Remark, Ticket
from bot.errors import NotFound
from bot.messages import Language, Who
from bot.pages.desk.contexts import CandidateLine, Colleagues, EarlierLine, FollowerLine, Item, Reach, TicketPage
from bot.pages.desk.pictures import shown
from bot.pages.desk.query import VIEWS, Query
from bot.pages.desk.workroom import Workroom, closes_in, people
from bot.pages.guard import signed_in

_HELD_BACK = frozenset({"suggested", "switched_off"})
_BEFORE = 12  # messages before the question that are shown without being asked for


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """/desk/tickets/NUMBER."""

    @app.get("/desk/tickets/<number:int>", name="ticket")
    @signed_in(room.pages)
    async def ticket(request: Request, user: Librarian, number: int) -> HTTPResponse:
        return await asyncio.to_thread(show, room, request, user, number)


def show(
    room: Workroom, request: Request, user: Librarian, number: int, *, draft: str = "", error: str = "", status: int = 200
) -> HTTPResponse:
    """A ticket's page; a 404 page when there is none. Whoever opens it has seen what they were told about it."""
    try:
        consultation = room.desk.consultation(number)
    except NotFound:
        return room.pages.notice(request, 404, room.say(request, "desk.no_ticket", number=number))
    room.desk.see_alerts(user.login, number)
    return room.pages.render(request, _page(room, request, user, consultation, draft, error), status)


def _page(room: Workroom, request: Request, user: Librarian, consultation: Consultation, draft: str, error: str) -> TicketPage:
    frame, desk, ticket, today = room.pages.frame(request), room.desk, consultation.ticket, datetime.now(room.pages.zone).date()
    question, pane = consultation.question(), room.pane(request, user, ticket.id)
    stamp = desk.stamp(ticket.id)
    found = question.prediction.candidates()[:3] if question.prediction and question.prediction.intent else ()
    intent = ticket.intent or (found[0].intent if found else "")
    spoken = consultation.conversation.language or frame.language
    form = desk.knowledge.form(ticket.intent, frame.language)
    labels = {each.name: each.label for each in form.fields} if form else {}
    visible, hidden = _shown(consultation.messages, ticket, everything=request.args.get("all") == "1")
    everybody, looking, held = room.colleagues(), room.presence.looking(), desk.held(ticket.id)
    held_for = max(0, round((held.due_at - desk.clock.now()).total_seconds())) if held else 0
    return TicketPage(
        frame, pane, ticket, room.title(intent if intent != OUT_OF_SCOPE else "", frame.language), question,
        _items(room, visible, desk.remarks(ticket.id)),
        tuple(CandidateLine(candidate, room.title(candidate.intent, frame.language)) for candidate in found),
        _draft(desk, intent, question, spoken, today), ticket.reason in _HELD_BACK, _reach(room, consultation),
        Colleagues(
            tuple(each for each in everybody if each.login != user.login), tuple(room.teams),
            people(looking, ticket.id, user.login, dict(pane.names)),
        ),
        fields=tuple((labels.get(name, name), value) for name, value in (*ticket.fields, *ticket.personal)),
        hidden=hidden, held=held, held_for=held_for,
        earlier=tuple(EarlierLine(each, room.title(each.intent, frame.language)) for each in desk.earlier(ticket)),
        followers=tuple(_follower(each) for each in desk.followers(ticket.id)), mine=_leaders(room, user, ticket, frame.language),
        draft=draft, error=error, stamp=stamp, lesson=desk.example_of(ticket.id), topics=room.topics(frame.language),
        taught=request.args.get("taught") == "1",
    )  # fmt: skip


def _shown(messages: tuple[Message, ...], ticket: Ticket, *, everything: bool) -> tuple[tuple[Message, ...], int]:
    """What is shown of an exchange at once: the question, what led to it, what came after; and how many messages that leaves out."""
    if everything:
        return messages, 0
    at = next((n for n, message in enumerate(messages) if message.id == ticket.question), 0)
    first = max(0, at - _BEFORE)
    return messages[first:], first


def _items(room: Workroom, messages: tuple[Message, ...], remarks: tuple[Remark, ...]) -> tuple[Item, ...]:
    """Messages in their order, each remark where it was made."""
    items = [*(item_of(room, message) for message in messages), *(Item(remark.at, remark=remark) for remark in remarks)]
    return tuple(sorted(items, key=lambda item: item.at))


def item_of(room: Workroom, message: Message) -> Item:
    """Something said, with the pictures in it that can be shown."""
    return Item(message.at, message, pictures=tuple(n for n, each in enumerate(message.attachments) if shown(each, room.picture_hosts)))


def _reach(room: Workroom, consultation: Consultation) -> Reach:
    connector, window = consultation.conversation.address.connector, room.desk.reach(consultation.conversation)
    group = room.desk.room_name(consultation.room) if consultation.room else ""
    return Reach(connector, room.desk.most_bytes(connector), window, closes_in(window, room.desk.clock.now()), group)


def _follower(consultation: Consultation) -> FollowerLine:
    said = [message.text for message in consultation.messages if message.who is Who.PATRON and message.id >= consultation.ticket.question]
    return FollowerLine(consultation.ticket, consultation.conversation.address.connector, said[-1] if said else "")


def _leaders(room: Workroom, user: Librarian, ticket: Ticket, language: Language) -> tuple[EarlierLine, ...]:
    """The tickets of one's own that this one could be answered together with."""
    rows: tuple[QueueRow, ...] = room.desk.sheet(Query(view="mine").selection(user.login, (), room.desk.clock.now()), size=30).rows
    return tuple(
        EarlierLine(row.ticket, room.title(row.ticket.intent, language) or row.text[:40])
        for row in rows
        if row.ticket.id != ticket.id and row.ticket.status in VIEWS["mine"]
    )


def _draft(desk: Desk, intent: str, question: Message, spoken: Language, today: date) -> Entry | None:
    """What the bot would have said about a question; an answer from the tables where the question names something in them."""
    entities = question.prediction.entities if question.prediction else ()
    entry = desk.knowledge.choose(intent, spoken, today, entities)
    found = lookups.look_up(intent, entities, desk.knowledge, spoken)
    return replace(entry, answer=found.text, links=found.links) if entry and found else entry
