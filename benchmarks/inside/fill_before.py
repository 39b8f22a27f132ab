"""Queues as many reports as told in a project of release 0.1.0; nobody is told of them.

python fill_before.py REPORTS
"""

import sys

from app import jobs
from app.database import writing
from app.migrate import migrate
from app.models import Dataset, Report
from sqlalchemy import select


def main() -> None:
    """Write the rows."""
    migrate()
    asked = {"dataset": "nile", "title": "x", "resamples": 1, "seed": 1, "request_digest": ""}
    with writing() as session:
        dataset = session.scalars(select(Dataset).where(Dataset.name == "nile")).one_or_none()
        if dataset is None:
            dataset = Dataset(name="nile")
            session.add(dataset)
            session.flush()
        made = [Report(dataset_id=dataset.id, **asked) for _ in range(int(sys.argv[1]))]
        for report in made:
            jobs.enqueue(report)
        session.add_all(made)


if __name__ == "__main__":
    main()
