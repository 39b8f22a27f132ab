"""The tables of reports: what they are computed from, and what was estimated."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, now

from .kind import KIND


class Version(Base, kw_only=True):
    """What was uploaded at one time. It never changes, and goes when nothing needs it any more."""

    __tablename__ = f"{KIND.name}_versions"
    # No number is used twice: a report that waits names its version by it.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (SQLAlchemy's own name)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    count: Mapped[int]
    first_reading: Mapped[datetime]
    last_reading: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    stored_at: Mapped[datetime | None] = mapped_column(default=None)  # None until it is whole


class Dataset(Base, kw_only=True):
    """A named series of readings: a name for its newest version."""

    __tablename__ = f"{KIND.name}_datasets"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey(Version.id))


class Reading(Base, kw_only=True):
    """One value of a series; the positions are in the order of the times."""

    __tablename__ = f"{KIND.name}_readings"

    version_id: Mapped[int] = mapped_column(ForeignKey(Version.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    value: Mapped[float]


class Estimate(Base, kw_only=True):
    """What a report said about a parameter: written in the transaction that ended its job."""

    __tablename__ = f"{KIND.name}_estimates"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    parameter: Mapped[str] = mapped_column(String(10), primary_key=True)  # mean, median
    dataset: Mapped[str] = mapped_column(String(100))
    value: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]

    __table_args__ = (Index(None, "dataset", "job_id"),)
