"""Every sort of parameter, and a result with every sort of value."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from app.offload import Kind
from pydantic import BaseModel, Field, field_validator


class Color(StrEnum):
    """A choice."""

    RED = "red"
    GREEN = "green"


class Span(BaseModel):
    """From one number to another."""

    low: Annotated[float, Field(ge=0)] = 0.5
    high: Annotated[float, Field(le=10)] = 2


class SurveyParams(BaseModel):
    """What can be asked for."""

    title: Annotated[str, Field(max_length=40, description="How it is called in the list")]
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}\d+$")] = "AB1"
    height: Annotated[int, Field(ge=64, le=1000, multiple_of=10)] = 240
    share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    price: Decimal = Decimal("19.90")
    color: Color
    level: Literal[1, 2, 3] = 2
    loud: bool = True
    maybe: bool | None = None
    limit: int | None = 7
    day: date | None = None
    moment: datetime = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    clock: time = time(10, 30)
    notes: str = ""
    span: Span = Span()
    weights: list[float] = []
    people: list[Span] | None = None

    @field_validator("notes")
    @classmethod
    def _polite(cls, value: str) -> str:
        if "damn" in value:
            raise ValueError("be polite")
        return value


class SurveyResult(BaseModel):
    """What was asked for, and all sorts of values."""

    asked: dict[str, Any]
    count: int
    tiny: float
    flag: bool
    nothing: int | None
    at: datetime
    spans: list[Span]
    many: list[int]
    text: str


KIND = Kind("survey", SurveyParams, SurveyResult)
