"""What was ever said is found again: Chinese, short words, other scripts, typos; and what is gone is not found."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlite_utils import Database

from bot.desk import Desk
from bot.domain import TicketStatus
from bot.messages import Who
from bot.schema import MIGRATIONS
from bot.store import Store
from bot.text import spaced
from tests.conftest import FakeClock

Say = Callable[..., str]


@pytest.fixture
def talked(desk: Desk, say: Say) -> Desk:
    for user, text in (
        ("a", "市图书馆周末几点关门"),
        ("b", "Web of Science 打不开怎么办"),
        ("c", "请问CNKI維普怎么下载PDF全文？"),
        ("d", "转人工"),
    ):
        say(text, user=user)
    return desk


def found(desk: Desk, words: str) -> list[str]:
    return [hit.text for hit in desk.search(words) if hit.who is Who.PATRON]


@pytest.mark.parametrize(
    ("words", "user"),
    [
        ("周末", "市"), ("关", "市"), ("图书馆周末几点", "市"), ("打不开", "Web"), ("web of sci", "Web"), ("SCIENCE", "Web"),
        ("维普", "请"),
        ("維普", "请"), ("cnki", "请"), ("ＰＤＦ", "请"), ("全文 下载", "请"), ("人工", "转"), ("science 打不", "Web"),
    ],
)  # fmt: skip
def test_librarian_finds_words_wherever_they_stand(talked: Desk, words: str, user: str) -> None:
    assert [text[: len(user)] for text in found(talked, words)] == [user]


@pytest.mark.parametrize("words", ["", " ", "？！", '"', "周 馆", "末周", "NOT", "a*", "( OR", "x" * 5000, "'; drop table search; --"])
def test_librarian_finds_nothing_where_nothing_fits_and_breaks_nothing(talked: Desk, words: str) -> None:
    assert found(talked, words) == ([] if words != "周 馆" else ["市图书馆周末几点关门"])


def test_hit_leads_to_its_ticket_or_its_conversation(talked: Desk, say: Say) -> None:
    say("校外怎么用VPN", user="e")
    (hit,) = talked.search("校外怎么用")
    assert (hit.ticket, hit.status, hit.connector) == (0, None, "rest")
    (ticket,) = talked.search("周末几点关")
    assert (ticket.ticket, ticket.status) == (1, TicketStatus.WAITING)
    talked.claim(1, "anna")
    talked.reply(1, "anna", "周末不开放")
    (reply,) = talked.search("周末不开放")
    assert (reply.ticket, reply.who) == (1, Who.LIBRARIAN)
    assert talked.search("周末", channel="web") == ()
    assert len(talked.search("周末", channel="rest")) == 1
    assert talked.search("周末", page=2) == ()


def test_what_retention_removed_is_not_found(talked: Desk, say: Say, clock: FakeClock) -> None:
    clock.pass_(days=400)
    say("周末还开吗", user="z")
    talked.forget(timedelta(days=365))
    assert found(talked, "周末") == ["周末还开吗"]
    assert (
        talked.store.read(lambda s: s._rows("select count(*) as n from search"))[0]["n"]
        == talked.store.read(lambda s: s._rows("select count(*) as n from messages where text != ''"))[0]["n"]
    )


@pytest.mark.parametrize(
    ("typed", "meant"), [("web of scince", "Web of Science 打不开怎么办"), ("图书管周末", "市图书馆周末几点关门"), ("zhoumo", "")]
)
def test_librarian_is_offered_what_was_meant(talked: Desk, typed: str, meant: str) -> None:
    offered = talked.suggest(typed)
    assert not meant or meant in offered
    assert all(talked.search(words) for words in offered)


def test_nothing_is_offered_for_nothing(talked: Desk) -> None:
    assert talked.suggest("  ") == ()
    assert talked.suggest("qqqqqqqqq") == ()


def test_older_database_is_searchable_after_its_migration(tmp_path: object, store: Store, desk: Desk, say: Say) -> None:
    say("市图书馆周末几点关门")
    database = Database(store.path)
    database.executescript(
        "drop table search; drop trigger messages_emptied; drop trigger messages_gone;"
        "drop table notes; drop table alerts; drop table held;"
        "drop index tickets_joined; drop index tickets_question; drop index events_of_tickets; drop index messages_of_tickets;"
        + "".join(f"alter table tickets drop column {name};" for name in ("team", "language", "college", "joined"))
    )
    database["_sqlite_migrations"].delete_where("name = '0040_desk'")
    database.conn.commit()
    MIGRATIONS.apply(database)
    database.conn.commit()
    database.close()
    assert found(desk, "周末") == ["市图书馆周末几点关门"]
    assert desk.queue((TicketStatus.WAITING,))[0].ticket.language == "zh"


def test_every_chinese_character_is_a_word_of_its_own() -> None:
    assert spaced("CNKI維普，怎么下載?") == "cnki 维 普 怎 么 下 载"
    assert spaced("  ") == ""
