"""The built-in classifier learns: the same files the same model, every example judged unseen, the work done in a process of its own."""

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot import classifier, house, training
from bot.classifier import Classifier, apart, gate, model
from bot.classifier.apart import Apart
from bot.classifier.pieces import pieces
from bot.errors import Defect, DefectsFound, EndedEarly
from bot.training import Training
from tests import miniature
from tests.conftest import ROOT
from tests.miniature import EXAMPLES, is_sound, library

intents, lesson, small, saved = miniature.intents, miniature.lesson, miniature.small, miniature.saved

# --- learning ---


def test_every_example_is_understood_by_the_model_that_learned_it(small: Classifier, lesson: Training) -> None:
    right = [small.predict(example.text).intent == example.intent for example in lesson.examples]
    assert sum(right) >= 0.9 * len(right)


def test_the_same_files_give_the_same_model_to_the_byte(small: Classifier, lesson: Training, saved: Path, tmp_path: Path) -> None:
    again = classifier.fit(lesson)
    again.save(tmp_path / "again")
    assert again.digest == small.digest == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


@pytest.mark.parametrize("seed", ["1", "4711"])
def test_another_process_makes_the_same_model(small: Classifier, intents: Path, seed: str) -> None:
    code = (
        "import sys, pathlib; from bot import classifier, training; print(classifier.fit(training.read(pathlib.Path(sys.argv[1]))).digest)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", code, str(intents)], capture_output=True, text=True, env=environment, cwd=ROOT, timeout=120
    )
    assert done.stdout.strip() == small.digest, done.stderr


def test_one_more_example_makes_another_model(small: Classifier, lesson: Training) -> None:
    more = replace(lesson.examples[0], text="校外用VPN要钱吗")
    assert classifier.fit(replace(lesson, examples=(*lesson.examples, more))).digest != small.digest


def test_learning_tells_how_far_it_is(lesson: Training) -> None:
    told: list[tuple[str, float]] = []
    classifier.fit(lesson, lambda step, share: told.append((step, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] == 1.0
    assert all(step for step, _ in told)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("nlu:\n- intent: vpn_setup\n  examples: |\n    - [VPN](tool) 怎么装\n", "brackets"),
        ("nlu:\n- intent: vpn_dance\n  examples: |\n    - VPN 怎么跳舞\n", "not in catalogue.yml"),
        ("nlu: [", "malformed YAML"),
    ],
)
def test_nothing_is_learned_from_data_with_defects(tmp_path: Path, content: str, what: str) -> None:
    settings = library(tmp_path)
    kept = house.train(settings).digest
    (tmp_path / "intents" / "nlu" / "more.yml").write_text(content, encoding="utf-8")
    with pytest.raises(DefectsFound, match=what):
        house.train(settings)
    assert classifier.load(settings.at(settings.understanding.model), None).digest
    assert hashlib.sha256(settings.at(settings.understanding.model).read_bytes()).hexdigest() == kept


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_intent_with_too_few_examples_is_learned_or_named_as_a_defect(lesson: Training, count: int) -> None:
    few = [example for example in lesson.examples if example.intent == "greet"][count:]
    try:
        model = classifier.fit(replace(lesson, examples=tuple(example for example in lesson.examples if example not in few)))
    except DefectsFound as error:
        assert "greet" in str(error)  # noqa: PT017
    else:
        assert is_sound(model.predict("校外怎么用VPN"))


@pytest.mark.parametrize("kept", [(), ("greet",), ("greet", "renew_loan")], ids=["no", "one", "two"])
def test_too_few_intents_are_learned_or_a_defect(lesson: Training, kept: tuple[str, ...]) -> None:
    few = replace(lesson, examples=tuple(example for example in lesson.examples if example.intent in kept))
    try:
        assert is_sound(classifier.fit(few).predict("你好"))
    except DefectsFound as error:
        assert error.defects  # noqa: PT017


# --- cross-validation ---


def test_cross_validation_says_something_about_every_example_in_order(lesson: Training) -> None:
    told: list[float] = []
    said = classifier.cross_validated(lesson, lambda step, share: told.append(share))
    right = sum(prediction.intent == example.intent for prediction, example in zip(said, lesson.examples, strict=True))
    assert all(is_sound(prediction) for prediction in said)
    assert right >= 0.6 * len(said)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_cross_validation_is_the_same_every_time(lesson: Training) -> None:
    assert classifier.cross_validated(lesson) == classifier.cross_validated(lesson)


