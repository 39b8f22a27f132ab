"""What the settings refuse, and what they make of the database's URL."""

import os
import subprocess

import pytest
from pydantic import ValidationError

from app.settings import Settings, get_settings
from service import COMMANDS, ROOT


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"database_url": "mysql://localhost/x"}, "mysql:// is not supported"),
        ({"database_url": "postgres://localhost/x"}, "postgresql+psycopg://"),
        ({"database_url": "app.db"}, "no database URL"),
        ({"database_url": "sqlite://"}, "sqlite:///data/app.db"),
        ({"database_url": "sqlite:///:memory:"}, "sqlite:///data/app.db"),
        ({"storage_url": "foo://bar"}, "use a folder, s3://bucket/prefix"),
        ({"storage_url": "s3://"}, "use a folder, s3://bucket/prefix"),
        ({"log_level": "FOO"}, "'INFO'"),
        ({"api_key": " "}, "is blank"),
        ({"api_key": "key "}, "has a blank at an end"),
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


@pytest.mark.parametrize("url", ["pdfs", "/data/pdfs", "s3://bucket/prefix", "gs://bucket"])
def test_a_folder_and_the_usual_stores_are_taken(url: str) -> None:
    assert Settings(storage_url=url).storage_url == url


def test_a_log_level_may_be_in_small_letters() -> None:
    assert Settings(log_level="debug").log_level == "DEBUG"  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["API_KEY", "DATABASE_URL", "LOG_LEVEL", "STORAGE_URL"])
def test_no_command_begins_with_wrong_settings(name: str) -> None:
    wrong = {"API_KEY": " ", "DATABASE_URL": "sqlite://", "LOG_LEVEL": "x", "STORAGE_URL": "x://y"}
    for command in (COMMANDS[name] for name in COMMANDS.keys() - {"broker"}):
        ended = subprocess.run(
            command.replace("exec python -m app.dev.run --restart", "exec"),
            shell=True,
            cwd=ROOT,
            env=os.environ | {"WEB_PORT": "0", name: wrong[name]},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode != 0
        assert f"The settings are wrong: {name} " in ended.stderr
        assert "Traceback" not in ended.stderr


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
