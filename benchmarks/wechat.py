"""An official account in safe mode under load: are all askers answered within a second, and what does the whole house cost?

`python -m benchmarks.wechat` starts a real `refdesk serve` with an empty database (synchronous=FULL) and an official
account in safe mode, and plays 1, 8 and 64 askers, each a follower who has never written before, with messages sealed
and signed as the platform does it. The same is done in the same run to a bare handler of the same web server that opens
the same messages and seals the same sort of answer, and does nothing else. Afterwards every answer is opened, and every
message has to be found in the database.
"""

import secrets
import sqlite3
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import click

from benchmarks import bare
from benchmarks.bare import ACCOUNT, AES, APP_ID, PATH, TOKEN
from benchmarks.load import Message, Poured, pour
from benchmarks.measuring import Process, circumstances, development_texts, processor_s, refdesk, table
from connectors.shared.envelope import Key, SealBroken, check, signature
from connectors.wechat.payload import BadPayload, parse, render

ASKERS = (1, 8, 64)
IN_TIME = 1.0
"""Seconds within which all have to be answered; the platform waits five and then asks again."""
SETTINGS = {
    "REFDESK__CONNECTORS__WECHAT__TOKEN": TOKEN,
    "REFDESK__CONNECTORS__WECHAT__ENCODING_AES_KEY": AES,
    "REFDESK__CONNECTORS__WECHAT__APP_ID": APP_ID,
}
_KEY = Key.from_setting(AES, APP_ID)
_WARM = 2.0
_MOST_PER_SECOND = 3000
"""So many messages are sealed beforehand for each second, so that this costs the server no processor time."""


@dataclass(frozen=True)
class Level:
    """One number of askers: the server, the bare handler, how many messages are nowhere, and what a message cost."""

    askers: int
    server: Poured
    bare: Poured
    lost: int
    processor_ms: float


def sealed(texts: Sequence[str], prefix: str, count: int) -> tuple[Message, ...]:
    """Messages as the platform sends them in safe mode, every one from a follower of its own."""
    return tuple(_sealed(texts[number % len(texts)], f"{prefix}{number:07}", number) for number in range(count))


def _sealed(text: str, follower: str, number: int) -> Message:
    stamp, nonce = str(int(time.time())), secrets.token_hex(5)
    fields = {"ToUserName": ACCOUNT, "FromUserName": follower, "CreateTime": int(stamp), "MsgType": "text", "Content": text}
    encrypted = _KEY.seal(render({**fields, "MsgId": 24_000_000_000_000_000 + number}, as_json=False)).decode()
    query = {"signature": signature(TOKEN, stamp, nonce), "timestamp": stamp, "nonce": nonce, "openid": follower}
    query |= {"encrypt_type": "aes", "msg_signature": signature(TOKEN, stamp, nonce, encrypted)}
    return Message(render({"ToUserName": ACCOUNT, "Encrypt": encrypted}, as_json=False), urlencode(query))


def says_something(answer: bytes, follower: str) -> bool:
    """Whether an answer is signed and sealed as the platform wants it, is for this follower and has words."""
    try:
        outer = parse(answer)
        check(outer["MsgSignature"], TOKEN, outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
        inner = parse(_KEY.open(outer["Encrypt"].encode()))
    except (SealBroken, BadPayload):
        return False
    return inner["ToUserName"] == follower and bool(inner["Content"].strip())


def missing(database: Path, answers: Mapping[int, bytes], prefix: str) -> int:
    """How many of the answered messages are not stored, or were answered with something that is no answer."""
    with closing(sqlite3.connect(database)) as connection:
        sql = "select c.user from messages m join conversations c on c.id = m.conversation where m.who = 'patron' and c.user like ?"
        stored = {user for (user,) in connection.execute(sql, (f"{prefix}%",))}
    followers = {number: f"{prefix}{number:07}" for number in answers}
    return sum(followers[number] not in stored or not says_something(answer, followers[number]) for number, answer in answers.items())


def measure(texts: Sequence[str], askers: tuple[int, ...], seconds: float) -> tuple[Level, ...]:
    """One level after the other, the server and the bare handler in turn."""
    levels = []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "refdesk.db"
        with refdesk(database, SETTINGS) as server, Process("benchmarks.bare", ready=bare.READY) as echo:
            known = sealed(texts, "oWarm_", 1000)
            for process in (server, echo):
                pour(process.address + PATH, lambda n: known[n % len(known)], 4, min(_WARM, seconds))
            for count in askers:
                prefix, used = f"oAsker{count}_", processor_s(server.number)
                messages, answers = sealed(texts, prefix, int(_MOST_PER_SECOND * seconds) + count), dict[int, bytes]()
                asked = pour(server.address + PATH, messages.__getitem__, count, seconds, heard=answers.__setitem__)
                spent = (processor_s(server.number) - used) * 1000 / max(1, len(asked.took))
                echoed = pour(echo.address + PATH, lambda n, known=messages: known[n % len(known)], count, seconds)
                levels.append(Level(count, asked, echoed, missing(database, answers, prefix), spent))
    return tuple(levels)


def as_table(levels: Sequence[Level]) -> str:
    """The figures, a line for each number of askers."""
    head = (
        "askers", "messages/s", "median ms", "p99 ms", "slowest ms", "answered within 1 s", "failed", "lost", "processor ms a message",
        "bare handler/s", "bare p99 ms", "bare / Refdesk",
    )  # fmt: skip
    return table(head, [_row(level) for level in levels])


def _row(level: Level) -> tuple[str, ...]:
    server, other = level.server, level.bare
    return (
        f"{level.askers}",
        f"{server.per_second:.0f}",
        f"{server.milliseconds(0.5):.1f}",
        f"{server.milliseconds(0.99):.1f}",
        f"{server.milliseconds(1):.1f}",
        f"{server.within(IN_TIME):.2%}",
        f"{server.failed}",
        f"{level.lost}",
        f"{level.processor_ms:.2f}",
        f"{other.per_second:.0f}",
        f"{other.milliseconds(0.99):.1f}",
        f"{other.per_second / server.per_second:.1f}",
    )


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="How long to ask at each level.")
def main(seconds: float) -> None:
    """Sealed messages a second through a real server, beside a bare handler in the same run; exit 1 if any was late or lost."""
    click.echo(circumstances())
    levels = measure(development_texts(), ASKERS, seconds)
    click.echo(as_table(levels))
    late = any(level.server.within(IN_TIME) < 1 or level.lost for level in levels)
    raise SystemExit(int(late))


if __name__ == "__main__":
    main()
