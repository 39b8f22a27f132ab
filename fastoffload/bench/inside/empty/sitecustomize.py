"""Empties the reports' work in every Python process that finds this file: claimed, then finished.

The benchmark puts this folder on PYTHONPATH of the worker.
"""

from app import jobs, pipeline
from app.database import transact
from app.heartbeat import Heartbeat
from app.models import Report


def _do_nothing(_: Report, token: str, __: Heartbeat) -> None:
    transact(jobs.finish, token, {}, "")


pipeline._work = _do_nothing  # noqa: SLF001
