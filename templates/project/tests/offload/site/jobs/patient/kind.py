"""Work that is `async def`."""

from pydantic import BaseModel

from ...offload import Kind


class PatientParams(BaseModel):
    """For how long to wait."""

    seconds: float = 0.0


class PatientResult(BaseModel):
    """How many waited at once."""

    waited: int


KIND = Kind("patient", PatientParams, PatientResult, deadline_seconds=600, max_waiting=2000)
