"""Generates FastAPI projects that do heavy work off the event loop."""
