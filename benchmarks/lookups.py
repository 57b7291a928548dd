"""How long a search in the tables takes when they have ten thousand rows. `python -m benchmarks.lookups`.

Rows are made from the starter tables by varying their names, so that lengths and characters are those of real ones. A question is
everything that a look-up costs beside the classifier: names word for word, by sound, by similarity, authors and units, what is in
no table, and the text of the answer. The slowest kinds are those that find nothing, because each step is then taken.
"""

import random
import statistics
import time
from dataclasses import replace
from pathlib import Path

from bot import knowledge, lookups
from bot.knowledge import Knowledge
from bot.messages import Language
from bot.tables import Row

ROWS = 10_000
ROUNDS = 200
_SYLLABLES = "数理化生地史文经法管医农工艺电机材料信息环境能源土木水利航空生物工程基础概论原理教程实验设计方法导论分析应用技术"
QUESTIONS = {
    "a name word for word": ("database_access", "怎么进知网"),
    "several books": ("textbook_find", "有高数的电子教材吗"),
    "author and course": ("textbook_find", "同济大学数学系编的高等数学有电子版吗"),
    "a homophone typo": ("textbook_find", "有没有高等树学的电子教材"),
    "a wrong character": ("textbook_find", "高等教学的电子教材有吗"),
    "in no table": ("textbook_find", "有没有《看不见的城市》的电子版"),
    "English, in no table": ("textbook_find", "Do you have an e-textbook of Organizational Behavior by Robbins?"),
    "a fault": ("database_fault", "今天早上在办公室用知网下载论文一直提示没有权限"),
    "a long story (400 characters)": ("textbook_find", "老师让我们这学期开始之前先把书准备好可是我在图书馆里找了好几天都没有" * 12),
}


def large(size: int = ROWS) -> Knowledge:
    """The starter knowledge with tables of `size` rows."""
    curated, chance = knowledge.read(Path(__file__).parent.parent / "knowledge"), random.Random(7)
    rows = list(curated.rows)
    while len(rows) < size:
        row = curated.rows[len(rows) % len(curated.rows)]
        rows.append(_varied(row, len(rows), chance))
    return replace(curated, rows=tuple(rows))


def _varied(row: Row, number: int, chance: random.Random) -> Row:
    extra = "".join(chance.choices(_SYLLABLES, k=3))
    names = tuple(f"{extra}{name}" for name in row.names[:3])
    fields = tuple((column, f"{extra}{cell}" if column in ("title", "author", "name", "college") else cell) for column, cell in row.fields)
    return Row(row.kind, names, fields, number)


def once(large_one: Knowledge, intent: str, text: str) -> float:
    """Milliseconds of processor time for one look-up: other work on the machine does not count."""
    begun = time.thread_time()
    exact = large_one.finder.find(text, typos=False)
    entities = (*exact, *lookups.named(intent, text, large_one, exact))
    lookups.look_up(intent, entities, large_one, Language.ZH)
    return (time.thread_time() - begun) * 1000


def main() -> None:
    """Print a table."""
    begun = time.perf_counter()
    big = large()
    once(big, "textbook_find", "高数")
    print(f"{len(big.rows)} rows, indexed in {time.perf_counter() - begun:.1f} s; {ROUNDS} rounds, milliseconds of processor time")  # noqa: T201
    for what, (intent, text) in QUESTIONS.items():
        took = sorted(once(big, intent, f"{text} {number}") for number in range(ROUNDS))  # no text twice: nothing is remembered
        print(f"{what:32} median {statistics.median(took):6.2f}   95 % {took[int(ROUNDS * 0.95)]:6.2f}   most {took[-1]:6.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
