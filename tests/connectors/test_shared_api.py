"""The client for the APIs of WeChat and WeCom, against a platform on loopback."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.shared.api import BREAK_AFTER, BREAK_FOR, TRIES, Api, ApiFailed, ApiRefused, TokenCall, gettoken, stable_token
from tests.connectors.loopback import Answering, Asked, Platform, Told, platform

SEND = "/cgi-bin/kf/send_msg"
GETTOKEN = gettoken("ww1", "top-secret")


@dataclass
class Time:
    """Seconds that pass only while somebody sleeps, or when a test says so."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Account:
    """A platform that gives out tokens T1, T2, … and answers calls with `answers` in turn, then with success."""

    answers: list[Told | dict[str, Any]] = field(default_factory=list)
    expires_in: Any = 7200
    tokens: int = 0
    forced: list[bool] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Told | dict[str, Any]:
        if asked.path.endswith("token"):
            self.tokens += 1
            self.forced.append(bool(asked.body and asked.body["force_refresh"]))
            return {"access_token": f"T{self.tokens}", "expires_in": self.expires_in}
        return self.answers.pop(0) if self.answers else {"errcode": 0, "errmsg": "ok", "token": asked.query["access_token"]}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def connect(time: Time) -> Iterator[Callable[..., tuple[Platform, Api]]]:
    """A platform and a client for it."""
    with ExitStack() as stack:

        def connect(answer: Answering, how: TokenCall = GETTOKEN) -> tuple[Platform, Api]:
            started = stack.enter_context(platform(answer))
            return started, Api(started.url, how, clock=time, sleep=time.sleep, chance=lambda: 0.5)

        yield connect


