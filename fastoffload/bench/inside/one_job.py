"""Prints how many seconds the computation and the PDF of one report take.

python one_job.py RESAMPLES

What the computation raises ends this with a traceback.
"""

import sys
import time
from functools import partial

from bare_pool import make_report, read_sample

REPEATS = 3  # the shortest counts: whatever else the machine does only adds


def main() -> None:
    """Warm up, then time a few."""
    make = partial(make_report, read_sample(), int(sys.argv[1]))
    make(0)
    times = []
    for seed in range(REPEATS):
        start = time.perf_counter()
        make(seed)
        times.append(time.perf_counter() - start)
    sys.stdout.write(f"{min(times)}\n")


if __name__ == "__main__":
    main()
