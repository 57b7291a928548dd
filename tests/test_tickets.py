"""The transition table of tickets, every pair of it, and any walk through it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import tickets
from bot.domain import Ticket, TicketStatus
from bot.errors import MoveRefused

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
WAITING, CLAIMED, ANSWERED, CLOSED = TicketStatus

NEW = Ticket(7, 1, 1, "vpn_setup", "asked", WAITING, NOW, "code")
HELD = replace(NEW, claimed_by="li", claimed_at=NOW)
TICKETS = {
    WAITING: NEW,
    CLAIMED: replace(HELD, status=CLAIMED),
    ANSWERED: replace(HELD, status=ANSWERED, answered_at=NOW),
    CLOSED: replace(HELD, status=CLOSED, closed_at=NOW),
}
STEPS: dict[str, Callable[[Ticket], Ticket]] = {
    "li claims": lambda ticket: tickets.claim(ticket, "li", LATER),
    "wu claims": lambda ticket: tickets.claim(ticket, "wu", LATER),
    "release": tickets.release,
    "li answers": lambda ticket: tickets.answer(ticket, "li", LATER),
    "wu answers": lambda ticket: tickets.answer(ticket, "wu", LATER),
    "close": lambda ticket: tickets.close(ticket, LATER),
}
ALLOWED = {
    (WAITING, "li claims"): CLAIMED,
    (WAITING, "wu claims"): CLAIMED,
    (WAITING, "close"): CLOSED,
    (CLAIMED, "li claims"): CLAIMED,
    (CLAIMED, "release"): WAITING,
    (CLAIMED, "li answers"): ANSWERED,
    (CLAIMED, "close"): CLOSED,
    (ANSWERED, "li claims"): ANSWERED,
    (ANSWERED, "release"): WAITING,
    (ANSWERED, "li answers"): ANSWERED,
    (ANSWERED, "close"): CLOSED,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", TicketStatus)
def test_a_ticket_takes_only_the_steps_of_the_table(status: TicketStatus, step: str) -> None:
    ticket = TICKETS[status]
    if (status, step) in ALLOWED:
        assert STEPS[step](ticket).status is ALLOWED[status, step]
    else:
        with pytest.raises(MoveRefused, match=f"ticket 7 is {status}"):
            STEPS[step](ticket)


def test_a_claim_notes_who_and_when() -> None:
    claimed = tickets.claim(NEW, "li", LATER)
    assert (claimed.claimed_by, claimed.claimed_at) == ("li", LATER)
    assert NEW.status is WAITING


def test_claiming_ones_own_ticket_again_changes_nothing() -> None:
    assert tickets.claim(TICKETS[CLAIMED], "li", LATER) is TICKETS[CLAIMED]


def test_a_refused_claim_names_who_has_the_ticket() -> None:
    with pytest.raises(MoveRefused, match="li has it"):
        tickets.claim(TICKETS[CLAIMED], "wu", LATER)
    with pytest.raises(MoveRefused, match="nobody has it; claim it first"):
        tickets.answer(NEW, "wu", LATER)
    with pytest.raises(MoveRefused, match="nobody has it"):
        tickets.claim(replace(NEW, status=CLOSED), "wu", LATER)


def test_a_released_ticket_has_no_holder() -> None:
    released = tickets.release(TICKETS[CLAIMED])
    assert (released.claimed_by, released.claimed_at) == ("", None)


def test_the_first_answer_sets_the_time_and_later_ones_keep_it() -> None:
    first = tickets.answer(TICKETS[CLAIMED], "li", LATER)
    assert first.answered_at == LATER
    assert tickets.answer(first, "li", LATER + timedelta(hours=1)).answered_at == LATER


def test_each_status_says_who_speaks() -> None:
    assert [tickets.SPEAKER[status].value for status in TicketStatus] == ["waiting", "human", "human", "bot"]


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_no_walk_makes_a_forbidden_move(walk: list[str]) -> None:
    ticket = NEW
    for step in walk:
        before = ticket
        try:
            ticket = STEPS[step](ticket)
        except MoveRefused:
            continue
        assert ticket is before or ticket.status in tickets.MOVES[before.status]
        assert (ticket.claimed_by == "") == (ticket.claimed_at is None)
        assert before.answered_at in (None, ticket.answered_at)
        assert (ticket.closed_at is not None) == (ticket.status is CLOSED)
