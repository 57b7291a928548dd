"""intents/: what is read from it, and every defect with its file and line."""

from pathlib import Path

import pytest

from bot.domain import IntentKind
from bot.errors import DefectsFound
from bot.messages import Language
from bot.training import digest, read

CATALOGUE = "intents:\n- {id: vpn_setup, kind: faq, covers: VPN}\n- {id: greet, kind: social, covers: hello, not: goodbye}\n"
LEXICON = "vpn: [VPN, 虚拟专用网, vpn]\n"
NLU = """version: "3.1"
nlu:
- intent: vpn_setup
  examples: |
    - 校外怎么用VPN

    - how do I use the VPN
- intent: out_of_scope
  examples: |
    - 12345
"""


def intents(folder: Path, nlu: str | bytes = NLU, catalogue: str = CATALOGUE, lexicon: str = LEXICON) -> Path:
    """A folder as intents/ is."""
    (folder / "nlu").mkdir(exist_ok=True)
    (folder / "nlu" / "a.yml").write_bytes(nlu if isinstance(nlu, bytes) else nlu.encode())
    (folder / "catalogue.yml").write_text(catalogue, encoding="utf-8")
    (folder / "lexicon.yml").write_text(lexicon, encoding="utf-8")
    return folder


def test_examples_are_read_with_intent_line_and_language(tmp_path: Path) -> None:
    training = read(intents(tmp_path))
    assert [(e.text, e.intent, e.line, e.language) for e in training.examples] == [
        ("校外怎么用VPN", "vpn_setup", 5, Language.ZH),
        ("how do I use the VPN", "vpn_setup", 7, Language.EN),
        ("12345", "out_of_scope", 10, Language.ZH),
    ]
    assert training.lexicon == (("vpn", ("vpn", "虚拟专用网")),)


def test_training_tells_the_kind_of_each_intent(tmp_path: Path) -> None:
    training = read(intents(tmp_path))
    assert training.kind("greet") is IntentKind.SOCIAL
    assert training.kind("out_of_scope") is None
    assert training.intents[1].excludes == "goodbye"


BLOCK = "nlu:\n- intent: vpn_setup\n  examples: |\n    - VPN\n"


@pytest.mark.parametrize(
    ("nlu", "line", "what"),
    [
        ("nlu:\n- intent: [vpn\n", 3, "malformed YAML"),
        ("nlu: \x07\n", 0, "control characters are not allowed"),
        ("", 0, "the file is empty"),
        ("校外怎么用VPN".encode("gbk"), 0, "not UTF-8"),
        ("- intent: vpn_setup\n", 1, "expected the keys version and nlu"),
        (BLOCK + "rules: []\n", 5, "unexpected key 'rules'"),
        ("version: '3.1'\nnlu: VPN\n", 2, "unexpected key 'nlu'"),
        (BLOCK + "- VPN\n", 5, "exactly intent and examples"),
        (BLOCK + "- intent: vpn_setup\n", 5, "exactly intent and examples"),
        (BLOCK.replace("intent:", "lookup:"), 2, "exactly intent and examples"),
        (BLOCK.replace("vpn_setup", "[vpn_setup]"), 2, "exactly intent and examples"),
        (BLOCK + "- intent: vpn_setup\n  examples: [VPN]\n", 5, "exactly intent and examples"),
        (BLOCK + "- ? [intent]\n  : VPN\n", 5, "exactly intent and examples"),
        (BLOCK + "- intent: vpn_setup\n  examples: ''\n", 5, "has no examples"),
        (BLOCK + "    VPN 怎么装\n", 5, "an example starts with '- '"),
        (BLOCK + "    - \u200b\n", 5, "an example starts with '- '"),
        (BLOCK + "    - how to use [CNKI](database)\n", 5, "brackets mark entities"),
        (BLOCK + "    - 怎么装]\n", 5, "brackets mark entities"),
        (BLOCK + "    - {VPN}\n", 5, "brackets mark entities"),
        (BLOCK.replace("vpn_setup", "vpn_dance"), 4, "intent 'vpn_dance' is not in catalogue.yml"),
    ],
)
def test_a_broken_training_file_is_a_defect_with_its_line(tmp_path: Path, nlu: str | bytes, line: int, what: str) -> None:
    with pytest.raises(DefectsFound) as caught:
        read(intents(tmp_path, nlu))
    (defect,) = caught.value.defects
    assert (defect.path, defect.line) == (tmp_path / "nlu" / "a.yml", line)
    assert what in defect.what


@pytest.mark.parametrize(
    "catalogue",
    ["intents:\n- {id: a, covers: x}\n", "intents:\n- {id: a, kind: dance, covers: x}\n", "rows: []\n", "intents: !odd x\n", "- a\n"],
    ids=["field", "kind", "key", "tag", "list"],
)
def test_a_broken_catalogue_is_a_defect(tmp_path: Path, catalogue: str) -> None:
    with pytest.raises(DefectsFound, match=r"catalogue\.yml: every intent needs id, kind and covers"):
        read(intents(tmp_path, catalogue=catalogue))


@pytest.mark.parametrize("lexicon", ["- VPN\n", "vpn: VPN\n", "vpn: {{vpn}}\n", "vpn: 2026-02-30\n"])
def test_a_broken_lexicon_is_a_defect(tmp_path: Path, lexicon: str) -> None:
    with pytest.raises(DefectsFound, match=r"lexicon\.yml: (expected a mapping|malformed value)"):
        read(intents(tmp_path, lexicon=lexicon))


def test_every_defect_is_told_at_once_when_there_are_several(tmp_path: Path) -> None:
    folder = intents(tmp_path, BLOCK + "    - [a]\n    - b}\n    - {c\n    no dash\n", catalogue="rows: []\n")
    with pytest.raises(DefectsFound) as caught:
        read(folder)
    assert [(defect.path.name, defect.line) for defect in caught.value.defects] == [
        ("catalogue.yml", 0), ("a.yml", 5), ("a.yml", 7), ("a.yml", 8),
    ]  # fmt: skip


def test_an_unknown_intent_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(DefectsFound) as caught:
        read(intents(tmp_path, NLU.replace("vpn_setup", "vpn_dance")))
    assert [defect.line for defect in caught.value.defects] == [5]


def test_a_folder_without_training_files_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(DefectsFound, match="cannot be read: No such file(.|\n)*no training files"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["nlu/a.yml", "catalogue.yml", "lexicon.yml", "nlu/b.yml"])
def test_the_digest_changes_with_every_file(tmp_path: Path, name: str) -> None:
    before = digest(intents(tmp_path))
    assert digest(tmp_path) == before
    with (tmp_path / name).open("a") as file:
        file.write("# a change\n")
    assert digest(tmp_path) != before


def test_the_digest_takes_a_folder_without_files(tmp_path: Path) -> None:
    assert len(digest(tmp_path)) == 64
