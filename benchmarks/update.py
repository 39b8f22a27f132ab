"""How long an update with nothing to merge takes, beside plain `copier update` of the same project.

Run from the repository: `uv run python benchmarks/update.py [ROUNDS]`.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from workshop import OLDEST, Workshop

from fastoffload.templating.render import KEPT

LIMIT = 1.5  # times the plain update
UPDATE = (sys.executable, "-m", "fastoffload", "update")
FIRST = "fastoffload update"  # of a state that was never rendered
COMMANDS = {
    FIRST: UPDATE,
    "copier update": ("copier", "update", "--defaults", "--quiet"),
    "once more, rendered": UPDATE,
}


def measure(workshop: Workshop, project: Path, command: tuple[str, ...]) -> float:
    """Seconds for a copy of the project."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "demo"
        shutil.copytree(project, copy)
        start = time.perf_counter()
        subprocess.run(command, cwd=copy, env=workshop.environment, check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    """Print the medians of both, taken in turns."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder) / "workshop")
        project = workshop.new(Path(folder) / "demo", "--strategy", "executor", release=OLDEST)
        for command in COMMANDS.values():
            measure(workshop, project, command)  # caches are warm from here on
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, command in COMMANDS.items():
                if name == FIRST:
                    shutil.rmtree(workshop.folder / "cache" / "fastoffload" / KEPT)
                times[name].append(measure(workshop, project, command))
    ours, plain, _ = (statistics.median(seconds) for seconds in times.values())
    for name, seconds in times.items():
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        sys.stdout.write(f"{name:20} {statistics.median(seconds):5.2f} s, {spread}\n")
    sys.stdout.write(f"{ours / plain:.2f} of plain Copier's time; at most {LIMIT} is wanted\n")


if __name__ == "__main__":
    main()
