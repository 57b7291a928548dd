"""Figures for other programs: SQL views, JSON behind tokens, Prometheus."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families as families

from bot.__main__ import cli
from bot.desk import Logged
from bot.domain import EventName
from bot.errors import DeliveryFailed, NotFound, Refused
from bot.ledger import Ledger
from bot.reports import Query
from bot.store import Store
from bot.tokens import Tokens
from tests.conftest import MONDAY, ROOT, FakeClock
from tests.serving import Served, until

N = EventName
SQL = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/sql.md").read_text(encoding="utf-8"), re.DOTALL)
VIEWS = ("v_questions", "v_tickets", "v_daily")


# --- SQL ---


@pytest.fixture
def database(served: Served) -> Iterator[sqlite3.Connection]:
    """What another program reads: a question of every fate."""
    client = served.client()
    for sender, text in (("a", "校外怎么用VPN"), ("b", "转人工"), ("c", "别的")):
        client.post("/webhooks/rest/webhook", json={"sender": sender, "message": text})
    served.desk.claim(1, "anna")
    served.desk.reply(1, "anna", "在三楼。")
    served.delivered()
    served.desk.log("anna", Logged("phone", "opening_hours", "几点"))
    with closing(sqlite3.connect(f"file:{served.desk.store.path}?mode=ro", uri=True)) as connection:
        yield connection


def told(database: sqlite3.Connection, sql: str) -> list[dict[str, object]]:
    """The rows of a query."""
    cursor = database.execute(sql)
    return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor]


def test_views_say_what_the_reports_say(database: sqlite3.Connection, served: Served) -> None:
    questions = told(database, "select * from v_questions order by question")
    assert [row["result"] for row in questions] == ["by_bot", "by_librarian", "waiting", "by_librarian"]
    assert [row["logged"] for row in questions] == [0, 0, 0, 1]
    assert questions[1]["first_answer_seconds"] is not None
    assert questions[3]["first_answer_seconds"] is None
    today = served.desk.clock.now().astimezone(served.desk.hours.zone).date()
    total = Ledger(served.desk.store, served.desk.hours).report(Query(today - timedelta(days=1), today)).total
    (sums,) = told(database, "select sum(questions) as n, sum(by_bot) as b, sum(by_librarian) as l, sum(waiting) as w from v_daily")
    assert sums == {"n": total.questions, "b": total.by_bot, "l": total.by_librarian, "w": total.waiting}
    tickets = told(database, "select ticket, status, channel from v_tickets order by ticket")
    assert tickets == [{"ticket": 1, "status": "answered", "channel": "rest"}, {"ticket": 2, "status": "waiting", "channel": "rest"}]


@pytest.mark.parametrize("sql", SQL)
def test_documented_query_runs(database: sqlite3.Connection, sql: str) -> None:
    assert told(database, sql) or "2026-11" in sql


def test_views_have_the_documented_columns_and_tell_no_words_and_no_librarian(database: sqlite3.Connection) -> None:
    page = (ROOT / "docs/sql.md").read_text(encoding="utf-8")
    for view in VIEWS:
        columns = [row["name"] for row in told(database, f"select name from pragma_table_info('{view}')")]
        chapter = page.partition(f"## {view}:")[2].partition("\n## ")[0]
        assert columns == list(dict.fromkeys(name for name in re.findall(r"`(\w+)`", chapter) if name in columns)), view
        assert {"librarian", "text", "user"}.isdisjoint(columns)


def test_datasette_is_told_of_the_views_and_shows_nothing_else(database: sqlite3.Connection) -> None:
    metadata = yaml.safe_load((ROOT / "deploy/datasette.yml").read_text(encoding="utf-8"))
    copy = metadata["databases"]["copy"]
    assert (metadata["allow_sql"], copy["allow"], tuple(copy["tables"])) == (False, False, VIEWS)
    for view, about in copy["tables"].items():
        columns = {row["name"] for row in told(database, f"select name from pragma_table_info('{view}')")}
        assert {about["sort_desc"], *about["facets"], *about.get("columns", ())} <= columns
    for query in copy["queries"].values():
        assert told(database, query["sql"])


# --- JSON ---


@pytest.fixture
def key(served: Served) -> str:
    """A key for the server."""
    return served.app.ctx.tokens.issue("spreadsheet")


def get(served: Served, path: str, key: str, **query: str) -> httpx.Response:
    """What a program with this key gets."""
    return served.client().get(path, params=query, headers={"Authorization": f"Bearer {key}"})


def test_program_with_a_token_reads_the_report(served: Served, database: sqlite3.Connection, key: str) -> None:
    answer = get(served, "/api/v1/report", key, compare="none")
    totals = {row["label"]: row["values"] for row in answer.json()["tables"]["totals"]["rows"]}
    assert (totals["questions"], totals["by_bot"], totals["by_librarian"], totals["waiting"]) == ([4], [1], [2], [1])
    assert answer.json()["compared_with"] is None
    assert "librarians" not in answer.json()["tables"]
    only = get(served, "/api/v1/report", key, channel="phone").json()
    assert only["query"]["channel"] == "phone"
    assert only["tables"]["channels"]["rows"][0]["label"] == "phone"
    assert only["tables"]["channels"]["columns"][0] == {"name": "questions", "kind": "count"}


def test_program_reads_questions_page_by_page_without_words(served: Served, database: sqlite3.Connection, key: str) -> None:
    first = get(served, "/api/v1/questions", key, limit="3").json()
    rest = get(served, "/api/v1/questions", key, limit="3", after=str(first["next"])).json()
    numbers = [question["question"] for page in (first, rest) for question in page["questions"]]
    assert (numbers, len(numbers), rest["next"]) == (sorted(set(numbers)), 4, None)
    page = get(served, "/api/v1/questions", key, result="by_bot").json()
    assert [(row["topic"], row["result"]) for row in page["questions"]] == [("vpn_setup", "by_bot")]
    assert "校外怎么用" not in get(served, "/api/v1/questions", key).text


def test_program_reads_closed_months(served: Served, key: str) -> None:
    last = served.desk.clock.now().astimezone(served.desk.hours.zone).replace(day=1) - timedelta(days=1)
    closed = served.app.ctx.months.close(f"{last:%Y-%m}", "mara")
    (month,) = get(served, "/api/v1/months", key).json()["months"]
    assert (month["month"], month["checksum"], month["figures"]["total"]["questions"]) == (closed.month, closed.checksum, 0)


@pytest.mark.parametrize("path", ["/api/v1/report", "/api/v1/questions", "/api/v1/months"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}])
def test_program_without_a_good_token_reads_nothing(served: Served, key: str, path: str, header: dict[str, str]) -> None:
    answer = served.client().get(path, headers=header)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_revoked_token_opens_nothing(served: Served, key: str) -> None:
    served.app.ctx.tokens.revoke("spreadsheet")
    assert get(served, "/api/v1/report", key).status_code == 401


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"from": "2026-13-01"}, "wrong_date"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "reversed"),
        ({"compare": "moon"}, "wrong_choice"),
        ({"librarian": "anna"}, "not told"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"after": "-1"}, "after"),
    ],
)
def test_program_is_told_what_is_wrong_with_a_query(served: Served, key: str, query: dict[str, str], why: str) -> None:
    answer = get(served, "/api/v1/questions", key, **query)
    assert (answer.status_code, why in answer.json()["error"]) == (400, True)


def test_program_that_asks_too_often_is_slowed_down(served: Served, key: str) -> None:
    client = served.client(headers={"Authorization": f"Bearer {key}"})
    assert 429 in {client.get("/api/v1/months").status_code for _ in range(125)}


def test_token_is_shown_once_and_kept_as_a_digest(store: Store, clock: FakeClock) -> None:
    tokens = Tokens(store, clock)
    key = tokens.issue("grafana")
    kept = store.read(lambda s: s._rows("select * from api_tokens"))
    assert key not in str(kept)
    assert (tokens.holder(key), tokens.holder(key + "x"), tokens.holder("")) == ("grafana", None, None)
    clock.pass_(minutes=10)
    tokens.holder(key)
    assert tokens.all()[0].used_at == MONDAY
    clock.pass_(hours=1)
    tokens.holder(key)
    assert tokens.all()[0].used_at == clock.at
    with pytest.raises(Refused, match="already"):
        tokens.issue("grafana")
    with pytest.raises(Refused, match="small letters"):
        tokens.issue("Grafana 1")
    with pytest.raises(NotFound):
        tokens.revoke("other")


def test_tokens_are_made_listed_and_revoked_at_the_command_line(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        call = ["--settings", str(ROOT / "refdesk.toml"), "token", *arguments]
        return str(CliRunner().invoke(cli, call, env={"REFDESK__STORE__PATH": str(tmp_path / "refdesk.db")}).stdout)

    assert run("add", "prometheus").startswith("refdesk_")
    assert run("list").split("\t")[0::2] == ["prometheus", "-"]
    run("revoke", "prometheus")
    assert not run("list").endswith("-\n")


# --- Prometheus ---


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    return {(s.name, *(s.labels[name] for name in sorted(s.labels))): s.value for family in families(text) for s in family.samples}


def test_metrics_tell_questions_decisions_queue_and_latencies(served: Served, database: sqlite3.Connection) -> None:
    found = samples(served.client().get("/metrics").text)
    assert found["refdesk_events_total", "rest", "asked"] == 3
    assert found["refdesk_questions", "rest", "by_librarian"] == 1
    assert found["refdesk_questions", "phone", "by_librarian"] == 1
    assert found["refdesk_tickets", "waiting"] == 1
    assert found[("refdesk_queue_oldest_seconds",)] >= 0
    assert found[("refdesk_outbox_due",)] == 0
    assert found["refdesk_decision_seconds_count", "answer"] == 1
    assert found["refdesk_decision_seconds_count", "escalate"] == 2
    assert found["refdesk_first_answer_seconds_bucket", "60.0"] == found[("refdesk_first_answer_seconds_count",)] == 1


def test_metrics_tell_failed_pushes_by_channel(served: Served) -> None:
    served.connectors["stub"].failures += [DeliveryFailed("stub", "down")]  # type: ignore[attr-defined]
    served.client().post("/webhooks/stub", json={"id": "1", "user": "r", "text": "校外怎么用VPN"})

    def found() -> dict[tuple[str, ...], float]:
        return samples(served.client().get("/metrics").text)

    until(lambda: found().get(("refdesk_outbox_failing", "stub")))
    assert found()["refdesk_delivery_failures_total", "stub"] == 1


def test_metrics_are_given_to_another_machine_with_a_token(served: Served, key: str) -> None:
    elsewhere = {"X-Forwarded-For": "10.0.0.1"}
    assert served.client().get("/metrics", headers=elsewhere).status_code == 403
    good = {**elsewhere, "Authorization": f"Bearer {key}"}
    assert served.client().get("/metrics", headers=good).status_code == 200


def test_board_asks_for_metrics_that_there_are(served: Served, database: sqlite3.Connection) -> None:
    board = json.loads((ROOT / "deploy/grafana.json").read_text(encoding="utf-8"))
    there = {sample.name for family in families(served.client().get("/metrics").text) for sample in family.samples}
    there |= {"refdesk_delivery_failures_total", "refdesk_outbox_failing"}  # nothing has failed here
    asked = {name for panel in board["panels"] for target in panel["targets"] for name in re.findall(r"refdesk_\w+", target["expr"])}
    assert len(board["panels"]) > 8
    assert asked <= there
