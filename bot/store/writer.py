"""Who may touch the database: one writer thread that pays the disk once a batch, and a reader for each thread."""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from bot.errors import StoreUnusable
from bot.schema import migrate
from bot.store.session import Session

log = logging.getLogger("refdesk.store")

_MOST_IN_A_BATCH = 256
_PATIENCE = 10.0  # seconds that a close waits for queries that are under way

T = TypeVar("T")


class Store:
    """The database at `path`, made and migrated when it is opened. Durability is full: WAL, synchronous=FULL.

    `timezone` says which day a question belongs to; roll-ups of another zone, or of older definitions, are made again at once.
    """

    def __init__(self, path: Path, timezone: str = "Asia/Shanghai") -> None:
        self.path, self._zone = path, ZoneInfo(timezone)
        self._units: queue.SimpleQueue[tuple[Callable[[Session], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers: list[Database] = []
        self._closing = threading.Condition()
        self._reading = 0
        self._closed = False
        self._after: Callable[[frozenset[int]], None] = lambda conversations: None
        database = self._open()
        self._writer = threading.Thread(target=self._work, args=(database,), name="refdesk-writer", daemon=True)
        self._writer.start()

    def _open(self) -> Database:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            database = _connect(self.path)
            migrate(database, self.path)
            self._roll_up(database)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnusable(self.path, f"cannot be opened: {error}") from error
        return database

    def _roll_up(self, database: Database) -> None:
        session = Session(database, self._zone)
        if session.current():
            return
        if session.last_event():
            log.warning("%s: the figures are made again from the events; large databases take minutes", self.path)
        with database.atomic():
            session.rebuild()

    def write(self, work: Callable[[Session], T]) -> Future[T]:
        """Run one unit of work in the writer; the future is done once it is on disk. A unit that raises leaves no trace."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # an asker who hangs up must not cancel what the writer will settle
        with self._closing:
            if self._closed:
                raise StoreUnusable(self.path, "is closed")
            self._units.put((work, future))
        return future

    def read(self, work: Callable[[Session], T]) -> T:
        """Run a query on this thread's own connection; it sees everything that was committed."""
        with self._closing:
            if self._closed:
                raise StoreUnusable(self.path, "is closed")
            self._reading += 1
        try:
            return work(Session(self._reader(), self._zone))
        finally:
            with self._closing:
                self._reading -= 1
                self._closing.notify_all()

    def _reader(self) -> Database:
        database: Database | None = getattr(self._local, "database", None)
        if database is None:
            database = self._local.database = _connect(self.path)
            database.execute("pragma query_only = on")
            self._readers.append(database)
        return database

    def on_commit(self, listener: Callable[[frozenset[int]], None]) -> None:
        """Have `listener` called, on the writer's thread, with the conversations that a commit has changed."""
        self._after = listener

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the whole database, made while others read and write."""
        if target.exists():
            raise StoreUnusable(target, "exists already; a backup never overwrites")
        try:
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
        except sqlite3.Error as error:
            raise StoreUnusable(target, f"cannot be written: {error}") from error

    def close(self) -> None:
        """Finish what was handed in and what is being read, then let go of the file."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._units.put(None)
        self._writer.join()
        with self._closing:
            # To close a connection under a running query crashes the process.
            if self._closing.wait_for(lambda: not self._reading, _PATIENCE):
                for database in self._readers:
                    database.close()

    def _work(self, database: Database) -> None:
        going = True
        while going:
            batch = [self._units.get()]
            while len(batch) < _MOST_IN_A_BATCH and not self._units.empty():
                batch.append(self._units.get())
            going = None not in batch
            self._commit(database, [unit for unit in batch if unit is not None])
        database.close()

    def _commit(self, database: Database, units: list[tuple[Callable[[Session], Any], Future[Any]]]) -> None:
        settled: list[tuple[Future[Any], Any, BaseException | None]] = []
        session = Session(database, self._zone)
        try:
            with database.atomic():
                for work, future in units:
                    try:
                        with database.atomic():
                            result = work(session)
                            session.roll_up()
                        settled.append((future, result, None))
                    except Exception as error:  # one unit's failure is its caller's, the others go on
                        session.touched.clear()
                        settled.append((future, None, self._named(error)))
        except sqlite3.Error as error:
            log.error("commit failed: %s", error)
            settled = [(future, None, self._named(error)) for _, future in units]
        else:
            if session.changed:
                self._after(frozenset(session.changed))
        for future, result, failure in settled:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _named(self, error: Exception) -> Exception:
        """A full disk or a locked file as what callers know: StoreUnusable."""
        if not isinstance(error, sqlite3.OperationalError):
            return error
        named = StoreUnusable(self.path, f"cannot be written: {error}")
        named.__cause__ = error
        return named


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
    database = Database(connection)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    return database
