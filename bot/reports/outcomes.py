"""What became of one question: the written definitions, applied to its events. Everything else counts what stands here.

Every question is put into exactly one of four results, so that questions = by_bot + by_librarian + waiting + closed_unanswered.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain import Event, EventName

VERSION = "1"
"""Raised when a definition changes: roll-ups of another version are made again from the events."""
SECOND_THOUGHTS = timedelta(hours=24)
_VERDICTS = (EventName.HELPFUL, EventName.UNHELPFUL)


class Result(StrEnum):
    """What became of a question."""

    BOT = "by_bot"
    LIBRARIAN = "by_librarian"
    WAITING = "waiting"
    CLOSED = "closed_unanswered"


class FormState(StrEnum):
    """How far a request form came: still being filled in, left, or handed to people."""

    NONE = ""
    OPEN = "open"
    LEFT = "left"
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with what became of it.

    `opened_at` is when it was first handed to people, `first_answer` how many seconds later a librarian's reply first reached
    its asker or their mailbox; None while none has. `librarian` is whose reply that was, `replies` how many there were.
    `helpful` is the last verdict on the bot's answer, `satisfied` that on the librarians'. A `logged` one came by phone, at a
    desk or by mail: answered by a librarian, and its time is not known.
    """

    question: int
    at: datetime
    connector: str
    room: str
    visitor: str
    language: str
    college: str
    intent: str
    entry: str
    result: Result
    ticket: int
    reason: str
    opened_at: datetime | None
    first_answer: float | None
    librarian: str
    replies: int
    helpful: bool | None
    satisfied: bool | None
    form: str
    form_state: FormState
    logged: bool

    @property
    def handed_over(self) -> bool:
        """Whether people were asked."""
        return self.opened_at is not None


def questions(events: Iterable[Event]) -> tuple[Asked, ...]:
    """Every question that the events tell of, in order."""
    grouped: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        if event.question:
            grouped[event.question].append(event)
    found = (asked(history) for _, history in sorted(grouped.items()))
    return tuple(each for each in found if each is not None)


def asked(history: Sequence[Event]) -> Asked | None:
    """One question from its events in order; None where they tell of none that was asked."""
    first = next((event for event in history if event.name is EventName.ASKED), None)
    if first is None:
        return None
    last_answer = next((event for event in reversed(history) if event.name is EventName.ANSWERED), None)
    handed = next((event for event in history if event.name is EventName.HANDED_OVER), None)
    reply = next((event for event in history if event.name in (EventName.DELIVERED, EventName.LOGGED)), None)
    waited = reply.at - handed.at if reply and handed and reply.name is EventName.DELIVERED else None
    return Asked(
        question=first.question,
        at=first.at,
        connector=first.connector,
        room=first.room,
        visitor=first.visitor,
        language=first.language,
        college=next((event.college for event in reversed(history) if event.college), ""),
        intent=last_answer.intent if last_answer else first.intent,
        entry=last_answer.entry if last_answer else "",
        result=outcome(history),
        ticket=handed.ticket if handed else 0,
        reason=handed.value if handed else "",
        opened_at=handed.at if handed else None,
        first_answer=max(0.0, waited.total_seconds()) if waited is not None else None,
        librarian=reply.librarian if reply else "",
        replies=sum(event.name is EventName.DELIVERED for event in history),
        helpful=_helpful(history),
        satisfied=_satisfied(history),
        form=_form(history),
        form_state=_form_state(history),
        logged=any(event.name is EventName.LOGGED for event in history),
    )


def outcome(history: Iterable[Event]) -> Result:
    """Which of the four a question counts as."""
    answered: datetime | None = None
    tickets: set[int] = set()
    closed: set[int] = set()
    doubted = False
    for event in history:
        match event.name:
            case EventName.DELIVERED | EventName.LOGGED:
                return Result.LIBRARIAN
            case EventName.ANSWERED:
                answered, doubted = event.at, False
            case EventName.UNHELPFUL:
                doubted |= answered is not None and event.at - answered <= SECOND_THOUGHTS
            case EventName.HANDED_OVER:
                tickets.add(event.ticket)
            case EventName.CLOSED | EventName.WITHDRAWN:
                closed.add(event.ticket)
    if tickets:
        return Result.CLOSED if tickets <= closed else Result.WAITING
    return Result.BOT if answered and not doubted else Result.WAITING


def _helpful(history: Sequence[Event]) -> bool | None:
    """The last verdict on the bot's answer; "it did not help" is also said as the reason of a handover."""
    for event in reversed(history):
        if event.name in _VERDICTS and not event.ticket:
            return event.name is EventName.HELPFUL
        if event.name is EventName.HANDED_OVER and event.value == "unhelpful":
            return False
    return None


def _satisfied(history: Sequence[Event]) -> bool | None:
    """The last verdict on what librarians did."""
    return next((event.name is EventName.HELPFUL for event in reversed(history) if event.name in _VERDICTS and event.ticket), None)


def _form(history: Sequence[Event]) -> str:
    return next((event.intent for event in reversed(history) if _about_form(event)), "")


def _form_state(history: Sequence[Event]) -> FormState:
    last = next((event for event in reversed(history) if _about_form(event)), None)
    if last is None:
        return FormState.NONE
    return {EventName.FORM_STARTED: FormState.OPEN, EventName.FORM_LEFT: FormState.LEFT}.get(last.name, FormState.SUBMITTED)


def _about_form(event: Event) -> bool:
    handed_in = event.name is EventName.HANDED_OVER and event.value == "form"
    return handed_in or event.name in (EventName.FORM_STARTED, EventName.FORM_LEFT)
