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
from pathlib import Path

from fastoffload.smoke.project.family import Family
from fastoffload.system import processes
from fastoffload.system.cpu import available_cores

DOCS = Path(__file__).parent.parent / "docs" / "mutations.md"
CHECKOUT = Path(__file__).parent.parent
SMOKE = (sys.executable, "-m", "fastoffload", "smoke")
TESTS_FAILED = 1  # pytest's exit code; 2 to 5 say that it could not even run them
# Most that is mutated is waited for in vain: not for the 90 s that the projects allow.
LIMIT = ("tests/service.py", "LIMIT_SECONDS = 90 ", "LIMIT_SECONDS = 45 ")
JOBS, FAULTS = "tests/unit/test_jobs.py", "tests/contract/test_faults.py"
REPORTS, POOL = "tests/contract/test_reports.py", "tests/contract/test_pool.py"
QUEUE = "tests/contract/test_queue.py"

CANNOT_BE_IMPORTED = 100

Edit = tuple[str, str, str]
"""A file, a text that it has once, and what takes its place."""


@dataclass(frozen=True)
class Mutation:
    """A defence, how it is taken out of a variant, and the test that must notice."""

    defence: str
    edits: Sequence[Edit]
    test: str
    variant: str = "background"


MUTATIONS = [
    Mutation(
        "lease check: only who holds the lease writes",
        [
            (
                "app/jobs.py",
                "Report.status == Status.RUNNING, Report.lease_token == token)",
                "Report.status == Status.RUNNING)",
            )
        ],
        f"{JOBS}::test_a_run_that_lost_its_lease_can_write_nothing",
    ),
    Mutation(
        "claim: a running report is nobody else's",
        [
            (
                "app/jobs.py",
                "Report.id == report_id, Report.status == Status.QUEUED)",
                "Report.id == report_id)",
            )
        ],
        f"{JOBS}::test_a_report_is_claimed_once",
    ),
    Mutation(
        "lapsed lease: another run may take the report",
        [("app/jobs.py", "Report.lease_expires_at < at)", "Report.id.is_(None))")],
        f"{JOBS}::test_a_lapsed_lease_is_taken_over_when_the_report_has_been_given_back",
    ),
    Mutation(
        "attempts: a report that kills its process is given up",
        [
            (
                "app/jobs.py",
                "elif report.attempts >= get_settings().job_max_attempts:",
                "elif False:",
            )
        ],
        f"{JOBS}::test_a_report_is_given_back_until_its_attempts_are_spent",
    ),
    Mutation(
        "janitor: what a dead process held is run again",
        [
            (
                "app/janitor.py",
                "jobs.give_back_lapsed(session) if self._believes_leases()",
                "[] if 1",
            )
        ],
        f"{FAULTS}::test_nothing_is_lost_when_the_service_is_killed",
    ),
    Mutation(
        "outage: runs renew their leases before they are looked at",
        [("app/janitor.py", "if self._believes_leases() else []", "")],
        "tests/unit/test_janitor.py::test_after_an_outage_runs_may_renew_their_leases_first",
    ),
    Mutation(
        "late cancel: no success comes after it",
        [("app/jobs.py", "if report.cancel_requested_at:\n        raise Cancelled\n", "pass\n")],
        "tests/unit/test_pipeline.py::test_a_cancel_that_comes_when_the_work_is_done_is_heeded",
    ),
    Mutation(
        "stop: a report that hangs in a thread goes back",
        [("app/threads.py", "in tuple(runs):", "in ():")],
        f"{FAULTS}::test_a_report_stuck_in_c_does_not_hold_up_the_end_and_goes_back[15]",
    ),
    Mutation(
        "limiter: jobs leave the threads of routes alone",
        [
            ("app/in_process.py", "asyncio.Semaphore(slots)", "asyncio.Semaphore(1000)"),
            ("app/offload.py", "limiter=self._limiter", "limiter=None"),
        ],
        f"{FAULTS}::test_waiting_reports_do_not_take_the_threads_of_def_routes",
    ),
    Mutation(
        "deadline: a report ends in time",
        [
            ("app/heartbeat.py", "if time.monotonic() > self._deadline:", "if False:"),
            ("app/jobs.py", "and_(running, Report.deadline_at < limit)", "Report.id.is_(None)"),
        ],
        f"{FAULTS}::test_the_deadline_ends_a_report",
    ),
    Mutation(
        "cancel: a running report hears of it",
        [("app/heartbeat.py", "                return Cancelled", "                return None")],
        f"{REPORTS}::TestCancel::test_a_running_report_stops_and_makes_room",
    ),
    Mutation(
        "idempotency: the same key finds the report that there is",
        [("app/api/reports.py", "if key and (known :=", "if not key and (known :=")],
        f"{REPORTS}::TestIdempotency::test_twenty_at_once_are_one_row_and_one_run",
    ),
    Mutation(
        "idempotency constraint: the database refuses a second row",
        [
            (
                "migrations/versions/0001_datasets_and_reports.py",
                'sa.UniqueConstraint("idempotency_key", name="uq_reports_idempotency_key"),',
                "",
            )
        ],
        "tests/unit/test_migrations.py::test_nothing_is_left_to_migrate",
    ),
    Mutation(
        "backpressure: no more wait than are allowed to",
        [("app/api/reports.py", ">= get_settings().max_queued:", ">= 1_000_000:")],
        f"{REPORTS}::TestBackpressure",
    ),
    Mutation(
        "BEGIN IMMEDIATE: who reads and then writes is not refused",
        [("app/database.py", 'if read_only else "BEGIN IMMEDIATE"', 'if read_only else "BEGIN"')],
        f"{REPORTS}::TestBackpressure",
    ),
    Mutation(
        "WAL: readers do not hold up writers",
        [("app/database.py", '"journal_mode=WAL"', '"journal_mode=DELETE"')],
        "tests/unit/test_database.py::test_who_reads_does_not_hold_up_who_writes",
    ),
    Mutation(
        "pool: a child that dies is accounted for at once",
        [("app/pool.py", "await self._write(jobs.release, token, *jobs.WORKER_LOST)", "pass")],
        f"{POOL}::test_a_report_whose_process_is_killed_runs_again_and_no_other_notices",
        "executor-process",
    ),
    Mutation(
        "pool: the lease of a child that holds the GIL is renewed for it",
        [("app/pool.py", "held = await self._renew()", "held: set[str] = set()")],
        f"{POOL}::test_c_code_that_holds_the_gil_for_longer_than_a_lease_keeps_it",
        "executor-process",
    ),
    Mutation(
        "parent's death: children end with their server",
        [
            (
                "app/pool.py",
                "    threading.Thread(target=_end_with_parent, daemon=True).start()\n",
                "",
            )
        ],
        f"{POOL}::test_processes_end_when_the_server_is_killed",
        "executor-process",
    ),
    Mutation(
        "late acknowledgement: a worker that stops gives its message back",
        [("app/worker.py", "task_acks_late=True", "task_acks_late=False")],
        f"{QUEUE}::test_a_worker_that_is_told_to_stop_hands_its_report_on",
        "celery-redis",
    ),
    Mutation(
        "ring again: a broker that forgets loses nothing",
        [("app/janitor.py", "*jobs.take_unrung(session, everything=self._is_first)", "")],
        f"{QUEUE}::test_a_broker_that_loses_everything_loses_no_report",
        "celery-redis",
    ),
    Mutation(
        "supervision: a worker that ends is started again",
        [("Procfile", "app.dev.run --restart celery", "app.dev.run celery")],
        f"{QUEUE}::test_a_worker_whose_first_process_is_killed_is_back_without_a_person",
        "celery-redis",
    ),
    Mutation(
        "doorbell: no request waits for the broker",
        [
            (
                "app/doorbell.py",
                "            self._queue.put((report_id, copy_context()))",
                "            self._publish(report_id)",
            )
        ],
        f"{QUEUE}::test_nobody_waits_for_a_broker_that_is_away[freeze]",
        "celery-redis",
    ),
]


