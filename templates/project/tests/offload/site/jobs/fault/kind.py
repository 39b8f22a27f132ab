"""A kind of job that does what no job should. It exists in tests only."""

from enum import StrEnum

from pydantic import BaseModel

from ...offload import Input, Kind


class Fault(StrEnum):
    """What the job does."""

    NONE = "none"
    ARTIFACT = "artifact"  # keeps its input again, and some bytes
    LEDGER = "ledger"  # writes its id into the table `ledger`, in the transaction that ends it
    LEDGER_BROKEN = "ledger_broken"  # the same into a table that is not there
    HELD = "held"  # goes on, calling progress, until the test lets it go
    STUCK_IN_C = "stuck_in_c"  # a call that never calls progress back and releases the GIL
    HOLDS_THE_GIL = "holds_the_gil"  # a call that lets no other thread of its process run
    KILLED = "killed"  # its process dies, each time
    KILLED_ONCE = "killed_once"
    EXITS_AT_ONCE = "exits_at_once"  # os._exit(0): nothing looks like a failure
    EXITS = "exits"  # sys.exit(), which ends whoever does not expect it
    TRANSIENT = "transient"  # fails for now, each time
    TRANSIENT_ONCE = "transient_once"
    UNPICKLABLE_ONCE = "unpicklable_once"  # for now, with an error that cannot leave its process
    BROKEN = "broken"  # an exception that nobody expected
    REFUSED = "refused"  # what came with the job will not do
    WRONG_PROGRESS = "wrong_progress"  # per cent
    WRONG_RESULT = "wrong_result"
    STARTS_A_PROGRAM = "starts_a_program"  # and waits for it
    GREEDY = "greedy"  # wants a gigabyte of memory
    CYCLIC = "cyclic"  # leaves two gigabytes that refer to themselves, bit by bit


class FaultParams(BaseModel):
    """Which fault, and for how many seconds where that matters."""

    fault: Fault = Fault.NONE
    seconds: float = 0.0


class FaultResult(BaseModel):
    """What is left to tell."""

    attempt: int


KIND = Kind(
    "fault",
    FaultParams,
    FaultResult,
    inputs={"file": Input(required=False, max_bytes=1_000_000)},
    deadline_seconds=600,
    retry_seconds=0.1,
    max_waiting=2000,
)
