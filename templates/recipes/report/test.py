"""A report from its acceptance to its end, without a service."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from app.jobs.job_name import datasets
from app.jobs.job_name.kind import (
    KIND,
    JobNameParams,
)
from app.jobs.job_name.readings import Readings, parse
from app.jobs.job_name.tables import Estimate, Reading, Version
from app.offload import Refused, Status, reading, writing
from app.offload.database.tables import jobs
from app.offload.errors import Interrupted
from app.offload.testing import enqueued, run_directly

ROOT = Path(__file__).parents[2]
NILE = Path(datasets.__file__).parent / "page" / "nile.csv"
HEAVY = {
    "app.jobs.job_name.work",
    "app.jobs.job_name.compute",
    "fpdf",
    "fontTools",
}


def nile(rows: int = 100) -> Readings:
    """The first readings of the sample."""
    lines = NILE.read_bytes().splitlines(keepends=True)
    return parse(io.BytesIO(b"".join(lines[: rows + 1])))


@pytest.fixture
def dataset(database: Path, request: pytest.FixtureRequest) -> str:
    """The name of a dataset with the sample's readings, one for each test."""
    name: str = request.node.name[:100]
    datasets.store(name, nile())
    return name


def accept(
    dataset: str,
    version: int | None = None,
) -> JobNameParams:
    """Enqueue a report; what it was accepted as."""
    asked = JobNameParams(
        dataset=dataset,
        title="The Nile",
        resamples=20,
        version=version,
    )
    with writing() as session:
        KIND.enqueue(session, asked)
        return enqueued(session, KIND)[-1]


def end_all() -> None:
    """Let no report wait any more."""
    with writing() as session:
        session.execute(update(jobs).values(status=Status.CANCELLED))


def test_rows_and_a_pdf_come_out(dataset: str) -> None:
    outcome = run_directly(KIND, accept(dataset))
    assert (outcome.result.count, outcome.result.mean) == (100, 919.35)
    assert outcome.progress[-1] == 1
    with writing() as session:
        outcome.write_ends(session.connection())
        found = session.scalars(select(Estimate).where(Estimate.dataset == dataset)).all()
    assert {row.parameter: row.value for row in found} == {"mean": 919.35, "median": 893.5}
    assert all(row.low < row.value < row.high for row in found)
    pages = PdfReader(io.BytesIO(outcome.artifacts["report.pdf"])).pages
    assert "The Nile" in pages[0].extract_text()


def test_a_stop_ends_it_at_once(dataset: str) -> None:
    with pytest.raises(Interrupted):
        run_directly(KIND, accept(dataset), stop_after=3)


def test_what_was_accepted_is_what_is_computed(dataset: str) -> None:
    accepted = accept(dataset)
    datasets.store(dataset, nile(5))
    assert run_directly(KIND, accepted).result.count == 100
    assert run_directly(KIND, accept(dataset)).result.count == 5


def test_a_version_goes_when_no_report_needs_it_any_more(dataset: str) -> None:
    accepted = accept(dataset)
    datasets.store(dataset, nile(5))
    end_all()
    datasets.prune()
    with reading() as session:
        assert session.get(Version, accepted.version) is None
        rows = select(Reading).where(Reading.version_id == accepted.version)
        assert session.scalars(rows).first() is None
    with pytest.raises(LookupError, match="is gone"):
        run_directly(KIND, accepted)


def test_an_upload_that_is_under_way_is_left_alone(dataset: str) -> None:
    version = Version(count=1, first_reading=nile().time(0), last_reading=nile().time(0))
    with writing() as session:
        session.add(version)
    datasets.prune()
    with reading() as session:
        assert session.get(Version, version.id)
    with writing() as session:
        too_long_ago = version.created_at - 2 * datasets.LONGEST_UPLOAD
        session.execute(update(Version).values(created_at=too_long_ago))
    datasets.prune()
    with reading() as session:
        assert session.get(Version, version.id) is None


def test_an_unknown_dataset_is_refused(database: Path) -> None:
    with pytest.raises(Refused, match=r"There is no dataset nowhere\.") as refused:
        accept("nowhere")
    assert refused.value.status == 404


def test_a_version_that_was_replaced_is_refused(dataset: str) -> None:
    first = accept(dataset).version
    second, created = datasets.store(dataset, nile(5))
    assert not created
    with pytest.raises(Refused, match=rf"is {second.id}, not {first}\.") as refused:
        accept(dataset, version=first)
    assert refused.value.status == 409
    assert accept(dataset, version=second.id).version == second.id


def test_a_dataset_stays_while_a_report_of_it_waits(dataset: str) -> None:
    accept(dataset)
    with pytest.raises(Refused, match="1 reports on") as refused:
        datasets.remove(dataset)
    assert refused.value.status == 409
    end_all()
    datasets.remove(dataset)
    with pytest.raises(Refused, match="no dataset"):
        accept(dataset)


def test_pieces_make_a_whole(dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "ROWS_AT_ONCE", 33)
    version, _ = datasets.store(dataset, nile())
    with reading() as session:
        assert datasets.load(session, version.id).values == list(nile().values)
    accept(dataset)
    end_all()
    datasets.remove(dataset)
    with reading() as session:
        rows = select(Reading).where(Reading.version_id == version.id)
        assert session.scalars(rows).first() is None


def test_the_api_loads_nothing_that_only_jobs_need() -> None:
    program = "import sys, app.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert "app.jobs.job_name.kind" in loaded
    assert HEAVY.isdisjoint(loaded)
