"""The queue: which tickets a librarian sees, in which order, and all of them at a glance."""

import json
from collections import defaultdict
from datetime import datetime, timedelta

from bot.domain import Closing, QueueRow, Selection, Tally, TicketStatus
from bot.messages import Who
from bot.store import rows
from bot.store.base import Base

_PAGE = (
    "select t.*, m.text as asked, c.connector, l.who as last_who, l.at as last_at,"
    " (select count(*) from tickets f where f.joined = t.id and f.joined != 0 and f.status != 'closed') as followers"
    " from json_each(?) p join tickets t on t.id = p.value"
    " join messages m on m.id = t.question join conversations c on c.id = t.conversation"
    " left join messages l on l.id ="
    "   (select max(id) from messages n where n.conversation = t.conversation and n.ticket = t.id and n.who != 'bot')"
    " order by p.key"
)


class Queue(Base):
    """Pages of tickets."""

    def ticket_numbers(self, selection: Selection, *, limit: int = 200, offset: int = 0) -> tuple[int, ...]:
        """The tickets of a selection: urgent ones first, oldest first; what is closed, newest first."""
        where, values = _where(selection)
        order = "t.closed_at desc, t.id desc" if selection.statuses == (TicketStatus.CLOSED,) else "t.urgent desc, t.opened_at, t.id"
        sql = f"select t.id from tickets t join conversations c on c.id = t.conversation {where} order by {order} limit ? offset ?"
        return tuple(row["id"] for row in self._rows(sql, *values, limit, offset))

    def closing_numbers(self, selection: Selection, channels: tuple[Closing, ...], now: datetime) -> tuple[int, ...]:
        """The same tickets, all of them: urgent ones first, then those whose channel closes next, then the rest by age."""
        where, values = _where(selection)
        known = {channel.connector: channel for channel in channels}
        words = "from messages m where m.conversation = t.conversation and m.who = 'patron' and m.tap = 0"
        found = self._rows(
            "select *, (select count(*) from pushes p where p.conversation = x.conversation and p.at >= x.said) as pushed from"
            f" (select t.id, t.conversation, t.opened_at, c.connector, 1 - t.urgent as first, (select max(m.at) {words}) as said,"
            f" (select max(m.open_until) {words}) as shuts from tickets t join conversations c on c.id = t.conversation {where}) x",
            *values,
        )
        return tuple(row["id"] for row in sorted(found, key=lambda row: _closes(row, known.get(row["connector"]), now)))

    def queue_rows(self, numbers: tuple[int, ...]) -> tuple[QueueRow, ...]:
        """Tickets as the queue shows them, in the order of these numbers."""
        return tuple(
            QueueRow(
                rows.ticket_of(row), row["asked"], row["connector"], None,
                Who(row["last_who"]) if row["last_who"] else None, rows.moment(row["last_at"]), row["followers"],
            )
            for row in self._rows(_PAGE, json.dumps(numbers))
        )  # fmt: skip

    def count(self, selection: Selection) -> int:
        """How many tickets a selection has."""
        where, values = _where(selection)
        return int(
            self._rows(f"select count(*) as n from tickets t join conversations c on c.id = t.conversation {where}", *values)[0]["n"]
        )

    def tally(self) -> Tally:
        """Open tickets at a glance."""
        found = self._rows(
            "select status, claimed_by, team, urgent, count(*) as n from tickets where status != 'closed' and joined = 0"
            " group by status, claimed_by, team, urgent"
        )
        waiting = [row for row in found if row["status"] == TicketStatus.WAITING.value]
        parts = ("events where ticket != 0", "messages where ticket != 0", "notes", "tickets")
        stamps = [self._rows(f"select coalesce(max(id), 0) as n from {part}")[0]["n"] for part in parts]
        return Tally(
            sum(row["n"] for row in waiting), sum(row["n"] for row in found), _summed(found, "claimed_by"), _summed(waiting, "team"),
            sum(row["n"] for row in waiting if row["urgent"]), stamps[-1], ".".join(map(str, stamps)),
        )  # fmt: skip

    def choices(self) -> tuple[tuple[str, str, int], ...]:
        """What open tickets can be filtered by: (channel, topic, college or language, its value, how many)."""
        found = self._rows(
            "select c.connector as channel, t.intent as topic, t.college, t.language, count(*) as n from tickets t"
            " join conversations c on c.id = t.conversation where t.status != 'closed' group by 1, 2, 3, 4"
        )
        kinds = {kind: _summed(found, kind) for kind in ("channel", "topic", "college", "language")}
        return tuple(
            (kind, value, count) for kind, values in kinds.items() for value, count in sorted(values, key=lambda each: (-each[1], each[0]))
        )


def _summed(found: list[rows.Row], name: str) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = defaultdict(int)
    for row in found:
        totals[row[name]] += row["n"]
    return tuple(sorted((value, count) for value, count in totals.items() if value))


def _where(selection: Selection) -> tuple[str, list[object]]:
    """The condition of a selection with its values. Tickets that are answered together with another are shown there."""
    parts = [f"t.status in ({', '.join('?' * len(selection.statuses))})"]
    values: list[object] = [status.value for status in selection.statuses]
    if selection.statuses != (TicketStatus.CLOSED,):
        parts.append("t.joined = 0")
    if selection.holder:
        marks = ", ".join("?" * len(selection.teams))
        parts.append(f"(t.claimed_by = ? or (t.status = 'waiting' and t.team in ({marks})))")
        values += [selection.holder, *selection.teams]
    for column, value in (
        ("c.connector", selection.channel), ("t.intent", selection.topic),
        ("t.college", selection.college), ("t.language", selection.language),
    ):  # fmt: skip
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    if selection.before:
        parts.append("t.opened_at < ?")
        values.append(rows.stamp(selection.before))
    return f"where {' and '.join(parts)}", values


def _closes(row: rows.Row, channel: Closing | None, now: datetime) -> tuple[int, bool, str]:
    """What a ticket is sorted by: urgency, whether its window is shut or it has none, and when that closes or it was opened."""
    if channel is None or not row["said"] or (channel.quota and not channel.by_message and row["pushed"] >= channel.quota):
        return row["first"], True, row["opened_at"]
    shuts = rows.moment(row["shuts"]) if channel.by_message else rows.known(row["said"]) + timedelta(seconds=channel.lasts)
    shut = shuts is None or shuts <= now
    return row["first"], shut, row["opened_at"] if shut else str(rows.stamp(shuts))
