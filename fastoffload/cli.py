"""The command line: parses and delegates."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fastoffload import extras, interrupts
from fastoffload.errors import FastoffloadError, UsageError

INTERRUPTED = 130

# Rich's help pages would treble the time to start; plain ones say the same.
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

Project = Annotated[
    Path,
    typer.Argument(metavar="[PATH]", help="The project's folder; the present one if left out."),
]
Pool = Annotated[
    str | None,
    typer.Option(metavar="process|thread", help="What the executor's pool is made of."),
]
Broker = Annotated[
    str | None,
    typer.Option(metavar="redis|rabbitmq", help="What feeds the celery or dramatiq workers."),
]
Test = Annotated[
    bool,
    typer.Option("--test", help="Run the project's tests on the result; go on if they pass."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fastoffload {version('fastoffload')}")
        raise typer.Exit


@app.callback(epilog="Example: fastoffload new demo --strategy executor")
def fastoffload(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Generates FastAPI projects that do heavy work off the event loop."""


@app.command(epilog="Example: fastoffload new demo --strategy executor --pool process")
def new(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder to make; an empty one may exist.")
    ],
    strategy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who runs the jobs; see `fastoffload strategies`."),
    ] = None,
    pool: Pool = None,
    broker: Broker = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The project's name; by default the folder's."),
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="One line on what the project does.")
    ] = None,
    release: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Of the templates; by default the newest.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", "-y", help="Ask nothing: executor, process pool.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written; write nothing.")
    ] = False,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Do not install the dependencies.")
    ] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Make no git repository.")] = False,
    as_json: Json = False,
) -> None:
    """Generates a project."""
    from fastoffload import new as command
    from fastoffload import options, output, prompts

    may_ask = prompts.on_terminal() and not as_json
    given = prompts.given_choice(
        strategy, {"pool": pool, "broker": broker}, defaults=defaults, may_ask=may_ask
    )
    wanted = options.NewOptions.of(
        path,
        name=name,
        description=description,
        release=release,
        install=not no_install,
        git=not no_git,
    )
    output.show_new(command.new(wanted, given, dry_run=dry_run), as_json=as_json)


@app.command(epilog="Example: fastoffload update --check")
def update(
    path: Project = Path(),
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The release; by default the newest.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the project is behind: exit 1 if so.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change; write nothing.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Finish when the conflicts are resolved.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Put everything back as it was before.")
    ] = False,
    test: Test = False,
    as_json: Json = False,
) -> None:
    """Brings a project to the newest release of its templates; your edits are kept."""
    from fastoffload import living, options, resume
    from fastoffload import update as command

    modes = {"--check": check, "--diff": diff, "--continue": go_on, "--abort": abort}
    options.check_together(modes | {"--to": to is not None, "--test": test, "--json": as_json})
    folder = options.absolute(path)
    if check:
        code = living.show_check(command.check(folder), as_json=as_json)
    elif diff:
        code = living.show_diff(command.diff(folder, to, colour=living.coloured()))
    elif go_on:
        code = living.show_update(resume.go_on(folder), as_json=as_json)
    elif abort:
        code = living.show_update(resume.abort(folder), as_json=as_json)
    else:
        code = living.show_update(command.update(folder, to, test=test), as_json=as_json)
    raise typer.Exit(code)


@app.command(epilog="Example: fastoffload switch celery --broker redis")
def switch(
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="See `fastoffload strategies`.")
    ],
    path: Project = Path(),
    pool: Pool = None,
    broker: Broker = None,
    test: Test = False,
    as_json: Json = False,
) -> None:
    """Changes the strategy, pool or broker of a project; your edits are kept."""
    from fastoffload import living, options
    from fastoffload import switch as command

    given = {"pool": pool, "broker": broker}
    result = command.switch(options.absolute(path), strategy, given, test=test)
    raise typer.Exit(living.show_update(result, as_json=as_json))


