"""Ordered migrations: the files NNNN_name.sql beside this one, each with a comment that says what it is for.

A released migration is never edited; a change of the schema is a new file with a higher number.
"""

from pathlib import Path

from sqlite_utils import Database, Migrations

from bot.errors import StoreUnusable
from bot.text import spaced

MIGRATIONS = Migrations("refdesk")


def _fill_search(db: Database) -> None:
    """What was said before there was a search index can be found as well."""
    found = db.conn.execute("select id, text from messages where text != ''")
    db.conn.executemany("insert into search (rowid, words) values (?, ?)", ((number, spaced(text)) for number, text in found))


_AFTERWARDS = {"0040_desk": _fill_search}
"""What a migration has to do beyond SQL."""


def _register(path: Path) -> None:
    @MIGRATIONS(name=path.stem)
    def run(db: Database) -> None:
        db.executescript(path.read_text(encoding="utf-8"))
        if more := _AFTERWARDS.get(path.stem):
            more(db)


for _path in sorted(Path(__file__).parent.glob("*.sql")):
    _register(_path)


def migrate(db: Database, path: Path) -> None:
    """Bring a database to this version; refuse one that a newer version has written, and leave it untouched."""
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = [migration.name for migration in MIGRATIONS.applied(db) if migration.name not in known]
    if newer:
        raise StoreUnusable(path, f"was written by a newer version of Refdesk ({', '.join(newer)})")
    MIGRATIONS.apply(db)
