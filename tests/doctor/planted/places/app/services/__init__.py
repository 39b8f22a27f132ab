from .store import *
from .tools import (
    cached_settings,
    close_quietly,
    offloaded,
    resize,
    slow_decorator,
    thumbnail,
    words,
)
