"""The engine's settings, read from the environment or from `.env`; each number names its unit."""

import base64
import binascii
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, TypeVar

from obstore.exceptions import BaseError
from obstore.store import from_url
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import URL

from .database.urls import is_sqlite, spoken
from .env_file import AmbiguousLine, refuse_ambiguous

S = TypeVar("S", bound=BaseSettings)

CONFIG = SettingsConfigDict(
    env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
)
PREFIX = "OFFLOAD_"  # for a name that means something else to the application


class AsWritten:
    """Leaves values as they are written: lists here are words, not JSON."""

    def decode_complex_value(self, _name: str, _field: Any, value: Any) -> Any:
        """The value itself."""
        return value


class Environment(AsWritten, EnvSettingsSource):
    """The environment."""


class File(AsWritten, DotEnvSettingsSource):
    """The `.env`."""


class EngineSettings(BaseSettings):
    """Each of them is read from its name, or from OFFLOAD_ and its name, which goes first."""

    model_config = CONFIG

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file."""
        own = (kind(settings_cls, env_prefix=PREFIX) for kind in (Environment, File))
        plain = (kind(settings_cls, env_prefix="") for kind in (Environment, File))
        return (init_settings, *own, *plain)


class Settings(EngineSettings):
    """The settings of the engine."""

    # Where things are kept.
    database_url: str = "sqlite:///data/app.db"
    storage_url: str = "data/files"  # a folder, or the URL of an object store: s3://bucket/prefix
    migrate_on_start: bool = True  # False where a step of its own migrates before the start

    # What is accepted. Each kind of job has limits of its own beside these, in its kind.py.
    max_json_bytes: int = Field(default=65_536, gt=0)

    # How jobs are run. Deadline, attempts and queue are the kind's.
    job_workers: int | None = Field(default=None, gt=0)  # None: what suits the strategy
    job_queues: tuple[str, ...] = ()  # none: those of all kinds
    job_lease_seconds: float = Field(default=60, ge=1)
    job_tasks_per_child: int = Field(default=1000, gt=0)  # a process is replaced after as many
    job_memory_mb: int | None = Field(default=None, gt=0)  # of data, of a process that runs jobs
    retry_max_seconds: float = Field(default=300, gt=0)  # the longest backoff

    # Who follows a job sees its changes after so long. One query per interval serves everybody.
    watch_seconds: float = Field(default=0.5, gt=0)

    # The janitor.
    sweep_seconds: float = Field(default=2, gt=0)
    retention_days: float = Field(default=30, gt=0)  # an ended job and its files are deleted after

    # Callbacks: `whsec_` and base64 of 24 to 64 bytes. While one is replaced: new and old.
    callback_secret: SecretStr | None = None
    callback_timeout_seconds: float = Field(default=15, gt=0)
    callback_retry_seconds: float = Field(default=5, gt=0)  # first wait; doubled up to an hour
    callback_per_host: int = Field(default=4, gt=0)  # tries that one receiver may have under way
    # Beside the internet: 10.1.0.0/16,192.168.7.5
    callback_allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    # The loop watch: the event loop that does not answer for longer is looked at.
    loop_stall_seconds: float = Field(default=0.25, ge=0.05)

    # Development: honcho kills what is not gone 5 s after its SIGTERM: 2, and 2.5 until a process
    # that does not heed it is ended.
    shutdown_grace_seconds: float = Field(default=2, ge=0)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["console", "json"] | None = None  # None: by who reads

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        spoken(value)
        return value

    @field_validator("storage_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        try:
            if "://" in value:
                from_url(value)
        except (BaseError, ValueError) as error:
            reason = str(error).partition("\n")[0].replace(value, "it")
            raise ValueError(
                f"names no store ({reason}); use a folder, s3://bucket/prefix, gs://bucket/prefix"
                " or az://container/prefix, with the variables that the store needs"
            ) from None
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("callback_secret")
    @classmethod
    def _signing_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        for secret in _words(value.get_secret_value()) if value else []:
            try:
                key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            except binascii.Error:
                key = b""
            if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
                raise ValueError("must be whsec_ and base64 of 24 to 64 bytes")
        return value

    @field_validator("callback_allowed_networks", "job_queues", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        return _words(value) if isinstance(value, str) else value

    @property
    def sync_database_url(self) -> URL:
        """The URL for jobs: psycopg or the standard library's sqlite3."""
        return spoken(self.database_url)

    @property
    def async_database_url(self) -> URL:
        """The URL for the API: psycopg again, or aiosqlite."""
        url = self.sync_database_url
        return url.set(drivername="sqlite+aiosqlite") if is_sqlite(url) else url

    @property
    def callback_secrets(self) -> list[str]:
        """The secrets that sign callbacks; with none there are no callbacks."""
        return _words(self.callback_secret.get_secret_value()) if self.callback_secret else []

    def make_folders(self) -> None:
        """Create the folder of an SQLite database that lives in a file."""
        url = self.sync_database_url
        if is_sqlite(url) and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def load(kind: type[S]) -> S:
    """Settings from the environment. Ends the process with one line if they are wrong."""
    try:
        refuse_ambiguous(Path(".env"), _names(kind))
        return kind()
    except ValidationError as error:
        faults = "; ".join(_told(fault, kind) for fault in error.errors())
        raise SystemExit(f"The settings are wrong: {faults}") from None
    except AmbiguousLine as error:
        raise SystemExit(f"The settings are wrong: {error}") from None


def _names(kind: type[BaseSettings]) -> set[str]:
    names = {name.upper() for name in kind.model_fields}
    return names | {f"{PREFIX}{name}" for name in names if issubclass(kind, EngineSettings)}


def _told(fault: Any, kind: type[BaseSettings]) -> str:
    name = ".".join(map(str, fault["loc"])).upper()
    told = f"{name} {fault['msg']}"
    is_ours = issubclass(kind, EngineSettings)
    return (
        f"{told} (if {name} is meant for something else, set {PREFIX}{name})" if is_ours else told
    )


class _Shared:
    url: URL | None = None


def share_database(url: URL | None) -> None:
    """Keep the rows of this process's jobs there, unless DATABASE_URL says how to reach it."""
    _Shared.url = url
    get_settings.cache_clear()


def shared_database() -> URL | None:
    """The application's own database, if that is where the rows are."""
    return _Shared.url


def is_database_named() -> bool:
    """Whether the environment or `.env` names the database."""
    return "database_url" in load(Settings).model_fields_set


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    settings = load(Settings)
    if _Shared.url is None or "database_url" in settings.model_fields_set:
        return settings
    url = _Shared.url.render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": url})
