"""The table that files are added up in, in SQLAlchemy Core and a MetaData of its own."""

from sqlalchemy import BigInteger, Column, Date, MetaData, String, Table, Uuid

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

totals = Table(
    "job_name_totals",
    metadata,
    Column("job_id", Uuid, primary_key=True),  # what a job found is written once, whole
    Column("day", Date, primary_key=True),
    Column("shop", String(100), primary_key=True),
    Column("sales", BigInteger, nullable=False),
    Column("cents", BigInteger, nullable=False),  # SQLite keeps no decimal numbers
)
