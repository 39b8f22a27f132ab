"""Rows to begin with."""

from app.database import writing
from app.models import Dataset, Report


def add_report(dataset: Dataset) -> Report:
    """Queue a report of a dataset."""
    with writing() as session:
        report = Report(
            dataset_id=dataset.id,
            dataset=dataset.name,
            title="x",
            resamples=10,
            seed=0,
            request_digest="",
        )
        session.add(report)
        return report
