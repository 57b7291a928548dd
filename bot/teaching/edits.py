"""What is learned, as edits of the text of intents/ and knowledge/: a line here, a block there, so that an administrator can commit
a clean diff. Pure: text in, text out."""

import re
from datetime import date, timedelta

import yaml

from bot.domain import OUT_OF_SCOPE, EntryDraft
from bot.messages import Language
from bot.text import clean

_REVIEW_AFTER = timedelta(days=365)
_BRACKETS = str.maketrans("[]{}", "（）（）")


def one_line(text: str) -> str:
    """Words as a training line holds them: on one line, without the brackets that mark entities in Rasa's format."""
    return " ".join(clean(text).translate(_BRACKETS).split())


def with_examples(content: str, intent: str, texts: tuple[str, ...]) -> str | None:
    """A training file with more lines for an intent, after those it has; None where the file does not have the intent."""
    lines = content.splitlines(keepends=True)
    begin = next((at for at, line in enumerate(lines) if re.fullmatch(rf"\s*- intent: {re.escape(intent)}\s*", line)), None)
    if begin is None:
        return None
    end = next((at for at in range(begin + 1, len(lines)) if re.match(r"\s*- intent: ", lines[at])), len(lines))
    last = max(at for at in range(begin, end) if lines[at].lstrip().startswith("- "))
    indent = lines[last][: len(lines[last]) - len(lines[last].lstrip())]
    if not lines[last].endswith("\n"):
        lines[last] += "\n"
    lines[last + 1 : last + 1] = [f"{indent}- {one_line(text)}\n" for text in texts]
    return "".join(lines)


def with_intent(content: str, intent: str, texts: tuple[str, ...]) -> str:
    """A training file with a new intent at its end."""
    examples = "".join(f"    - {one_line(text)}\n" for text in texts)
    return f"{content.rstrip()}\n- intent: {intent}\n  examples: |\n{examples}"


def with_domain(content: str, intent: str) -> str:
    """domain.yml with a new intent, before out_of_scope or at the end of its list."""
    lines = content.splitlines(keepends=True)
    listed = [at for at, line in enumerate(lines) if re.match(r"\s*- \w+", line)]
    before = next((at for at in listed if lines[at].strip() == f"- {OUT_OF_SCOPE}"), listed[-1] + 1)
    indent = lines[listed[-1]][: len(lines[listed[-1]]) - len(lines[listed[-1]].lstrip())]
    lines.insert(before, f"{indent}- {intent}\n")
    return "".join(lines)


def with_catalogue(content: str, draft: EntryDraft) -> str:
    """catalogue.yml with a new intent at its end, indented like the others."""
    indent = re.findall(r"^( *)- ", content, re.MULTILINE)[-1]
    row = _dumped([{"id": draft.intent, "kind": "faq", "covers": one_line(draft.covers)}])
    return content.rstrip() + "\n" + "".join(f"{indent}{line}" for line in row.splitlines(keepends=True))


def with_entry(content: str, draft: EntryDraft, today: date) -> str:
    """A file of knowledge/ with a new entry at its end."""
    zh, en = Language
    entry = {
        "id": draft.intent,
        "intent": draft.intent,
        "title": {zh.value: one_line(draft.titles[0]), en.value: one_line(draft.titles[1])},
        "owner": draft.author,
        "source": draft.source or f"ticket of question {draft.question}",
        "reviewed_on": today,
        "review_by": today + _REVIEW_AFTER,
        "risk": "low",
        "answer": {zh.value: _lines(draft.answers[0]), en.value: _lines(draft.answers[1])},
    }
    return f"{content.rstrip()}\n\n{_dumped([entry])}"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, as people write them."""


def _block_style(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block_style)


def _dumped(content: object) -> str:
    return str(yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000))


def _lines(text: str) -> str:
    """An answer with clean line ends; YAML blocks cannot hold a line that ends in a space."""
    return "\n".join(line.rstrip() for line in clean(text).splitlines()).strip()
