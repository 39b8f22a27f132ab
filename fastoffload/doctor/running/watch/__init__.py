"""What blocks an event loop while it runs: a folder that needs the standard library only.

So it also runs in an environment without fastoffload, from a copy.
"""

from .blame import Stall
from .middleware import BlockingWatch
from .watcher import LIMIT_SECONDS, Watcher

__all__ = ["LIMIT_SECONDS", "BlockingWatch", "Stall", "Watcher"]
