"""Finds what blocks the event loop of a FastAPI application."""

# `pytest -p fastoffload.doctor`: pytest loads what a plugin names, and nobody else does.
pytest_plugins = ("fastoffload.doctor.pytest_plugin",)
