"""The demonstration plays real questions through the real desk."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import demo, house, reports, training
from bot.__main__ import cli
from bot.domain import Selection, TicketStatus
from bot.errors import Defect
from bot.ledger import Ledger
from bot.settings import Settings
from bot.store import Store
from tests.conftest import MONDAY, ROOT

SCENARIO = ROOT / "knowledge/demo/spring-2020.yml"
UNTIL = MONDAY + timedelta(days=5)
EXTENT = demo.Extent(days=6, questions=80, until=UNTIL)


@pytest.fixture(scope="module")
def examples(settings: Settings) -> training.Training:
    """What patrons of the demonstration say."""
    return training.read(settings.at(settings.library.intents))


def played(path: Path, settings: Settings, mind: house.Mind, examples: training.Training, extent: demo.Extent = EXTENT) -> Store:
    """A database with a played period."""
    store, shares = Store(path), list[float]()
    plan = demo.scenario(SCENARIO)
    demo.play(store, mind, examples, plan, extent, duty=house.hours(settings), progress=lambda stage, share: shares.append(share))
    assert shares[-1] == 1.0
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, settings: Settings, mind: house.Mind, examples: training.Training) -> Store:
    """One played period."""
    return played(tmp_path_factory.mktemp("demo") / "demo.db", settings, mind, examples)


def said(store: Store) -> list[tuple[str, str]]:
    """Who said what, in order."""
    found = store.read(lambda s: [s.messages(number) for number in range(1, 200)])
    return sorted((message.at.isoformat(), message.text) for messages in found for message in messages if message.who == "patron")


def test_manager_sees_questions_answered_by_bot_and_people_on_several_channels(store: Store, settings: Settings) -> None:
    duty = house.hours(settings)
    total, lines = Ledger(store, duty).grouped(reports.Query(MONDAY.date() - timedelta(days=2), UNTIL.date()), "channel")
    assert 60 <= total.questions <= 80
    assert total.by_bot > 15
    assert total.by_librarian > 15
    assert total.questions == total.by_bot + total.by_librarian + total.waiting + total.closed_unanswered
    assert {"web", "wechat", "qq"} <= {line.label for line in lines}
    assert total.median_on_duty is not None


def test_questions_lie_within_the_period_and_librarians_answer_on_duty_only(store: Store, settings: Settings) -> None:
    events = store.read(lambda s: s.histories(UNTIL - timedelta(days=400), UNTIL + timedelta(days=400)))
    assert all(UNTIL - timedelta(days=6) <= event.at <= UNTIL for event in events)
    assert all(house.hours(settings).on_duty(event.at) for event in events if event.name == "claimed")
    assert reports.questions(events)


def test_what_was_answered_has_arrived(store: Store) -> None:
    assert store.read(lambda s: s.backlog()) <= 2
    assert store.read(lambda s: s.count(Selection((TicketStatus.CLOSED,)))) > 10


def test_request_forms_are_filled_in_to_the_end(tmp_path: Path, settings: Settings, mind: house.Mind, examples: training.Training) -> None:
    forms = tuple(each for each in examples.examples if each.intent in ("purchase_suggestion", "textbook_request", "human_agent"))
    few = training.Training(forms, examples.intents, examples.lexicon, examples.digest)
    opened = played(tmp_path / "forms.db", settings, mind, few, demo.Extent(2, 40, UNTIL))
    rows = opened.read(lambda s: s.queue_rows(s.ticket_numbers(Selection(tuple(TicketStatus)))))
    filled = [row.ticket for row in rows if row.ticket.reason == "form"]
    assert filled
    assert all(ticket.fields for ticket in filled)


def test_the_same_seed_plays_the_same_questions(
    store: Store, tmp_path: Path, settings: Settings, mind: house.Mind, examples: training.Training
) -> None:
    again = played(tmp_path / "again.db", settings, mind, examples)
    assert said(again) == said(store)
    again.close()


def test_command_fills_a_new_database_and_never_an_old_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "demo.db"
    call = ["--settings", str(ROOT / "refdesk.toml"), "demo", "--days", "2", "--questions", "12", "--database", str(target)]
    first, second = CliRunner().invoke(cli, call), CliRunner().invoke(cli, call)
    assert first.exit_code == 0, first.output
    assert [path.name for path in target.parent.iterdir()] == ["demo.db"]
    assert second.exit_code == 2
    assert "exists already" in second.output


@pytest.mark.parametrize(
    ("content", "what"), [("channels: [", "not valid YAML"), ("channels: []\n", "channels"), ("surprise: 1\n", "Field required")]
)
def test_a_broken_scenario_is_a_defect_that_names_file_and_key(tmp_path: Path, content: str, what: str) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Defect, match=what) as caught:
        demo.scenario(path)
    assert caught.value.path == path


def test_a_missing_scenario_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(Defect, match="no such scenario"):
        demo.scenario(tmp_path / "none.yml")
