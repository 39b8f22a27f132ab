"""What to do about a finding, in words: one of three."""

from fastoffload.choosing.recommendation import choose
from fastoffload.choosing.workload import ROOM, Work
from fastoffload.doctor.findings import Remedy
from fastoffload.recipes import naming
from fastoffload.recipes.recipe import DEFAULT, in_templates, of_library
from fastoffload.templating.releases import templates_dir


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


def job(name: str, recipe: str) -> Remedy:
    """Of work that nobody measured."""
    made_by = "`fastoffload new`, whose strategy `fastoffload choose` names"
    return Remedy("job", _as_job(name, recipe, made_by))


def measured_job(name: str, call: str, seconds: float, kind: str) -> Remedy:
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
    recipe = of_library(in_templates(templates_dir()), call.partition(".")[0])
    reason = f" ({seconds:.1f} s is too long to wait for)"
    return Remedy("job", _as_job(name, recipe, f"`{choose(work, None).command}`", reason))


def _as_job(name: str, recipe: str, made_by: str, reason: str = "") -> str:
    """The one place that says how work becomes a job."""
    valid = name if naming.fault_of(name) is None else naming.like(name)
    option = "" if recipe == DEFAULT else f" --recipe {recipe}"
    return (
        f"make it a job{reason}: `fastoffload add {valid}{option}`, in a project of {made_by}, or"
        " here after `fastoffload init`"
    )
