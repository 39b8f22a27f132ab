"""A run from its claim to its end, in this process."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app import compute, pipeline, storage
from app.compute import Analysis
from app.database import get_engine
from app.models import Report, Status, now
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