@dataclass(frozen=True)
class Outcome:
    """Whether a mutation was caught, and why not."""

    mutation: Mutation
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
    return {row["variant"]: Path(row["folder"]) for row in rows}


class Bench:
    """Runs tests in copies of installed projects, several at once."""

    def __init__(self, root: Path, projects: dict[str, Path]) -> None:
        self._root, self._projects = root, projects
        # Most of the time they wait.
        self._slots = asyncio.Semaphore(2 * available_cores())

    async def baseline(self, variant: str, tests: Collection[str]) -> str | None:
        """What is wrong when nothing is taken out, or None."""
        async with self._slots:
            code, output = await self._run(variant, [], sorted(tests))
        return None if code == 0 else f"{variant} fails with nothing taken out:\n{output}"

    async def try_out(self, mutation: Mutation) -> Outcome:
        """Whether the test notices."""
        async with self._slots:
            try:
                code, output = await self._run(mutation.variant, mutation.edits, [mutation.test])
            except ValueError as error:
                return Outcome(mutation, str(error))
        if code == TESTS_FAILED and re.search(r"^\d+ failed", output, flags=re.MULTILINE):
            return Outcome(mutation, None)
        return Outcome(mutation, f"survives (pytest ended with {code})\n{output}")

    async def _run(
        self, variant: str, edits: Sequence[Edit], tests: Sequence[str]
    ) -> tuple[int, str]:
        folder = Path(tempfile.mkdtemp(dir=self._root))
        project, log = folder / "project", folder / "log"
        # .venv is a link: the copies share what is installed.
        shutil.copytree(self._projects[variant], project, symlinks=True)
        edit(project, [LIMIT, *edits])
        family = Family(f"{folder}:", [folder], own_environment(project) | {"TMPDIR": str(folder)})
        python = project / ".venv" / "bin" / "python"
        options = ("-q", "--no-header", "--tb=line", "-p", "no:cacheprovider")
        try:
            code = await family.run([python, "-c", "import app.main"], project, log)
            if code == 0:
                command = [python, "-m", "pytest", *options, *tests]
                code = await family.run(command, project, log)
            else:
                code = CANNOT_BE_IMPORTED
        finally:
            family.kill()
        return code, log.read_text()[-2000:]


