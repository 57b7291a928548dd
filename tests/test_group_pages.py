"""Pages and figures about groups: one answer for everybody, what groups ask, and what they requested."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import cli
from bot.answering import Policy
from bot.desk import Desk
from bot.messages import Address, Language, Question
from tests.conftest import MONDAY, FakeClock
from tests.serving import Served

SECTION = {"access_token": "a-token-for-onebot"}
NAMED = {"room": {"200": {"name": "教学群"}}}


@pytest.fixture
def house(serve: Callable[..., Served]) -> Served:
    """A server whose groups have asked this and that."""
    house = serve({"onebot": SECTION}, groups=NAMED)
    for number, (room, user, text) in enumerate(
        [
            ("200", "300", "校外怎么用VPN"),
            ("200", "301", "教材需求：=线性代数 同济第七版"),
            ("200", "301", "教材需求 概率论"),
            ("201", "302", "校外怎么用VPN"),
            ("", "303", "校外怎么用VPN"),
        ]
    ):
        house.desk.ask(Question(f"g{number}", Address("onebot", user, room), text)).result()
    return house


def test_anybody_can_read_an_answer_in_full(house: Served) -> None:
    page = house.browser().get("/answers/vpn_setup")
    assert page.status_code == 200
    assert "WebVPN" in page.text
    assert "内容核对于" in page.text
    assert "Checked on" in house.browser().get("/answers/vpn_setup?lang=en").text


@pytest.mark.parametrize("name", ["nothing", "..%2Fsecret", "%00", "vpn_setup%27"])
def test_an_answer_that_is_none_is_not_found(house: Served, name: str) -> None:
    assert house.browser().get(f"/answers/{name}").status_code == 404


@pytest.mark.parametrize("policy", [Policy(shadow=True), Policy(off=frozenset({"vpn_setup"})), Policy(suggest=frozenset({"vpn_setup"}))])
def test_an_answer_that_the_bot_may_not_give_alone_is_not_public(desk: Desk, policy: Policy) -> None:
    assert desk.readable("vpn_setup", Language.ZH)
    desk.answering = replace(desk.answering, policy=policy)
    assert desk.readable("vpn_setup", Language.ZH) is None


def test_an_answer_whose_time_is_over_is_not_public(desk: Desk, clock: FakeClock) -> None:
    dated = next(entry for entry in desk.knowledge.entries if entry.valid_until and entry.valid_from)
    assert dated.valid_from
    clock.at = MONDAY.replace(year=dated.valid_from.year, month=dated.valid_from.month, day=dated.valid_from.day)
    assert desk.readable(dated.id, dated.language)
    clock.pass_(days=4000)
    assert desk.readable(dated.id, dated.language) is None
    risky = next(entry for entry in desk.knowledge.entries if entry.risk == "high" and not entry.valid_until)
    assert desk.readable(risky.id, risky.language) is None, "its review is long overdue"


def test_librarian_sees_what_each_group_asked_for(house: Served) -> None:
    anna = house.librarian()
    page = anna.get("/desk/groups").text
    assert "教学群" in page
    assert "3 个问题，2 份申请" in page
    assert "=线性代数 同济第七版" in page
    assert "概率论" in page
    other = anna.get("/desk/groups?channel=onebot&room=201&lang=en").text
    assert "No requests in this period." in other
    assert "概率论" not in other


def test_librarian_sees_on_a_ticket_in_which_group_it_was_asked_and_where_the_reply_goes(house: Served) -> None:
    page = house.librarian().get("/desk/tickets/1").text
    assert "教学群（您的回复私信发给本人，不发到群里）" in page


def test_requests_of_a_group_can_be_taken_away_as_a_table(house: Served) -> None:
    table = house.librarian().get("/desk/groups?channel=onebot&room=200&days=7&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    lines = table.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "number,opened_at,status,form,fields"
    assert len(lines) == 3
    assert "线性代数 同济第七版" in lines[2]


def test_page_of_groups_is_for_people_with_an_account(house: Served) -> None:
    assert house.browser().get("/desk/groups").status_code == 303


def test_page_of_groups_says_so_when_no_group_has_asked(serve: Callable[..., Served]) -> None:
    anna = serve({"onebot": SECTION}).librarian()
    assert "这段时间没有群" in anna.get("/desk/groups?days=9999999999999999999&room=7").text
    assert anna.get("/desk/groups?format=csv").text.count("\n") == 1


def test_figures_can_be_had_by_group_under_its_name(house: Served, tmp_path: Path) -> None:
    settings = tmp_path / "refdesk.toml"
    settings.write_text(f'[store]\npath = "{house.desk.store.path}"\n[groups.room.200]\nname = "教学群"\n', encoding="utf-8")
    done = CliRunner().invoke(cli, ["--settings", str(settings), "stats", "--by", "group", "--format", "csv"])
    assert done.exit_code == 0, done.output
    counts = {line.split(",")[0]: line.split(",")[1] for line in done.output.splitlines()[1:] if line}
    assert counts["教学群"] == "3"
    assert counts["201"] == "1"
    assert counts["all"] == "5"
