"""The user's own function in the place of the sample's computation."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.errors import UsageError

FORM = "FILE:FUNCTION, as in work.py:simulate"
# compute.py of a project whose reports do the user's work: what is stored and rendered is the
# sample's result of one resample, so that the rest of the pipeline is what it always is.
WRAPPER = '''\
"""The work that is measured: a function of the user's, then a result for the report to show."""

from collections.abc import Callable, Sequence

from . import own_compute
from .bundled_compute import analyse as summarise
from .kind import ReportResult


def analyse(
    values: Sequence[float],
    *,
    resamples: int,
    seed: int,
    progress: Callable[[float], None],
) -> ReportResult:
    """The sample's statistics, after the user's function has run."""
    own_compute.{function}({arguments})
    return summarise(values, resamples=1, seed=seed, progress=progress)
'''


@dataclass(frozen=True, slots=True)
class OwnCompute:
    """A function in a file; it takes the list of values, or nothing."""

    file: Path
    function: str
    takes_values: bool

    @classmethod
    def of(cls, text: str) -> Self:
        """What FILE:FUNCTION names, checked without running it. Raises UsageError."""
        name, colon, function = text.rpartition(":")
        if not (colon and name and function.isidentifier()):
            raise UsageError(f"--compute {text}: give {FORM}")
        file = Path(name)
        found = _functions(file)
        if function not in found:
            there = ", ".join(found) or "none"
            raise UsageError(f"--compute: {file} defines no function {function}; it has: {there}")
        return cls(file, function, _takes_values(file, found[function]))

    def __str__(self) -> str:
        """FILE:FUNCTION."""
        return f"{self.file}:{self.function}"

    def put_into(self, project: Path) -> None:
        """Make the reports of a generated project do this work."""
        sample = project / "app" / "jobs" / "report"
        (sample / "compute.py").rename(sample / "bundled_compute.py")
        (sample / "own_compute.py").write_bytes(self.file.read_bytes())
        arguments = "list(values)" if self.takes_values else ""
        (sample / "compute.py").write_text(
            WRAPPER.replace("{function}", self.function).replace("{arguments}", arguments)
        )


def _functions(file: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as error:
        raise UsageError(f"--compute: {file}: {error.strerror}; give {FORM}") from error
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"--compute: {file} is no Python: {error}") from error
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in tree.body if isinstance(node, kinds)}


def _takes_values(file: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    subject = f"--compute: {node.name} in {file}"
    if isinstance(node, ast.AsyncFunctionDef):
        raise UsageError(f"{subject} is async; give a plain function, a job runs off the loop")
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    needed = positional[: len(positional) - len(given.defaults)]
    keywords = [
        word for word, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if not value
    ]
    if keywords or len(needed) > 1:
        raise UsageError(f"{subject} must take nothing, or the list of values alone")
    return len(needed) == 1
