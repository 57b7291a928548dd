"""Random walks through everything that askers, librarians and time can do: no forbidden move, no word of the bot while a person
has the conversation, no message without a reply, a ticket or a person who gets it.

The tables below are written down anew, so that a change of the house's own tables does not change what is expected.
The store is the real one over a database in memory; the engine is the trained one.
"""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from sqlite_utils import Database

from bot import house, reports
from bot.answering import Answering
from bot.desk import Clock, Desk
from bot.domain import ConversationState, Engine, Prediction, Ticket
from bot.errors import MoveRefused, NotFound, Refused
from bot.messages import START, Address, Attachment, Question
from bot.schema import migrate
from bot.settings import Settings
from bot.store import Session, Store
from tests.conftest import LIMITS, FakeClock

T = TypeVar("T")
STEPS = 2_600
SEEDS = (1, 2, 3, 4)

TICKETS = {
    "waiting": {"waiting", "claimed", "closed"},
    "claimed": {"claimed", "waiting", "answered", "closed"},
    "answered": {"answered", "waiting", "claimed", "closed"},
    "closed": {"closed"},
}
SPEAKERS = {
    "bot": {"bot", "waiting", "human"},  # a librarian who answers a request form has the conversation at once
    "waiting": {"waiting", "human", "bot"},
    "human": {"human", "waiting", "bot"},
}
MAY_SAY_WHILE_WAITING = ("已撤回", "withdrawn", "028-0000", "正在等", "still waits")

SAID = (*Path(__file__).with_name("walk.txt").read_text(encoding="utf-8").splitlines(), "", "哈" * 3_000)


class InMemory:
    """A store whose every unit of work is done at once, in a transaction of its own."""

    path = Path(":memory:")

    def __init__(self) -> None:
        self._database = Database(memory=True)
        migrate(self._database, self.path)

    def write(self, work: Callable[[Session], T]) -> Future[T]:
        """As the real one, without its thread and its disk."""
        done: Future[T] = Future()
        try:
            with self._database.atomic():
                done.set_result(work(Session(self._database)))
        except Exception as error:
            done.set_exception(error)
        return done

    def read(self, work: Callable[[Session], T]) -> T:
        """A query."""
        return work(Session(self._database))


class Remembering:
    """The trained engine, which is asked the same few things again and again."""

    def __init__(self, engine: Engine) -> None:
        self.predict: Callable[[str], Prediction] = cache(engine.predict)