def test_cross_validation_has_not_seen_the_example_it_judges(lesson: Training) -> None:
    names = sorted(EXAMPLES)
    # Labels that only learning by heart could get right.
    shuffled = tuple(replace(example, intent=names[at % len(names)]) for at, example in enumerate(lesson.examples))
    said = classifier.cross_validated(replace(lesson, examples=shuffled))
    right = sum(prediction.intent == example.intent for prediction, example in zip(said, shuffled, strict=True))
    assert right < 0.4 * len(shuffled)


@pytest.mark.parametrize(
    ("text", "label", "meant"), [("图书快到期了怎么续借图书", "greet", "renew_loan"), ("校外怎么登录VPN客户端", "greet", "vpn_setup")]
)
def test_cross_validation_finds_a_wrong_label(lesson: Training, text: str, label: str, meant: str) -> None:
    wrong = replace(lesson.examples[0], text=text, intent=label)
    said = classifier.cross_validated(replace(lesson, examples=(*lesson.examples, wrong)))
    assert said[-1].intent == meant


# --- in processes of their own ---


def _double(tell: Callable[[str, float], None], number: int) -> int:
    tell("doubling", 0.5)
    return 2 * number


def _defective(tell: Callable[[str, float], None]) -> None:
    raise DefectsFound((Defect(Path("a.yml"), 3, "odd"), Defect(Path("b.yml"), 0, "worse")))


def _killed(tell: Callable[[str, float], None]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_work_apart_gives_its_result_and_tells_how_far_it_is() -> None:
    told: list[tuple[str, float]] = []
    assert Apart(_double, 21).result(lambda step, share: told.append((step, share))) == 42
    assert told == [("doubling", 0.5)]


def test_an_error_comes_whole_out_of_another_process() -> None:
    with pytest.raises(DefectsFound) as found:
        Apart(_defective).result()
    assert str(found.value) == "a.yml:3: odd\nb.yml: worse"
    assert [(defect.path, defect.line, defect.what) for defect in found.value.defects] == [
        (Path("a.yml"), 3, "odd"), (Path("b.yml"), 0, "worse"),
    ]  # fmt: skip


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(EndedEarly, match="exit code -9"):
        Apart(_killed).result()


@pytest.mark.parametrize("work", [_double, _defective])
def test_what_another_process_does_can_be_done_here(work: Callable[..., object]) -> None:
    near, far = multiprocessing.Pipe(duplex=False)
    apart.run(far, work, (21,) if work is _double else ())
    news = [near.recv() for _ in range(2 if work is _double else 1)]
    assert isinstance(news[-1], DefectsFound) or news[-1].value == 42
    with pytest.raises(EOFError):
        near.recv()
    near.close()


def test_judges_learned_beside_each_other_are_those_learned_in_turn(
    small: Classifier, lesson: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "_MUCH", 0)
    assert classifier.fit(lesson).digest == small.digest


def test_a_server_that_had_to_train_has_not_learned_in_its_own_process(tmp_path: Path) -> None:
    settings = library(tmp_path)
    code = (
        "import sys; from bot import house; from bot.settings import read; from pathlib import Path\n"
        f"house.engine(read(Path({str(tmp_path / 'refdesk.toml')!r}))); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert classifier.load(settings.at(settings.understanding.model), training.digest(tmp_path / "intents"))


def test_the_gates_curves_are_its_regression(small: Classifier, lesson: Training) -> None:
    """A bent line is kept as heights and slopes; summed up the long way, knot by knot, it gives the same probability."""
    own = small.gate
    for example in lesson.examples[::5]:
        row = small.featuriser.row(example.text)
        seen = small.judge.one(row)
        told = dict(own.judged(seen, row.about))
        for candidate, figures in gate._figures(seen, row.about, own.outside):
            claim, values = int(candidate == own.outside), np.array([*figures, *row.about])
            bent = np.concatenate([values[None, :], np.maximum(values - own.knots[claim], 0)])
            linear = (bent * own.weights[claim]).sum() + own.biases[candidate]
            assert told[candidate] == pytest.approx(1 / (1 + np.exp(-linear)), abs=1e-5)


def test_one_text_gets_the_same_evidence_as_among_many(small: Classifier, lesson: Training) -> None:
    texts = [*(example.text for example in lesson.examples), "?", "", "怎么怎么怎么怎么?? how how how"]
    rows, about = small.featuriser.matrix([pieces(text, small.featuriser.lexicon) for text in texts])
    for at, (text, other) in enumerate(zip(texts, small.judge.many(rows).each(), strict=True)):
        row = small.featuriser.row(text)
        assert row.indices.tolist() == rows[[at]].indices.tolist()
        assert row.values == pytest.approx(rows[[at]].data)
        assert row.about == pytest.approx(about[at].tolist())
        one = small.judge.one(row)
        assert one.scores == pytest.approx(other.scores, abs=1e-4)
        assert one.similarities == pytest.approx(other.similarities, abs=1e-3)
