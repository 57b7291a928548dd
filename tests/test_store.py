"""The store: one writer, batches, durability, migrations, append-only events."""

import sqlite3
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.domain import Event, EventName
from bot.errors import NotFound, StoreUnusable
from bot.messages import Address, Question
from bot.store import Session, Store
from tests.conftest import MONDAY


def test_writer_commits_many_waiting_units_at_once(store: Store) -> None:
    gate, commits = threading.Event(), []
    store.on_commit(lambda changed: commits.append(changed))
    store.write(lambda s: gate.wait(5))
    futures = [store.write(lambda s, n=n: s.conversation(Address("rest", str(n)), "v").id) for n in range(100)]
    gate.set()
    assert len({future.result() for future in futures}) == 100
    assert len(commits) <= 2


def test_unit_that_raises_leaves_no_trace_and_spares_the_others(store: Store) -> None:
    def failing(s: Session) -> None:
        s.conversation(Address("rest", "lost"), "v")
        raise ValueError("no")

    gate = threading.Event()
    store.write(lambda s: gate.wait(5))
    bad: Future[None] = store.write(failing)
    good = store.write(lambda s: s.conversation(Address("rest", "kept"), "v"))
    gate.set()
    with pytest.raises(ValueError, match="no"):
        bad.result()
    assert good.result().address.user == "kept"
    assert store.read(lambda s: s.existing_conversation(Address("rest", "lost"))) is None


def test_reader_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.read(lambda s: s.conversation(Address("rest", "a"), "v"))


def test_same_message_id_is_stored_once(store: Store) -> None:
    def twice(s: Session) -> None:
        conversation = s.conversation(Address("rest", "a"), "v")
        s.add_question(conversation, Question("m1", conversation.address, "one"), None, MONDAY)
        s.add_question(conversation, Question("m1", conversation.address, "two"), None, MONDAY)

    with pytest.raises(sqlite3.IntegrityError):
        store.write(twice).result()


def test_events_cannot_be_changed_or_deleted(store: Store, tmp_path: Path) -> None:
    store.write(lambda s: s.record(Event(EventName.ASKED, MONDAY, "rest", "v", 1))).result()
    other = sqlite3.connect(store.path)
    try:
        for statement in ("update events set at = ''", "delete from events"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)
    finally:
        other.close()


def test_durability_is_full(store: Store) -> None:
    assert store.write(lambda s: s._one("pragma synchronous")).result() == {"synchronous": 2}
    assert store.write(lambda s: s._one("pragma journal_mode")).result() == {"journal_mode": "wal"}


def test_store_refuses_a_database_of_a_newer_version_and_leaves_it_untouched(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    Store(path).close()
    database = sqlite3.connect(path)
    database.execute("insert into _sqlite_migrations (migration_set, name, applied_at) values ('refdesk', '9999_later', '')")
    database.commit()
    database.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="newer version of Refdesk .*9999_later"):
        Store(path)
    assert path.read_bytes() == before


def test_store_refuses_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear librarian, " * 100)
    with pytest.raises(StoreUnusable, match=r"letter\.db: cannot be opened"):
        Store(path)


def test_store_refuses_a_folder_it_cannot_make(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        Store(tmp_path / "file" / "refdesk.db")


def test_closed_store_refuses_work_and_closes_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "refdesk.db")
    store.close()
    store.close()
    with pytest.raises(StoreUnusable, match="is closed"):
        store.write(lambda s: None)


def test_work_handed_in_before_closing_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path / "refdesk.db")
    futures = [store.write(lambda s, n=n: s.conversation(Address("rest", str(n)), "v").id) for n in range(20)]
    store.close()
    assert all(future.done() for future in futures)


def test_failed_commit_fails_every_unit_of_its_batch(store: Store) -> None:
    def breaking(s: Session) -> None:
        # A trigger that rolls the whole transaction back takes the batch with it.
        s._db.execute("create temp trigger burst after insert on facts begin select raise(rollback, 'disk full'); end")
        s.fact("x", "y")

    with pytest.raises(StoreUnusable, match="cannot be written"):
        store.write(breaking).result()
    assert store.write(lambda s: s.conversation(Address("rest", "a"), "v").id).result() == 1


def test_backup_is_a_whole_database_and_never_overwrites(store: Store, tmp_path: Path) -> None:
    store.write(lambda s: s.conversation(Address("rest", "a"), "v")).result()
    store.copy_to(tmp_path / "copy.db")
    copy = Store(tmp_path / "copy.db")
    assert copy.read(lambda s: s.existing_conversation(Address("rest", "a"))) is not None
    copy.close()
    with pytest.raises(StoreUnusable, match="never overwrites"):
        store.copy_to(tmp_path / "copy.db")
    with pytest.raises(StoreUnusable, match="cannot be written"):
        store.copy_to(tmp_path / "missing" / "copy.db")


@pytest.mark.parametrize(
    "look", [lambda s: s.ticket(7), lambda s: s.message(7), lambda s: s.conversation_by_id(7), lambda s: s.ticket_by_code("x")]
)
def test_nothing_is_found_under_an_unknown_number(store: Store, look: object) -> None:
    with pytest.raises(NotFound):
        store.read(look)  # type: ignore[arg-type]


def test_single_fact_is_made_once(store: Store) -> None:
    assert store.write(lambda s: s.fact("secret", "one")).result() == "one"
    assert store.write(lambda s: s.fact("secret", "two")).result() == "one"
    assert store.read(lambda s: s.fact("nothing")) == ""


def test_closed_store_refuses_to_be_read_also_on_a_new_thread(store: Store) -> None:
    store.read(lambda s: s.existing_conversation(Address("rest", "u")))
    store.close()
    with pytest.raises(StoreUnusable, match="is closed"):
        store.read(lambda s: s.existing_conversation(Address("rest", "u")))
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnusable, match="is closed"):
        pool.submit(store.read, lambda s: s.existing_conversation(Address("rest", "u"))).result()


def test_closing_waits_for_a_query_that_is_under_way(store: Store) -> None:
    begun, going_on = threading.Event(), threading.Event()

    def slow(s: Session) -> object:
        begun.set()
        assert going_on.wait(5)
        return s.existing_conversation(Address("rest", "u"))

    with ThreadPoolExecutor(2) as pool:
        read = pool.submit(store.read, slow)
        assert begun.wait(5)
        closed = pool.submit(store.close)
        while not refuses(store):
            assert not closed.done()
        going_on.set()
        assert read.result(5) is None
        closed.result(5)


def refuses(store: Store) -> bool:
    """Whether a store is closed, or about to be."""
    try:
        store.read(lambda s: None)
    except StoreUnusable:
        return True
    return False
