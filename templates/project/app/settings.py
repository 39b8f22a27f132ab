"""Every setting of the service, read from the environment or from `.env`."""

from functools import lru_cache
from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

S = TypeVar("S", bound=BaseSettings)

# Half a second between two beats: at most two writes a second for a running job.
HEARTBEAT_SECONDS = 0.5
# How long a cancel or a deadline may go unheeded before the row is ended without the job's consent.
OVERDUE_GRACE_SECONDS = 2.0


CONFIG = SettingsConfigDict(
    env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
)


class Settings(BaseSettings):
    """The settings, with the unit of every number in its name."""

    model_config = CONFIG

    # Where things are kept.
    database_url: str = "sqlite:///data/app.db"
    storage_url: str = "data/reports"  # a folder, or the URL of an object store: s3://bucket/prefix
    migrate_on_start: bool = True  # False where a step of its own migrates before the start

    # Who may call. Without a key everybody may, which is right on a loopback address only.
    api_key: SecretStr | None = None

    # What is accepted.
    max_upload_bytes: int = Field(default=5_000_000, gt=0)
    max_queued: int = Field(default=100, gt=0)  # reports that may wait; one more is answered 429

    # How jobs are run.
    job_workers: int | None = Field(default=None, gt=0)  # None: what suits the strategy
    job_deadline_seconds: float = Field(default=600, gt=0)
    job_lease_seconds: float = Field(default=60, ge=2 * OVERDUE_GRACE_SECONDS)
    job_max_attempts: int = Field(default=3, gt=0)
    job_tasks_per_child: int = Field(default=100, gt=0)  # a process is replaced after as many jobs
    job_memory_mb: int | None = Field(default=None, gt=0)  # of data, of a process that runs jobs
    retry_seconds: float = Field(default=1, gt=0)  # first wait after a TransientError; then doubled
    retry_max_seconds: float = Field(default=60, gt=0)

    # The janitor.
    sweep_seconds: float = Field(default=2, gt=0)
    ring_again_seconds: float = Field(default=30, gt=0)  # a report queued for longer is rung again
    retention_days: float = Field(default=30, gt=0)  # an ended report and its PDF are deleted after

    # Development: honcho kills what is not gone 5 s after its SIGTERM: 2, and 2.5 until a process
    # that does not heed it is ended.
    shutdown_grace_seconds: int = Field(default=2, ge=0)

    log_level: str = "INFO"

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            driver = make_url(value).drivername
        except ArgumentError:
            raise ValueError("is no database URL; try sqlite:///data/app.db") from None
        if driver not in {"sqlite", "postgresql", "postgresql+psycopg"}:
            raise ValueError(
                f"{driver}:// is not supported; use sqlite:/// or postgresql+psycopg://"
            )
        return value

    @model_validator(mode="after")
    def _lease_shorter_than_deadline(self) -> Self:
        if self.job_lease_seconds > self.job_deadline_seconds:
            raise ValueError("JOB_LEASE_SECONDS must not exceed JOB_DEADLINE_SECONDS")
        return self

    @property
    def sync_database_url(self) -> URL:
        """The URL for jobs: psycopg or the standard library's sqlite3."""
        url = make_url(self.database_url)
        return url if is_sqlite(url) else url.set(drivername="postgresql+psycopg")

    @property
    def async_database_url(self) -> URL:
        """The URL for the API: psycopg again, or aiosqlite."""
        url = self.sync_database_url
        return url.set(drivername="sqlite+aiosqlite") if is_sqlite(url) else url

    def make_folders(self) -> None:
        """Create the folder of an SQLite database that lives in a file."""
        url = make_url(self.database_url)
        if is_sqlite(url) and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def is_sqlite(url: URL) -> bool:
    """Whether the URL names an SQLite database."""
    return url.get_backend_name() == "sqlite"


def load(kind: type[S]) -> S:
    """Settings from the environment. Ends the process with one line if they are wrong."""
    try:
        return kind()
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc'])).upper()} {e['msg']}" for e in error.errors())
        raise SystemExit(f"The settings are wrong: {'; '.join(faults)}") from None


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return load(Settings)
