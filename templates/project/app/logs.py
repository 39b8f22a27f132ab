"""Structured logs: one line an event, JSON unless a person watches."""

import logging.config
import sys

import structlog

from app.settings import get_settings


def configure_logging() -> None:
    """Send the logs of this process, the libraries' too, to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers())
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(get_settings().log_level)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it narrates each font it embeds
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True


def _renderers() -> list[structlog.typing.Processor]:
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        return [meta, structlog.dev.ConsoleRenderer()]
    return [meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