@dataclass
class Walk:
    """One walk: a desk, its askers and librarians, and what happened so far."""

    desk: Desk
    store: InMemory
    clock: FakeClock
    chance: random.Random
    tickets: dict[int, str] = field(default_factory=dict)
    speakers: dict[int, str] = field(default_factory=dict)
    sent: list[Question] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def step(self) -> None:
        """Something happens."""
        self.clock.pass_(seconds=self.chance.choice((1, 5, 20, 50, 90)))
        self.chance.choices(
            (self.say, self.again, self.thumb, self.wait, self.claim, self.answer, self.release, self.close, self.tidy, self.leave),
            (55, 4, 5, 2, 14, 8, 4, 14, 2, 1),
        )[0]()
        self.check()

    # --- what askers do ---

    def say(self) -> None:
        """An asker writes, presses a button, sends a picture."""
        address = Address(self.chance.choice(("rest", "web", "stub")), f"reader{self.chance.randrange(4)}")
        text, choice = self.chance.choice(SAID), ""
        options = self.options(address)
        if options and self.chance.random() < 0.25:
            option = self.chance.choice(options)
            text, choice = option.title, option.value
        elif self.chance.random() < 0.03:
            text, choice = "开始", START
        pictures = (Attachment("image", "x"),) if self.chance.random() < 0.05 else ()
        question = Question(f"m{len(self.sent)}", address, text, choice=choice, attachments=pictures)
        self.sent.append(question)
        self.ask(question)

    def ask(self, question: Question) -> None:
        """One message, and what must come of it."""
        before = self.store.read(lambda s: s.existing_conversation(question.address))
        state = before.state if before else ConversationState.BOT
        replies = self.desk.ask(question).result()
        told = "\n".join(reply.text for reply in replies)
        stored = self.store.read(lambda s: s._one("select ticket from messages where external = ?", question.id))
        assert stored is not None, "a message was lost"
        if state is ConversationState.BOT:
            # Whoever asks for more on a channel that is pushed to gets what waited for them by push.
            pushed = question.text == "更多" and self.count("outbox where status = 'due'")
            assert replies or pushed, f"nobody answered {question.text[:40]!r}"
        elif state is ConversationState.HUMAN:
            assert not replies, f"the bot spoke while a person had the conversation: {told}"
        else:
            assert not replies or any(words in told for words in MAY_SAY_WHILE_WAITING), told
        if state is not ConversationState.BOT:
            assert before is not None
            assert stored["ticket"] == before.ticket, "a message for a person went astray"
        self.done[f"said to {state.value}"] += 1

    def again(self) -> None:
        """The platform repeats a message: the same replies, and nothing changes."""
        if not self.sent:
            return
        question = self.chance.choice(self.sent)
        stored = self.store.read(lambda s: s.replies_to(question))
        count = self.count("messages"), self.count("events"), self.count("tickets")
        assert self.desk.ask(question).result() == stored
        assert count == (self.count("messages"), self.count("events"), self.count("tickets"))
        self.done["repeated"] += 1

    def thumb(self) -> None:
        """A press below one of the answers."""
        address = Address("web", f"reader{self.chance.randrange(4)}")
        answers = [line.id for line in self.desk.history(address).lines if line.reply and line.reply.entry]
        if not answers:
            return
        conversation = self.store.read(lambda s: s.existing_conversation(address))
        assert conversation is not None
        helpful = self.chance.random() < 0.3
        try:
            replies = self.desk.feedback(address, self.chance.choice(answers), helpful)
        except Refused:
            return
        assert bool(replies) is (not helpful and conversation.state is ConversationState.BOT)
        self.done["thumb"] += 1

    def leave(self) -> None:
        """An asker cannot be reached any more."""
        self.desk.leave(Address("stub", f"reader{self.chance.randrange(4)}"))

    def options(self, address: Address) -> tuple[Any, ...]:
        """What is on offer to an asker, with what old buttons on the page still send."""
        lines = self.desk.history(address).lines[-6:]
        return tuple(choice for line in lines if line.reply for choice in line.reply.choices)

    # --- what time and librarians do ---

    def wait(self) -> None:
        """Time passes."""
        self.clock.pass_(minutes=self.chance.choice((2, 20, 45, 600, 4000)))

    def tidy(self) -> None:
        """Silent tickets return to the queue."""
        self.desk.tidy(timedelta(minutes=30))

    def ticket(self) -> Ticket | None:
        """Any ticket, more often one that is open."""
        rows = self.store.read(lambda s: s._rows("select id, status from tickets order by status = 'closed', id limit 10"))
        return self.store.read(lambda s: s.ticket(self.chance.choice(rows)["id"])) if rows else None

    def librarian(self, act: Callable[[int, str], object]) -> None:
        """A librarian does something to a ticket; what the table forbids is refused and changes nothing."""
        ticket = self.ticket()
        if ticket is None:
            return
        try:
            holder = ticket.claimed_by or "mei"
            act(ticket.id, holder if self.chance.random() < 0.8 else self.chance.choice(("mei", "lin")))
            self.done[act.__name__] += 1
        except (MoveRefused, NotFound):
            assert self.store.read(lambda s: s.ticket(ticket.id)) == ticket
            self.done["refused"] += 1

    def claim(self) -> None:
        """Somebody takes a ticket."""
        self.librarian(self.desk.claim)

    def answer(self) -> None:
        """Somebody replies."""

        def reply(number: int, login: str) -> object:
            return self.desk.reply(number, login, "您好，请看这里。")

        self.librarian(reply)

    def release(self) -> None:
        """Somebody gives a ticket back."""
        self.librarian(self.desk.release)

    def close(self) -> None:
        """Somebody closes a ticket."""
        self.librarian(self.desk.close)

    # --- what must hold ---

    def check(self) -> None:
        """Every ticket and conversation moved as the tables allow, and they agree with each other."""
        tickets = {row["id"]: row["status"] for row in self.store.read(lambda s: s._rows("select id, status from tickets"))}
        for number, status in tickets.items():
            before = self.tickets.get(number, "waiting")
            assert status in TICKETS[before], f"ticket {number}: {before} -> {status}"
        talks = {row["id"]: row for row in self.store.read(lambda s: s._rows("select id, state, ticket from conversations"))}
        for number, row in talks.items():
            before = self.speakers.get(number, "bot")
            assert row["state"] in SPEAKERS[before], f"conversation {number}: {before} -> {row['state']}"
            if row["state"] != "bot":
                speaks = "waiting" if tickets[row["ticket"]] == "waiting" else "human"
                assert (row["state"], tickets[row["ticket"]] != "closed") == (speaks, True)
        self.tickets, self.speakers = tickets, {number: row["state"] for number, row in talks.items()}

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.store.read(lambda s: s._rows(f"select count(*) as n from {table}"))[0]["n"])


@pytest.fixture(scope="module")
def understanding(mind: house.Mind) -> Engine:
    """The trained engine with a memory for the whole module."""
    return Remembering(mind.engine)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_goes_astray_whatever_people_do(seed: int, mind: house.Mind, understanding: Engine, settings: Settings) -> None:
    store, clock = InMemory(), FakeClock()
    answering: Answering = mind.answering
    desk = Desk(
        cast(Store, store), understanding, answering, house.hours(settings),
        limits=LIMITS, address="http://ask.example", clock=Clock(clock), secret="s" * 64,
    )  # fmt: skip
    walk = Walk(desk, store, clock, random.Random(seed))
    for number in range(STEPS):
        try:
            walk.step()
        except Exception as error:
            last = walk.sent[-1].text[:60] if walk.sent else ""
            raise AssertionError(f"step {number} of the walk {seed}, after {last!r}: {error}") from error
    assert walk.count("messages where who = 'patron'") == len(walk.sent), "each message is stored once"
    whole = reports.questions(store.read(lambda s: s.histories(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))))
    assert sum(Counter(asked.result for asked in whole).values()) == len(whole) > STEPS / 20
    # A walk that never got to a corner proves nothing about it.
    assert min(walk.done[name] for name in ("said to bot", "said to waiting", "said to human", "repeated", "thumb")) > 10, walk.done
    assert min(walk.done[name] for name in ("claim", "reply", "release", "close", "refused")) > 10, walk.done
    assert walk.count("tickets where status = 'closed'") > 15
