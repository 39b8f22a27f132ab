"""How much of what is planted `fastoffload doctor` finds, and what reading costs.

    uv run python benchmarks/doctor.py [PATH ...]

Prints recall and precision on the applications under tests/doctor/planted, by kind of place; and
for each PATH, an application of yours, the CPU seconds of a reading beside those that Python needs
to parse the same files, measured by turns in one run: the ratio says more than the seconds.
"""

import ast
import gc
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "doctor"))
from marks import PLANTED, score

from fastoffload.doctor.reading.read import read
from fastoffload.doctor.reading.sources import Project

ROUNDS = 3


def main() -> None:
    console = Console()
    console.print(_planted())
    paths = [Path(argument).resolve() for argument in sys.argv[1:]]
    if paths:
        console.print(_costs(paths))


def _planted() -> Table:
    table = Table("application", "planted", "near misses", "found", "false", "recall", "precision")
    for application in sorted(PLANTED.iterdir()):
        one = score(application)
        counts = [len(one.planted), len(one.near_misses), len(one.found), len(one.false)]
        kinds = Counter(kind for kind in one.planted.values() if kind)
        name = f"{application.name} ({', '.join(f'{n} {kind}' for kind, n in kinds.items())})"
        table.add_row(name, *map(str, counts), f"{one.recall:.2f}", f"{one.precision:.2f}")
    return table


def _costs(paths: list[Path]) -> Table:
    table = Table("application", "modules", "lines", "reading, s", "parsing, s", "ratio")
    for path in paths:
        modules = Project(path).modules
        lines = sum(module.source.count(b"\n") for module in modules)
        sources = [module.source for module in modules]
        pairs = [
            (_cpu(lambda: read(path)), _cpu(lambda: _parse(sources)))  # noqa: B023 called at once
            for _ in range(ROUNDS)
        ]
        reading, parsing = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        figures = [f"{reading:.2f}", f"{parsing:.2f}", f"{ratio:.2f}"]
        table.add_row(path.name, str(len(modules)), str(lines), *figures)
    return table


def _parse(sources: list[bytes]) -> None:
    gc.disable()
    for source in sources:
        try:
            ast.parse(source)
        except SyntaxError:
            continue
    gc.enable()


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
