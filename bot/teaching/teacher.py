"""Retraining in the background: tried on a copy, judged on the golden set, then swapped in without a dropped request, or refused with
the reason. One step back puts files and model as they were."""

import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import classifier, house, training
from bot.domain import DraftStatus, Engine, Generation, GenerationState
from bot.errors import DefectsFound, NotFound, RefdeskError, Refused
from bot.settings import Settings
from bot.store import Store
from bot.teaching import golden, staging
from bot.teaching.likeness import Known

log = logging.getLogger("refdesk.teaching")

Trained = Callable[[Path, Path, house.Progress], Engine]
_KEPT = "teaching"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is: what it does, and a share 0..1 of that."""

    step: str
    share: float


@dataclass(frozen=True)
class Now:
    """What the house does at present: the engine at work, the calendar's day, and the time."""

    mind: Callable[[], house.Mind]
    today: Callable[[], date]
    time: Callable[[], datetime]


class Teacher:
    """One training at a time. `adopt` puts a new mind to work; `fit` trains a model from a folder into a file."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        now: Now,
        adopt: Callable[[house.Mind], None],
        *,
        fit: Trained = classifier.fit_apart,
    ) -> None:
        self._settings, self._store, self._now, self._adopt, self._fit = settings, store, now, adopt, fit
        self._golden = settings.at(settings.teaching.golden)
        self._busy = threading.Lock()
        self._progress: Progress | None = None
        self._known: tuple[str, Known] = ("", Known(()))

    @property
    def progress(self) -> Progress | None:
        """How far the training is; None when none is under way."""
        return self._progress

    def known(self) -> Known:
        """What the bot was taught so far, as the files say now."""
        folder = self._settings.at(self._settings.library.intents)
        digest = training.digest(folder)
        if self._known[0] != digest:
            self._known = digest, Known(training.read(folder).examples)
        return self._known[1]

    def begin(self, librarian: str) -> None:
        """`train` on a thread of its own; how it ended is among the generations."""
        threading.Thread(target=self._begun, args=(librarian,), name="refdesk-teacher", daemon=True).start()

    def _begun(self, librarian: str) -> None:
        try:
            self.train(librarian)
        except RefdeskError as error:
            log.warning("no training: %s", error)

    def train(self, librarian: str) -> Generation:
        """Learn what was approved. Blocks until it is live or refused; Refused when nothing waits or a training is under way."""
        if not self._busy.acquire(blocking=False):
            raise Refused("busy")
        try:
            self._tell("copying", 0.0)
            return self._train(librarian)
        finally:
            self._progress = None
            self._busy.release()

    def _train(self, librarian: str) -> Generation:
        examples = self._store.read(lambda s: s.examples(DraftStatus.APPROVED, limit=10_000))
        drafts = self._store.read(lambda s: s.entry_drafts(DraftStatus.APPROVED))
        if not examples and not drafts:
            raise Refused("nothing")
        tried = Generation(0, self._now.time(), librarian, GenerationState.REFUSED, len(examples), len(drafts))
        numbers = tuple(each.id for each in examples), tuple(each.id for each in drafts)
        kept = self._settings.at(self._settings.understanding.model).parent / _KEPT
        kept.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept, prefix="trying-") as folder:
            try:
                copy = staging.staged(self._settings, Path(folder), examples, drafts, self._now.today())
                tried = self._tried(tried, copy, Path(folder) / "model.refdesk")
                if not tried.reasons:
                    tried = replace(tried, state=GenerationState.LIVE)
                    self._install(tried, copy, Path(folder) / "model.refdesk", kept)
            except DefectsFound as error:
                tried = replace(tried, state=GenerationState.REFUSED, reasons=tuple(str(defect) for defect in error.defects[:20]))
            except RefdeskError as error:
                log.warning("a training was refused: %s", error)
                tried = replace(tried, state=GenerationState.REFUSED, reasons=(str(error),))
        return self._store.write(lambda s: s.add_generation(tried, *numbers)).result()

    def _tried(self, tried: Generation, copy: staging.Staging, model: Path) -> Generation:
        """Check the copy, train on it, and compare."""
        self._tell("checking", 0.0)
        tried = replace(tried, files=tuple(str(file.path) for file in copy.edited))
        if defects := staging.new_defects(self._settings, copy.settings, self._now.today()):
            return replace(tried, reasons=defects[:20])
        new = self._fit(copy.settings.at(copy.settings.library.intents), model, self._tell)
        self._tell("comparing", 0.0)
        mind, kinds = self._now.mind(), house.kinds(copy.settings)
        rows = golden.read(sorted(self._golden.glob("*.jsonl")), kinds)
        verdict = golden.compare(rows, house.engine(self._settings), new, mind.answering.policy, kinds)
        return replace(tried, golden=verdict.messages, changes=verdict.changes, reasons=verdict.reasons)

    def _install(self, tried: Generation, copy: staging.Staging, model: Path, kept: Path) -> None:
        """Keep what was, write what is new, put it to work. Should the new data not load, everything is as before."""
        back = kept / f"{tried.at:%Y%m%d%H%M%S%f}"
        at_work = self._settings.at(self._settings.understanding.model)
        back.mkdir()
        shutil.copyfile(at_work, back / "model.refdesk")
        staging.install(self._settings, copy.edited)
        model.replace(at_work)
        try:
            self._adopt(house.mind(self._settings))
        except RefdeskError:
            staging.install(self._settings, tuple(replace(file, before=file.after, after=file.before) for file in copy.edited))
            shutil.copyfile(back / "model.refdesk", at_work)
            raise
        for file in copy.edited:
            for name, text in (("before", file.before), ("after", file.after)):
                path = back / name / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def undo(self) -> Generation:
        """One step back: the newest training that is live. Refused when its files were edited since, or when there is none."""
        if not self._busy.acquire(blocking=False):
            raise Refused("busy")
        try:
            return self._undo()
        finally:
            self._busy.release()

    def _undo(self) -> Generation:
        live = next((each for each in self._store.read(lambda s: s.generations()) if each.state is GenerationState.LIVE), None)
        if live is None:
            raise NotFound("a training to take back")
        at_work = self._settings.at(self._settings.understanding.model)
        back = at_work.parent / _KEPT / f"{live.at:%Y%m%d%H%M%S%f}"
        edited = tuple(staging.Edited(Path(name), _kept(back, "after", name), _kept(back, "before", name)) for name in live.files)
        staging.install(self._settings, edited)
        shutil.copyfile(back / "model.refdesk", at_work)
        self._adopt(house.mind(self._settings))
        self._store.write(lambda s: s.undo_generation(live)).result()
        return replace(live, state=GenerationState.UNDONE)

    def _tell(self, step: str, share: float) -> None:
        self._progress = Progress(step, share)


def _kept(back: Path, name: str, path: str) -> str:
    try:
        return (back / name / path).read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"the {name} of {path}") from error
