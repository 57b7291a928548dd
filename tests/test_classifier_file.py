"""The file of a model: it says the same when loaded, a damaged one is never used, a save is whole or none, the house trains anew."""

import hashlib
import logging
import re
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot import classifier, house, training
from bot.classifier import Classifier
from bot.errors import Defect, ModelUnusable
from bot.settings import Settings
from bot.training import Training
from tests import miniature
from tests.miniature import ODD, library

intents, lesson, small, saved = miniature.intents, miniature.lesson, miniature.small, miniature.saved

# --- the file ---


def test_a_saved_model_says_the_same(small: Classifier, lesson: Training, saved: Path) -> None:
    loaded = classifier.load(saved, lesson.digest)
    texts = [*(example.text for example in lesson.examples), *ODD.values()]
    assert [loaded.predict(text) for text in texts] == [small.predict(text) for text in texts]
    assert loaded.digest == small.digest
    assert loaded.made_from == lesson.digest


def test_a_loaded_model_can_be_saved_again(saved: Path, lesson: Training, tmp_path: Path) -> None:
    classifier.load(saved, lesson.digest).save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == saved.read_bytes()


def test_a_model_of_any_training_data_is_loaded_to_be_compared(saved: Path, small: Classifier) -> None:
    assert classifier.load(saved, None).predict("怎么续借图书") == small.predict("怎么续借图书")


def test_a_loaded_model_goes_on_when_its_file_is_replaced(saved: Path, small: Classifier, lesson: Training) -> None:
    loaded = classifier.load(saved, lesson.digest)
    small.save(saved)
    saved.unlink()
    assert loaded.predict("怎么续借图书") == small.predict("怎么续借图书")


def refused(path: Path, digest: str | None) -> str:
    """Why a model is refused; the error names its file and the remedy."""
    with pytest.raises(ModelUnusable) as caught:
        classifier.load(path, digest)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")
    assert "refdesk train" in str(caught.value)
    return caught.value.why


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    assert "no model" in refused(tmp_path / "nothing", "x")


def test_a_folder_is_refused_as_a_model(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path, "x")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"not a model at all\n" * 100, b"refdesk-model", b"refdesk-model\n", b"refdesk-model\n" + b"\xff" * 200],
    ids=["empty", "one byte", "text", "half the mark", "only the mark", "mark and noise"],
)
@pytest.mark.parametrize("digest", ["x", None])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes, digest: str | None) -> None:
    (tmp_path / "model").write_bytes(content)
    assert refused(tmp_path / "model", digest)


