"""The database of the application that has installed the engine, by what it reaches it with."""

from typing import Any

from sqlalchemy import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import sessionmaker

from ..errors import CannotInstall
from ..settings import Settings, is_database_named
from .urls import is_same, shown, spoken

Bound = Engine | AsyncEngine | sessionmaker[Any] | async_sessionmaker[Any]


def url_of(engine: Bound) -> URL:
    """The URL by a driver that the engine has, with its password. Raises CannotInstall."""
    bind = (
        engine.kw.get("bind") if isinstance(engine, sessionmaker | async_sessionmaker) else engine
    )
    if not isinstance(bind, Engine | AsyncEngine):
        raise CannotInstall(
            "engine= takes an Engine, an AsyncEngine, or a sessionmaker that is bound to one, not"
            f" {type(bind).__name__}"
        )
    try:
        return spoken(bind.url)
    except ValueError as error:
        raise CannotInstall(
            f"the application's database {shown(bind.url)} {error}; jobs can have a database of"
            " their own: leave out engine=, and set DATABASE_URL"
        ) from None


def check_is(shared: URL, settings: Settings) -> None:
    """Raise CannotInstall when the settings name another database."""
    if not is_same(shared, settings.sync_database_url):
        raise CannotInstall(
            f"engine= is on {shown(shared)}, and DATABASE_URL names"
            f" {shown(settings.sync_database_url)}; jobs are kept in one database: leave out"
            " engine=, or have DATABASE_URL (or OFFLOAD_DATABASE_URL, which goes first) name it"
        )


def check_is_named(shared: URL) -> None:
    """Raise CannotInstall when workers, which know no engine=, would look in another database."""
    if not is_database_named():
        raise CannotInstall(
            "workers know the database by DATABASE_URL alone, and it is not set; set it, here and"
            f" for them, to the database of engine=: {shown(shared)}"
        )
