"""The work that every way does: how long a job takes here, and how many are asked for."""

from dataclasses import dataclass
from typing import Self

from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.own_compute import OwnCompute
from fastoffload.bench.service.projects import Project
from fastoffload.errors import FastoffloadError
from fastoffload.system.cpu import available_cores

RESAMPLES = 35_000  # about half a second of pure Python for the 100 readings of the sample
JOB_SECONDS = 0.5  # what the sample's computation is made to take, whatever the machine
MOST_RESAMPLES = 1_000_000  # that a report may ask for
QUEUE_SECONDS = 5  # of work for all workers are in flight under load
BURST_SECONDS = 3  # of it are timed from the first submit to the last end
MOST_JOBS = 100  # as many as a page of reports shows


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked for. A job's time is that of computation and PDF alone, on an idle core."""

    workers: int
    resamples: int
    job_seconds: float

    @classmethod
    def measured(cls, project: Project, own: OwnCompute | None) -> Self:
        """As one job is found to take; of the sample's computation it is made half a second."""
        workers = available_cores()
        if own:
            return cls(workers, 1, _time_own(project, own))
        seconds = _time_one(project, RESAMPLES)
        resamples = min(round(RESAMPLES * JOB_SECONDS / seconds), MOST_RESAMPLES)
        return cls(workers, resamples, seconds * resamples / RESAMPLES)

    @property
    def in_flight(self) -> int:
        """Reports that are kept waiting or running while the API is asked for its health."""
        return self._jobs_of(QUEUE_SECONDS)

    @property
    def burst(self) -> int:
        """Reports of which the throughput is taken."""
        return self._jobs_of(BURST_SECONDS)

    def _jobs_of(self, seconds: float) -> int:
        a_worker = max(round(seconds / self.job_seconds), 2)
        return min(self.workers * a_worker, MOST_JOBS)


def _time_own(project: Project, own: OwnCompute) -> float:
    try:
        return _time_one(project, 1)
    except FastoffloadError as error:
        raise FastoffloadError(f"--compute {own}: {error}") from error


def _time_one(project: Project, resamples: int) -> float:
    with private_folder() as folder:
        lines = project.script("one_job.py", resamples, env=project.environment(), cwd=folder)
    return float(lines[-1])
