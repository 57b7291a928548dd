"""How well questions are understood that stand in long stories: `python -m benchmarks.stories`.

Questions of the development set are put behind, before and into stories of 150 to 300 characters, and behind one of 5,000, and the
shipped model is asked twice: about the message as it is, and through bot.listening, as the bot asks.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import click
import yaml

from benchmarks.measuring import DEVELOPMENT, ROOT, circumstances, table
from bot import evaluation, evaluator, house
from bot.domain import OUT_OF_SCOPE, Engine, IntentKind
from bot.evaluation import Labelled
from bot.listening import Listener
from bot.messages import Language
from bot.settings import read

_LONG = 5_000
_SEED = 9
_CLOSING = {
    Language.ZH: ("谢谢老师！", "麻烦尽快回复一下，急用。", "打扰了，先谢过。", "在线等，挺急的。", "不好意思写了这么多。"),
    Language.EN: ("Thanks a lot!", "Please answer soon, it is urgent.", "Sorry for the long message.", "Thank you so much for your help."),
}
_GAP, _STOP = {Language.ZH: "", Language.EN: " "}, {Language.ZH: "。", Language.EN: ". "}
_SENTENCE = re.compile(r"(?<=[。.!！?？])\s*")

Telling = Callable[[Labelled, str, random.Random], str]


def _behind(row: Labelled, story: str, chance: random.Random) -> str:
    return f"{story}{_GAP[row.language]}{row.text}"


def _run_on(row: Labelled, story: str, chance: random.Random) -> str:
    return re.sub("[。！？；]", "，", story) + row.text


def _thanked(row: Labelled, story: str, chance: random.Random) -> str:
    stop = "" if row.text[-1] in "?？!！。" else _STOP[row.language]
    return f"{_behind(row, story, chance)}{stop}{chance.choice(_CLOSING[row.language])}"


def _before(row: Labelled, story: str, chance: random.Random) -> str:
    return f"{row.text}{_STOP[row.language]}{story}"


def _between(row: Labelled, story: str, chance: random.Random) -> str:
    parts = _SENTENCE.split(story)
    half, gap = len(parts) // 2, _GAP[row.language]
    return f"{gap.join(parts[:half])}{gap}{row.text}{_STOP[row.language]}{gap.join(parts[half:])}"


def _behind_a_book(row: Labelled, story: str, chance: random.Random) -> str:
    return _behind(row, (story * (_LONG // len(story) + 1))[len(row.text) + 1 - _LONG :], chance)


TELLINGS: dict[str, Telling] = {
    "question alone": lambda row, story, chance: row.text,
    "question last": _behind,
    "question last, Chinese, commas only": _run_on,
    "question last, then thanks": _thanked,
    "question last of 5,000 characters": _behind_a_book,
    "question first": _before,
    "question in the middle": _between,
}


def rows(kinds: house.Kinds, each: int) -> tuple[Labelled, ...]:
    """So many questions with an intent (courtesies apart) and so many out of scope, always the same ones."""
    known = evaluator.labelled(sorted(DEVELOPMENT.glob("*.jsonl")), frozenset(kinds) | {OUT_OF_SCOPE})
    inside = [row for row in known if row.intent != OUT_OF_SCOPE and kinds[row.intent] is not IntentKind.SOCIAL]
    outside = [row for row in known if row.intent == OUT_OF_SCOPE]
    chance = random.Random(_SEED)
    return (*chance.sample(inside, each), *chance.sample(outside, each))


def told(asked: Sequence[Labelled], telling: Telling, chinese: bool) -> Iterator[Labelled]:
    """Each question in a story of its language, always the same one."""
    stories = yaml.safe_load((ROOT / "benchmarks/stories.yml").read_text(encoding="utf-8"))
    chance = random.Random(_SEED)
    for row in asked:
        if row.language is Language.ZH or not chinese:
            yield replace(row, text=telling(row, chance.choice(stories[row.language]), chance))


def measure(engine: Engine, each: int) -> str:
    """The table: what an engine makes of the messages as they are, and heard out."""
    settings = read(ROOT / "refdesk.toml")
    kinds, policy = house.kinds(settings), house.policy(settings)
    heard, asked, lines = Listener(engine, house.courtesies_among(kinds)), rows(kinds, each), []
    for name, telling in TELLINGS.items():
        messages = tuple(told(asked, telling, "Chinese" in name))
        for way, asks in (("as it is", engine), ("heard out", heard)):
            found = evaluation.figures(evaluation.judge(messages, [asks.predict(row.text) for row in messages], policy, kinds))
            shares = (found.sent_right, found.in_scope_answered, found.out_of_scope_answered)
            lines.append((name, way, f"{len(messages)}", *(f"{share.value:.1%}" for share in shares)))
    return table(("message", "asked", "messages", "sent right", "in scope answered rightly", "out of scope answered"), lines)


@click.command()
@click.option("--each", type=click.IntRange(min=1), default=200, show_default=True, help="Questions with an intent, and as many without.")
def main(each: int) -> None:
    """Questions in long stories."""
    click.echo(circumstances())
    click.echo(measure(house.engine(read(ROOT / "refdesk.toml")), each))


if __name__ == "__main__":
    main()
