"""`uv run start.py`: everything that the Procfile names, for development. Ctrl-C ends all of it."""

import signal
from runpy import run_path

signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback before anything has begun
run_path("app/offload/dev/start.py", run_name="__main__")
