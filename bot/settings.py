"""One frozen Settings from refdesk.toml and the environment, read once.

Every key is also an environment variable REFDESK__SECTION__KEY, which wins. A key that does not exist stops the
start and is named together with its line.
"""

import os
import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from bot.errors import WrongSetting
from bot.groups import Manners, spans

_LOWEST_BAR = 0.9


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class Library(_Section):
    """Where the data that librarians edit lies, relative to refdesk.toml."""

    intents: Path = Path("intents")
    knowledge: Path = Path("knowledge")
    campus: str = ""
    script: Literal["asker", "simplified", "traditional"] = "asker"


class Server(_Section):
    """Where the process listens. `public_url` is what patrons and platforms see; `secret` signs cookies; `proxies` is how
    many reverse proxies stand before it; `embed_origins` are the sites that may show the chat in a frame."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = ""
    secret: str = ""
    asks_per_minute: int = Field(default=30, ge=1)
    proxies: int = Field(default=0, ge=0)
    embed_origins: tuple[str, ...] = ()


class StoreSection(_Section):
    """The one SQLite file."""

    path: Path = Path("data/refdesk.db")


class Understanding(_Section):
    """Which engine understands, from which confidence the bot speaks, and what it may say alone. With an `autonomy_bar` (0: none)
    an intent is answered without a librarian only while its answers are proven right that often; see bot.autonomy. `token` opens
    POST /model/parse to programs on other machines."""

    engine: Literal["builtin", "rasa"] = "builtin"
    rasa_url: str = "http://127.0.0.1:5005"
    rasa_timeout: float = Field(default=2.0, gt=0)
    model: Path = Path("data/model.refdesk")
    answer_at: float = Field(default=0.84, ge=0, le=1)
    margin: float = Field(default=0.05, ge=0, le=1)
    clarify_at: float = Field(default=0.20, ge=0, le=1)
    forget_after_minutes: int = Field(default=30, ge=1)
    join_seconds: int = Field(default=60, ge=0)
    form_expires_after_minutes: int = Field(default=120, ge=1)
    mode: Literal["auto", "shadow"] = "auto"
    suggest: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    autonomy_bar: float = Field(default=0.0, ge=0, le=1)
    embedding: Path | None = None
    token: str = ""


class Calendar(_Section):
    """When librarians are on duty. `now` fixes the clock for calendar decisions, for tests and demonstrations."""

    timezone: str = "Asia/Shanghai"
    duty: tuple[str, ...] = ("mon-fri 08:30-12:00", "mon-fri 14:00-17:30")
    closed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    now: datetime | None = None
    release_after_minutes: int = Field(default=30, ge=1)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no such time zone: {value}") from error
        return value

    @field_validator("now")
    @classmethod
    def _now_is_aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a UTC offset, e.g. 2026-11-22T10:00:00+08:00")
        return value


class SignOnSection(_Section):
    """Campus single sign-on. `url` is the CAS server or the OpenID issuer; `login_claim` the attribute that holds the login, if not
    the usual one. Who has no account yet gets one with `role`; without it an administrator has to make the account first."""

    kind: Literal["", "cas", "oidc"] = ""
    url: str = ""
    client_id: str = ""
    client_secret: str = ""
    login_claim: str = ""
    role: Literal["", "librarian"] = ""

    @model_validator(mode="after")
    def _is_whole(self) -> "SignOnSection":
        needed = {"": (), "cas": ("url",), "oidc": ("url", "client_id", "client_secret")}[self.kind]
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"{self.kind} needs {', '.join(missing)}")
        if self.url and not self.url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("url must begin with https://")
        return self


class Retention(_Section):
    """How long texts are kept, in days, and the personal fields of request forms; counts are kept for ever."""

    messages_days: int = Field(default=730, ge=1)
    personal_days: int = Field(default=180, ge=1)


class Monitor(_Section):
    """Whether the addresses of the databases table are looked at: `every_minutes` (0: never), `at_once` at the same time, each
    given up after `timeout_seconds`."""

    every_minutes: int = Field(default=0, ge=0)
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    at_once: int = Field(default=4, ge=1, le=20)


class Reports(_Section):
    """What figures show. `librarians`: what each of them did, where the staff council allows it. `fonts`: a folder of fonts for the
    pictures of charts, beside those of the system. `send`: mail the brief of every week or month to the addresses `to`."""

    librarians: bool = True
    fonts: Path | None = None
    send: Literal["", "weekly", "monthly"] = ""
    to: tuple[str, ...] = ()


_PICTURE_HOSTS = ("mmbiz.qpic.cn", "mmbiz.qlogo.cn", "multimedia.nt.qq.com.cn", "gchat.qpic.cn", "c2cpicdw.qpic.cn")
"""Where WeChat and QQ keep the pictures that people send."""


class Desk(_Section):
    """How librarians work. `teams` are topic teams with the logins of their members; a reply can be taken back for `undo_seconds`;
    a ticket returns to the queue when its asker waits and its librarian has had no page of the desk open for `away_minutes`. Pictures
    that patrons sent are shown from `picture_hosts` only."""

    teams: dict[str, tuple[str, ...]] = {}
    undo_seconds: int = Field(default=6, ge=0, le=60)
    away_minutes: int = Field(default=5, ge=1)
    picture_hosts: tuple[str, ...] = _PICTURE_HOSTS


class Teaching(_Section):
    """How the bot learns. With `second_person` nobody approves what they proposed themselves; `golden` are labelled messages with
    which a new model is compared before it takes over."""

    second_person: bool = True
    golden: Path = Path("benchmarks/development")


class Mail(_Section):
    """Where the digest goes that tells of waiting questions while nobody is at the desk. Without a `host` none is sent."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    every_minutes: int = Field(default=30, ge=1)
    language: Literal["zh", "en"] = "zh"

    @model_validator(mode="after")
    def _has_both_ends(self) -> "Mail":
        if self.host and not (self.sender and self.to):
            raise ValueError("a digest needs mail.sender and mail.to")
        return self


