"""The work, run once as a job runs it, with no service."""

import pytest

from app.jobs.job_name.kind import (
    KIND,
    JobNameParams,
)
from app.offload.errors import Interrupted
from app.offload.testing import run_directly


def test_it_reports_each_step() -> None:
    outcome = run_directly(KIND, JobNameParams(steps=4))
    assert outcome.result.steps == 4
    assert outcome.progress == [0, 0.25, 0.5, 0.75]


def test_a_stop_ends_it_at_once() -> None:
    with pytest.raises(Interrupted):
        run_directly(KIND, JobNameParams(steps=4), stop_after=2)
