"""How long the desk takes to open with thousands of tickets, and how soon many desks that listen see a new one.

`python -m benchmarks.desk` fills a database with open tickets on four channels, starts a real `refdesk serve` over it, signs in and
opens the pages of the desk again and again; then so many desks listen at once, and a patron asks for a person.
"""

import asyncio
import json
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import httpx

from benchmarks.measuring import circumstances, development_texts, quantile, refdesk, table
from bot.accounts import Accounts
from bot.domain import Event, EventName, Role, Ticket, TicketStatus
from bot.messages import Address, Question
from bot.store import Session, Store

PASSWORD = "only for this benchmark"
SECRET = "s" * 64
CHANNELS = ("web", "rest", "terminal", "rest")
PAGES: Mapping[str, str] = {
    "waiting, first page": "/desk",
    "all open, by closing window": "/desk?view=all&sort=closing",
    "waiting, page 100": "/desk?page=100",
    "one channel, older than a day": "/desk?view=all&channel=web&age=day",
    "a ticket beside the list": "/desk/tickets/1",
    "search, two characters": "/desk?q=图书",
    "search, nothing found": "/desk?q=图书管里的孔雀",
}
_BATCH = 500
_PATIENCE = 60.0


@dataclass(frozen=True)
class Opened:
    """How long one page took to arrive, milliseconds, the fastest first, and its size."""

    name: str
    took: tuple[float, ...]
    kilobytes: float


def fill(path: Path, count: int, texts: tuple[str, ...]) -> None:
    """A database with so many waiting tickets, opened within the last ten days, and one librarian who can sign in."""
    store, now = Store(path), datetime.now(UTC)

    def some(s: Session, first: int) -> None:
        for number in range(first, min(first + _BATCH, count)):
            at = now - timedelta(days=10) * (count - number) / count
            address = Address(CHANNELS[number % len(CHANNELS)], f"reader-{number}")
            conversation = s.conversation(address, secrets.token_hex(8))
            asked = s.add_question(conversation, Question(f"m{number}", address, texts[number % len(texts)]), None, at)
            ticket = s.open_ticket(Ticket(0, conversation.id, asked, "", "out_of_scope", TicketStatus.WAITING, at, secrets.token_hex(8)))
            s.record(Event(EventName.HANDED_OVER, at, address.connector, conversation.visitor, asked, ticket=ticket.id))

    for first in range(0, count, _BATCH):
        store.write(lambda s, first=first: some(s, first)).result()  # type: ignore[misc]
    accounts = Accounts(store, SECRET, lambda: datetime.now(UTC))
    accounts.set_password(accounts.invite("anna", "Anna", Role.LIBRARIAN), PASSWORD)
    store.close()


def opened(client: httpx.Client, times: int) -> tuple[Opened, ...]:
    """Each page, opened so many times in turn."""
    found = []
    for name, path in PAGES.items():
        took = []
        for _ in range(times):
            start = time.perf_counter()
            answer = client.get(path)
            took.append((time.perf_counter() - start) * 1000)
            answer.raise_for_status()
        found.append(Opened(name, tuple(sorted(took)), len(answer.content) / 1000))
    return tuple(found)


async def seen(address: str, cookies: Mapping[str, str], desks: int) -> tuple[float, ...]:
    """Seconds from a question until each of so many desks was told of its ticket, sorted."""
    limits = httpx.Limits(max_connections=desks + 1)
    async with httpx.AsyncClient(base_url=address, cookies=dict(cookies), limits=limits, timeout=_PATIENCE, trust_env=False) as client:
        ready = [asyncio.Event() for _ in range(desks)]

        async def listen(number: int) -> float:
            async with client.stream("GET", "/desk/events", headers={"Accept": "text/event-stream"}) as response:
                before: int | None = None
                async for line in response.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    newest = json.loads(line.removeprefix("data: "))["newest"]
                    if before is not None and newest > before:
                        return time.perf_counter()
                    before = newest
                    ready[number].set()
            raise click.ClickException("a desk was hung up on")

        desks_listen = [asyncio.create_task(listen(number)) for number in range(desks)]
        await asyncio.gather(*(each.wait() for each in ready))
        start = time.perf_counter()
        await client.post("/webhooks/rest/webhook", json={"sender": "benchmark", "message": "转人工"})
        return tuple(sorted(at - start for at in await asyncio.gather(*desks_listen)))


def measure(tickets: int, times: int, desks: int) -> tuple[tuple[Opened, ...], tuple[float, ...]]:
    """Pages opened over so many tickets, and how soon so many desks saw a new one."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "refdesk.db"
        fill(database, tickets, development_texts())
        with (
            refdesk(database, {"REFDESK__SERVER__SECRET": SECRET}) as server,
            httpx.Client(base_url=server.address, trust_env=False) as client,
        ):
            signed = client.post("/login", data={"login": "anna", "password": PASSWORD})
            if signed.status_code != httpx.codes.SEE_OTHER:
                raise click.ClickException(f"could not sign in: {signed.status_code}")
            pages = opened(client, times)
            return pages, asyncio.run(seen(server.address, dict(client.cookies), desks))


def as_table(pages: tuple[Opened, ...]) -> str:
    """The figures, a line for each page."""
    rows = [
        (page.name, f"{quantile(page.took, 0.5):.0f}", f"{quantile(page.took, 0.95):.0f}", f"{page.took[-1]:.0f}", f"{page.kilobytes:.0f}")
        for page in pages
    ]
    return table(("page", "median ms", "p95 ms", "slowest ms", "kB"), rows)


@click.command()
@click.option("--tickets", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option("--times", type=click.IntRange(min=1), default=20, show_default=True, help="How often each page is opened.")
@click.option("--desks", type=click.IntRange(min=1), default=100, show_default=True, help="How many listen at once.")
def main(tickets: int, times: int, desks: int) -> None:
    """Pages of the desk over many tickets, and news to many desks."""
    click.echo(circumstances())
    pages, told = measure(tickets, times, desks)
    click.echo(as_table(pages))
    click.echo(f"{desks} desks saw the new ticket after {quantile(told, 0.5):.2f} s (median), {told[-1]:.2f} s (the last)")


if __name__ == "__main__":
    main()
