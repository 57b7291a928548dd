"""Whole conversations as a librarian can read them: tests/dialogues/*.yml, played against the real model and knowledge.

A turn is `say: ...` with `expect:` (a text, or a list of texts, that the replies contain), optional `not:` (texts they
do not contain), `decision:` (of the first reply), `silent: true` (no reply), `wait_minutes:` (time that passes first),
`as:` (who says it), `picture: true` (sent along), `id:` (the platform's number of the message, to send one twice),
`repeat:` (the text is its words so often), `thumb: up` or `down` (a press below the last answer instead of words),
`reason:` and `urgent: true` (of the newest ticket afterwards), `tickets:` (how many there are by then),
`librarian:` (what a librarian does instead: claim, release, close, `reply: ...`, end_incident, or `incident:` with zh, en,
about, databases, expected). `hears:` without `say:` is what the asker has been told since. A dialogue may have `now:` (the
time), `suggest:` and `switched_off:` (intents that the bot does not answer alone) and `shadow: true`.

In groups: `group:` (in which one it is said), `overheard: true` (it speaks to nobody), `alone: true` (said to the bot
alone, on the groups' channel), `whispers:` (texts that the bot writes to the asker alone; `false`: nothing), `channel: qq`
(where people have another name in private). A dialogue may have `groups:` (the settings of that section). Whatever is
said in a group, no pick-up code is ever shown there.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import house
from bot.answering import Policy
from bot.desk import Clock, Desk
from bot.domain import TicketStatus
from bot.incidents import Incident
from bot.messages import Address, Attachment, Question, Reply
from bot.settings import Groups, Settings
from bot.store import Store
from tests.conftest import LIMITS, FakeClock

HERE = Path(__file__).parent / "dialogues"


def _dialogues() -> list[Any]:
    return [
        pytest.param(dialogue, id=f"{path.stem}: {dialogue['name']}")
        for path in sorted(HERE.glob("*.yml"))
        for dialogue in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


@pytest.mark.parametrize("dialogue", _dialogues())
def test_conversation_goes_as_written(dialogue: dict[str, Any], tmp_path: Path, mind: house.Mind, settings: Settings) -> None:
    clock, store = FakeClock(), Store(tmp_path / "refdesk.db")
    desk = Desk(
        store,
        mind.engine,
        replace(mind.answering, policy=_policy(dialogue, mind.answering.policy)),
        house.hours(settings),
        limits=LIMITS,
        address="http://ask.example",
        clock=Clock(clock),
        secret="s" * 64,
        groups=Groups(**dialogue.get("groups", {})),
    )
    if "now" in dialogue:
        clock.at = dialogue["now"]
    try:
        for number, turn in enumerate(dialogue["turns"]):
            clock.pass_(minutes=turn.get("wait_minutes", 0), seconds=5)
            _play(desk, turn, number)
    finally:
        store.close()


def _policy(dialogue: dict[str, Any], usual: Policy) -> Policy:
    suggest, off = frozenset(dialogue.get("suggest", ())), frozenset(dialogue.get("switched_off", ()))
    return replace(usual, suggest=suggest, off=off, shadow=dialogue.get("shadow", False))


def _play(desk: Desk, turn: dict[str, Any], number: int) -> None:
    if "librarian" in turn:
        _librarian(desk, turn["librarian"])
        return
    if "thumb" in turn:
        said = [line for line in desk.history(Address("rest", turn.get("as", "reader"))).lines if line.reply and line.reply.entry]
        _check(desk, turn, desk.feedback(Address("rest", turn.get("as", "reader")), said[-1].id, turn["thumb"] == "up"))
        return
    if "hears" in turn:
        last = desk.history(Address("rest", turn.get("as", "reader"))).lines[-1].text
        assert all(expected in last for expected in _listed(turn["hears"])), last
        return
    pictures = (Attachment("image", "https://pictures.example/1.png"),) if turn.get("picture") else ()
    address = _address(turn)
    alone = replace(address, room="")
    before = desk.history(alone).lines
    words = turn["say"] * turn.get("repeat", 1)
    question = Question(turn.get("id", f"m{number}"), address, words, attachments=pictures, addressed=not turn.get("overheard"))
    replies = desk.ask(question).result()
    if address.room:
        assert "/mailbox/" not in "\n".join(reply.plain() for reply in replies)
        said = desk.history(alone).lines[len(before) :]
        _whispers(turn, "\n".join(line.reply.plain() for line in said if line.reply))
    _check(desk, turn, replies)


def _check(desk: Desk, turn: dict[str, Any], replies: tuple[Reply, ...]) -> None:
    said, text = turn.get("say", "thumb"), "\n".join(reply.plain() for reply in replies)
    if turn.get("silent"):
        assert not replies, text
        return
    assert replies, f"nobody answered {said!r}"
    for expected in _listed(turn.get("expect")):
        assert expected in text, f"{said!r} was answered: {text}"
    for unwanted in _listed(turn.get("not")):
        assert unwanted not in text, f"{said!r} was answered: {text}"
    if "decision" in turn:
        assert replies[0].action is not None
        assert replies[0].action.value == turn["decision"], f"{said!r} was answered: {text}"
    _tickets(desk, turn)


def _tickets(desk: Desk, turn: dict[str, Any]) -> None:
    tickets = sorted((row.ticket for row in desk.queue(tuple(TicketStatus))), key=lambda ticket: ticket.id)
    if "tickets" in turn:
        assert len(tickets) == turn["tickets"]
    if "reason" in turn or "urgent" in turn:
        assert (tickets[-1].reason, tickets[-1].urgent) == (turn.get("reason", tickets[-1].reason), turn.get("urgent", False))


def _address(turn: dict[str, Any]) -> Address:
    channel = turn.get("channel", "onebot" if {"group", "alone"} & turn.keys() else "rest")
    return Address(channel, turn.get("as", "reader"), str(turn.get("group", "")))


def _whispers(turn: dict[str, Any], text: str) -> None:
    if turn.get("whispers") is False:
        assert not text, f"after {turn['say']!r} the asker was told alone: {text}"
        return
    for expected in _listed(turn.get("whispers")):
        assert expected in text, f"after {turn['say']!r} the asker was told alone: {text}"


def _librarian(desk: Desk, step: str | dict[str, Any]) -> None:
    if step == "end_incident":
        desk.end_incident(desk.status().incidents[0].id, "mei")
        return
    if isinstance(step, dict) and "incident" in step:
        said = step["incident"]
        about, only = tuple(said["about"]), tuple(said.get("databases", ()))
        desk.announce(Incident(0, said.get("zh", ""), said.get("en", ""), about, only, "mei", desk.clock.now(), said.get("expected")))
        return
    newest = max(row.ticket.id for row in desk.queue(tuple(TicketStatus)))
    if isinstance(step, dict):
        desk.reply(newest, "mei", step["reply"])
    else:
        {"claim": desk.claim, "release": desk.release, "close": desk.close}[step](newest, "mei")
