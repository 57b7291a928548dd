"""What waits behind pick-up codes."""

import pytest

from bot.messages import Address, Question
from tests.serving import Served


def test_patron_enters_the_code_of_a_consultation(served: Served) -> None:
    served.desk.ask(Question("m1", Address("rest", "reader"), "转人工")).result()
    code, browser = served.ticket().code, served.browser()
    assert 'name="code"' in browser.get("/mailbox").text
    for typed in (code, code.upper(), f" {code[:4]} {code[4:8]}-{code[8:]} "):
        answer = browser.get("/mailbox", params={"code": typed})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/mailbox/{code}")
    assert "转人工" in browser.get(f"/mailbox/{code}").text


def test_patron_enters_the_code_of_one_reply(served: Served) -> None:
    (reply,) = served.desk.ask(Question("m1", Address("rest", "reader"), "校外怎么用VPN")).result()
    page = served.browser().get(f"/mailbox/{served.desk.pick_up(reply)}")
    assert page.status_code == 200
    assert "WebVPN" in page.text
    assert f'href="{reply.links[0].url}"' in page.text
    assert "noindex" in page.text


@pytest.mark.parametrize(("typed", "status"), [("../../desk", 200), ("<b>", 200), ("zzzzzzzz", 303)])
def test_patron_is_told_when_it_is_no_code(served: Served, typed: str, status: int) -> None:
    answer = served.browser().get("/mailbox", params={"code": typed})
    assert answer.status_code == status
    assert "<b>" not in answer.text
    assert ("这不是取件码" in answer.text) == (status == 200)


def test_patron_is_told_when_nothing_is_behind_a_code(served: Served) -> None:
    answer = served.browser().get("/mailbox/zzzzzzzzzzzzzzzz")
    assert answer.status_code == 404
    assert 'value="zzzzzzzzzzzzzzzz"' in answer.text
    assert 'href="/mailbox"' in served.browser().get("/").text
