"""What `uv run honcho start` needs besides the service itself. No part of production."""