def test_client_sends_json_as_utf_8_with_the_token_in_the_query(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    there, api = connect(account)
    asyncio.run(api.call(SEND, {"text": {"content": "图书馆📚"}}))
    first, second = there.asked
    assert (first.method, first.path, dict(first.query)) == ("GET", "/cgi-bin/gettoken", {"corpid": "ww1", "corpsecret": "top-secret"})
    assert (second.method, dict(second.query)) == ("POST", {"access_token": "T1"})
    assert second.raw.decode() == '{"text": {"content": "图书馆📚"}}'


def test_client_asks_with_get_when_there_is_no_body(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    there, api = connect(account)
    asyncio.run(api.call("/cgi-bin/kf/servicer/list", query={"open_kfid": "wk1"}))
    assert (there.asked[-1].method, dict(there.asked[-1].query)) == ("GET", {"open_kfid": "wk1", "access_token": "T1"})


def test_client_uses_wechats_stable_token(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    there, api = connect(account, stable_token("wx1", "s"))
    assert asyncio.run(api.call(SEND, {}))["token"] == "T1"
    assert there.asked[0].body == {"grant_type": "client_credential", "appid": "wx1", "secret": "s", "force_refresh": False}


# --- the token ---


def test_client_fetches_one_token_for_many_calls_at_once(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    _, api = connect(account)

    async def many() -> list[dict[str, Any]]:
        return await asyncio.gather(*(api.call(SEND, {}) for _ in range(20)))

    assert {answer["token"] for answer in asyncio.run(many())} == {"T1"}
    assert account.tokens == 1


@pytest.mark.parametrize(("expires_in", "good_for"), [(7200, 6900), ("7200", 6900), (300, 30), (None, 6900)])
def test_client_fetches_another_token_before_the_old_one_ends(
    connect: Callable[..., tuple[Platform, Api]], account: Account, time: Time, expires_in: Any, good_for: int
) -> None:
    account.expires_in = expires_in
    _, api = connect(account)
    asyncio.run(api.token())
    time.at += good_for - 1
    assert asyncio.run(api.token()) == "T1"
    time.at += 1
    assert asyncio.run(api.token()) == "T2"


@pytest.mark.parametrize("errcode", [40001, 40014, 42001, "42001"])
def test_client_tries_once_more_with_a_new_token_when_the_old_one_is_refused(
    connect: Callable[..., tuple[Platform, Api]], account: Account, errcode: Any
) -> None:
    account.answers = [{"errcode": errcode, "errmsg": "access_token expired"}]
    _, api = connect(account)
    assert asyncio.run(api.call(SEND, {}, repeatable=False))["token"] == "T2"


def test_client_gives_up_when_the_new_token_is_refused_too(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    account.answers = [{"errcode": 42001, "errmsg": "expired"}] * 5
    there, api = connect(account)
    with pytest.raises(ApiRefused) as caught:
        asyncio.run(api.call(SEND, {}))
    assert (caught.value.errcode, len(there.calls(SEND)), account.tokens) == (42001, 2, 2)


def test_client_fetches_one_new_token_when_many_calls_are_refused_at_once(connect: Callable[..., tuple[Platform, Api]]) -> None:
    tokens, together = list[str](), threading.Barrier(10)

    def answer(asked: Asked) -> dict[str, Any]:
        if asked.path.endswith("gettoken"):
            tokens.append(f"T{len(tokens) + 1}")
            return {"access_token": tokens[-1], "expires_in": 7200}
        if asked.query["access_token"] == "T1":
            together.wait(10)
            return {"errcode": 42001, "errmsg": "expired"}
        return {"errcode": 0}

    _, api = connect(answer)

    async def many() -> None:
        await asyncio.gather(*(api.call(SEND, {}) for _ in range(10)))

    asyncio.run(many())
    assert tokens == ["T1", "T2"]


def test_client_forces_another_token_only_when_it_is_given_the_refused_one_again(connect: Callable[..., tuple[Platform, Api]]) -> None:
    forced = list[bool]()

    def answer(asked: Asked) -> dict[str, Any]:
        if asked.path.endswith("stable_token"):
            forced.append(asked.body["force_refresh"])
            return {"access_token": "new" if forced[-1] else "old", "expires_in": 7200}
        return {"errcode": 0} if asked.query["access_token"] == "new" else {"errcode": 40001, "errmsg": "invalid credential"}

    _, api = connect(answer, stable_token("wx1", "s"))
    asyncio.run(api.call(SEND, {}))
    assert forced == [False, False, True]


@pytest.mark.parametrize("answer", [{"errcode": 0}, {"access_token": ""}, {"access_token": 7}, {"access_token": "x" * 5000}])
def test_client_does_not_take_a_token_that_is_none(connect: Callable[..., tuple[Platform, Api]], answer: dict[str, Any]) -> None:
    _, api = connect(lambda asked: answer)
    with pytest.raises(ApiFailed, match="no access_token"):
        asyncio.run(api.call(SEND, {}))


def test_client_names_the_platforms_reason_and_no_secret_when_no_token_is_given(
    connect: Callable[..., tuple[Platform, Api]], caplog: pytest.LogCaptureFixture
) -> None:
    _, api = connect(lambda asked: {"errcode": 40164, "errmsg": "invalid ip 1.2.3.4, not in whitelist"})
    with caplog.at_level(logging.INFO), pytest.raises(ApiRefused) as caught:
        asyncio.run(api.call(SEND, {}))
    assert str(caught.value) == "/cgi-bin/gettoken: errcode 40164 invalid ip 1.2.3.4, not in whitelist"
    assert "top-secret" not in caplog.text


# --- answers that are none ---

NONSENSE = {
    "nothing at all": Told(None),
    "an empty body": Told(""),
    "blanks": Told("  \n"),
    "HTML": Told("<html><body>Bad Gateway</body></html>", 502),
    "HTML with 200": Told("<!DOCTYPE html><html>login</html>"),
    "HTML with 404": Told("<html>not found</html>", 404),
    "invalid UTF-8": Told(b"\xff\xfe{}"),
    "a JSON list": Told([]),
    "a JSON text": Told('"ok"'),
    "an errcode that is no number": Told({"errcode": {"code": 1}}),
    "500 with a success in it": Told({"errcode": 0}, 500),
    "a redirect": Told({}, 302),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_client_tries_again_when_the_answer_is_none(connect: Callable[..., tuple[Platform, Api]], account: Account, nonsense: Told) -> None:
    account.answers = [nonsense] * (TRIES - 1)
    there, api = connect(account)
    assert asyncio.run(api.call(SEND, {}))["errmsg"] == "ok"
    assert len(there.calls(SEND)) == TRIES


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_client_says_so_when_no_try_brings_an_answer(
    connect: Callable[..., tuple[Platform, Api]], account: Account, nonsense: Told
) -> None:
    account.answers = [nonsense] * TRIES
    there, api = connect(account)
    with pytest.raises(ApiFailed, match=f"^{SEND}: ") as caught:
        asyncio.run(api.call(SEND, {}))
    assert caught.value.perhaps_done
    assert len(there.calls(SEND)) == TRIES


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_client_sends_no_second_copy_when_the_first_may_have_arrived(
    connect: Callable[..., tuple[Platform, Api]], account: Account, nonsense: Told
) -> None:
    account.answers = [nonsense]
    there, api = connect(account)
    with pytest.raises(ApiFailed):
        asyncio.run(api.call(SEND, {}, repeatable=False))
    assert len(there.calls(SEND)) == 1


def test_client_waits_longer_from_try_to_try_and_not_always_the_same(
    connect: Callable[..., tuple[Platform, Api]], account: Account, time: Time
) -> None:
    account.answers = [Told("", 500)] * 2
    _, api = connect(account)
    asyncio.run(api.call(SEND, {}))
    assert time.slept == pytest.approx([0.2 * 0.75, 0.4 * 0.75])


@pytest.mark.parametrize("status", [200, 400, 500])
def test_client_finds_the_errcode_whatever_the_http_status(
    connect: Callable[..., tuple[Platform, Api]], account: Account, status: int
) -> None:
    account.answers = [Told({"errcode": 95018, "errmsg": "session status invalid"}, status)]
    there, api = connect(account)
    with pytest.raises(ApiRefused) as caught:
        asyncio.run(api.call(SEND, {}))
    assert (caught.value.errcode, caught.value.errmsg) == (95018, "session status invalid")
    assert len(there.calls(SEND)) == 1


def test_client_tries_again_when_the_platform_is_busy(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    account.answers = [{"errcode": -1, "errmsg": "system busy"}]
    _, api = connect(account)
    assert asyncio.run(api.call(SEND, {}))["errmsg"] == "ok"


def test_client_takes_answers_with_control_characters_in_texts(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    account.answers = [Told(b'{"errcode":0,"errmsg":"a\x01\nb"}')]
    _, api = connect(account)
    assert asyncio.run(api.call(SEND, {}))["errmsg"] == "a\x01\nb"


# --- a platform that is down ---


def test_client_knows_that_nothing_arrived_when_nobody_listens(account: Account, time: Time) -> None:
    with platform(account) as there:
        url = there.url
    api = Api(url, GETTOKEN, clock=time, sleep=time.sleep)
    with pytest.raises(ApiFailed, match="cannot be reached") as caught:
        asyncio.run(api.call(SEND, {}))
    assert not caught.value.perhaps_done
    assert len(time.slept) == TRIES - 1


def test_client_leaves_a_failing_platform_alone_for_a_while(
    connect: Callable[..., tuple[Platform, Api]], account: Account, time: Time
) -> None:
    there, api = connect(account)
    asyncio.run(api.token())
    account.answers = [Told("", 500)] * BREAK_AFTER
    for _ in range(4):
        with pytest.raises(ApiFailed):
            asyncio.run(api.call(SEND, {}))
    assert len(there.calls(SEND)) == BREAK_AFTER
    time.at += BREAK_FOR
    assert asyncio.run(api.call(SEND, {}))["errmsg"] == "ok"
    assert asyncio.run(api.call(SEND, {}))["errmsg"] == "ok"


def test_client_sends_one_call_ahead_when_it_tries_a_failing_platform_again(
    connect: Callable[..., tuple[Platform, Api]], account: Account, time: Time
) -> None:
    there, api = connect(account)
    asyncio.run(api.token())
    account.answers = [Told("", 500)] * (BREAK_AFTER + 1)
    for _ in range(2):
        with pytest.raises(ApiFailed):
            asyncio.run(api.call(SEND, {}))
    time.at += BREAK_FOR

    async def many() -> list[Any]:
        return await asyncio.gather(*(api.call(SEND, {}) for _ in range(10)), return_exceptions=True)

    assert all(isinstance(outcome, ApiFailed) for outcome in asyncio.run(many()))
    assert len(there.calls(SEND)) == BREAK_AFTER + 1


def test_refusals_do_not_count_as_a_failing_platform(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    account.answers = [{"errcode": 45015, "errmsg": "out of response count limit"}] * (BREAK_AFTER + 1)
    _, api = connect(account)
    for _ in range(BREAK_AFTER + 1):
        with pytest.raises(ApiRefused):
            asyncio.run(api.call(SEND, {}))
    assert asyncio.run(api.call(SEND, {}))["errmsg"] == "ok"


def test_client_keeps_working_for_others_when_one_who_waited_for_a_token_goes_away(connect: Callable[..., tuple[Platform, Api]]) -> None:
    asked_for, give = threading.Event(), threading.Event()

    def answer(asked: Asked) -> dict[str, Any]:
        asked_for.set()
        assert give.wait(10)
        return {"access_token": "T1", "expires_in": 7200}

    _, api = connect(answer)

    async def two() -> str:
        first, second = asyncio.create_task(api.token()), asyncio.create_task(api.token())
        await asyncio.to_thread(asked_for.wait, 10)
        first.cancel()
        give.set()
        return await second

    assert asyncio.run(two()) == "T1"


def test_client_keeps_its_connections_from_open_to_close(connect: Callable[..., tuple[Platform, Api]], account: Account) -> None:
    _, api = connect(account)

    async def run() -> list[str]:
        await api.open()
        first = await api.call(SEND, {})
        other_loop = await asyncio.to_thread(lambda: asyncio.run(api.call(SEND, {})))
        await api.close()
        return [first["token"], other_loop["token"], (await api.call(SEND, {}))["token"]]

    assert asyncio.run(run()) == ["T1"] * 3
