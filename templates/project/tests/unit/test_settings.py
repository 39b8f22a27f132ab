"""What the settings refuse, and what they make of the database's URL."""

import pytest
from pydantic import ValidationError

from app.settings import Settings, get_settings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"database_url": "mysql://localhost/x"}, "mysql:// is not supported"),
        ({"database_url": "postgres://localhost/x"}, "postgresql+psycopg://"),
        ({"database_url": "app.db"}, "no database URL"),
        ({"job_lease_seconds": 1}, "greater than or equal to 4"),
        ({"job_lease_seconds": 20, "job_deadline_seconds": 10}, "must not exceed"),
        ({"max_queued": 0}, "greater than 0"),
        ({"callback_secret": "whsec_short"}, "24 to 64 bytes"),
        ({"callback_secret": f"{'A' * 40}"}, "must be whsec_"),
        ({"callback_secret": f"whsec_{'A' * 40} and-more"}, "must be whsec_"),
        ({"callback_allowed_networks": "10.0.0.0/8 everything"}, "callback_allowed_networks"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("+", r"\+")):
        Settings(**given)


def test_the_process_ends_with_one_line_that_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://me:secret@localhost/x")
    get_settings.cache_clear()
    with pytest.raises(SystemExit, match=r"DATABASE_URL .*mysql:// is not supported") as ended:
        get_settings()
    assert "secret" not in str(ended.value)
    assert "\n" not in str(ended.value)


@pytest.mark.parametrize(
    ("url", "for_jobs", "for_the_api"),
    [
        ("sqlite:///x.db", "sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgresql://h/x", "postgresql+psycopg://h/x", "postgresql+psycopg://h/x"),
        ("postgresql+psycopg://h/x", "postgresql+psycopg://h/x", "postgresql+psycopg://h/x"),
    ],
)
def test_one_url_for_jobs_and_api(url: str, for_jobs: str, for_the_api: str) -> None:
    settings = Settings(database_url=url)
    assert str(settings.sync_database_url) == for_jobs
    assert str(settings.async_database_url) == for_the_api
