"""What to do about a finding, in words: one of three."""

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


def job(name: str, recipe: str) -> Remedy:
    """The one place that says how work becomes a job."""
    add = f"fastoffload add {name} --recipe {recipe}"
    return Remedy(
        "job", f"make it a job: `{add}` (`fastoffload init` first, if there is no engine)"
    )
