"""Gives back what it was asked for."""

from datetime import UTC, datetime

from app.offload import Run

from .kind import KIND, Span, SurveyParams, SurveyResult


@KIND.work
def survey(run: Run, params: SurveyParams) -> SurveyResult:
    """Give it back."""
    run.progress(1)
    return SurveyResult(
        asked=params.model_dump(mode="json"),
        count=1_234_567,
        tiny=1.5e-9,
        flag=False,
        nothing=None,
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        spans=[Span(low=1), Span(high=3)],
        many=list(range(100)),
        text="<img src=x onerror=alert(1)>",
    )
