"""Who imports what."""

import subprocess
import sys

from service import ROOT

HEAVY = {"app.compute", "app.pdf", "fpdf"}
TRACING = {"opentelemetry.sdk.trace", "opentelemetry.exporter"}


def test_the_api_loads_no_computing_or_rendering_library() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, app.main; print(*sys.modules)"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "app.offload" in loaded
    assert HEAVY.isdisjoint(loaded)
    assert TRACING.isdisjoint(loaded)  # it is asked for by the environment
