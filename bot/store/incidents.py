"""What is out of order: incidents and who asked meanwhile, reports of askers, what the monitor saw."""

import json
from dataclasses import replace
from datetime import datetime

from bot.incidents import Check, Fault, Incident
from bot.store import rows
from bot.store.base import Base


class Incidents(Base):
    """The status of what the library offers."""

    def incidents(self, *, ended: bool = False, limit: int = 50) -> tuple[Incident, ...]:
        """Those in force, oldest first; or those that have ended, newest first."""
        order = "not null order by ended_at desc" if ended else "null order by id"
        return tuple(_incident_of(row) for row in self._rows(f"select * from incidents where ended_at is {order} limit ?", limit))

    def incident(self, number: int) -> Incident | None:
        """One incident."""
        row = self._one("select * from incidents where id = ?", number)
        return _incident_of(row) if row else None

    def open_incident(self, incident: Incident) -> Incident:
        """Store a new incident and give it its number."""
        values = {
            "notice_zh": incident.notice_zh, "notice_en": incident.notice_en,
            "intents": json.dumps(incident.intents), "databases": json.dumps(incident.databases, ensure_ascii=False),
            "opened_by": incident.opened_by, "opened_at": rows.stamp(incident.opened_at), "expected_at": rows.stamp(incident.expected_at),
        }  # fmt: skip
        return replace(incident, id=self._insert("incidents", values))

    def end_incident(self, number: int, librarian: str, at: datetime) -> None:
        """Its notice is not shown any more."""
        sql = "update incidents set ended_at = ?, ended_by = ? where id = ? and ended_at is null"
        self._db.conn.execute(sql, (rows.stamp(at), librarian, number))

    def asked_about(self, incident: int, conversation: int) -> None:
        """This asker has read the notice, and wants to hear when it is over."""
        self._db.conn.execute(
            "insert into incident_askers (incident, conversation) values (?, ?) on conflict do nothing", (incident, conversation)
        )

    def tell_askers(self, incident: int) -> tuple[int, ...]:
        """The conversations that are to be told that an incident is over; each is handed out once."""
        found = self._rows("select conversation from incident_askers where incident = ? and told = 0 order by conversation", incident)
        self._db.conn.execute("update incident_askers set told = 1 where incident = ?", (incident,))
        return tuple(row["conversation"] for row in found)

    def count_askers(self, incident: int) -> int:
        """How many askers have read the notice of an incident."""
        return int(self._rows("select count(*) as n from incident_askers where incident = ?", incident)[0]["n"])

    def report_fault(self, database: str, conversation: int, visitor: str, at: datetime) -> None:
        """An asker says that a database does not work."""
        values = {"database": database, "conversation": conversation, "visitor": visitor, "at": rows.stamp(at)}
        self._insert("fault_reports", values)

    def faults(self, since: datetime, but: str = "") -> tuple[Fault, ...]:
        """Databases that are down or were reported since a time, with the number of askers who said so, except one visitor."""
        found = self._rows(
            "select database, max(down) as down, sum(reports) as reports from ("
            " select database, since as down, 0 as reports from checks where not up"
            " union all"
            " select database, null, count(distinct visitor) from fault_reports where at >= ? and visitor != ? group by database"
            ") group by database order by database",
            rows.stamp(since), but,
        )  # fmt: skip
        return tuple(Fault(row["database"], rows.moment(row["down"]), row["reports"]) for row in found)

    def checks(self) -> tuple[Check, ...]:
        """What the monitor saw last, those that are down first."""
        return tuple(_check_of(row) for row in self._rows("select * from checks order by up, database"))

    def note_check(self, check: Check) -> bool:
        """Remember what the monitor saw; True when it changed between up and down (an address is up until it was seen down), which
        is also kept as history."""
        known = self._one("select * from checks where database = ?", check.database)
        changed = (known is None or bool(known["up"])) != check.up
        since = check.since if known is None or changed else rows.moment(known["since"])
        self._db.conn.execute(
            "insert into checks (database, url, up, since, checked_at, detail) values (?, ?, ?, ?, ?, ?) on conflict (database) do update"
            " set url = excluded.url, up = excluded.up, since = excluded.since, checked_at = excluded.checked_at, detail = excluded.detail",
            (check.database, check.url, int(check.up), rows.stamp(since), rows.stamp(check.checked_at), check.detail),
        )
        if changed:
            values = {"database": check.database, "up": int(check.up), "at": rows.stamp(check.checked_at), "detail": check.detail}
            self._insert("check_changes", values)
        return changed

    def forget_checks(self, databases: tuple[str, ...]) -> None:
        """Databases that are not in the table any more are not down."""
        marks = ", ".join("?" * len(databases))
        self._db.conn.execute(f"delete from checks where database not in ({marks})", databases)

    def check_history(self, limit: int = 100) -> tuple[Check, ...]:
        """Every change between up and down, newest first."""
        found = self._rows("select *, '' as url, at as since, at as checked_at from check_changes order by id desc limit ?", limit)
        return tuple(_check_of(row) for row in found)


def _incident_of(row: rows.Row) -> Incident:
    opened = rows.moment(row["opened_at"])
    assert opened is not None
    return Incident(
        row["id"], row["notice_zh"], row["notice_en"], tuple(json.loads(row["intents"])), tuple(json.loads(row["databases"])),
        row["opened_by"], opened, rows.moment(row["expected_at"]), rows.moment(row["ended_at"]),
    )  # fmt: skip


def _check_of(row: rows.Row) -> Check:
    since, checked = rows.moment(row["since"]), rows.moment(row["checked_at"])
    assert since is not None
    assert checked is not None
    return Check(row["database"], row["url"], bool(row["up"]), since, checked, row["detail"])
