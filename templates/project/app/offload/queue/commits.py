"""Notifies of jobs once the transaction that added them is committed, whoever commits it.

What is listened to is every connection of this process: a session says that it has committed for a
savepoint too, and within a transaction that somebody else ends. There is no event behind a commit.
What comes next is: another transaction of the connection, or its return to the pool.

It is listened to from the import of the package on, and not to each engine when it first adds a
job: another thread that walks through the listeners of an engine at that moment would fail.
"""

from typing import Any

from sqlalchemy import Connection, Engine, Pool, event

from .. import notifying

# Of which queues to notify. A process may have the engine in two packages, which share connections.
WAITING, COMMITTED = f"{__name__}.waiting", f"{__name__}.committed"


def notify_after(connection: Connection, queue: str) -> None:
    """Tell that a job waits in the queue when what the connection does is committed."""
    connection.info.setdefault(WAITING, set()).add(queue)


@event.listens_for(Engine, "commit")
@event.listens_for(Engine, "commit_twophase")
def _commits(connection: Connection, *_twophase: object) -> None:
    info = _info(connection)
    if waiting := info.pop(WAITING, None):
        info.setdefault(COMMITTED, set()).update(waiting)


@event.listens_for(Engine, "rollback")
@event.listens_for(Engine, "rollback_twophase")
def _rolled_back(connection: Connection, *_twophase: object) -> None:
    _info(connection).pop(WAITING, None)


@event.listens_for(Engine, "begin")
@event.listens_for(Engine, "begin_twophase")
def _begins(connection: Connection, *_twophase: object) -> None:
    notifying.notify(_info(connection).pop(COMMITTED, ()))


@event.listens_for(Pool, "checkin")
def _returned(_driver_connection: Any, record: Any) -> None:
    notifying.notify(record.info.pop(COMMITTED, ()))


def _info(connection: Connection) -> dict[Any, Any]:
    # To ask one that was lost would connect anew, or fail in the middle of a rollback.
    return {} if connection.invalidated else connection.info
