"""A run from its claim to its end, in this process."""

import time
from collections.abc import Callable
from uuid import UUID

import pytest

from app import compute, pipeline, storage
from app.compute import Analysis
from app.database import get_engine
from app.models import Report, Status, now
from app.settings import get_settings
from service import LIMIT_SECONDS
from unit.rows import change, load


def test_no_connection_is_kept_while_the_work_computes(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse, in_use = compute.analyse, list[int]()

    def look(
        values: list[float], *, resamples: int, seed: int, progress: Callable[[float], None]
    ) -> Analysis:
        in_use.append(get_engine().pool.checkedout())  # type: ignore[attr-defined]
        return analyse(values, resamples=resamples, seed=seed, progress=progress)

    monkeypatch.setattr(compute, "analyse", look)
    pipeline.run_report(report.id, "a")
    assert load(report).status == Status.SUCCEEDED
    assert in_use == [0]


def test_work_past_its_deadline_is_stopped_where_it_calls_progress(
    report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def go_on(*_: object, progress: Callable[[float], None], **__: object) -> None:
        for _ in range(LIMIT_SECONDS * 100):
            progress(0.5)
            time.sleep(0.01)

    monkeypatch.setattr(get_settings(), "job_deadline_seconds", 0.1)
    monkeypatch.setattr(compute, "analyse", go_on)
    assert pipeline.run_report(report.id, "a") is False
    assert load(report).error_code == "deadline_exceeded"
    assert "run_stopped" in capsys.readouterr().out


def test_a_cancel_that_comes_when_the_work_is_done_is_heeded(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = storage.save

    def be_cancelled_meanwhile(report_id: UUID, token: str, document: bytes) -> str:
        change(report, cancel_requested_at=now())
        return save(report_id, token, document)

    monkeypatch.setattr(storage, "save", be_cancelled_meanwhile)
    assert pipeline.run_report(report.id, "a") is False
    assert load(report).status == Status.CANCELLED


def test_an_async_computation_is_refused(
    report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def analyse(*_: object, **__: object) -> None:
        """What a computation must not be: nobody would await it."""

    monkeypatch.setattr(compute, "analyse", analyse)
    pipeline.run_report(report.id, "a")
    assert load(report).error_code == pipeline.COMPUTATION_FAILED[0]
    assert "make it a plain def" in capsys.readouterr().out
