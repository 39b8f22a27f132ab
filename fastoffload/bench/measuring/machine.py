"""The machine, as far as it bears on the figures."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

from fastoffload.system.cpu import available_cores


@dataclass(frozen=True, slots=True)
class Machine:
    """Its processor, memory in gigabytes, system, and the load of the minute before."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float

    @property
    def in_words(self) -> str:
        """One line."""
        parts = (f"{self.cores} cores ({self.processor})", f"{self.memory_gb:.0f} GB", self.system)
        return ", ".join((*parts, f"Python {self.python}"))


def this_machine() -> Machine:
    """As it is now."""
    return Machine(
        processor=_processor(),
        cores=available_cores(),
        memory_gb=psutil.virtual_memory().total / 1e9,
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
