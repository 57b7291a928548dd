"""The queue of several channels: what each of them still allows is shown, and what closes first can come first."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.desk import Clock
from bot.messages import Address, Question
from tests.conftest import FakeClock
from tests.connectors.loopback import platform
from tests.connectors.wechat import AccountApi, player, verified
from tests.connectors.wecom_platform import SECTION, Wecom, settle
from tests.serving import Colleague, Served

ASKED = "转人工"


@pytest.fixture
def there() -> Iterator[Wecom]:
    there = Wecom()
    there.platform.start()
    yield there
    there.platform.stop()


@pytest.fixture
def house(serve: Callable[..., Served], there: Wecom) -> Iterator[Served]:
    """A server with the web page, REST, a verified official account and WeCom; it began five hours ago."""
    with platform(AccountApi()) as api:
        yield serve({"web": {}, "rest": {}, "wechat": verified(api), "wecom": {**SECTION, "api_base": there.platform.url}})


def shown(anna: Colleague, address: str) -> tuple[list[int], list[str]]:
    """The numbers of the tickets in their order, and what their channels still allow."""
    page = anna.get(address).text
    return [int(number) for number in re.findall(r'data-ticket="(\d+)"', page)], re.findall(
        r'<span class="window[^"]*"[^>]*>([^<]*)</span>', page
    )


def test_librarian_sees_what_each_channel_still_allows_and_first_what_closes_first(house: Served, there: Wecom) -> None:
    clock = FakeClock(datetime.now(UTC) - timedelta(hours=5))
    house.desk.clock = Clock(clock, None)
    wechat, anna = player(house), house.librarian()
    house.desk.ask(Question("1", Address("web", "first"), ASKED)).result()
    clock.pass_(hours=1)
    there.says("wm-second", ASKED)
    there.ring(house.client())
    settle(house, there)
    clock.pass_(hours=1)
    wechat.text("oTestFollower_third", ASKED)
    clock.pass_(hours=1)
    house.desk.ask(Question("4", Address("rest", "fourth"), ASKED)).result()
    clock.pass_(hours=1)
    wechat.text("oTestFollower_fifth", ASKED)
    clock.pass_(minutes=30)
    wechat.text("oTestFollower_third", "在吗")
    clock.pass_(minutes=30)

    assert shown(anna, "/desk?view=all")[0] == [1, 2, 3, 4, 5]
    order, windows = shown(anna, "/desk?view=all&sort=closing")
    assert order == [2, 5, 3, 1, 4]
    assert windows == ["企业微信: 剩 4 条, 44 小时", "公众号: 剩 5 条, 47 小时", "公众号: 剩 5 条, 47 小时"]

    house.desk.claim(5, "anna")
    for number in range(5):
        house.desk.reply(5, "anna", f"第{number + 1}条")
        house.delivered()
    order, windows = shown(anna, "/desk?view=all&sort=closing")
    assert order == [2, 3, 1, 4, 5]
    assert windows[-1].startswith("公众号: ")
    assert "剩" not in windows[-1]
