"""Settings -> knowledge, engine, answering, desk: what the server and the command line both stand on."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot import autonomy, brief, classifier, embedding, knowledge, training
from bot.answering import Answering, Policy
from bot.autonomy import Autonomy, Doubt
from bot.brief import Words
from bot.connector import Connector, Limits, known, load
from bot.desk import Clock, Desk
from bot.domain import OUT_OF_SCOPE, Engine, IntentKind
from bot.embedding import EmbeddedEngine, Encoder
from bot.errors import Defect, EmbeddingUnusable, EvidenceUnusable, ModelUnusable, UnknownConnector, WrongSetting
from bot.evaluation import Share
from bot.hours import DutyHours
from bot.knowledge import Knowledge
from bot.labels import Labels
from bot.ledger import Ledger
from bot.listening import Listener
from bot.messages import Language, Script
from bot.months import Months
from bot.rasa_engine import RasaEngine
from bot.roster import Roster
from bot.settings import Settings
from bot.store import Store
from bot.text import expect

log = logging.getLogger("refdesk")

Progress = Callable[[str, float], None]
Kinds = Mapping[str, IntentKind]


def _silent(stage: str, share: float) -> None:
    """No progress bar."""


@dataclass(frozen=True)
class Mind:
    """What understands and decides; it touches no database. `state` says how the engine is, for /health. A `quick` engine answers in
    a millisecond or two and waits for nobody."""

    engine: Engine
    answering: Answering
    state: Callable[[], str]
    quick: bool = False


def mind(settings: Settings, progress: Progress = _silent) -> Mind:
    """Load knowledge and model; train when there is no usable model of today's intents/. What patrons said counts at a desk only."""
    curated = knowledge.read(settings.at(settings.library.knowledge))
    expect(curated.said_in_chinese())
    own, state = _own_engine(settings, progress)
    answered = kinds(settings)
    answering = Answering(curated, answered, earned(settings, answered).in_force())
    courtesies = courtesies_among(answered)
    if settings.understanding.engine == "rasa":
        u = settings.understanding
        rasa = RasaEngine(u.rasa_url, u.rasa_timeout, own, intents=frozenset({*answered, OUT_OF_SCOPE}))
        heard = Listener(rasa, courtesies)
        return Mind(heard, answering, lambda: f"rasa {rasa.state()}" + (f"; {state}" if u.embedding else ""))
    return Mind(Listener(own, courtesies), answering, lambda: state, quick=settings.understanding.embedding is None)


def courtesies_among(answered: Kinds) -> frozenset[str]:
    """The intents that are a greeting, thanks and the like."""
    return frozenset(intent for intent, kind in answered.items() if kind is IntentKind.SOCIAL)


def _own_engine(settings: Settings, progress: Progress) -> tuple[Engine, str]:
    """What understands inside this process, and how it is: the built-in classifier, with an embedding model where one is usable."""
    builtin = engine(settings, progress)
    if settings.understanding.embedding is None:
        return builtin, "builtin ok"
    try:
        return embedded(settings, settings.understanding.embedding, builtin, progress), f"{embedding.NAME} ok"
    except EmbeddingUnusable as reason:
        log.warning("%s; answering without it", reason)
        return builtin, "builtin ok, embedding unusable (see the log)"


def embedded(settings: Settings, folder: Path, builtin: classifier.Classifier, progress: Progress = _silent) -> EmbeddedEngine:
    """The classifier with the embedding model in `folder`; EmbeddingUnusable. Makes the examples' vectors where none fit."""
    encoder, intents = Encoder(settings.at(folder)), settings.at(settings.library.intents)
    made_from = embedding.source(training.digest(intents), builtin.digest, encoder)
    path = settings.at(settings.understanding.model).with_name(embedding.FILE)
    try:
        memory = embedding.load(path, made_from)
    except ModelUnusable as reason:
        log.warning("%s; learning from them now", reason.why)
        memory = embedding.learn(training.read(intents), encoder, made_from, progress)
        memory.save(path)
    return EmbeddedEngine(builtin, encoder, memory)


def kinds(settings: Settings) -> Kinds:
    """How each intent is answered."""
    return {intent.id: intent.kind for intent in training.read_catalogue(settings.at(settings.library.intents) / "catalogue.yml")}


def policy(settings: Settings) -> Policy:
    """The thresholds and switches as they are set."""
    u = settings.understanding
    silence, lying = timedelta(minutes=u.forget_after_minutes), timedelta(minutes=u.form_expires_after_minutes)
    kept, chosen = settings.retention, settings.library.script
    script = None if chosen == "asker" else Script(chosen)
    return Policy(
        u.answer_at, u.margin, u.clarify_at, silence, frozenset(u.suggest), frozenset(u.off), u.mode == "shadow",
        join_within=timedelta(seconds=u.join_seconds), script=script, form_expires_after=lying,
        keep_days=kept.messages_days, keep_personal_days=kept.personal_days,
    )  # fmt: skip


