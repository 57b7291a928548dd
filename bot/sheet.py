"""Requests as a table that other programs read. What says who an asker is stays covered unless it is asked for. Pure."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.domain import Ticket
from bot.export import cell
from bot.knowledge import Knowledge
from bot.messages import Language


@dataclass(frozen=True, slots=True)
class Line:
    """One request: its form's title, when it was sent (local), its state and fields under their labels."""

    number: int
    title: str
    sent: str
    status: str
    holder: str
    fields: tuple[tuple[str, str], ...]


def covered_of(value: str) -> str:
    """A value with all but its last two characters covered; of an e-mail address, its first letter and its host are left."""
    name, at, host = value.partition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return "*" * max(len(value) - 2, 3) + (value[-2:] if len(value) > 4 else "")


def lines(
    tickets: Iterable[Ticket], knowledge: Knowledge, language: Language, zone: ZoneInfo, *, personal: bool = False
) -> tuple[Line, ...]:
    """Requests as people read them."""
    return tuple(_line(ticket, knowledge, language, zone, personal=personal) for ticket in tickets)


def _line(ticket: Ticket, knowledge: Knowledge, language: Language, zone: ZoneInfo, *, personal: bool) -> Line:
    form = knowledge.form(ticket.intent, language)
    order = [field.name for field in form.fields] if form else []
    labels = {field.name: field.label for field in form.fields} if form else {}
    private = ((name, value if personal or not value else covered_of(value)) for name, value in ticket.personal)
    answers = sorted((*ticket.fields, *private), key=lambda answer: order.index(answer[0]) if answer[0] in order else len(order))
    return Line(
        ticket.id, form.title if form else ticket.intent, f"{ticket.opened_at.astimezone(zone):%Y-%m-%d %H:%M}",
        knowledge.phrase(f"status.{ticket.status}", language), ticket.claimed_by,
        tuple((labels.get(name, name), value) for name, value in answers),
    )  # fmt: skip


def to_csv(shown: Iterable[Line], knowledge: Knowledge, language: Language) -> str:
    """One line a request, one column for each field that any of them has; what a spreadsheet would run as a formula is quoted."""
    shown = tuple(shown)
    columns = tuple(dict.fromkeys(label for line in shown for label, _ in line.fields))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    heads = (knowledge.phrase(f"requests.{name}", language) for name in ("number", "form", "sent", "status", "holder"))
    writer.writerow([*heads, *columns])
    for line in shown:
        values = dict(line.fields)
        known = (str(line.number), line.title, line.sent, line.status, line.holder)
        writer.writerow([cell(value) for value in (*known, *(values.get(column, "") for column in columns))])
    return out.getvalue()
