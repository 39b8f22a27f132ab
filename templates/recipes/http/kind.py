"""Addresses in; what each of them answered out."""

from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, field_validator
from pydantic_settings import BaseSettings, NoDecode

from app.offload import Kind
from app.offload.settings import CONFIG, load

from .answers import Answer


class Settings(BaseSettings):
    """Read from the environment or from `.env`."""

    model_config = CONFIG

    # Scheme, host and port of the services that may be called, such as https://api.example.com. The
    # URLs come from outside, and from here more can be reached than their senders may see.
    http_origins: Annotated[tuple[HttpUrl, ...], NoDecode] = (HttpUrl("https://example.com"),)

    @field_validator("http_origins", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value


@lru_cache
def get_http_settings() -> Settings:
    """The settings of this process, read once."""
    return load(Settings)


def allowed(url: HttpUrl) -> HttpUrl:
    """The URL, if it may be called. Raises ValueError."""
    origins = {_origin(each) for each in get_http_settings().http_origins}
    if _origin(url) not in origins:
        raise ValueError(f"{url.scheme}://{url.host}:{url.port} is not among HTTP_ORIGINS")
    if url.username or url.password:
        raise ValueError("has a password, which would be kept with the job; take it out")
    return url


def _origin(url: HttpUrl) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


class JobNameParams(BaseModel):
    """What is to be called, and how fast."""

    model_config = ConfigDict(extra="forbid")

    urls: Annotated[
        list[Annotated[HttpUrl, AfterValidator(allowed)]], Field(min_length=1, max_length=200)
    ]
    per_second: Annotated[float, Field(gt=0, le=100)] = 5.0  # calls that begin, of this job


class JobNameResult(BaseModel):
    """What came of all calls, in the order of the URLs."""

    succeeded: int
    failed: int
    answers: list[Answer]


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    deadline_seconds=900,
    max_attempts=5,
    retry_seconds=10,
)
