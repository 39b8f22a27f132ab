"""Jobs run, for real, in the database of an application that knows nothing of DATABASE_URL."""

from pathlib import Path

from sqlalchemy import create_engine, text

from offload.service import COMMANDS, Service, ServiceMaker

MAIN = """
from fastapi import FastAPI
from sqlalchemy import create_engine

from .offload import install

engine = create_engine({url!r})
app = FastAPI()
install(app, engine=engine)
"""


def installed(service: Service, url: str) -> Service:
    """A service whose application brings an engine."""
    (service.folder / "app" / "main.py").write_text(MAIN.format(url=url))
    if "worker" in COMMANDS:  # workers, which are started apart, must be told
        service.environment["DATABASE_URL"] = url
    else:
        del service.environment["DATABASE_URL"]
    return service


def test_jobs_run_there_and_its_file_keeps_its_journal(
    make_service: ServiceMaker, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    theirs = create_engine(url)
    with theirs.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n integer)"))
    service = installed(make_service(), url).start()
    job = service.wait_for(service.submit())
    assert job["status"] == "succeeded"
    with theirs.connect() as connection:
        status = connection.execute(text("SELECT status FROM offload_jobs")).scalar_one()
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    theirs.dispose()
    assert (status, journal) == ("succeeded", "delete")
    assert not (tmp_path / "data" / "app.db").exists()  # where the engine's own would be