def earned(settings: Settings, answered: Kinds, confirmed: Mapping[str, Share] | None = None) -> Autonomy:
    """How far the bot may go alone, by the settings, the stored evidence and what was said of its answers."""
    u, path = settings.understanding, evidence_file(settings)
    own = Autonomy(policy(settings), answered, u.autonomy_bar, confirmed=confirmed or {}, doubts=(Doubt.ABSENT,))
    try:
        evidence = autonomy.read(path)
    except EvidenceUnusable as damaged:
        return replace(own, doubts=(Doubt.DAMAGED,), fault=str(damaged))
    if evidence is None:
        return own
    made_from = training.digest(settings.at(settings.library.intents))
    answers = embedding.NAME if u.embedding and u.engine == "builtin" else u.engine
    return replace(own, evidence=evidence, doubts=autonomy.doubts(evidence, made_from, own.policy, answers))


def evidence_file(settings: Settings) -> Path:
    """Where the evidence is kept: beside the model."""
    return settings.at(settings.understanding.model).with_name(autonomy.FILE)


def engine(settings: Settings, progress: Progress = _silent) -> classifier.Classifier:
    """The built-in classifier, trained first if the stored model does not fit intents/."""
    path, folder = settings.at(settings.understanding.model), settings.at(settings.library.intents)
    if not folder.is_dir():
        raise Defect(folder, 0, "no such folder; is refdesk.toml in the folder you are in?")
    try:
        return classifier.load(path, training.digest(folder))
    except ModelUnusable as reason:
        log.warning("%s; training now", reason.why)
        return classifier.fit_apart(folder, path, progress)


def train(settings: Settings, progress: Progress = _silent) -> classifier.Classifier:
    """Fit a model to intents/ and store it; DefectsFound when the data cannot be used."""
    model = classifier.fit(training.read(settings.at(settings.library.intents)), progress)
    path = settings.at(settings.understanding.model)
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    return model


def connectors(settings: Settings) -> dict[str, Connector]:
    """The connectors that are on: those installed whose required keys are set."""
    for name in settings.connectors:
        if name not in known():
            raise UnknownConnector(name)
    loaded = {name: load(name, settings.connectors.get(name, {})) for name in known()}
    return {name: connector for name, connector in loaded.items() if connector is not None}


def desk(settings: Settings, understanding: Mind, limits: Mapping[str, Limits]) -> Desk:
    """The desk over the settings' database. It goes as far alone as was earned when it is opened."""
    opened = store(settings)
    own = at_work(settings, opened, understanding.answering.kinds)
    complain(own)
    return Desk(
        opened, understanding.engine, replace(understanding.answering, policy=own.in_force()), hours(settings, opened),
        limits=limits, address=address(settings), clock=Clock(fixed=settings.calendar.now), secret=settings.server.secret,
        groups=settings.groups,
    )  # fmt: skip


def at_work(settings: Settings, opened: Store, answered: Kinds) -> Autonomy:
    """How far the bot may go alone, with what patrons have said so far."""
    return earned(settings, answered, autonomy.confirmed(opened.read(lambda s: s.verdicts())))


def complain(own: Autonomy) -> None:
    """Tell the log what is the matter with the evidence."""
    for complaint in own.complaints():
        log.warning("%s", complaint)


def hours(settings: Settings, opened: Store | None = None) -> DutyHours:
    """When librarians are on duty: by the settings, and by the roster that a database holds."""
    calendar, roster = settings.calendar, opened.read(lambda s: s.roster()) if opened else Roster()
    return DutyHours(calendar.timezone, calendar.duty, calendar.closed, calendar.extra, roster)


def store(settings: Settings) -> Store:
    """The settings' database, opened."""
    return Store(settings.at(settings.store.path), settings.calendar.timezone)


def months(settings: Settings, opened: Store) -> Months:
    """The closing of months in a database."""
    return Months(opened, hours(settings, opened), Clock().now)


def ledger(settings: Settings, opened: Store) -> Ledger:
    """The figures of a database."""
    return Ledger(opened, hours(settings, opened), settings.reports.librarians)


def words(settings: Settings, opened: Store, curated: Knowledge, language: Language) -> Words:
    """What a brief calls things, in one language."""
    names = {person.login: person.name or person.login for person in opened.read(lambda s: s.librarians())}
    today = datetime.now(hours(settings).zone).date()
    return Words(curated, language, Labels(curated, language, today, names=names, rooms=lambda room: settings.groups.manners(room).name))


def add_fonts(settings: Settings) -> None:
    """Let pictures use the fonts that the settings name."""
    if settings.reports.fonts is None:
        return
    folder = settings.at(settings.reports.fonts)
    if not folder.is_dir():
        raise WrongSetting("reports.fonts", f"{folder} is no folder")
    brief.add_fonts(folder)


def address(settings: Settings) -> str:
    """Where patrons find the server."""
    return settings.server.public_url or f"http://{settings.server.host}:{settings.server.port}"