@pytest.mark.parametrize("share", [0.0005, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999])
def test_a_truncated_model_is_refused(saved: Path, lesson: Training, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    assert refused(saved, lesson.digest)


def test_a_model_without_its_last_byte_or_with_one_more_is_refused(saved: Path, lesson: Training, tmp_path: Path) -> None:
    content = saved.read_bytes()
    for name, changed in (("less", content[:-1]), ("more", content + b"\0")):
        (tmp_path / name).write_bytes(changed)
        assert "damaged" in refused(tmp_path / name, lesson.digest)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("digest", ["right", None])
def test_a_model_with_one_flipped_byte_in_its_body_is_refused(saved: Path, lesson: Training, share: float, digest: str | None) -> None:
    content = bytearray(saved.read_bytes())
    content[int((len(content) - 1) * share)] ^= 0x20
    saved.write_bytes(content)
    assert "damaged" in refused(saved, digest and lesson.digest)


def test_a_model_with_one_flipped_byte_in_its_header_is_refused(saved: Path, lesson: Training, tmp_path: Path) -> None:
    content = saved.read_bytes()
    for at in range(0, content.index(b'"version"'), 5):
        flipped = bytearray(content)
        flipped[at] ^= 0x01
        (tmp_path / str(at)).write_bytes(flipped)
        assert refused(tmp_path / str(at), lesson.digest)


@pytest.mark.parametrize("name", [b'"classes"', b'"documents"', b'"lexicon"', b'"codes"', b'"gate_knots"'])
def test_a_model_that_lacks_a_part_is_refused(saved: Path, lesson: Training, name: bytes) -> None:
    content = saved.read_bytes()
    assert content.count(name) == 1
    saved.write_bytes(content.replace(name, name[:-2] + b'_"'))
    assert "damaged" in refused(saved, lesson.digest)


def test_a_model_of_another_version_is_refused(saved: Path, lesson: Training) -> None:
    content, count = re.subn(rb'"version": \d+', b'"version": 9', saved.read_bytes(), count=1)
    assert count == 1
    saved.write_bytes(content)
    assert "version 9" in refused(saved, lesson.digest)


def test_a_model_of_other_training_files_is_refused(saved: Path) -> None:
    assert "other files" in refused(saved, "0" * 64)


# --- saving ---


def test_a_model_is_saved_into_a_folder_that_is_made_for_it(small: Classifier, lesson: Training, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "model.refdesk"
    small.save(path)
    assert classifier.load(path, lesson.digest).digest == small.digest
    assert [file.name for file in path.parent.iterdir()] == ["model.refdesk"]


def test_a_save_that_fails_keeps_the_old_model_and_leaves_no_half_file(small: Classifier, saved: Path, lesson: Training) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # as a full disk would: the write stops in the middle
    try:
        with pytest.raises(OSError, match="File too large"):
            small.save(saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]
    assert classifier.load(saved, lesson.digest).digest == small.digest


def test_a_save_onto_a_folder_fails_and_leaves_no_half_file(small: Classifier, tmp_path: Path) -> None:
    (tmp_path / "model" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="model"):
        small.save(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_who_loads_while_a_model_is_saved_gets_a_whole_one(small: Classifier, saved: Path, lesson: Training) -> None:
    over = threading.Event()

    def read() -> int:
        count = 0
        while not over.is_set() or not count:
            assert classifier.load(saved, lesson.digest).made_from == lesson.digest
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for _ in range(30):
            small.save(saved)
        over.set()
    assert all(reader.result() for reader in readers)


# --- the house retrains ---

Damage = Callable[[Path], object]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "missing": (lambda path: path.unlink(), "there is no model yet"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "damaged or truncated"),
    "half": (lambda path: path.write_bytes(path.read_bytes()[:100]), "damaged"),
    "other version": (lambda path: path.write_bytes(re.sub(rb'"version": \d+', b'"version": 9', path.read_bytes())), "version 9"),
    "something else": (lambda path: path.write_bytes(b"PK\x03\x04" * 50), "is not a model file"),
}


@pytest.mark.parametrize(("damage", "why"), DAMAGES.values(), ids=DAMAGES.keys())
def test_the_house_trains_with_a_message_when_the_model_is_unusable(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Damage, why: str
) -> None:
    settings = library(tmp_path)
    path = settings.at(settings.understanding.model)
    first = house.train(settings)
    damage(path)
    with caplog.at_level(logging.WARNING, "refdesk"):
        model = house.engine(settings)
    (message,) = caplog.messages
    assert why in message
    assert message.endswith("; training now")
    assert model.digest == first.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_house_does_not_train_when_the_model_is_fine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = library(tmp_path)
    path = settings.at(settings.understanding.model)
    first = house.train(settings)
    before = path.stat().st_ino, path.stat().st_mtime_ns
    steps: list[str] = []
    with caplog.at_level(logging.WARNING, "refdesk"):
        model = house.engine(settings, lambda step, share: steps.append(step))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
    assert (model.digest, steps, caplog.messages) == (first.digest, [], [])


@pytest.mark.parametrize("name", ["nlu/greet.yml", "lexicon.yml", "catalogue.yml"])
def test_the_house_trains_again_when_intents_were_edited(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    settings = library(tmp_path)
    house.train(settings)
    with (tmp_path / "intents" / name).open("a", encoding="utf-8") as file:
        file.write("# an edit\n" if name != "nlu/greet.yml" else "    - 老师您好\n")
    with caplog.at_level(logging.WARNING, "refdesk"):
        model = house.engine(settings)
    assert "other files" in caplog.text
    assert model.made_from == training.digest(tmp_path / "intents")


def test_the_house_names_the_missing_folder_when_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(Defect, match="no such folder") as caught:
        house.engine(Settings(root=tmp_path))
    assert caught.value.path == tmp_path / "intents"
    assert not (tmp_path / "data").exists()