class Room(_Section):
    """How the bot behaves in a group; see bot.groups.Manners for what each means."""

    name: str = ""
    quiet: tuple[str, ...] = ()
    cooldown_minutes: int = Field(default=10, ge=0)
    prefix: str = ""
    silent: bool = False
    bar: float = Field(default=0.0, ge=0, le=1)
    per_minute: int = Field(default=20, ge=1)
    per_account: int = Field(default=6, ge=1)
    longest: int = Field(default=240, ge=40)

    @field_validator("quiet")
    @classmethod
    def _quiet_is_readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        spans(value)
        return value

    @field_validator("bar")
    @classmethod
    def _bar_is_high(cls, value: float) -> float:
        if 0 < value < _LOWEST_BAR:
            raise ValueError(f"is 0 (only when addressed) or from {_LOWEST_BAR} to 1")
        return value


class Groups(Room):
    """Manners in all groups. `allow`: only in these (none: in all that the bot is in); `room`: what is different in one group."""

    allow: tuple[str, ...] = ()
    room: dict[str, Room] = {}

    @field_validator("allow", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: Any) -> Any:
        """Groups are called by numbers on some platforms; they may be written so."""
        return [str(each) if isinstance(each, int) else each for each in value] if isinstance(value, list) else value

    def manners(self, room: str) -> Manners:
        """The manners in one group."""
        own = self.room.get(room, Room())
        at = self.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})
        return Manners(
            own.name or room, not self.allow or room in self.allow, spans(at.quiet), timedelta(minutes=at.cooldown_minutes),
            at.prefix.strip(), at.silent, at.bar, at.per_minute, at.per_account, at.longest,
        )  # fmt: skip


class Settings(BaseSettings):
    """Everything that can be set. `root` is the folder of refdesk.toml; relative paths start there."""

    model_config = SettingsConfigDict(
        env_prefix="REFDESK__", env_nested_delimiter="__", frozen=True, extra="forbid", nested_model_default_partial_update=True
    )
    library: Library = Library()
    server: Server = Server()
    store: StoreSection = StoreSection()
    understanding: Understanding = Understanding()
    calendar: Calendar = Calendar()
    retention: Retention = Retention()
    monitor: Monitor = Monitor()
    signon: SignOnSection = SignOnSection()
    reports: Reports = Reports()
    desk: Desk = Desk()
    mail: Mail = Mail()
    teaching: Teaching = Teaching()
    groups: Groups = Groups()
    connectors: dict[str, dict[str, Any]] = {}
    root: Path = Path(".")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose values arrive as keywords."""
        return env_settings, init_settings

    def at(self, path: Path) -> Path:
        """A path of the settings as the process can open it."""
        return path if path.is_absolute() else self.root / path

    @property
    def loopback(self) -> bool:
        """Whether the server can be reached from this machine only."""
        return self.server.host in {"127.0.0.1", "::1", "localhost"}


def read(path: Path = Path("refdesk.toml")) -> Settings:
    """Settings from `path` (which may be absent) and the environment; WrongSetting names key, file and line."""
    try:
        source = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        values = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSetting(str(path), f"not valid TOML in UTF-8: {error}") from error
    _refuse_unknown_variables()
    try:
        return _consistent(Settings(**{**values, "root": path.parent}))
    except ValidationError as error:
        raise _explained(error, path, source) from error
    except SettingsError as error:
        raise _not_json(error) from error


def _consistent(settings: Settings) -> Settings:
    """What one section needs of another."""
    if settings.reports.send and not (settings.mail.host and settings.reports.to):
        raise WrongSetting("reports.send", "needs mail.host, from which the brief is sent, and reports.to")
    return settings


def _refuse_unknown_variables() -> None:
    """pydantic-settings passes over a variable whose section does not exist; a typo there must not be silent."""
    for name in os.environ:
        parts = name.lower().split("__")
        if parts[0] == "refdesk" and (len(parts) < 3 or parts[1] not in Settings.model_fields):
            raise WrongSetting(name, "no such setting; expected REFDESK__SECTION__KEY")


def _explained(error: ValidationError, path: Path, source: str) -> WrongSetting:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    names = [part for part in first["loc"] if isinstance(part, str)]
    why = "no such key" if first["type"] == "extra_forbidden" else first["msg"]
    variable = f"REFDESK__{'__'.join(names)}".upper()
    if any(name.upper() == variable for name in os.environ):
        return WrongSetting(key, f"{why} (environment variable {variable})")
    return WrongSetting(key, f"{why} ({path}:{_line(source, names)})")


def _line(source: str, names: list[str]) -> int:
    """Where a key stands, else where its section begins, else 1."""
    section, begins = "", 1
    for number, line in enumerate(source.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            section = header[1].replace('"', "")
            if section == ".".join(names):
                return number
            begins = number if section == names[0] else begins
        elif match := re.match(r'\s*"?([^\s"=#]+)"?\s*=', line):
            if f"{section}.{match[1]}".lstrip(".") == ".".join(names):
                return number
    return begins


def _not_json(error: SettingsError) -> WrongSetting:
    raw = getattr(error.__cause__, "doc", "")
    name = next((name for name, value in os.environ.items() if value == raw and name.upper().startswith("REFDESK__")), "environment")
    return WrongSetting(name, f"""a list is written as JSON, e.g. ["one", "two"]: {error.__cause__}""")
