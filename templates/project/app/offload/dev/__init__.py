"""What `uv run start.py` is, and needs besides the service itself. No part of production."""
