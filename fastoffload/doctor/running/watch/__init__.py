"""What blocks an event loop while it runs: a folder that needs the standard library only.

So it also runs in an environment without fastoffload, from a copy.
"""

from .middleware import BlockingWatch
from .stall import Stall
from .watcher import LIMIT_SECONDS, Watcher

__all__ = ["LIMIT_SECONDS", "BlockingWatch", "Stall", "Watcher"]
