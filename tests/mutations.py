"""Takes the defences out of generated projects one by one: some test of theirs must fail each time.

    uv run python tests/mutations.py [--write] [WORD …]

Words choose the mutations whose name has one of them. With --write the table in docs/ is written
anew. Exit code 1 when a mutation survives, or its text is no longer where it was.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

from defences import MUTATIONS, Edit, Mutation
from defences.mutation import BROKER, FAULTS, POSTGRESQL, RABBITMQ, Server

from fastoffload.smoke.project.family import Family
from fastoffload.system import processes
from fastoffload.system.cpu import available_cores

DOCS = Path(__file__).parent.parent / "docs" / "mutations.md"
CHECKOUT = Path(__file__).parent.parent
SMOKE = (sys.executable, "-m", "fastoffload", "smoke")
TESTS_FAILED = 1  # pytest's exit code; 2 to 5 say that it could not even run them
# Most that is mutated is waited for in vain: not for the 120 s that the projects allow.
IN_VAIN = ("tests/offload/service.py", "LIMIT_SECONDS = 120 ", "LIMIT_SECONDS = 30 ")

CANNOT_BE_IMPORTED = 100
# Without what is no use here, and takes a third of the time: garbage collection, and a tidy end.
IMPORTS = "import gc, os; gc.disable(); import app.main; os._exit(0)"


@dataclass(frozen=True)
class Trial:
    """Tests of a variant, run with something taken out of it, or with nothing."""

    name: str
    variant: str
    tests: Sequence[str]
    edits: Sequence[Edit] = ()
    server: Server | None = None

    @classmethod
    def of(cls, mutation: Mutation) -> Self:
        """The one of a mutation."""
        return cls(
            mutation.defence, mutation.variant, [mutation.test], mutation.edits, mutation.server
        )

    @property
    def starts_a_service(self) -> bool:
        """Whether its tests would fail, too, for code that cannot even be imported."""
        return self.tests[0].startswith((FAULTS, BROKER))

    def problem(self, code: int, output: str) -> str | None:
        """What is wrong with how pytest ended, or None."""
        if not self.edits:
            return None if code == 0 else f"fails with nothing taken out:\n{output}"
        if code == TESTS_FAILED and re.search(r"^\d+ failed", output, flags=re.MULTILINE):
            return None
        return f"survives (pytest ended with {code})\n{output}"


@dataclass(frozen=True)
class Outcome:
    """Whether a trial went as it must, and why not."""

    trial: Trial
    problem: str | None


def edit(folder: Path, edits: Iterable[Edit]) -> None:
    """Makes the edits. Raises ValueError when a text is not there exactly once."""
    for file, old, new in edits:
        path = folder / file
        text = path.read_text() if path.exists() else ""
        if (times := text.count(old)) != 1:
            raise ValueError(f"{file} has {times} times {old.strip()!r}, not once")
        path.write_text(text.replace(old, new))


def document(mutations: Iterable[Mutation]) -> str:
    """The table, as Markdown."""
    rows = (f"| {one.defence} | `{one.variant}` | `{one.test}` |" for one in mutations)
    return "\n".join(
        [
            "# The defences, and the tests that notice when one is gone",
            "",
            "`uv run python tests/mutations.py` takes each of these out of a generated project and",
            "runs the test beside it, which must pass before and fail after. CI does so for every",
            "change; `--write` writes this table anew.",
            "",
            "| defence | taken out of | the generated test that fails |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def make_projects(root: Path, variants: Collection[str]) -> dict[str, Path]:
    """An installed project of each variant."""
    options = [word for variant in variants for word in ("--variant", variant)]
    made = subprocess.run(
        [*SMOKE, "--stage", "install", "--keep", "--json", *options],
        env=os.environ | {"TMPDIR": str(root)},
        stdout=subprocess.PIPE,
        check=True,
    )
    rows = json.loads(made.stdout)["entries"]
    projects = {row["variant"]: Path(row["folder"]) for row in rows}
    for folder in projects.values():  # once, and not in each copy
        compiling = [folder / ".venv" / "bin" / "python", "-m", "compileall", "-q", "app"]
        subprocess.run(compiling, cwd=folder, check=True)
    return projects


class Bench:
    """Runs tests in copies of installed projects, several at once."""

    def __init__(self, root: Path, projects: dict[str, Path]) -> None:
        self._root, self._projects, self._numbers = root, projects, count()
        # Most wait, for a service or in vain: as many more at once as leave no core without work.
        cores = available_cores()
        self._waiting, self._computing = asyncio.Semaphore(6 * cores), asyncio.Semaphore(3 * cores)

    async def run(self, trial: Trial) -> Outcome:
        """Whether the tests notice what was taken out, or pass where nothing was."""
        async with self._waiting if trial.starts_a_service else self._computing:
            try:
                return Outcome(trial, trial.problem(*await self._run(trial)))
            except ValueError as error:
                return Outcome(trial, str(error))

    async def _run(self, trial: Trial) -> tuple[int, str]:
        # Short: below it are sockets, whose paths must not be longer than 107 characters.
        folder = self._root / str(next(self._numbers))
        folder.mkdir()
        project, log = folder / "project", folder / "log"
        # .venv is a link: the copies share what is installed.
        shutil.copytree(self._projects[trial.variant], project, symlinks=True)
        edit(project, [IN_VAIN, *trial.edits] if trial.edits else [])
        environment = own_environment(project, trial.server)
        family = Family(f"{folder}:", [folder], environment | {"TMPDIR": str(folder)})
        python = project / ".venv" / "bin" / "python"
        options = (
            "-q",
            "-n0",
            "--no-header",
            "--tb=line",
            "--exitfirst",  # of mutated code one failure is enough, and each may be waited for
            "-p",
            "no:cacheprovider",
            f"--basetemp={folder / 't'}",
        )
        try:
            is_checked = trial.edits and trial.starts_a_service
            if is_checked and await family.run([python, "-c", IMPORTS], project, log):
                code = CANNOT_BE_IMPORTED
            else:
                command = [str(python), "-m", "pytest", *options, *trial.tests]
                code = await family.run(command, project, log)
        finally:
            family.kill()
        return code, log.read_text()[-2000:]


def own_environment(project: Path, server: Server | None) -> dict[str, str]:
    """The environment without what would lead the tests elsewhere, but for the server they need."""
    foreign = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}
    foreign |= {one.variable for one in (POSTGRESQL, RABBITMQ) if one != server}
    kept = {key: value for key, value in os.environ.items() if key not in foreign}
    return kept | {"PATH": f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def baselines(mutations: Iterable[Mutation]) -> list[Trial]:
    """The same tests with nothing taken out: those that start services by file, others at once."""
    trials: dict[tuple[str, str, Server | None], set[str]] = {}
    for one in map(Trial.of, mutations):
        (test,) = one.tests
        name = test.partition("::")[0] if one.starts_a_service else "those without a service"
        trials.setdefault((name, one.variant, one.server), set()).add(test)
    return [
        Trial(f"{name}, nothing taken out", variant, sorted(tests), server=server)
        for (name, variant, server), tests in trials.items()
    ]


async def try_all(root: Path, mutations: Sequence[Mutation]) -> list[str]:
    """What is wrong, a text for each mutation that is not caught."""
    projects = make_projects(root, {one.variant for one in mutations})
    bench, found = Bench(root, projects), []
    # What takes long comes first.
    trials = [*map(Trial.of, mutations), *baselines(mutations)]
    for trial in asyncio.as_completed([bench.run(one) for one in trials]):
        outcome = await trial
        name, expected = outcome.trial.name, "caught" if outcome.trial.edits else "passes"
        say(f"{'WRONG' if outcome.problem else expected:<8} {name}")
        if outcome.problem:
            found.append(f"{name}: {outcome.problem}")
    return found


def choose(words: Sequence[str]) -> list[Mutation]:
    """Those whose name has one of the words, or all; says which cannot be tried here."""
    chosen = [one for one in MUTATIONS if not words or any(word in one.defence for word in words)]
    for one in chosen:
        if (server := one.server) and not server.is_given:
            say(f"not tried: {one.defence} (give {server.variable}={server.scheme}...)")
    return [one for one in chosen if one.server is None or one.server.is_given]


def say(*lines: str) -> None:
    """Lines on stdout, at once."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """The exit code."""
    processes.listen()
    words = [word for word in arguments if word != "--write"]
    chosen = choose(words)
    root = Path(tempfile.mkdtemp(prefix="mut-")).resolve()
    try:
        problems = asyncio.run(try_all(root, chosen))
    finally:
        with processes.held():
            Family(f"{root}:", [root], {}).kill()
            shutil.rmtree(root, ignore_errors=True)
    say(*problems)
    if "--write" in arguments and not problems:
        DOCS.write_text(document(MUTATIONS))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
