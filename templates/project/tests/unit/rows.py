"""Rows to begin with, and what becomes of them."""

from app.database import reading, writing
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


def load(report: Report) -> Report:
    """A report as it stands now."""
    with reading() as session:
        return session.get_one(Report, report.id)


def change(report: Report, **values: object) -> None:
    """Set columns of a report, as time or another process would."""
    with writing() as session:
        found = session.get_one(Report, report.id)
        for name, value in values.items():
            setattr(found, name, value)