def own_environment(project: Path) -> dict[str, str]:
    """The environment without what would lead the tests elsewhere."""
    foreign = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "DATABASE_URL", "BROKER_URL"}
    kept = {key: value for key, value in os.environ.items() if key not in foreign}
    return kept | {"PATH": f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


async def try_all(root: Path, mutations: Sequence[Mutation]) -> list[str]:
    """What is wrong, a text for each mutation that is not caught."""
    tests: dict[str, set[str]] = {}
    for mutation in mutations:
        tests.setdefault(mutation.variant, set()).add(mutation.test)
    bench = Bench(root, make_projects(root, tests))
    healthy = await asyncio.gather(*(bench.baseline(*each) for each in tests.items()))
    if problems := [problem for problem in healthy if problem]:
        return problems
    found = []
    for trial in asyncio.as_completed([bench.try_out(one) for one in mutations]):
        outcome = await trial
        say(f"{'SURVIVES' if outcome.problem else 'caught':<9} {outcome.mutation.defence}")
        if outcome.problem:
            found.append(f"{outcome.mutation.defence}: {outcome.problem}")
    return found


def say(*lines: str) -> None:
    """Lines on stdout, at once."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """The exit code."""
    processes.listen()
    words = [word for word in arguments if word != "--write"]
    chosen = [one for one in MUTATIONS if not words or any(word in one.defence for word in words)]
    root = Path(tempfile.mkdtemp(prefix="mutations-")).resolve()
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
