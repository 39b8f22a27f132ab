"""What of a project the engine's tests use: the engine, and the commands that start it."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
ENGINE = PROJECT / "app/offload"
PROCFILE = PROJECT / "Procfile"

# In an application that is not fastoffload's, these tests bring a package `app` of their own, for
# what the application's does when it is imported is none of their business.
STAND_IN = HERE / "stand_in"
ROOT = STAND_IN if STAND_IN.is_dir() else PROJECT
"""The folder from which `app.offload` can be imported."""
