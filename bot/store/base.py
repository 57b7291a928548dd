"""How one unit of work reaches the database: rows in and out as plain mappings, for the files beside this one only."""

from datetime import UTC, tzinfo
from typing import Any

from sqlite_utils import Database

from bot.store import rows


class Base:
    """Reads and writes inside one transaction. `changed` collects the conversations that listeners must hear of, `touched` the
    questions that events were recorded for; `zone` says which day it is."""

    def __init__(self, database: Database, zone: tzinfo = UTC) -> None:
        self._db, self._zone = database, zone
        self.changed: set[int] = set()
        self.touched: set[int] = set()

    def _rows(self, sql: str, *values: Any) -> list[rows.Row]:
        try:
            cursor = self._db.conn.execute(sql, values)
        except OverflowError:  # a number from outside, too large for SQLite, is the number of nothing
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _one(self, sql: str, *values: Any) -> rows.Row | None:
        found = self._rows(sql, *values)
        return found[0] if found else None

    def _insert(self, table: str, values: rows.Row) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        return int(self._db.conn.execute(f"insert into {table} ({names}) values ({marks})", tuple(values.values())).lastrowid or 0)
