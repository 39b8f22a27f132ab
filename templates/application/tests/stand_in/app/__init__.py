"""`app`, to the engine's tests: of the application's package the engine alone, wherever it lies."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[4]
__path__ = [str((PROJECT / "app/offload").parent)]
