"""The faults that the tests can ask the computation for."""

from enum import IntEnum


class Fault(IntEnum):
    """The seeds that stand for a fault."""

    STUCK_IN_C = 900_001  # a call that never calls progress back and releases the GIL
    HOLDS_THE_GIL = 900_008  # a call of 16 s that lets no other thread run
    KILLED = 900_002  # the process dies, each time
    KILLED_ONCE = 900_003
    TRANSIENT = 900_004  # fails for now, each time
    TRANSIENT_ONCE = 900_005
    EXITS = 900_009  # sys.exit(), which ends whoever does not expect it
    WRONG_PROGRESS = 900_010  # per cent
    UNPICKLABLE_ONCE = 900_011  # fails for now, with an error that cannot leave its process
    BROKEN = 900_006  # an exception that nobody expected
    HELD = 900_007  # goes on, calling progress, until the test lets it go
    GREEDY = 900_012  # wants a gigabyte of memory
