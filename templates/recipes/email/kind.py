"""A mail to one person. For many people there are many jobs, each tried again by itself."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from app.offload import Kind

ONE_LINE = r"^[^\x00-\x1f\x7f\u0085\u2028\u2029]+$"  # no header can be put in behind it


class JobNameParams(BaseModel):
    """What is sent, and to whom."""

    model_config = ConfigDict(extra="forbid")

    to: EmailStr
    subject: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)
    ]
    text: Annotated[str, Field(min_length=1, max_length=50_000)]


class JobNameResult(BaseModel):
    """How the mail can be found again, where it came from and where it went."""

    message_id: str


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    deadline_seconds=120,
    max_attempts=8,  # some twenty minutes: a greylist mostly wants five
    retry_seconds=30,
    max_waiting=1000,
)
