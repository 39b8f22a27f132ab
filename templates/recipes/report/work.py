"""How a report is made. Loaded where jobs run, and nowhere else."""

from datetime import UTC, datetime

from app.offload import Run, reading

from . import datasets, pdf
from .compute import analyse
from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Analyse the readings that the report was accepted for; keep rows and a PDF."""
    assert params.version is not None  # noqa: S101 - pinned when the report was accepted
    with reading() as session:
        series = datasets.load(session, params.version)
    result = analyse(
        series.values, resamples=params.resamples, seed=params.seed, progress=run.progress
    )
    document = pdf.render(
        pdf.ReportContent(
            params=params,
            result=result,
            created_at=datetime.now(UTC),
            first_reading=series.first,
            last_reading=series.last,
        )
    )
    run.keep("report.pdf", document, "application/pdf")
    run.at_end(lambda end: datasets.note_estimates(end, run.id, params.dataset, result))
    return result
