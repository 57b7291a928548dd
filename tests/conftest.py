"""Fakes and small houses for tests: a real store in a temporary folder, an engine that knows a few sentences."""

import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser

from bot import connector, house, knowledge
from bot.accounts import passwords
from bot.answering import Answering, Policy
from bot.app import create_app
from bot.connector import Limits
from bot.desk import Clock, Desk
from bot.domain import OUT_OF_SCOPE, Candidate, Prediction
from bot.hours import DutyHours
from bot.knowledge import Knowledge
from bot.messages import Address, Question
from bot.settings import Settings
from bot.store import Store
from tests.browsing import chromium
from tests.serving import Served, unique_name

pytest.register_assert_rewrite("tests.connectors.contract")

ROOT = Path(__file__).parent.parent

# A Monday, 10:00 in Shanghai: librarians are on duty.
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@dataclass
class FakeEngine:
    """Understands exactly what it is told to; everything else is out of scope."""

    known: dict[str, Prediction] = field(default_factory=dict)
    failing: bool = False

    def predict(self, text: str) -> Prediction:
        """The prediction planned for a text."""
        if self.failing:
            raise RuntimeError("the engine fell over")
        return self.known.get(text, Prediction(OUT_OF_SCOPE, 0.9))

    def knows(self, text: str, intent: str, confidence: float = 0.95, *others: tuple[str, float]) -> "FakeEngine":
        """Plan a prediction."""
        self.known[text] = Prediction(intent, confidence, tuple(Candidate(*other) for other in others))
        return self


@dataclass
class FakeClock:
    """Time that passes when a test says so."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        """The time now."""
        return self.at

    def pass_(self, **spans: float) -> None:
        """Let time pass."""
        self.at += timedelta(**spans)


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """The same argon2 with little work: what it costs to guess is not what tests are about."""
    usual, passwords._HASHER = passwords._HASHER, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    yield
    passwords._HASHER = usual


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The starter library's settings."""
    return Settings(root=ROOT)


@pytest.fixture(scope="session")
def mind(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> house.Mind:
    """The real model and knowledge of the starter library; trained first where there is no model yet, by one of the workers."""
    with (tmp_path_factory.getbasetemp().parent / "training").open("w") as training:
        fcntl.flock(training, fcntl.LOCK_EX)
        return house.mind(settings)


@pytest.fixture(scope="session")
def curated() -> Knowledge:
    """The starter knowledge."""
    return knowledge.read(ROOT / "knowledge")


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that knows two questions, a greeting and one it is unsure of."""
    return (
        FakeEngine()
        .knows("校外怎么用VPN", "vpn_setup")
        .knows("how do I use the VPN", "vpn_setup")
        .knows("知网打不开", "database_fault")
        .knows("你好", "greet")
        .knows("我要荐购一本书", "purchase_suggestion")
        .knows("VPN", "vpn_setup", 0.4, ("vpn_trouble", 0.35), ("vpn_eligibility", 0.1))
    )


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still on a Monday morning."""
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    opened = Store(tmp_path / "refdesk.db")
    yield opened
    opened.close()


LIMITS = {
    "rest": Limits(1_000_000),
    "web": Limits(100_000, public=True),
    "stub": Limits(100_000, inline=False),
    "onebot": Limits(100_000, inline=False, groups=True, private=True),  # a group whose members can be written to alone
    "qq": Limits(100_000, inline=False, groups=True),  # and one whose members cannot
}


@pytest.fixture
def desk(store: Store, engine: FakeEngine, curated: Knowledge, settings: Settings, clock: FakeClock) -> Desk:
    """A desk over an empty database, the starter knowledge and the fake engine."""
    answering = Answering(curated, house.kinds(settings), Policy())
    hours = DutyHours("Asia/Shanghai", ("mon-fri 08:30-12:00", "mon-fri 14:00-17:30"))
    return Desk(store, engine, answering, hours, limits=LIMITS, address="http://ask.example", clock=Clock(clock, None), secret="s" * 64)


@pytest.fixture
def say(desk: Desk) -> Callable[..., str]:
    """Say something as a patron and get the replies as plain text."""
    count = 0

    def say(text: str, user: str = "reader", connector: str = "rest", number: str = "") -> str:
        nonlocal count
        count += 1
        question = Question(number or f"m{count}", Address(connector, user), text)
        return "\n\n".join(reply.plain() for reply in desk.ask(question).result())

    return say


@pytest.fixture(scope="session")
def answering(curated: Knowledge, settings: Settings) -> Answering:
    """The rules over the starter knowledge."""
    return Answering(curated, house.kinds(settings), Policy())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a file. It keeps this thread's event loop busy, so not for longer."""
    with chromium() as running:
        yield running


CHANNELS: dict[str, dict[str, Any]] = {"rest": {}, "web": {}, "stub": {"enabled": True}}


@pytest.fixture
def serve(tmp_path: Path, engine: FakeEngine, answering: Answering) -> Iterator[Callable[..., Served]]:
    """Start servers with given channels, server settings and engine state; a Monday morning, librarians are on duty."""
    running: list[Served] = []

    def serve(
        channels: dict[str, dict[str, Any]] = CHANNELS, *, before: Callable[[Any], None] = lambda app: None, **sections: dict[str, Any]
    ) -> Served:
        path = tmp_path / f"served-{len(running)}.db"
        sections = {"store": {"path": path}, "calendar": {"now": MONDAY}, "desk": {"undo_seconds": 0}, **sections}
        settings = Settings(root=ROOT, connectors=channels, **sections)
        built = {name: connector.load(name, section) for name, section in channels.items()}
        connectors = {name: each for name, each in built.items() if each is not None}
        app = create_app(settings, house.Mind(engine, answering, lambda: "fake"), connectors, unique_name())
        before(app)
        running.append(Served(app, connectors))
        return running[-1].start()

    yield serve
    for each in running:
        each.stop()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A server with the channels rest, web and stub."""
    return serve()