@app.command(epilog="Example: fastoffload status --check")
def status(
    path: Project = Path(),
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 for what CI should refuse.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Says what a project is, and which of its files differ from what was generated."""
    from fastoffload import living, options
    from fastoffload import status as command

    found = command.status(options.absolute(path))
    raise typer.Exit(living.show_status(found, as_json=as_json, check=check))


@app.command(epilog="Example: fastoffload strategies --json")
def strategies(as_json: Json = False) -> None:
    """Lists the strategies, and when to take each."""
    from fastoffload import output

    output.show_strategies(as_json=as_json)


@app.command(epilog="Example: fastoffload smoke --variant celery-redis --stage boot --stage job")
def smoke(
    strategy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only variants of this one; repeatable."),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this one, as --list names it; repeatable."),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this stage and what it needs; repeatable."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="Stages at once; by default one per core.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(metavar="3.11,3.12", help="On these; by default on this one.")
    ] = None,
    services: Annotated[
        bool,
        typer.Option("--services", help="On REDIS_URL, RABBITMQ_URL and DATABASE_URL."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the projects; those that fail are kept anyway.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result as JUnit XML.")
    ] = None,
    templates: Annotated[
        str | None, typer.Option(metavar="DIR|GIT-URL", help="Somebody's own templates.")
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Print the matrix; with --json as a workflow takes it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Takes every variant from its templates to a report, and down again."""
    extras.check_installed("smoke")
    from fastoffload.smoke import options, output, run

    wanted = options.SmokeOptions.of(
        strategies=strategy or [],
        variants=variant or [],
        stages=stage or [],
        pythons=python,
        jobs=jobs,
        services=services,
        keep=keep,
        templates=templates,
        junit=junit,
    )
    if only_list:
        output.show_matrix(wanted.entries, as_json=as_json)
        return
    result = run.smoke(wanted)
    try:
        if junit:
            output.write_junit(result, junit)
    finally:  # neither of the two may cost the other
        output.show(result, as_json=as_json)
    raise typer.Exit(0 if result.passed else 1)


@app.command(epilog="Example: fastoffload bench --variants executor-process,celery-redis")
def bench(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help="Projects that exist, in place of generated ones."
        ),
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Those to generate, with commas between; default: all."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(metavar="N", help="How long it may take, generating included.")
    ] = 600,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Rounds at the most, if there is time.")
    ] = 5,
    compute: Annotated[
        str | None,
        typer.Option(
            metavar="FILE:FUNCTION",
            help="Your work in place of the sample's; called with nothing or a list of floats.",
        ),
    ] = None,
    with_packages: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PACKAGE", help="What FILE imports; may be repeated."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts and tables.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a chart.")] = None,
    as_json: Json = False,
) -> None:
    """Measures the variants beside the blocking way, on this machine."""
    extras.check_installed("bench")
    from fastoffload.bench import options, output, run

    wanted = options.BenchOptions.of(
        paths or [],
        variants,
        seconds=seconds,
        rounds=rounds,
        compute=compute,
        packages=with_packages or [],
        files=[html, svg],
    )
    result = run.bench(wanted)
    output.write_files(result, html, svg)
    output.show_bench(result, as_json=as_json)


@app.command(
    epilog="Example: fastoffload choose --seconds 30 --cpu --must-survive crash --machines 1"
    " --per-minute 4 --no-brokers"
)
def choose(
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="How long a job takes.")
    ] = None,
    cpu: Annotated[
        bool | None, typer.Option("--cpu/--io", help="It computes in Python, or it waits.")
    ] = None,
    must_survive: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="What jobs survive: restart, crash, deploy, machine."),
    ] = None,
    machines: Annotated[
        int | None, typer.Option(metavar="N", help="How many machines run jobs.")
    ] = None,
    per_minute: Annotated[
        float | None, typer.Option(metavar="N", help="How many jobs come in a minute.")
    ] = None,
    brokers_ok: Annotated[
        bool | None,
        typer.Option("--brokers-ok/--no-brokers", help="Whether a broker may be needed."),
    ] = None,
    from_bench: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Answer by what `bench --json` measured."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Names the strategy that fits your work, and why."""
    from fastoffload import choose as command
    from fastoffload import describe, output, prompts
    from fastoffload.evidence import Evidence

    given = describe.Described(seconds, cpu, must_survive, machines, per_minute, brokers_ok)
    evidence = Evidence.read(from_bench) if from_bench else None
    may_ask = prompts.on_terminal() and not as_json
    work = describe.describe(given, evidence, may_ask=may_ask)
    output.show_answer(command.choose(work, evidence), as_json=as_json)


def main() -> NoReturn:
    """Runs the command line; the one place where an error becomes a line and an exit code."""
    interrupts.listen()
    try:
        code = app(standalone_mode=False)
    except OSError as error:
        _check_stdout(error)
        raise
    except FastoffloadError as error:
        _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        message = error.format_message().rstrip(".")
        _fail(f"{message}; see `fastoffload --help`", UsageError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    # Typer itself answers an interruption inside a command by returning this code.
    if code == INTERRUPTED:
        _fail("interrupted; nothing was kept", code)
    sys.exit(code)


def _check_stdout(error: OSError) -> None:
    """Fails in one line if it is stdout that cannot be written: another try tells."""
    try:
        typer.echo()
    except OSError:
        # What is left in its buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"stdout: {error.strerror}; give another place for the output", 1)


def _fail(message: str, code: int) -> NoReturn:
    from fastoffload import console

    console.error(message)
    sys.exit(code)
