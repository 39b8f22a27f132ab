"""Sessions beside each other."""

from sqlalchemy import select

from app.database import reading, writing
from app.models import Dataset
from unit.rows import add_report


def test_who_reads_does_not_hold_up_who_writes(dataset: Dataset) -> None:
    with reading() as reader:
        names = reader.scalars(select(Dataset.name))
        add_report(dataset)
        with writing() as writer:
            writer.get_one(Dataset, dataset.id).name = "two"
        assert names.all() == ["one"]
