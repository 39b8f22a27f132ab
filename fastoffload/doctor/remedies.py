"""What to do about a finding, in words: one of three."""

from fastoffload.choosing.recommendation import choose
from fastoffload.choosing.workload import ROOM, Work
from fastoffload.doctor.findings import Remedy


def plain_def(function: str) -> Remedy:
    """FastAPI itself runs a plain function in a thread."""
    return Remedy(
        "def", f"nothing in `{function}` awaits: make it a plain `def`, FastAPI runs it in a thread"
    )


def wrap(function: str, *, in_process: bool = False, instead: str = "") -> Remedy:
    """A thread for what waits or releases the GIL, a process for what computes in Python."""
    way = (
        f"await loop.run_in_executor(process_pool, {function}, …)"
        if in_process
        else f"await asyncio.to_thread({function}, …)"
    )
    return Remedy("wrap", f"wrap this call: `{way}`" + (f", or use {instead}" if instead else ""))


def at_start() -> Remedy:
    """No request waits for it."""
    return Remedy("wrap", "only the start waits for it: leave it, or do it before serving")


def job(name: str, recipe: str) -> Remedy:  # noqa: ARG001 (for the command that is to come)
    """Of work that nobody measured."""
    return Remedy(
        "job", _as_job(name, "fastoffload new", "`fastoffload choose` says which strategy")
    )


def measured_job(name: str, seconds: float, kind: str) -> Remedy:
    """With the strategy that `choose` takes for work of these seconds and one of its kinds."""
    # One at a time on one core: how many come is not known, and one run says nothing of it.
    work = Work(
        seconds=seconds,
        kind=kind,
        must_survive="restart",
        machines=1,
        per_minute=60 * ROOM / seconds,
        brokers_ok=False,
        cores=1,
    )
    too_long = f"{seconds:.1f} s is too long to wait for"
    return Remedy("job", _as_job(name, choose(work, None).command, too_long))


def _as_job(name: str, command: str, note: str) -> str:
    """The one place that says how work becomes a job."""
    return f"make it a job: a folder app/jobs/{name}, as a project of `{command}` has one ({note})"
