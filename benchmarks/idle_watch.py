"""What the doctor's watch costs an application that nobody asks for anything.

    uv run --with fastapi --with uvicorn --with uvloop python benchmarks/idle_watch.py [--rounds 3]

A FastAPI application idles under uvicorn, with the watch and without it in turn, in a process of
its own each time; the CPU time of the whole process counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time

LIMIT_PERCENT = 2.0
SECONDS = 10.0
WARM_UP_SECONDS = 2.0
LOOPS = ("asyncio", "uvloop")


def main() -> None:
    """Measure, print, and end with 1 when the limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _idle(*options.child)
    sys.exit(max(_compare(loop, options.rounds) for loop in LOOPS))


def _compare(loop: str, rounds: int) -> int:
    measured = {kind: [] for kind in ("bare", "watched")}
    for _ in range(rounds):
        for kind, percents in measured.items():
            percents.append(_percent(kind, loop))
    bare, watched = (statistics.median(percents) for percents in measured.values())
    extra = watched - bare
    sys.stdout.write(
        f"{loop:8} idle: {bare:.2f} % of a core; watched: {watched:.2f} %; the watch: {extra:.2f} %"
        f" (limit {LIMIT_PERCENT:g} %, {'kept' if watched <= LIMIT_PERCENT else 'NOT kept'})\n"
    )
    return int(watched > LIMIT_PERCENT)


def _percent(kind: str, loop: str) -> float:
    child = subprocess.run(
        [sys.executable, __file__, "--child", kind, loop],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(child.stdout)


def _idle(kind: str, loop: str) -> None:
    """Serve nobody, and print the CPU time that it took, in percent of a core."""
    import uvicorn
    from fastapi import FastAPI

    from fastoffload.doctor.running.watch import BlockingWatch

    def measure() -> None:
        time.sleep(WARM_UP_SECONDS)
        begin, cpu = time.monotonic(), time.process_time()
        time.sleep(SECONDS)
        percent = 100 * (time.process_time() - cpu) / (time.monotonic() - begin)
        os.write(1, str(percent).encode())
        os._exit(0)

    app = FastAPI()
    if kind == "watched":
        app.add_middleware(BlockingWatch)
    threading.Thread(target=measure, daemon=True).start()
    uvicorn.run(app, port=0, loop=loop, log_level="warning")


if __name__ == "__main__":
    main()
