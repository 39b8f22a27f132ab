"""Structured logs of this process, the libraries' too: for people, or one line of JSON an event.

To be configured when the application is imported: Uvicorn's first lines come before its lifespan
begins. A worker's program does it before Celery or Dramatiq would (Celery: `signals.setup_logging`;
Dramatiq: `--skip-logging`).
"""

import logging.config
import os
import re
import sys
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import Processor

from ..settings import get_settings

# Asked again and again by machines and by the page; logged only when refused or failed.
POLLED = re.compile(r"/(health(/\w+)?|metrics|events|stalls)$")
# A message says "look" and no more: what is told of it at INFO is noise beside the job's own lines.
LEVELS = {
    "celery.app.trace": logging.WARNING,
    "celery.worker.strategy": logging.WARNING,
}
OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "dramatiq")
# Who may speak at INFO: the application's package, and what serves and works. Other libraries tell
# of their insides (a PDF's fonts: 146 lines): LOG_LEVEL=DEBUG shows that.
SPEAKERS = {__name__.partition(".")[0], "uvicorn", "celery", "dramatiq"}
INSTALLED = {"site-packages", "dist-packages"}


def configure() -> None:
    """Send the logs of this process to stderr, as LOG_FORMAT and LOG_LEVEL say."""
    style = _style()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _TIMESTAMPS[style],
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(style))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    if get_settings().log_level != "DEBUG":
        handler.addFilter(_WithoutInsides())
    root.setLevel(get_settings().log_level)
    _tame_libraries()


Style = Literal["console", "json"]
_TIMESTAMPS: dict[Style, Processor] = {
    "console": structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
    "json": structlog.processors.TimeStamper(fmt="iso", utc=True),
}


def _style() -> Style:
    """As the setting says; else for people where one watches: on a terminal, under start.py."""
    if given := get_settings().log_format:
        return given
    # start.py, which only development uses, reads its programs through pipes.
    watched = sys.stderr.isatty() or "HONCHO_PROCESS_NAME" in os.environ
    return "console" if watched else "json"


def _renderers(style: Style) -> list[Processor]:
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style == "json":
        return [meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    # Plain tracebacks: where Rich is installed, structlog's own would show every local variable.
    plain = structlog.dev.plain_traceback
    return [meta, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _tame_libraries() -> None:
    for name in OWN_HANDLERS:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))
    logging.getLogger("uvicorn.access").filters = [_WithoutPolling()]


class _WithoutInsides(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING or record.name.partition(".")[0] in SPEAKERS:
            return True
        return INSTALLED.isdisjoint(Path(record.pathname).parts)


class _WithoutPolling(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (_, _, str(path), _, int(status)) if status < 400:  # as Uvicorn gives them
                return not POLLED.search(path.partition("?")[0])
        return True
